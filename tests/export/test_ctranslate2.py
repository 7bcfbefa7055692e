"""The exported CTranslate2 model computes what our model computes."""

import json

import keras
import pytest
import sentencepiece

import tf_transformer as tt
from tests.document_blocks import python_blocks
from tests.export.toy_export import (
    MAX_LENGTH,
    PAIRS,
    TEXTS,
    add_lora,
    add_lora_to_dense,
    make_translator,
)
from tf_transformer.export.ctranslate2 import QUANTIZATIONS, export_ctranslate2
from tf_transformer.inference.search import score_ids
from tf_transformer.inference.translator import padded

ctranslate2 = pytest.importorskip(
    "ctranslate2", reason="pip install 'tf_transformer[ctranslate2]'"
)
VARIANTS = {
    "post-norm": {},
    "pre-norm": {"normalize_first": True},
    "rms": {"norm": keras.layers.RMSNormalization, "normalize_first": True},
    "gelu": {"activation": "gelu"},
    "silu": {"activation": "silu"},
    "tanh": {"activation": "tanh"},
    "sigmoid": {"activation": "sigmoid"},
    "learned positions": {"learned_positions": True},
    "two vocabularies": {"shared": False},
    "as Marian": {
        **{"num_encoder_layers": 3, "num_decoder_layers": 1, "start_id": None},
        **{"positions": "marian", "output_bias": True, "norm_epsilon": 1e-3},
    },
    "as Hugging Face": {"start_id": 0, "positions": "halves", "output_bias": True},
}
CHANGES = {
    "LoRA": add_lora,
    "int8 and LoRA": lambda model: (model.quantize("int8"), add_lora_to_dense(model)),
}
SOURCES, TARGETS = zip(*PAIRS, strict=True)


def eager_scores(translator, targets=TARGETS):
    """Scores without the time to trace a graph."""
    tokenizer = translator.tokenizer
    rows = tokenizer.encode_source(SOURCES), tokenizer.encode_target(targets)
    scores = score_ids(translator.model, *(padded(ids, MAX_LENGTH) for ids in rows))
    return keras.ops.convert_to_numpy(scores).tolist()


def loaded(path):
    return ctranslate2.Translator(str(path), device="cpu", compute_type="float32")


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
def test_log_probabilities_are_the_same(name, tmp_path):
    translator = make_translator(**VARIANTS[name])
    tokenizer = translator.tokenizer
    path = export_ctranslate2(translator, tmp_path / "model")
    wrong = TARGETS[::-1]
    found = loaded(path).score_batch(
        tokenizer.source_pieces(SOURCES),
        [pieces[:-1] for pieces in tokenizer.target_pieces(wrong)],
    )
    found = [sum(result.log_probs) for result in found]
    assert found == pytest.approx(eager_scores(translator, wrong), rel=1e-5)
    assert len({round(score, 2) for score in found}) == len(PAIRS)


@pytest.fixture(scope="module")
def taught():
    """A translator that was overfitted to its sentences, so that they end."""
    toy = make_translator()
    tokenizer, sizes = toy.tokenizer, {"d_model": 24, "dropout_rate": 0.0}
    model = tt.Transformer(**{**toy.model.arguments(), **sizes})
    [batch] = tt.data.batches(PAIRS, tokenizer, batch_tokens=500)
    model.compile(keras.optimizers.Adam(5e-3), loss=tt.MaskedCrossEntropy())
    for _ in range(150):
        model.train_on_batch(*batch)
    translator = tt.Translator(model, tokenizer)
    assert translator(SOURCES) == list(TARGETS)
    return translator


@pytest.mark.slow
@pytest.mark.parametrize("beam_size", [1, 3])
def test_translations_and_their_scores_are_the_same(taught, beam_size, tmp_path):
    path = export_ctranslate2(taught, tmp_path / "model")
    texts = [*SOURCES, *TEXTS[:1], "I am a dog"]
    expected = taught.nbest(texts, beam_size=beam_size, alpha=0.0)
    pieces, model = taught.tokenizer.source_pieces(texts), loaded(path)
    found = model.translate_batch(pieces, beam_size=beam_size, length_penalty=0)
    hypotheses = [result.hypotheses[0] for result in found]
    vocabulary = sentencepiece.SentencePieceProcessor(str(path / "tokenizer.model"))
    strings = [vocabulary.decode(hypothesis) for hypothesis in hypotheses]
    assert strings == [best.text for best, *_ in expected]
    # a result's own `scores` leave the end out
    scores = [sum(one.log_probs) for one in model.score_batch(pieces, hypotheses)]
    assert scores == pytest.approx([best.score for best, *_ in expected], abs=1e-4)


