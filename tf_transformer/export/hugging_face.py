"""A translator as a folder of Hugging Face's Marian, for `MarianMTModel`."""

import json
import os
from pathlib import Path

import keras
import numpy as np
from keras import ops

from tf_transformer.data.sentencepiece_model import SentencePieceModel
from tf_transformer.export.float_weights import float_matrix
from tf_transformer.ids import BOS_ID, EOS_ID, PAD_ID, UNK_ID
from tf_transformer.importers.hugging_face_settings import (
    ACTIVATIONS,
    NORM_EPSILON,
    STACKS,
)
from tf_transformer.importers.names import OUTPUT_BIAS, weight_names
from tf_transformer.importers.safetensors_file import write_safetensors
from tf_transformer.importers.vocabulary import LANGUAGE
from tf_transformer.importers.weights import variable_at
from tf_transformer.inference.translator import Translator
from tf_transformer.layers import (
    Decoder,
    Encoder,
    FeedForward,
    LayerNormalization,
    MultiHeadAttention,
)
from tf_transformer.layers.base import factory_name
from tf_transformer.models import Transformer
from tf_transformer.utils.atomic import new_folder

# the arguments that a model must have
_LAYERS = {
    "encoder": Encoder,
    "decoder": Decoder,
    "norm": LayerNormalization,
    "attention": MultiHeadAttention,
    "feed_forward": FeedForward,
}
_EXPECTED = {
    **{name: factory_name(layer) for name, layer in _LAYERS.items()},
    "normalize_first": False,
    "learned_positions": False,
    "positions": "halves",
    "norm_epsilon": NORM_EPSILON,
}


def export_hugging_face(translator: Translator, path: str | os.PathLike) -> Path:
    """Writes a folder that `MarianMTModel` and `MarianTokenizer` read.

        model = transformers.MarianMTModel.from_pretrained(path)
        tokenizer = transformers.MarianTokenizer.from_pretrained(path)

    The logits are the same. Ids are this package's: padding 0, unknown 1, start 2, end
    3.

    Args:
        translator: Its model must be supported by Hugging Face's Marian, as imported
            models are: with post-norm, self-attention, `positions="halves"`,
            `norm_epsilon=1e-5` and a start token.
        path: Folder to write. It must not exist yet.

    Returns:
        The folder.

    Raises:
        FileExistsError: If `path` exists already.
        ValueError: If Hugging Face's Marian does not support the model's layers.
    """
    model, tokenizer = translator.model, translator.tokenizer
    _check_model(model)
    config = _config(model)
    with new_folder(path) as folder:
        write_safetensors(folder / "model.safetensors", _weights(model))
        _write_json(folder / "config.json", config)
        _write_json(folder / "generation_config.json", _generation_config(config))
        _write_vocabularies(folder, tokenizer)
    return Path(path)


def _check_model(model) -> None:
    if type(model) is not Transformer:
        raise _refusal("a Transformer", type(model).__name__)
    arguments = model.arguments()
    for name, expected in _EXPECTED.items():
        if arguments[name] != expected:
            raise _refusal(f"{name}={expected!r}", f"{name}={arguments[name]!r}")
    activation = keras.activations.serialize(model.activation)
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        raise _refusal(f"activation: one of {', '.join(ACTIVATIONS)}", repr(activation))
    if model.start_id is None:
        raise _refusal("a start token", "start_id=None")


