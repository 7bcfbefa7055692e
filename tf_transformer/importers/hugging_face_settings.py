"""`config.json` of Hugging Face's Marian, and the arguments of `Transformer`."""

from collections.abc import Mapping
from typing import Any

from tf_transformer.importers.settings import (
    check_settings,
    positive_integer,
    rate,
    unsupported,
)

ACTIVATIONS = {"relu": "relu", "swish": "silu", "silu": "silu", "gelu": "gelu"}
NORM_EPSILON = 1e-5  # PyTorch's
MAX_POSITIONS = 16_384  # a table of this length is computed
STACKS = ("encoder", "decoder")
_SIZES = ("attention_heads", "ffn_dim", "layers")

_USED = {
    *("activation_function", "attention_dropout", "d_model", "dropout"),
    *(f"{side}_{name}" for side in STACKS for name in _SIZES),
    *("decoder_start_token_id", "decoder_vocab_size", "eos_token_id", "pad_token_id"),
    *("max_position_embeddings", "share_encoder_decoder_embeddings", "vocab_size"),
}
_FIXED = {
    "model_type": ("marian",),
    "scale_embedding": (True,),
    "add_final_layer_norm": (False,),
    "architectures": (["MarianMTModel"], None),
    "is_decoder": (False,),
    "is_encoder_decoder": (True,),
    "normalize_before": (False,),
    "normalize_embedding": (False,),
    "static_position_embeddings": (True,),
    "tie_encoder_decoder": (False,),
    "tie_word_embeddings": (True,),
}
# These concern training, other tasks or the library.
_IGNORED = {
    *("_attn_implementation", "_attn_implementation_autoset", "_commit_hash"),
    *("_name_or_path", "_num_labels", "activation_dropout", "add_bias_logits"),
    *("attn_implementation", "experts_implementation", "num_labels"),
    *("add_cross_attention", "bos_token_id", "chunk_size_feed_forward"),
    *("classif_dropout", "classifier_dropout", "cross_attention_hidden_size"),
    *("decoder_layerdrop", "dtype", "encoder_layerdrop", "extra_pos_embeddings"),
    *("finetuning_task", "gradient_checkpointing", "id2label", "init_std"),
    *("initializer_range", "label2id", "num_hidden_layers", "output_attentions"),
    *("output_hidden_states", "output_past", "prefix", "problem_type"),
    *("pruned_heads", "return_dict", "sep_token_id", "task_specific_params"),
    *("tf_legacy_loss", "tokenizer_class", "torch_dtype", "torchscript"),
    *("transformers_version", "unk_token_id", "use_bfloat16", "use_cache"),
}
# These concern search; older configurations contain them.
_IGNORED |= {
    *("bad_words_ids", "begin_suppress_tokens", "diversity_penalty", "do_sample"),
    *("early_stopping", "encoder_no_repeat_ngram_size"),
    *("exponential_decay_length_penalty", "force_bos_token_to_be_generated"),
    *("forced_bos_token_id", "forced_eos_token_id", "length_penalty", "max_length"),
    *("min_length", "no_repeat_ngram_size", "num_beam_groups", "num_beams"),
    *("num_return_sequences", "output_scores", "remove_invalid_values"),
    *("max_time", "renormalize_logits"),
    *("repetition_penalty", "return_dict_in_generate", "suppress_tokens"),
    *("temperature", "top_k", "top_p", "typical_p"),
}


def model_arguments(config: Mapping[str, Any], path) -> dict:
    """Returns the arguments of `Transformer` that `config.json` describes.

    The vocabularies decide `vocab_size`, `target_vocab_size` and `start_id`.

    Args:
        config: The contents of `config.json`.
        path: The file, for messages.

    Returns:
        Dictionary of arguments.

    Raises:
        ValueError: If a setting is unknown or cannot be imported.
    """
    check_settings(config, path, used=_USED, fixed=_FIXED, ignored=_IGNORED)
    if config.get("model_type") != "marian":
        raise unsupported(path, "model_type", config.get("model_type"), ("marian",))
    # missing settings have the defaults of `MarianConfig`
    if not config.get("scale_embedding", False):
        raise unsupported(path, "scale_embedding", False, (True,))
    activation = config.get("activation_function", "gelu")
    if activation not in tuple(ACTIVATIONS):
        raise unsupported(path, "activation_function", activation, ACTIVATIONS)
    for name in ("attention_heads", "ffn_dim"):
        encoder, decoder = (config.get(f"{side}_{name}") for side in STACKS)
        if encoder != decoder:
            raise unsupported(path, f"decoder_{name}", decoder, (encoder,))
    return {
        "num_encoder_layers": positive_integer(config, "encoder_layers", path),
        "num_decoder_layers": positive_integer(config, "decoder_layers", path),
        "d_model": positive_integer(config, "d_model", path),
        "num_heads": positive_integer(config, "encoder_attention_heads", path),
        "d_ff": positive_integer(config, "encoder_ffn_dim", path),
        "max_length": positive_integer(
            config, "max_position_embeddings", path, MAX_POSITIONS
        ),
        "dropout_rate": rate(config, "dropout", path),
        "attention_dropout_rate": rate(config, "attention_dropout", path),
        "activation": ACTIVATIONS[activation],
        "normalize_first": False,
        "decoder": "self_attention",
        "positions": "halves",
        "output_bias": True,
        "norm_epsilon": NORM_EPSILON,
    }
