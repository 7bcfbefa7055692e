"""Diagrams of the Transformer and its parts, as SVG, in English and Korean."""

from tf_transformer.analysis.diagrams import attention, blocks, masks, model
from tf_transformer.analysis.diagrams.canvas import LANGUAGES

DIAGRAMS = {
    function.__name__: function
    for function in (
        attention.scaled_dot_product_attention,
        attention.multi_head_attention,
        masks.the_three_masks,
        blocks.encoder_block,
        blocks.decoder_block,
        blocks.ssru_decoder_block,
        model.transformer,
        model.training_and_decoding,
    )
}


class Diagram:
    """A diagram that a notebook shows.

    Args:
        name: Its name.
        language: `"en"` or `"ko"`.
        svg: The text of an SVG file.
    """

    def __init__(self, name, language, svg):
        self.name = name
        self.language = language
        self.svg = svg

    def __repr__(self):
        return f"Diagram({self.name!r}, {self.language!r})"

    def _repr_svg_(self):
        return self.svg


def diagram(name: str, language: str = "en") -> Diagram:
    """Draws a part of the Transformer.

    Boxes show the names of the sub-layers in the code. The colours follow the
    browser's light or dark scheme.

    Args:
        name: `"scaled_dot_product_attention"`, `"multi_head_attention"`,
            `"the_three_masks"`, `"encoder_block"`, `"decoder_block"`,
            `"ssru_decoder_block"`, `"transformer"` or `"training_and_decoding"`.
        language: `"en"` or `"ko"`. Defaults to `"en"`.

    Returns:
        A `Diagram`, which a notebook shows; `.svg` is the text of an SVG file.

    Raises:
        ValueError: If there is no such diagram or language.

    Example:

    >>> svg = diagram("encoder_block").svg
    >>> "self_attention: MultiHeadAttention" in svg
    True
    """
    for kind, received, expected in (
        ("diagram", name, tuple(DIAGRAMS)),
        ("language", language, LANGUAGES),
    ):
        if received not in expected:
            raise ValueError(
                f"There is no such {kind}. Expected one of {expected}. "
                f"Received: {received!r}"
            )
    return Diagram(name, language, DIAGRAMS[name](language).svg())
