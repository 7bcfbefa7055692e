"""Folders of Hugging Face's Marian against `MarianMTModel`, the reference."""

import numpy as np
import pytest

from tests.importers.hugging_face_folders import (
    LANGUAGES,
    TARGET_LINES,
    TEXTS,
    write_model,
)
from tf_transformer.importers.importing import import_translator, read_model
from tf_transformer.inference.translator import padded
from tf_transformer.training.weights import load_weights, save_weights

transformers = pytest.importorskip(
    "transformers", reason="pip install 'tf_transformer[marian-tests]'"
)
torch = pytest.importorskip("torch", reason="pip install 'tf_transformer[torch]'")

# of MarianTokenizer
pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses"),
]
VARIANTS = {
    "swish": {},
    "relu": {"activation_function": "relu"},
    "gelu, bpe": {"activation_function": "gelu", "model_type": "bpe"},
    "one layer, six": {"encoder_layers": 1, "decoder_layers": 6},
    "separate vocabularies": {"separate": True},
    "start is the end": {"decoder_start_token_id": 0, "decoder_ffn_dim": 20},
}
MAX_LENGTH = 25
SOURCES = [TEXTS[0], "a dog", f"{LANGUAGES[0]} {TEXTS[3]}"]


FULL = {"relu", "start is the end", "one layer, six"}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=[pytest.mark.full] if name in FULL else [])
        for name in VARIANTS
    ],
)
def pair(request, tmp_path_factory):
    """A folder, its `MarianMTModel`, and our translator."""
    folder = tmp_path_factory.mktemp("folder")
    reference = write_model(folder, **VARIANTS[request.param])
    return folder, reference, import_translator(folder)


def inputs_of(reference, rows):
    """Ids of the reference for rows of its embedding, with a mask."""
    longest = max(map(len, rows))
    pad = reference.config.pad_token_id
    ids = torch.tensor([[*row, *[pad] * (longest - len(row))] for row in rows])
    mask = torch.tensor([[1] * len(r) + [0] * (longest - len(r)) for r in rows])
    return {"input_ids": ids, "attention_mask": mask}


def encoded(folder, translator, texts=SOURCES):
    """Our ids of texts, and the rows of the other model for them."""
    ids = translator.tokenizer.encode_source(texts)
    rows = read_model(folder).vocabularies.source.rows
    return ids, [rows[row].tolist() for row in ids]


def test_logits_are_the_same(pair):
    folder, reference, translator = pair
    ids, rows = encoded(folder, translator)
    targets = translator.tokenizer.encode_target(TARGET_LINES[:3])
    target = read_model(folder).vocabularies.target
    labels = padded(targets, 70, 1)
    inputs = {
        "source_ids": padded(ids, 70, 1),
        # the start, and the tokens before each position
        "target_ids": np.pad(labels[:, :-1], [[0, 0], [1, 0]], constant_values=2),
    }
    found = np.array(translator.model(inputs, training=False))
    target_rows = [target.rows[row].tolist() for row in targets]
    labels = inputs_of(reference, target_rows)["input_ids"]
    start = torch.full((3, 1), reference.config.decoder_start_token_id)
    with torch.no_grad():
        expected = reference(
            **inputs_of(reference, rows),
            decoder_input_ids=torch.cat([start, labels[:, :-1]], 1),
        ).logits.numpy()
    for i, row in enumerate(targets):
        written = found[i, : len(row), target.is_generated]
        there = expected[i, : len(row), target.rows[target.is_generated]]
        np.testing.assert_allclose(written, there, atol=1e-5, rtol=1e-5)
    assert np.all(found[..., ~target.is_generated] < -900)
    assert expected.std() > 0.5


