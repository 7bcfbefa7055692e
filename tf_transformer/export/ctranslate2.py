"""A translator as a CTranslate2 model: a fast runtime for CPUs, without TensorFlow."""

import os
from pathlib import Path

import keras
import numpy as np
from keras import ops

from tf_transformer.export.float_weights import float_matrix
from tf_transformer.ids import BOS_ID, EOS_ID, UNK_ID
from tf_transformer.inference.translator import Translator
from tf_transformer.layers import (
    Decoder,
    Encoder,
    FeedForward,
    LayerNormalization,
    MultiHeadAttention,
)
from tf_transformer.models import Transformer
from tf_transformer.utils.atomic import new_folder

# Names of activations in Keras and in CTranslate2.
ACTIVATIONS = {
    "relu": "RELU",
    "gelu": "GELU",
    "silu": "SWISH",
    "swish": "SWISH",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
}
QUANTIZATIONS = ("float32", "int8", "int16", "float16")


def export_ctranslate2(
    translator: Translator, path: str | os.PathLike, quantization: str = "float32"
) -> Path:
    """Writes a model for [CTranslate2](https://opennmt.net/CTranslate2) 4.

    The folder also contains the files of `Tokenizer.save`; if the target has its own
    file, decode with it. Sources must end with the end token, as in training:

        translator = ctranslate2.Translator(path)
        vocabulary = sentencepiece.SentencePieceProcessor(f"{path}/tokenizer.model")
        tokens = vocabulary.encode(text, out_type=str) + ["</s>"]
        [result] = translator.translate_batch([tokens], length_penalty=0)
        print(vocabulary.decode(result.hypotheses[0]))

    Log probabilities are the same. The length penalty is not: CTranslate2 divides by
    n^alpha and does not support the paper's ((5 + n) / 6)^alpha, so beams agree only
    with alpha 0 (`length_penalty=0`).

    LoRA's changes are added to the weights. Weights that Keras quantized to int8 are
    written as floats; scores differ slightly, because activations are not quantized.

    Args:
        translator: Its model must be a `Transformer` whose layers are unchanged, with
            LayerNorm or RMSNorm. `SSRUDecoder` is not supported.
        path: Folder to write. It must not exist yet.
        quantization: How weights are stored: `"float32"` (the default), `"int8"`,
            `"int16"` or `"float16"`. CTranslate2 computes in this type if the machine
            supports it.

    Returns:
        The folder.

    Raises:
        FileExistsError: If `path` exists already.
        ModuleNotFoundError: If CTranslate2 is not installed.
        ValueError: If CTranslate2 does not support the model or its quantization.
    """
    if quantization not in QUANTIZATIONS:
        raise ValueError(
            f"Unknown quantization. Expected one of {QUANTIZATIONS}. "
            f"Received: {quantization!r}"
        )
    with new_folder(path) as folder:
        specification = _specification(translator.model)
        _write_vocabularies(specification, translator)
        specification.validate()
        specification.optimize(None if quantization == "float32" else quantization)
        specification.save(str(folder))
        translator.tokenizer.save(folder)
    return Path(path)


def _write_vocabularies(specification, translator) -> None:
    tokenizer, start_id = translator.tokenizer, translator.model.start_id
    pieces = tokenizer.target_vocabulary()
    specification.register_source_vocabulary(tokenizer.source_vocabulary())
    specification.register_target_vocabulary(pieces)
    specification.config.unk_token = pieces[UNK_ID]
    specification.config.bos_token = pieces[BOS_ID]
    specification.config.eos_token = pieces[EOS_ID]
    specification.decoder.start_from_zero_embedding = start_id is None
    start_id = BOS_ID if start_id is None else start_id
    specification.config.decoder_start_token = pieces[start_id]


