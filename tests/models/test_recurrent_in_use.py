"""Search, scores, export and runs work with the recurrent model."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry

from tf_transformer import models
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.export.saved_model import export_saved_model
from tf_transformer.export.saved_translator import SavedTranslator
from tf_transformer.inference.settings import SearchSettings
from tf_transformer.inference.translator import Translator
from tf_transformer.layers.recurrent.score_functions import SCORE_FUNCTIONS
from tf_transformer.models import RecurrentSeq2Seq
from tf_transformer.runs.choices import CHOICES
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.data import load_corpus
from tf_transformer.runs.evaluation import evaluate
from tf_transformer.runs.training import train

pytestmark = pytest.mark.needs_tensorflow

PAIRS = [
    ("a cat sat on the mat", "고양이가 매트에 앉았다"),
    ("the dog ran to the park", "그 개는 공원으로 달렸다"),
    ("I am a student", "나는 학생이다"),
    ("birds fly over the old house", "새들이 낡은 집 위로 난다"),
]
TEXTS = ["a cat ran", "", "I am a student on the old mat, the mat of the dog", "★ 글자"]
KINDS = pytest.mark.parametrize(
    ("cell", "score"), [("gru", "additive"), ("lstm", None)]
)


@pytest.fixture(scope="module")
def make_translator():
    tokenizer = Tokenizer.train(PAIRS, vocab_size=330)

    def make(cell, score):
        model = RecurrentSeq2Seq(
            tokenizer.vocab_size, d_model=12, cell=cell, score=score, max_length=61
        )
        # larger weights than at the start, so that the translations differ
        random = np.random.default_rng(5)
        for weight in model.weights:
            weight.assign(weight + random.normal(scale=0.5, size=weight.shape))
        return Translator(model, tokenizer)

    return make


@pytest.mark.moderate
@KINDS
def test_search_scores_what_teacher_forcing_scores(make_translator, cell, score):
    translator = make_translator(cell, score)
    found = translator.nbest(TEXTS, beam_size=3, num_hypotheses=3, max_length=9)
    assert len({best.text for best, *_ in found}) > 2
    for text, several in zip(TEXTS, found, strict=True):
        kept = [one for one in several if text and len(one.token_ids) < 9]
        # pieces of a text that is tokenized again may be others
        whole = [
            one
            for one in kept
            if tuple(translator.tokenizer.encode_target([one.text])[0]) == one.token_ids
        ]
        scores = translator.score([text] * len(whole), [one.text for one in whole])
        np.testing.assert_allclose(scores, [one.score for one in whole], atol=1e-4)


@pytest.mark.long
@KINDS
def test_translation_does_not_depend_on_the_batch(make_translator, cell, score):
    translator = make_translator(cell, score)
    for beam_size in (1, 3):
        settings = {"beam_size": beam_size, "max_length": 9}
        together = translator.nbest(TEXTS, **settings)
        alone = [translator.nbest([text], **settings)[0] for text in TEXTS]
        for (one, *_), (other, *_) in zip(together, alone, strict=True):
            assert one.token_ids == other.token_ids
            assert one.score == pytest.approx(other.score, abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "score"),
    [("gru", "additive"), pytest.param("lstm", None, marks=pytest.mark.full)],
)
def test_export_gives_the_same_strings_with_core_operations_only(
    make_translator, cell, score, tmp_path
):
    translator = make_translator(cell, score)
    settings = SearchSettings(beam_size=3)
    path = export_saved_model(translator, tmp_path / "1", settings)
    saved = SavedTranslator(path)
    expected = [best for best, *_ in translator.nbest(TEXTS, beam_size=3)]
    found = saved.signatures["translate"](text=tf.constant(TEXTS))
    texts = [text.decode() for text in found["translation"].numpy()]
    assert texts == [best.text for best in expected]
    np.testing.assert_allclose(
        found["score"], [best.score for best in expected], atol=1e-3
    )
    graph = saved_model_pb2.SavedModel.FromString(
        (path / "saved_model.pb").read_bytes()
    )
    operations = set()
    for meta_graph in graph.meta_graphs:
        operations.update(node.op for node in meta_graph.graph_def.node)
        for function in meta_graph.graph_def.library.function:
            operations.update(node.op for node in function.node_def)
    assert "While" in operations
    foreign = [name for name in operations if name.startswith(("Xla", "Cudnn"))]
    foreign += [name for name in operations if op_def_registry.get(name) is None]
    assert foreign == []


@pytest.mark.slow
def test_run_trains_is_loaded_and_translates(tmp_path):
    # the translation is the sentence from behind, in capital letters
    random = np.random.default_rng(7)
    words, lines = ["sun", "moon", "star", "tree", "bird", "fish", "rain"], []
    for _ in range(460):
        chosen = random.choice(words, random.integers(2, 5))
        lines.append(" ".join(chosen) + "\t" + " ".join(chosen[::-1]).upper())
    tsv = tmp_path / "pairs.tsv"
    tsv.write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = TrainingConfig(
        data=str(tsv),
        vocab_size=330,
        architecture="recurrent",
        score="additive",
        epochs=12,
        batch_tokens=128,
        validation_sentences=5,
    )
    run = train(config, tmp_path / "run")
    model = run.translator().model
    assert isinstance(model, RecurrentSeq2Seq)
    assert model.score == "additive"
    scores = evaluate(run, "test", load_corpus(run.config()).test, beam_size=2)
    assert scores["exact"] >= 0.5


def test_settings_of_a_run_know_every_model_and_score():
    assert tuple(models.ARCHITECTURES) == CHOICES["architecture"]
    assert (*SCORE_FUNCTIONS, "none") == CHOICES["score"]


def test_score_without_the_recurrent_model_is_refused():
    with pytest.raises(ValueError, match="Expected architecture='recurrent'"):
        TrainingConfig(score="dot").resolved()
    with pytest.raises(ValueError, match="Unknown score.*Received: 'cosine'"):
        TrainingConfig(architecture="recurrent", score="cosine").resolved()
