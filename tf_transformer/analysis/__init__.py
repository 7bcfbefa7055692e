"""Attention maps, statistics of heads, word alignment, pictures, pages and diagrams.

Each name is imported when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for type checkers and editors
    from tf_transformer.analysis.ablation import head_off, nll, nll_without_each_head
    from tf_transformer.analysis.alignment import (
        alignment_error_rate,
        alignment_error_rates,
        baseline_links,
        parse_alignment,
        read_alignments,
    )
    from tf_transformer.analysis.antecedents import (
        antecedent_baselines,
        antecedent_positions,
        antecedent_scores,
        examples_with_antecedent,
        korean_antecedent_position,
    )
    from tf_transformer.analysis.cell_view import view
    from tf_transformer.analysis.diagrams import diagram
    from tf_transformer.analysis.heads import head_statistics
    from tf_transformer.analysis.html_page import page
    from tf_transformer.analysis.images import AttentionImages
    from tf_transformer.analysis.maps import AttentionMaps, attention_maps
    from tf_transformer.analysis.pictures import (
        FONT,
        picture_of_head,
        picture_of_heads,
        png,
    )
    from tf_transformer.analysis.saved_maps import attention_maps_of_saved_model

# name: the module that defines it, imported when the name is first used
_MODULES = {
    "AttentionImages": "tf_transformer.analysis.images",
    "AttentionMaps": "tf_transformer.analysis.maps",
    "FONT": "tf_transformer.analysis.pictures",
    "alignment_error_rate": "tf_transformer.analysis.alignment",
    "alignment_error_rates": "tf_transformer.analysis.alignment",
    "antecedent_baselines": "tf_transformer.analysis.antecedents",
    "antecedent_positions": "tf_transformer.analysis.antecedents",
    "antecedent_scores": "tf_transformer.analysis.antecedents",
    "attention_maps": "tf_transformer.analysis.maps",
    "attention_maps_of_saved_model": "tf_transformer.analysis.saved_maps",
    "baseline_links": "tf_transformer.analysis.alignment",
    "diagram": "tf_transformer.analysis.diagrams",
    "examples_with_antecedent": "tf_transformer.analysis.antecedents",
    "head_off": "tf_transformer.analysis.ablation",
    "head_statistics": "tf_transformer.analysis.heads",
    "korean_antecedent_position": "tf_transformer.analysis.antecedents",
    "nll": "tf_transformer.analysis.ablation",
    "nll_without_each_head": "tf_transformer.analysis.ablation",
    "page": "tf_transformer.analysis.html_page",
    "parse_alignment": "tf_transformer.analysis.alignment",
    "picture_of_head": "tf_transformer.analysis.pictures",
    "picture_of_heads": "tf_transformer.analysis.pictures",
    "png": "tf_transformer.analysis.pictures",
    "read_alignments": "tf_transformer.analysis.alignment",
    "view": "tf_transformer.analysis.cell_view",
}

__all__ = [
    "AttentionImages",
    "AttentionMaps",
    "FONT",
    "alignment_error_rate",
    "alignment_error_rates",
    "antecedent_baselines",
    "antecedent_positions",
    "antecedent_scores",
    "attention_maps",
    "attention_maps_of_saved_model",
    "baseline_links",
    "diagram",
    "examples_with_antecedent",
    "head_off",
    "head_statistics",
    "korean_antecedent_position",
    "nll",
    "nll_without_each_head",
    "page",
    "parse_alignment",
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
