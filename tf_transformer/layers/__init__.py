"""The paper's layers, one idea per file. They use `keras.ops` only."""

from tf_transformer.layers.attention import (
    MultiHeadAttention,
    scaled_dot_product_attention,
)
from tf_transformer.layers.decoder import Decoder
from tf_transformer.layers.decoder_block import DecoderBlock
from tf_transformer.layers.embedding import TokenEmbedding
from tf_transformer.layers.encoder import Encoder
from tf_transformer.layers.encoder_block import EncoderBlock
from tf_transformer.layers.feed_forward import FeedForward
from tf_transformer.layers.intermediates import capture_intermediates, sow
from tf_transformer.layers.masks import (
    causal_mask,
    combine_masks,
    decoder_self_attention_mask,
    keys_mask,
    padding_mask,
)
from tf_transformer.layers.normalization import LayerNormalization
from tf_transformer.layers.positional_encoding import (
    PositionalEncoding,
    sinusoidal_positions,
)
from tf_transformer.layers.recurrent.cells import RecurrentDecoder, RecurrentEncoder
from tf_transformer.layers.recurrent.global_attention import GlobalAttention
from tf_transformer.layers.recurrent.score_functions import (
    AdditiveScore,
    ConcatScore,
    DotScore,
    GeneralScore,
    ScaledDotScore,
)
from tf_transformer.layers.ssru import SSRU
from tf_transformer.layers.ssru_decoder import SSRUDecoder, SSRUDecoderBlock

__all__ = [
    "SSRU",
    "AdditiveScore",
    "ConcatScore",
    "Decoder",
    "DecoderBlock",
    "DotScore",
    "Encoder",
    "EncoderBlock",
    "FeedForward",
    "GeneralScore",
    "GlobalAttention",
    "LayerNormalization",
    "MultiHeadAttention",
    "PositionalEncoding",
    "RecurrentDecoder",
    "RecurrentEncoder",
    "SSRUDecoder",
    "SSRUDecoderBlock",
    "ScaledDotScore",
    "TokenEmbedding",
    "capture_intermediates",
    "causal_mask",
    "combine_masks",
    "decoder_self_attention_mask",
    "keys_mask",
    "padding_mask",
    "scaled_dot_product_attention",
    "sinusoidal_positions",
    "sow",
]
