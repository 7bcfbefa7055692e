"""A SavedModel gives the translations of Python, in a process without our package."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.export.graph_tokenizer.library import train_model
from tests.export.toy_export import (
    BEAM_SIZE,
    MAX_LENGTH,
    PAIRS,
    TEXTS,
    make_translator,
    save_signatures,
)
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.export.saved_model import export_saved_model
from tf_transformer.export.saved_translator import SavedTranslator
from tf_transformer.inference.settings import SearchSettings
from tf_transformer.version import __version__

README = Path(__file__).parents[2] / "saved_models" / "README.md"

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


@pytest.mark.slow
def test_fresh_process_gives_the_same_strings_and_scores(translator, exported):
    check_fresh_process(translator, exported)


@pytest.mark.slow
@pytest.mark.full
def test_each_side_may_have_a_sentencepiece_model_of_its_own(tmp_path):
    lines = [text for pair in PAIRS for text in pair]
    ids_of_t5 = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}
    ids_of_spm_train = {"unk_id": 0, "bos_id": 1, "eos_id": 2, "pad_id": -1}
    tokenizer = Tokenizer(
        train_model(*lines, user_defined_symbols=["<2ko>", "cat"], **ids_of_t5),
        train_model(*lines, model_type="bpe", **ids_of_spm_train),
    )
    translator = make_translator(tokenizer=tokenizer)
    settings = SearchSettings(beam_size=BEAM_SIZE)
    path = tmp_path / "1"
    save_signatures(translator, settings, path)
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
        expected = [best for best, *_ in translator.nbest(texts, beam_size=BEAM_SIZE)]
        assert found["translation"] == [best.text for best in expected]
        np.testing.assert_allclose(
            found["score"], [best.score for best in expected], atol=1e-4
        )
    # the toy model does translate: not all answers are empty or the same
    assert len(set(answer["results"][0]["translation"])) > 2


def test_other_rows_of_the_batch_change_nothing(saved):
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
    expected = translator.nbest(TEXTS, beam_size=BEAM_SIZE, num_hypotheses=BEAM_SIZE)
    for i, several in enumerate(expected):
        texts = [text.decode() for text in found["translation"][i].numpy()]
        assert texts == [one.text for one in several]
        scores = [one.score if TEXTS[i].strip() else 0.0 for one in several]
        np.testing.assert_allclose(found["score"][i], scores, rtol=1e-5)
    pairs = [("a cat ran", "새들이"), ("I am a student", ""), ("", "나는 학생이다")]
    texts, translations = (list(side) for side in zip(*pairs, strict=True))
    found = signatures["score"](
        text=tf.constant(texts), translation=tf.constant(translations)
    )
    np.testing.assert_allclose(
        found["score"], translator.score(texts, translations), rtol=1e-5
    )


def test_token_scores_agree_with_python(translator, saved):
    texts, translations = ["a cat ran", "", "birds"], ["새들이 낡은", "나는", ""]
    found = saved.signatures["score_tokens"](
        text=tf.constant(texts), translation=tf.constant(translations)
    )
    expected = translator.score_tokens(texts, translations)
    longest = max(map(len, expected))
    assert found["piece"].shape == found["score"].shape == (3, longest)
    for pieces, scores, tokens in zip(
        found["piece"].numpy(), found["score"].numpy(), expected, strict=True
    ):
        rest = longest - len(tokens)
        assert [piece.decode() for piece in pieces] == (
            [token.piece for token in tokens] + [""] * rest
        )
        log_probs = [token.log_prob for token in tokens] + [0.0] * rest
        np.testing.assert_allclose(scores, log_probs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("num_texts", "num_translations"), [(2, 3), (1, 3), (3, 1)])
def test_scoring_wants_as_many_translations_as_texts(
    saved, num_texts, num_translations
):
    message = (
        f"as many translations as texts.*\\[{num_texts}\\].*\\[{num_translations}\\]"
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        saved.signatures["score"](
            text=tf.constant(TEXTS[:num_texts]),
            translation=tf.constant(TEXTS[:num_translations]),
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    "dtype", [pytest.param("mixed_bfloat16", marks=pytest.mark.full), "mixed_float16"]
)
def test_model_in_low_precision_is_exported(tmp_path, dtype):
    translator = make_translator(dtype=dtype)
    settings = SearchSettings(beam_size=BEAM_SIZE)
    save_signatures(translator, settings, tmp_path, "translate_compiled", "score")
    signatures = tf.saved_model.load(str(tmp_path)).signatures
    expected = translator.score(TEXTS, TEXTS[::-1])
    found = signatures["score"](
        text=tf.constant(TEXTS), translation=tf.constant(TEXTS[::-1])
    )
    np.testing.assert_allclose(found["score"], expected, rtol=0.05)
    for name in ("translate", "translate_compiled"):
        found = signatures[name](text=tf.constant(TEXTS))
        assert found["score"].dtype == tf.float32
        assert np.isfinite(found["score"]).all()
        assert found["translation"][1] == found["translation"][3] == b""


def test_blank_text_has_the_empty_translation(saved):
    assert saved(["", " \t "]) == ["", ""]
    found = saved.signatures["nbest"](text=tf.constant([TEXTS[0], " "]))
    assert found["translation"].numpy()[1].tolist() == [b""] * found["score"].shape[1]
    assert not found["score"].numpy()[1].any()  # JSON has no -inf
    assert found["score"].numpy()[0].all()
    pair = {"text": tf.constant([" "]), "translation": tf.constant([""])}
    assert saved.signatures["score"](**pair)["score"].numpy().tolist() == [0.0]


def test_no_text_at_all_gives_no_translation(saved):
    assert saved([]) == []


# each character is three bytes, which are tokens
TOO_LONG = "猫" * (MAX_LENGTH // 3 + 1)


def test_text_that_cannot_be_translated_fails_before_others_are(saved, monkeypatch):
    with pytest.raises(ValueError, match="lone surrogates. Received: 'a .udc80'"):
        saved(["a \udc80"])
    computed, translate = [], saved._translate
    monkeypatch.setattr(saved, "batch_size", 2)
    monkeypatch.setattr(
        saved, "_translate", lambda texts: computed.append(texts) or translate(texts)
    )
    with pytest.raises(ValueError, match="text is longer.*Received: [0-9]+ tokens"):
        saved([*TEXTS, TOO_LONG])
    assert len(computed) == 1


REFUSED = {
    "serving_default": ({"text": TOO_LONG}, "text"),
    "translate": ({"text": TOO_LONG}, "text"),
    "translate_compiled": ({"text": TOO_LONG}, "text"),
    "nbest": ({"text": TOO_LONG}, "text"),
    "attend": ({"text": TOO_LONG}, "text"),
    "score": ({"text": TOO_LONG, "translation": "새"}, "text"),
    "score_tokens": ({"text": TOO_LONG, "translation": "새"}, "text"),
    "score of a translation": ({"text": "a", "translation": TOO_LONG}, "translation"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_too_long_text_is_an_error_that_names_the_limit(translator, saved, name):
    arguments, side = REFUSED[name]
    tokenizer = translator.tokenizer
    encode = tokenizer.encode_source if side == "text" else tokenizer.encode_target
    [num_tokens] = map(len, encode([TOO_LONG]))
    # together with a text that would fit; nothing is truncated
    tensors = {key: tf.constant(["a", value]) for key, value in arguments.items()}
    with pytest.raises(tf.errors.InvalidArgumentError) as raised:
        saved.signatures[name.split()[0]](**tensors)
    assert f"A {side} is longer than the model can read" in raised.value.message
    assert f"at most {MAX_LENGTH} tokens" in raised.value.message
    assert f"[{num_tokens}]" in raised.value.message


@pytest.mark.parametrize("name", ["translate", "score of a translation"])
def test_a_text_with_too_many_characters_is_refused_before_it_is_split(saved, name):
    arguments, side = REFUSED[name]
    tensors = {key: tf.constant([value]) for key, value in arguments.items()}
    tensors[side] = tf.constant(["a" * 3000])
    with pytest.raises(tf.errors.InvalidArgumentError, match="have at most") as raised:
        saved.signatures[name.split()[0]](**tensors)
    assert f"at most {MAX_LENGTH} tokens" in raised.value.message


def test_too_many_characters_are_an_error_of_the_saved_translator(saved):
    with pytest.raises(ValueError, match="characters. Received: 3001 characters"):
        saved(["a", "a" * 3000])


def test_every_signature_that_takes_text_has_a_limit(saved):
    takes_text = {
        name
        for name, function in saved.signatures.items()
        if function.structured_input_signature[1]
    }
    assert takes_text == {name.split()[0] for name in REFUSED}


def longest_text(translator):
    """A text with the maximum number of tokens."""
    texts = ["cat" + " a" * i for i in range(MAX_LENGTH)]
    rows = translator.tokenizer.encode_source(texts)
    return texts[[len(row) for row in rows].index(MAX_LENGTH)]


def test_text_as_long_as_the_limit_is_translated(translator, saved):
    text = longest_text(translator)
    [expected] = translator([text], beam_size=BEAM_SIZE)
    assert saved([text]) == [expected]
    with pytest.raises(ValueError, match=f"at most {MAX_LENGTH}.*{MAX_LENGTH + 1}"):
        saved([text + " a"])


def test_info_has_versions_settings_and_the_argument(translator, saved):
    assert saved.info() == {
        "tf_transformer": __version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "max_length": MAX_LENGTH,
        "parameters": translator.model.count_params(),
        "search": dataclasses.asdict(SearchSettings(beam_size=BEAM_SIZE)),
        "signatures": sorted(saved.signatures),
        "languages": ["en", "ko"],
    }


def test_readme_of_saved_models_names_every_signature_and_key(saved):
    text = README.read_text(encoding="utf-8")
    for name in [*saved.signatures, *saved.info(), "scores"]:
        assert f"`{name}`" in text, name


def test_export_is_never_overwritten(translator, exported):
    before = sorted(path.name for path in exported.parent.iterdir())
    with pytest.raises(FileExistsError, match="never overwritten"):
        export_saved_model(translator, exported)
    assert sorted(path.name for path in exported.parent.iterdir()) == before


def test_folder_without_saved_model_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="contains no SavedModel"):
        SavedTranslator(tmp_path)