def _specification(model):
    """The model's weights in CTranslate2's names."""
    try:
        from ctranslate2.specs import TransformerSpec, common_spec
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "This export needs CTranslate2: pip install 'tf_transformer[ctranslate2]'"
        ) from error
    _check_model(model)
    norm = model.encoder.blocks[0].self_attention_norm
    specification = TransformerSpec.from_config(
        (model.encoder.num_layers, model.decoder.num_layers),
        model.num_heads,
        pre_norm=model.normalize_first,
        activation=common_spec.Activation[_activation(model)],
        rms_norm=isinstance(norm, keras.layers.RMSNormalization),
    )
    specification.config.layer_norm_epsilon = norm.epsilon
    encoder, decoder = specification.encoder, specification.decoder
    encoder.embeddings[0].weight = float_matrix(
        model.source_embedding.matrix, "embeddings"
    )
    decoder.embeddings.weight = float_matrix(
        model.target_embedding.matrix, "embeddings"
    )
    decoder.projection.weight = decoder.embeddings.weight
    if model.output_bias:
        decoder.projection.bias = _array(model.target_embedding.output_bias)
    encoder.position_encodings.encodings = _array(model.source_positions.table)
    decoder.position_encodings.encodings = _array(model.target_positions.table)
    for stack, ours in ((encoder, model.encoder), (decoder, model.decoder)):
        for layer, block in zip(stack.layer, ours.blocks, strict=True):
            _write_self_attention(layer.self_attention, block)
            if stack is decoder:
                _write_cross_attention(layer.attention, block)
            _write_feed_forward(layer.ffn, block)
        if model.normalize_first:
            _write_norm(stack.layer_norm, ours.final_norm)
    return specification


def _check_model(model) -> None:
    if type(model) is not Transformer:
        raise ValueError(
            "CTranslate2 supports the paper's model only. Expected a Transformer. "
            f"Received: {type(model).__name__}"
        )
    for side, layer, expected in (
        ("encoder", model.encoder, Encoder),
        ("decoder", model.decoder, Decoder),
    ):
        if type(layer) is not expected:
            raise ValueError(
                f"CTranslate2 does not support this {side}. "
                f"Expected {expected.__name__}, with self-attention. "
                f"Received: {type(layer).__name__}"
            )
    for block in (*model.encoder.blocks, *model.decoder.blocks):
        _check_block(block)
    _activation(model)


def _check_block(block) -> None:
    for layer, expected in (
        (
            block.self_attention_norm,
            (LayerNormalization, keras.layers.RMSNormalization),
        ),
        (block.self_attention, (MultiHeadAttention,)),
        (block.feed_forward, (FeedForward,)),
    ):
        if type(layer) not in expected:
            raise ValueError(
                "CTranslate2 does not support this layer. Expected "
                f"{' or '.join(kind.__name__ for kind in expected)}. "
                f"Received: {type(layer).__name__}"
            )


def _activation(model) -> str:
    """CTranslate2's name of the model's activation."""
    name = keras.activations.serialize(model.activation)
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise ValueError(
            "CTranslate2 does not support this activation. Expected one of "
            f"{tuple(ACTIVATIONS)}. Received: {name!r}"
        )
    return ACTIVATIONS[name]


def _write_self_attention(specification, block) -> None:
    attention = block.self_attention
    _write_dense(
        specification.linear[0],
        *(attention.query_dense, attention.key_dense, attention.value_dense),
    )
    _write_dense(specification.linear[1], attention.output_dense)
    _write_norm(specification.layer_norm, block.self_attention_norm)


def _write_cross_attention(specification, block) -> None:
    attention = block.cross_attention
    _write_dense(specification.linear[0], attention.query_dense)
    _write_dense(specification.linear[1], attention.key_dense, attention.value_dense)
    _write_dense(specification.linear[2], attention.output_dense)
    _write_norm(specification.layer_norm, block.cross_attention_norm)


def _write_feed_forward(specification, block) -> None:
    _write_dense(specification.linear_0, block.feed_forward.inner_dense)
    _write_dense(specification.linear_1, block.feed_forward.outer_dense)
    _write_norm(specification.layer_norm, block.feed_forward_norm)


def _write_dense(specification, *layers) -> None:
    """Writes one matrix, or several that CTranslate2 multiplies in one product."""
    specification.weight = np.concatenate(
        [np.ascontiguousarray(float_matrix(dense, "kernel").T) for dense in layers]
    )
    specification.bias = np.concatenate([_array(dense.bias) for dense in layers])


def _write_norm(specification, norm) -> None:
    if hasattr(specification, "beta"):
        specification.gamma, specification.beta = _array(norm.gamma), _array(norm.beta)
    else:
        specification.gamma = _array(norm.scale)


def _array(weights) -> np.ndarray:
    return np.ascontiguousarray(ops.convert_to_numpy(weights), dtype="float32")
