"""Converts the formulas of the pages from LaTeX to MathML, which browsers show.

MkDocs calls `on_page_content`; mkdocs.yml names this file. In HTML, a formula is text
between `$` or `$$`: the extension `arithmatex` and the plugin of the notebooks keep it
as it is written. Code, scripts and drawings are left alone, and so are prices: inside
`$...$`, there are no spaces at the ends, and no digit follows.
"""

import html
import re

from math_core import LatexError, LatexToMathML
from mkdocs.exceptions import PluginError

PARTS = re.compile(
    r"<!--.*?-->"
    r"|<(pre|code|script|style|svg)\b.*?</\1>"
    r'|<div\b[^>]*class="clipboard-copy-txt".*?</div>'
    r"""|<(?:"[^"]*"|'[^']*'|[^>"'])*>"""
    r"|\$\$(?P<display>[^$<]+)\$\$"
    r"|\$(?! )(?P<inline>[^$<]+)(?<! )\$(?!\d)",
    re.DOTALL,
)
CONVERTER = LatexToMathML(fancy_error=False)


def on_page_content(content, page, **_):
    """Converts each formula; one that has a mistake ends the build."""

    def convert(match):
        latex = html.unescape(match["display"] or match["inline"] or "").strip()
        if not latex:
            return match.group()
        is_display = match["display"] is not None
        try:
            mathml = CONVERTER.convert_with_local_state(latex, displaystyle=is_display)
        except LatexError as error:
            raise PluginError(f"{page.file.src_uri}: {latex}: {error}") from error
        # only the element around it can scroll
        return f'<span class="formula">{mathml}</span>' if is_display else mathml

    return PARTS.sub(convert, content)
