"""Names of weights in this package, in Marian's files, and in Hugging Face's Marian.

A kernel is (inputs, outputs) here and in Marian, and (outputs, inputs) in PyTorch.
Marian calls a normalization before its sub-layer `..._pre`.
"""

from collections.abc import Iterator
from typing import NamedTuple

# attribute of a block              Marian              Hugging Face
ENCODER_ATTENTION = """
self_attention.query_dense.kernel   self_Wq             self_attn.q_proj.weight
self_attention.query_dense.bias     self_bq             self_attn.q_proj.bias
self_attention.key_dense.kernel     self_Wk             self_attn.k_proj.weight
self_attention.key_dense.bias       self_bk             self_attn.k_proj.bias
self_attention.value_dense.kernel   self_Wv             self_attn.v_proj.weight
self_attention.value_dense.bias     self_bv             self_attn.v_proj.bias
self_attention.output_dense.kernel  self_Wo             self_attn.out_proj.weight
self_attention.output_dense.bias    self_bo             self_attn.out_proj.bias
self_attention_norm.gamma           self_Wo_ln_scale    self_attn_layer_norm.weight
self_attention_norm.beta            self_Wo_ln_bias     self_attn_layer_norm.bias
"""
FEED_FORWARD = """
feed_forward.inner_dense.kernel     ffn_W1              fc1.weight
feed_forward.inner_dense.bias       ffn_b1              fc1.bias
feed_forward.outer_dense.kernel     ffn_W2              fc2.weight
feed_forward.outer_dense.bias       ffn_b2              fc2.bias
feed_forward_norm.gamma             ffn_ffn_ln_scale    final_layer_norm.weight
feed_forward_norm.beta              ffn_ffn_ln_bias     final_layer_norm.bias
"""
CROSS_ATTENTION = """
cross_attention.query_dense.kernel  context_Wq          encoder_attn.q_proj.weight
cross_attention.query_dense.bias    context_bq          encoder_attn.q_proj.bias
cross_attention.key_dense.kernel    context_Wk          encoder_attn.k_proj.weight
cross_attention.key_dense.bias      context_bk          encoder_attn.k_proj.bias
cross_attention.value_dense.kernel  context_Wv          encoder_attn.v_proj.weight
cross_attention.value_dense.bias    context_bv          encoder_attn.v_proj.bias
cross_attention.output_dense.kernel context_Wo          encoder_attn.out_proj.weight
cross_attention.output_dense.bias   context_bo          encoder_attn.out_proj.bias
cross_attention_norm.gamma          context_Wo_ln_scale encoder_attn_layer_norm.weight
cross_attention_norm.beta           context_Wo_ln_bias  encoder_attn_layer_norm.bias
"""
# the normalization after it is `rnn_ffn_ln_...`, the one before it `rnn_ln_..._pre`
SSRU = """
ssru.input_dense.kernel             rnn_W               -
ssru.forget_dense.kernel            rnn_Wf              -
ssru.forget_dense.bias              rnn_bf              -
ssru_norm.gamma                     rnn_ffn_ln_scale    -
ssru_norm.beta                      rnn_ffn_ln_bias     -
"""
FINAL_NORM = """
final_norm.gamma                    top_ln_scale        -
final_norm.beta                     top_ln_bias         -
"""
OUTPUT_BIAS = {"marian": "decoder_ff_logit_out_b", "hugging_face": "final_logits_bias"}


class Name(NamedTuple):
    """A weight of this package and its name in another program.

    Attributes:
        path: Attributes from the model to the weight, such as
            `"encoder.blocks.0.feed_forward.inner_dense.kernel"`.
        foreign: The name in the other file.
        transposed: Whether the other file contains the transpose.
    """

    path: str
    foreign: str
    transposed: bool


def weight_names(arguments: dict, kind: str) -> Iterator[Name]:
    """Yields the names of all weights except embeddings and the output bias.

    Args:
        arguments: Arguments of the model, see `ForeignModel`.
        kind: `"marian"` or `"hugging_face"`.

    Returns:
        An iterator of `Name`.

    Example:

    >>> sizes = {"num_encoder_layers": 1, "num_decoder_layers": 1}
    >>> sizes |= {"decoder": "ssru", "normalize_first": False}
    >>> next(weight_names(sizes, "marian")).foreign
    'encoder_l1_self_Wq'
    """
    own_attention = SSRU if arguments["decoder"] == "ssru" else ENCODER_ATTENTION
    stacks = {
        "encoder": ENCODER_ATTENTION + FEED_FORWARD,
        "decoder": own_attention + CROSS_ATTENTION + FEED_FORWARD,
    }
    for stack, table in stacks.items():
        for i in range(arguments[f"num_{stack}_layers"]):
            for row in _rows(table):
                path = f"{stack}.blocks.{i}.{row[0]}"
                if kind == "marian":
                    name = f"{stack}_l{i + 1}_{_marian(row[1], arguments)}"
                else:
                    name = f"model.{stack}.layers.{i}.{row[2]}"
                is_kernel = path.endswith(".kernel")
                yield Name(path, name, is_kernel and kind != "marian")
        if arguments["normalize_first"]:
            for path, name, _ in _rows(FINAL_NORM):
                yield Name(f"{stack}.{path}", f"{stack}_{name}", False)


def _rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.splitlines() if line]


def _marian(name: str, arguments: dict) -> str:
    if "_ln_" not in name or not arguments["normalize_first"]:
        return name
    return name.replace("rnn_ffn_", "rnn_") + "_pre"