@pytest.mark.long
@pytest.mark.parametrize("beam_size", [1, 4])
def test_translations_are_the_same(pair, beam_size):
    folder, reference, translator = pair
    _, rows = encoded(folder, translator)
    target = read_model(folder).vocabularies.target
    with torch.no_grad():
        expected = reference.generate(
            **inputs_of(reference, rows),
            num_beams=beam_size,
            length_penalty=0.0,
            min_new_tokens=5,
            max_new_tokens=MAX_LENGTH,
            do_sample=False,
            return_dict_in_generate=True,
            output_scores=True,
        )
    # the end is counted here, and is not there
    lengths = {"min_length": 6, "max_length": MAX_LENGTH}
    found = translator.nbest(SOURCES, beam_size=beam_size, alpha=0.0, **lengths)
    num_ended = 0
    for i, [best] in enumerate(found):
        there = expected.sequences[i, 1:].tolist()
        if there.count(0) and there.index(0) < MAX_LENGTH - 1:
            there = there[: there.index(0) + 1]
            assert target.rows[list(best.token_ids)].tolist() == there
            num_ended += 1
            if beam_size > 1:
                score = expected.sequences_scores[i].item()
                assert best.score == pytest.approx(score, abs=1e-4)
    assert num_ended == len(SOURCES)


@pytest.mark.long
def test_texts_are_those_of_the_reference(tmp_path):
    reference = write_model(tmp_path)
    tokenizer = transformers.MarianTokenizer.from_pretrained(tmp_path)
    inputs = tokenizer(SOURCES, return_tensors="pt", padding=True)
    options = {"num_beams": 1, "max_new_tokens": MAX_LENGTH}
    found = reference.generate(**inputs, **options)
    expected = tokenizer.batch_decode(found, skip_special_tokens=True)
    translator = import_translator(tmp_path)
    ours = translator(SOURCES, beam_size=1, max_length=MAX_LENGTH)
    assert ours == expected


def test_weights_are_bit_for_bit_the_same_after_import_save_and_load(pair, tmp_path):
    folder, reference, translator = pair
    state = {k: v.numpy() for k, v in reference.state_dict().items()}
    model = translator.model
    block = model.encoder.blocks[0]
    theirs = "model.encoder.layers.0"
    np.testing.assert_array_equal(
        block.self_attention.key_dense.kernel,
        state[f"{theirs}.self_attn.k_proj.weight"].T,
    )
    np.testing.assert_array_equal(
        model.decoder.blocks[-1].feed_forward_norm.beta,
        state[
            f"model.decoder.layers.{len(model.decoder.blocks) - 1}"
            ".final_layer_norm.bias"
        ],
    )
    target = read_model(folder).vocabularies.target
    table = np.array(model.target_embedding.matrix.embeddings)
    written = target.is_generated
    np.testing.assert_array_equal(
        table[written], state["lm_head.weight"][target.rows[written]]
    )
    path = tmp_path / "a.weights.h5"
    save_weights(model, path)
    assert model.arguments()["num_layers"] == model.encoder.num_layers != 6
    other = type(model)(**model.arguments())
    load_weights(other, path)
    for ours, loaded in zip(model.weights, other.weights, strict=True):
        np.testing.assert_array_equal(ours, loaded)


def test_a_folder_with_weights_of_pytorch_is_the_same(tmp_path):
    reference = write_model(tmp_path, d_model=96)
    expected = import_translator(tmp_path).model.get_weights()
    (tmp_path / "model.safetensors").unlink()
    path = tmp_path / "pytorch_model.bin"
    state = reference.state_dict()
    torch.save(state, path)
    # the embedding is stored once and has four names
    assert path.stat().st_size < sum(tensor.nbytes for tensor in state.values())
    found = import_translator(tmp_path).model.get_weights()
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_prefix_with_unknown_characters_is_refused(tmp_path):
    write_model(tmp_path)
    translator = import_translator(tmp_path)
    with pytest.raises(ValueError, match="unknown characters in 'Der ☃'"):
        translator(["a dog", "a cat"], ["Der", "Der ☃"])
