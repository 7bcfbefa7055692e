"""A SavedModel gives what the Python translator gives, to a process without us."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry

from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.export.saved_model import SavedTranslator, export_saved_model
from tf_transformer.models import Transformer
from tf_transformer.search import SearchSettings
from tf_transformer.translator import Translator

PAIRS = [
    ("a cat sat on the mat", "고양이가 매트에 앉았다"),
    ("the dog ran to the park", "그 개는 공원으로 달렸다"),
    ("I am a student", "나는 학생이다"),
    ("birds fly over the old house", "새들이 낡은 집 위로 난다"),
]
TEXTS = [
    "a cat ran",
    "",
    "I am a student on the old mat, the mat of the dog",
    "   ",
    "완전히 다른 글자 ★",
]
MAX_LENGTH = 61
FRESH_PROCESS = """
import json, sys
import tensorflow as tf
translate = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
results = []
for texts in json.loads(sys.argv[2]):
    found = translate(text=tf.constant(texts, tf.string))
    results.append({
        "translation": [text.decode() for text in found["translation"].numpy()],
        "score": found["score"].numpy().tolist(),
    })
ours = ("tf_transformer", "sentencepiece")
foreign = [name for name in sys.modules if name.split(".")[0] in ours]
print(json.dumps({"results": results, "foreign": foreign}))
"""


def make_translator(shared):
    keras.utils.set_random_seed(3)
    tokenizer = Tokenizer.train(PAIRS, vocab_size=330, shared=shared)
    model = Transformer(
        tokenizer.vocab_size,
        num_layers=2,
        d_model=12,
        num_heads=3,
        d_ff=17,
        max_length=MAX_LENGTH,
        target_vocab_size=tokenizer.target_vocab_size,
    )
    # larger weights than at the start, so that the translations differ
    generator = np.random.default_rng(5)
    model.set_weights(
        [w + 0.4 * generator.standard_normal(w.shape) for w in model.get_weights()]
    )
    return Translator(model, tokenizer)


@pytest.fixture(scope="module")
def translator():
    return make_translator(shared=True)


@pytest.fixture(scope="module")
def exported(translator, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved_models") / "toy" / "1"
    return export_saved_model(
        translator, path, SearchSettings(beam_size=3), {"languages": ["en", "ko"]}
    )


@pytest.fixture(scope="module")
def saved(exported):
    return SavedTranslator(exported)


def test_fresh_process_gives_the_same_strings_and_scores(translator, exported):
    check_fresh_process(translator, exported)


@pytest.mark.slow
def test_each_side_may_have_its_own_vocabulary(tmp_path):
    translator = make_translator(shared=False)
    settings = SearchSettings(beam_size=3)
    path = export_saved_model(translator, tmp_path / "1", settings)
    check_fresh_process(translator, path)


def check_fresh_process(translator, exported):
    groups = [TEXTS, TEXTS[2:3], [*TEXTS[::-1], TEXTS[0] + " " + TEXTS[0]]]
    result = subprocess.run(
        [sys.executable, "-c", FRESH_PROCESS, str(exported), json.dumps(groups)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    answer = json.loads(result.stdout)
    assert answer["foreign"] == []
    for texts, found in zip(groups, answer["results"], strict=True):
        expected = [best for best, *_ in translator.nbest(texts, beam_size=3)]
        assert found["translation"] == [best.text for best in expected]
        np.testing.assert_allclose(
            found["score"], [best.score for best in expected], atol=1e-4
        )
    # the toy model does translate: not all answers are empty or the same
    assert len(set(answer["results"][0]["translation"])) > 2


def test_batch_mates_change_nothing(saved):
    translate = saved.signatures["translate"]
    together = translate(text=tf.constant(TEXTS))
    for i, text in enumerate(TEXTS):
        alone = translate(text=tf.constant([text]))
        assert alone["translation"][0] == together["translation"][i]
        np.testing.assert_allclose(
            alone["score"][0], together["score"][i], rtol=1e-5, atol=1e-5
        )


def test_nbest_and_score_agree_with_python(translator, saved):
    signatures = saved.signatures
    found = signatures["nbest"](text=tf.constant(TEXTS))
    expected = translator.nbest(TEXTS, beam_size=3, num_hypotheses=3)
    for i, several in enumerate(expected):
        texts = [text.decode() for text in found["translation"][i].numpy()]
        assert texts == [one.text for one in several]
        scores = [one.score for one in several]
        np.testing.assert_allclose(found["score"][i], scores, rtol=1e-5)
    pairs = [("a cat ran", "새들이"), ("I am a student", ""), ("", "나는 학생이다")]
    texts, translations = (list(side) for side in zip(*pairs, strict=True))
    found = signatures["score"](
        text=tf.constant(texts), translation=tf.constant(translations)
    )
    np.testing.assert_allclose(
        found["score"], translator.score(texts, translations), rtol=1e-5
    )


def test_blank_text_has_the_empty_translation(saved):
    assert saved(["", " \t "]) == ["", ""]


def test_no_text_at_all_gives_no_translation(saved):
    assert saved([]) == []


def test_too_long_text_is_an_error_that_names_the_limit(saved):
    text = "cat " * MAX_LENGTH
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"at most {MAX_LENGTH}"):
        saved.signatures["translate"](text=tf.constant([text]))
    with pytest.raises(ValueError, match=f"at most {MAX_LENGTH}"):
        saved([text])


def test_weights_are_stored_once(translator, exported):
    reader = tf.train.load_checkpoint(str(exported / "variables" / "variables"))
    shapes = reader.get_variable_to_shape_map()
    stored = sum(
        int(np.prod(shape))
        for name, shape in shapes.items()
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH"
    )
    assert stored == translator.model.count_params()


def test_graph_holds_core_operations_only(exported):
    graph = saved_model_pb2.SavedModel.FromString(
        (exported / "saved_model.pb").read_bytes()
    )
    operations = set()
    for meta_graph in graph.meta_graphs:
        operations.update(node.op for node in meta_graph.graph_def.node)
        for function in meta_graph.graph_def.library.function:
            operations.update(node.op for node in function.node_def)
    foreign = {name for name in operations if name.startswith("Xla")}
    foreign |= {name for name in operations if not is_core_operation(name)}
    assert "While" in operations and "LookupTableFindV2" in operations
    assert not foreign


def is_core_operation(name):
    """Whether TensorFlow's own registry, with no library loaded, has it."""
    return op_def_registry.get(name) is not None


def test_info_tells_versions_settings_and_what_was_given(saved):
    info = saved.info()
    assert info["tensorflow"] == tf.__version__
    assert info["search"]["beam_size"] == 3
    assert info["languages"] == ["en", "ko"]
    assert info["max_length"] == MAX_LENGTH


def test_export_is_never_overwritten(translator, exported):
    before = sorted(path.name for path in exported.parent.iterdir())
    with pytest.raises(FileExistsError, match="never overwritten"):
        export_saved_model(translator, exported)
    assert sorted(path.name for path in exported.parent.iterdir()) == before


def test_folder_without_saved_model_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no SavedModel"):
        SavedTranslator(tmp_path)
