"""Gives the pages of the notebooks anchors in any language, and a search of the text.

MkDocs calls `on_page_content`; mkdocs.yml names this file. The plugin that converts
notebooks drops all letters but ASCII's from an anchor, and code from its list.
"""

import html
import re

from markdown.extensions import toc
from mkdocs.structure.toc import get_toc

HEADING = re.compile(
    r'<h([1-6]) id="[^"]*">(.*?)<a class="anchor-link"[^>]*>¶</a></h\1>', re.DOTALL
)
# the code of a cell, its copy for the clipboard, and the button
CODE = re.compile(
    r'<(div(?=[^>]* class="(?:highlight-ipynb|clipboard-copy-txt))|clipboard-copy(?= ))'
)


def on_page_content(content, page, **_):
    """Writes the anchors of the headings and the table of contents anew."""
    if not page.file.src_uri.endswith(".ipynb"):
        return content
    ids, entries = set(), []

    def rewrite(match):
        level, text = match.groups()
        name = re.sub(r"<[^>]*>", "", text)
        anchor = toc.unique(toc.slugify_unicode(html.unescape(name), "-"), ids)
        entries.append({"level": int(level), "id": anchor, "name": name})
        link = f'<a class="headerlink" href="#{anchor}">¶</a>' if level != "1" else ""
        return f'<h{level} id="{anchor}">{text}{link}</h{level}>'

    content = HEADING.sub(rewrite, content)
    page.toc = get_toc(toc.nest_toc_tokens(entries))
    return CODE.sub(r"<\1 data-search-exclude", content)
