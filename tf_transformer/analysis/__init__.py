"""Attention maps, statistics of heads, word alignment, pictures, pages and diagrams.

Each name is imported when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for type checkers and editors
    from tf_transformer.analysis.ablation import head_off, nll_without_each_head
    from tf_transformer.analysis.alignment import alignment_error_rate, read_alignments
    from tf_transformer.analysis.antecedents import antecedent_scores
    from tf_transformer.analysis.cell_view import view
    from tf_transformer.analysis.diagrams import diagram
    from tf_transformer.analysis.heads import head_statistics
    from tf_transformer.analysis.html_page import page
    from tf_transformer.analysis.images import AttentionImages
    from tf_transformer.analysis.maps import AttentionMaps, attention_maps
    from tf_transformer.analysis.pictures import picture_of_head, picture_of_heads, png
    from tf_transformer.analysis.saved_maps import attention_maps_of_saved_model

# name: the module that defines it, imported when the name is first used
_MODULES = {
    "AttentionImages": "tf_transformer.analysis.images",
    "AttentionMaps": "tf_transformer.analysis.maps",
    "alignment_error_rate": "tf_transformer.analysis.alignment",
    "antecedent_scores": "tf_transformer.analysis.antecedents",
    "attention_maps": "tf_transformer.analysis.maps",
    "attention_maps_of_saved_model": "tf_transformer.analysis.saved_maps",
    "diagram": "tf_transformer.analysis.diagrams",
    "head_off": "tf_transformer.analysis.ablation",
    "head_statistics": "tf_transformer.analysis.heads",
    "nll_without_each_head": "tf_transformer.analysis.ablation",
    "page": "tf_transformer.analysis.html_page",
    "picture_of_head": "tf_transformer.analysis.pictures",
    "picture_of_heads": "tf_transformer.analysis.pictures",
    "png": "tf_transformer.analysis.pictures",
    "read_alignments": "tf_transformer.analysis.alignment",
    "view": "tf_transformer.analysis.cell_view",
}

__all__ = [
    "AttentionImages",
    "AttentionMaps",
    "alignment_error_rate",
    "antecedent_scores",
    "attention_maps",
    "attention_maps_of_saved_model",
    "diagram",
    "head_off",
    "head_statistics",
    "nll_without_each_head",
    "page",
    "picture_of_head",
    "picture_of_heads",
    "png",
    "read_alignments",
    "view",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
