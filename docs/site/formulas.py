"""Converts the formulas of the pages from LaTeX to MathML, which browsers show.

MkDocs calls `on_page_content`; mkdocs.yml names this file. In HTML, a formula is text
between `$` or `$$`. The extension `arithmatex` marks those of Markdown. The plugin of
notebooks does not: there, code, scripts and drawings are left alone, and so are prices
(in `$...$`, there are no spaces at the ends, and no digit follows).
"""

import html
import re

from math_core import LatexError, LatexToMathML
from mkdocs.exceptions import PluginError

FORMULA = r"(?:\$\$(?P<display>[^$<]+)\$\$|\$(?! )(?P<inline>[^$<]+)(?<! )\$(?!\d))"
IN_MARKDOWN = re.compile(f'(?<=class="arithmatex">){FORMULA}')
IN_NOTEBOOKS = re.compile(
    r"<!--.*?-->"
    r"|<(pre|code|script|style|svg)\b.*?</\1>"
    r'|<div\b[^>]*class="clipboard-copy-txt".*?</div>'
    r"""|<(?:"[^"]*"|'[^']*'|[^>"'])*>"""
    f"|{FORMULA}",
    re.DOTALL,
)
CONVERTER = LatexToMathML(fancy_error=False)


def on_page_content(content, page, **_):
    """Converts each formula; one that has a mistake ends the build."""

    def convert(match):
        latex = match["display"] or match["inline"]
        if latex is None:
            return match.group()
        latex, is_display = html.unescape(latex).strip(), match["display"] is not None
        try:
            mathml = CONVERTER.convert_with_local_state(latex, displaystyle=is_display)
        except LatexError as error:
            raise PluginError(f"{page.file.src_uri}: {latex}: {error}") from error
        if is_display:  # only the element around it can scroll
            return f'<span class="formula">{mathml}</span>'
        is_joined = content.startswith((".", ",", ":", ";", ")"), match.end())
        return f"{mathml}\u2060" if is_joined else mathml  # no new line before a comma

    is_notebook = page.file.src_uri.endswith(".ipynb")
    return (IN_NOTEBOOKS if is_notebook else IN_MARKDOWN).sub(convert, content)