@pytest.mark.slow
def test_documented_program_translates(taught, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    export_ctranslate2(taught, tmp_path / "models" / "mine-ct2" / "1")
    *_, program = python_blocks("docs/serving.md")
    exec(program, {})
    [[best, *_]] = taught.nbest(["I am a student."], beam_size=4, alpha=0.0)
    assert best.text
    assert capsys.readouterr().out == f"{best.text}\n"


@pytest.mark.slow
@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_other_kinds_of_weights_are_near(taught, quantization, tmp_path):
    path = export_ctranslate2(taught, tmp_path / "model", quantization)
    pieces = taught.tokenizer.source_pieces(SOURCES)
    labels = [row[:-1] for row in taught.tokenizer.target_pieces(TARGETS)]
    found = loaded(path).score_batch(pieces, labels)
    found = [sum(result.log_probs) for result in found]
    assert found == pytest.approx(taught.score(SOURCES, TARGETS), rel=0.3)


@pytest.mark.slow
def test_weights_of_8_bits_are_a_third_as_large_and_near(taught, tmp_path):
    whole = export_ctranslate2(taught, tmp_path / "float32")
    small = export_ctranslate2(taught, tmp_path / "int8", "int8")
    sizes = [(path / "model.bin").stat().st_size for path in (whole, small)]
    assert sizes[1] < sizes[0] / 2.5
    pieces = taught.tokenizer.source_pieces(SOURCES)
    # CTranslate2's products of 8-bit numbers may overflow (docs/serving.md), which is
    # no property of the file
    found = loaded(small).translate_batch(pieces, beam_size=1)
    decoded = [
        "".join(result.hypotheses[0]).replace("▁", " ").strip() for result in found
    ]
    assert decoded == list(TARGETS)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
@pytest.mark.parametrize("change", CHANGES)
def test_quantized_and_adapted_weights_are_written_as_they_count(change, tmp_path):
    translator = make_translator()
    before = eager_scores(translator)
    CHANGES[change](translator.model)
    path = export_ctranslate2(translator, tmp_path / "model")
    found = loaded(path).score_batch(
        translator.tokenizer.source_pieces(SOURCES),
        [pieces[:-1] for pieces in translator.tokenizer.target_pieces(TARGETS)],
    )
    found = [sum(result.log_probs) for result in found]
    # activations are quantized in Keras only
    tolerance = 1e-5 if change == "LoRA" else 0.05
    assert found == pytest.approx(eager_scores(translator), rel=tolerance)
    if "LoRA" in change:
        assert found != pytest.approx(before, rel=tolerance)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
def test_other_quantizations_are_refused(tmp_path):
    translator = make_translator()
    translator.model.quantize("int4")
    with pytest.raises(ValueError, match="Expected float weights or int8.*int4"):
        export_ctranslate2(translator, tmp_path / "model")
    assert not (tmp_path / "model").exists()
    translator = make_translator()
    translator.model.quantize("int8")
    add_lora(translator.model)
    with pytest.raises(ValueError, match="Received: both in .*embedding"):
        export_ctranslate2(translator, tmp_path / "model")


@keras.saving.register_keras_serializable(package="tests")
class OddEncoder(tt.layers.Encoder):
    """An encoder with another computation."""


@pytest.mark.moderate
def test_models_that_ctranslate2_does_not_support_are_refused(tmp_path):
    path = tmp_path / "model"
    batch_norm = make_translator(norm=keras.layers.BatchNormalization)
    with pytest.raises(ValueError, match="Received: BatchNormalization"):
        export_ctranslate2(batch_norm, path)
    odd = make_translator(activation="softsign")
    with pytest.raises(ValueError, match="Received: 'softsign'"):
        export_ctranslate2(odd, path)
    with pytest.raises(ValueError, match="Received: OddEncoder"):
        export_ctranslate2(make_translator(encoder=OddEncoder), path)
    with pytest.raises(ValueError, match="Received: SSRUDecoder"):
        export_ctranslate2(make_translator(decoder=tt.layers.SSRUDecoder), path)
    translator = make_translator()
    recurrent = tt.RecurrentSeq2Seq(translator.tokenizer.vocab_size, d_model=12)
    with pytest.raises(ValueError, match="Received: RecurrentSeq2Seq"):
        export_ctranslate2(tt.Translator(recurrent, translator.tokenizer), path)
    with pytest.raises(ValueError, match="Received: 'int4'"):
        export_ctranslate2(translator, path, "int4")
    assert not path.exists()


def test_an_export_is_never_overwritten(tmp_path):
    translator = make_translator()
    path = export_ctranslate2(translator, tmp_path / "model")
    before = (path / "model.bin").read_bytes()
    with pytest.raises(FileExistsError, match="never overwritten"):
        export_ctranslate2(translator, path)
    assert (path / "model.bin").read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize(("start_id", "start"), [(3, "</s>"), (None, "<s>")])
def test_the_runtime_is_told_the_special_tokens(start_id, start, tmp_path):
    translator = make_translator(start_id=start_id, norm_epsilon=1e-4)
    path = export_ctranslate2(translator, tmp_path / "model")
    config = json.loads((path / "config.json").read_text())
    expected = {
        **{"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"},
        **{"decoder_start_token": start, "layer_norm_epsilon": 1e-4},
    }
    assert {name: config[name] for name in expected} == expected


def test_positions_beyond_the_table_are_an_error_there_too(tmp_path):
    translator = make_translator()
    path = export_ctranslate2(translator, tmp_path / "model")
    with pytest.raises((RuntimeError, ValueError), match="position"):
        loaded(path).translate_batch([["▁a"] * 70 + ["</s>"]])
