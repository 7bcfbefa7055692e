"""Attention that can be seen and scored: maps, heads, alignments, pictures.

Names are looked up when they are first used.
"""

import importlib

_HOMES = {
    "AttentionImages": "images",
    "AttentionMaps": "maps",
    "alignment_error_rate": "alignment",
    "antecedent_scores": "antecedents",
    "attention_maps": "maps",
    "attention_maps_of_saved_model": "saved_maps",
    "head_off": "ablation",
    "head_statistics": "heads",
    "nll_without_each_head": "ablation",
    "page": "page",
    "picture_of_head": "pictures",
    "picture_of_heads": "pictures",
    "png": "pictures",
    "read_alignments": "alignment",
}

__all__ = sorted(_HOMES)


def __getattr__(name):
    if name in _HOMES:
        module = importlib.import_module(f"tf_transformer.analysis.{_HOMES[name]}")
        return getattr(module, name)
    raise AttributeError(f"module 'tf_transformer.analysis' has no attribute {name!r}")