def _config(model) -> dict:
    """The contents of `config.json`."""
    sides = {
        "attention_heads": model.num_heads,
        "ffn_dim": model.d_ff,
        "layerdrop": 0.0,
    }
    return {
        "model_type": "marian",
        "architectures": ["MarianMTModel"],
        "activation_function": keras.activations.serialize(model.activation),
        "attention_dropout": model.attention_dropout_rate,
        "d_model": model.d_model,
        "decoder_start_token_id": model.start_id,
        "decoder_vocab_size": model.target_vocab_size or model.vocab_size,
        "dropout": model.dropout_rate,
        **{f"{stack}_{k}": v for stack in STACKS for k, v in sides.items()},
        "encoder_layers": len(model.encoder.blocks),
        "decoder_layers": len(model.decoder.blocks),
        "bos_token_id": BOS_ID,
        "eos_token_id": EOS_ID,
        "forced_eos_token_id": EOS_ID,
        "is_encoder_decoder": True,
        "max_position_embeddings": model.max_length,
        "pad_token_id": PAD_ID,
        "scale_embedding": True,
        "share_encoder_decoder_embeddings": model.target_vocab_size is None,
        "tie_word_embeddings": True,
        "vocab_size": model.vocab_size,
    }


def _generation_config(config: dict) -> dict:
    names = ("decoder_start_token_id", "eos_token_id", "forced_eos_token_id")
    return {
        **{name: config[name] for name in (*names, "pad_token_id")},
        "bad_words_ids": [[PAD_ID], [BOS_ID]],
        "max_length": config["max_position_embeddings"],
    }


def _weights(model) -> dict[str, np.ndarray]:
    """All weights by their names in Hugging Face's Marian."""
    arguments = {
        "num_encoder_layers": len(model.encoder.blocks),
        "num_decoder_layers": len(model.decoder.blocks),
        "decoder": "self_attention",
        "normalize_first": False,
    }
    weights = {}
    for path, foreign, is_transposed in weight_names(arguments, "hugging_face"):
        if is_transposed:
            layer = variable_at(model, path.removesuffix(".kernel"))
            weights[foreign] = float_matrix(layer, "kernel").T
        else:
            weights[foreign] = _array(variable_at(model, path))
    source, target = model.source_embedding, model.target_embedding
    if source is target:
        weights["model.shared.weight"] = float_matrix(source.matrix, "embeddings")
    else:
        for side, embedding in (("encoder", source), ("decoder", target)):
            name = f"model.{side}.embed_tokens.weight"
            weights[name] = float_matrix(embedding.matrix, "embeddings")
    bias = np.zeros(target.vocab_size)
    if model.output_bias:
        bias = _array(target.output_bias)
    weights[OUTPUT_BIAS["hugging_face"]] = bias[None]
    return weights


def _write_vocabularies(folder: Path, tokenizer) -> None:
    source_model = tokenizer.source_model
    target_model = tokenizer.target_model or source_model
    (folder / "source.spm").write_bytes(source_model)
    (folder / "target.spm").write_bytes(target_model)
    names = tokenizer.source_vocabulary()
    _write_json(folder / "vocab.json", _pieces(source_model, names))
    is_separate = tokenizer.target_vocab_size is not None
    if is_separate:
        pieces = _pieces(target_model, tokenizer.target_vocabulary())
        _write_json(folder / "target_vocab.json", pieces)
    tokens = {"pad_token": PAD_ID, "unk_token": UNK_ID, "eos_token": EOS_ID}
    config = {
        "tokenizer_class": "MarianTokenizer",
        "separate_vocabs": is_separate,
        **{name: names[token_id] for name, token_id in tokens.items()},
    }
    _write_json(folder / "tokenizer_config.json", config)


def _pieces(serialized: bytes, names: list[str]) -> dict[str, int]:
    """Ids by piece; language tokens of OPUS-MT keep their names."""
    user_defined = SentencePieceModel.parse(serialized).user_defined_pieces
    pieces = {}
    for token_id, name in enumerate(names):
        language = name.removeprefix("▁")
        is_language = name in user_defined and LANGUAGE.fullmatch(language)
        pieces[language if is_language else name] = token_id
    return pieces


def _write_json(path: Path, contents) -> None:
    text = json.dumps(contents, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _array(weights) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(weights), "float32")


def _refusal(expected: str, received: str) -> ValueError:
    return ValueError(
        "Hugging Face's Marian cannot compute this model. Expected "
        f"{expected}. Received: {received}"
    )
