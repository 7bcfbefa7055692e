"""Adds README, notebooks, API pages and linked source files to the MkDocs site.

MkDocs calls the functions `on_...`; mkdocs.yml names this file.
"""

import ast
import itertools
import json
import posixpath
import re
from pathlib import Path

from mkdocs.plugins import event_priority
from mkdocs.structure.files import File

ROOT = Path(__file__).parents[2]
PACKAGE = "tf_transformer"
# file of the repository: page of the site
PAGES = {
    "README.md": "index.md",
    "README.ko.md": "ko.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
    "notebooks/README.md": "notebooks/index.md",
    "notebooks/README.ko.md": "notebooks/ko/index.md",
    "scripts/README.md": "scripts.md",
    "saved_models/README.md": "saved_models.md",
}
# section of the navigation: folder of its notebooks
NOTEBOOKS = {"Notebooks": "notebooks/en", "노트북": "notebooks/ko"}
PUBLIC_PACKAGES = (
    *("tf_transformer", "tf_transformer.layers", "tf_transformer.models"),
    *("tf_transformer.decoding", "tf_transformer.training", "tf_transformer.data"),
    *("tf_transformer.runs", "tf_transformer.analysis"),
    "tf_transformer.corpora.en_ko_grammar",
)
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def on_config(config):
    """Lists the notebooks, the traps and the API's pages in the navigation."""
    for section in config.nav:
        pages = section if isinstance(section, dict) else {}
        for name, folder in NOTEBOOKS.items():
            if name in pages:
                pages[name] += [{_title(uri): uri} for uri in _notebooks(folder)]
        if "Correctness" in pages:
            traps = sorted((ROOT / "docs" / "correctness").glob("*.md"))
            pages["Correctness"] += [f"correctness/{path.name}" for path in traps]
        if "API" in pages:
            pages["API"] += [
                {name.removeprefix("tf_transformer."): _api_page(name)}
                for name in PUBLIC_PACKAGES
            ]
    return config


@event_priority(100)  # before the plugin that converts notebooks
def on_files(files, config):
    """Adds the pages that are outside docs/ or generated here."""
    for uri in itertools.chain(*map(_notebooks, NOTEBOOKS.values())):
        files.append(File(uri, str(ROOT), config.site_dir, config.use_directory_urls))
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    for name in PUBLIC_PACKAGES:
        files.append(File.generated(config, _api_page(name), content=_api(name)))
    files.append(File.generated(config, "api/index.md", content=_api_index()))
    for source in sorted(_linked_sources()):
        files.append(
            File.generated(config, f"source/{source}.md", content=_source(source))
        )
    return files


def on_page_markdown(markdown, page, **_):
    """Turns links between files of the repository into links between pages.

    A link whose text is a file name, such as training.md, shows the page's title.
    """
    uri = page.file.src_uri
    origin = {page: source for source, page in PAGES.items()}.get(uri, f"docs/{uri}")

    def rewrite(match):
        mark, text, link = match.groups()
        target, _, anchor = link.partition("#")
        if "://" in link or not target:
            return match.group()
        path = posixpath.normpath(posixpath.join(posixpath.dirname(origin), target))
        address = posixpath.relpath(_page_of(path), posixpath.dirname(uri) or ".")
        if text.endswith(".md"):
            text = _heading(path)
        return f"{mark}[{text}]({address}{'#' + anchor if anchor else ''})"

    if uri.startswith(("api/", "source/")) or uri.endswith(".ipynb"):
        return markdown
    return LINK.sub(rewrite, markdown)


def on_page_content(html, page, **_):
    """Turns links from notebooks to documents and code into links to their pages."""
    if not page.file.src_uri.endswith(".ipynb"):
        return html
    folder = posixpath.dirname(page.file.src_uri)

    def rewrite(match):
        path = posixpath.normpath(posixpath.join(folder, match[1]))
        target = _page_of(path).removesuffix(".md") + ".html"
        return f'href="{posixpath.relpath(target, folder)}"'

    return re.sub(r'href="(\.\./[^"#]+\.(?:md|py))"', rewrite, html)


def on_page_context(context, page, config, **_):
    """Labels a Korean page in Korean; hides a table of contents without entries."""
    is_korean = re.match(r"ko\.md|notebooks/ko/", page.file.src_uri)
    config.theme["language"] = "ko" if is_korean else "en"
    if not any(title.children for title in page.toc):
        page.meta.setdefault("hide", ["toc"])
    return context


def _page_of(source: str) -> str:
    """The page of the site that shows a file of the repository."""
    if source in ("notebooks", "scripts"):
        source += "/README.md"
    if source in PAGES:
        return PAGES[source]
    if source.startswith("docs/"):
        return source.removeprefix("docs/")
    if source.startswith("notebooks/"):
        return source
    return f"source/{source}.md"


def _heading(document: str) -> str:
    """The first heading of a Markdown file."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return text.split("# ", 1)[1].split("\n")[0]


def _notebooks(folder: str) -> list[str]:
    return sorted(f"{folder}/{path.name}" for path in (ROOT / folder).glob("*.ipynb"))


def _title(notebook: str) -> str:
    """The notebook's number and its title."""
    cells = json.loads((ROOT / notebook).read_text(encoding="utf-8"))["cells"]
    heading = "".join(cells[0]["source"]).splitlines()[0]
    return f"{posixpath.basename(notebook)[:2]} {heading.strip('# ').replace('*', '')}"


def _linked_sources() -> set[str]:
    """Files of the repository that documents link to and that are not pages."""
    sources = set()
    documents = [
        *PAGES,
        *(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")),
        *itertools.chain(*map(_notebooks, NOTEBOOKS.values())),
    ]
    for document in documents:
        for link in _links(ROOT / document):
            if "://" in link or link.startswith("#"):
                continue
            folder = posixpath.dirname(document)
            source = posixpath.normpath(posixpath.join(folder, link.partition("#")[0]))
            if _page_of(source).startswith("source/") and (ROOT / source).is_file():
                sources.add(source)
    return sources


def _links(document: Path) -> list[str]:
    text = document.read_text(encoding="utf-8")
    if document.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        written = [cell for cell in cells if cell["cell_type"] == "markdown"]
        text = "\n".join("".join(cell["source"]) for cell in written)
    return [link for _, _, link in LINK.findall(text)]


def _source(source: str) -> str:
    text = (ROOT / source).read_text(encoding="utf-8")
    languages = {".c": "c", ".js": "javascript", ".py": "python"}
    language = languages.get(Path(source).suffix, "")
    head = "---\nsearch:\n  exclude: true\n---\n"
    return f"{head}# {source}\n\n````{language}\n{text}````\n"


def _api_page(name: str) -> str:
    return f"api/{name.removeprefix('tf_transformer.')}.md"


def _public_names(package: str) -> list[str]:
    """`__all__` of a package, read without importing it."""
    tree = ast.parse((ROOT / package.replace(".", "/") / "__init__.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names = [ast.literal_eval(item) for item in node.value.elts]
    return [name for name in names if not name.startswith("_")]


def _docstring(package: str) -> str:
    tree = ast.parse((ROOT / package.replace(".", "/") / "__init__.py").read_text())
    return ast.get_docstring(tree) or ""


def _api(package: str) -> str:
    packages = {path.parent.name for path in (ROOT / PACKAGE).glob("*/__init__.py")}
    entries = "\n".join(
        f"::: {package}.{name}\n"
        for name in _public_names(package)
        if name not in packages
    )
    return f"# {package}\n\n{_docstring(package)}\n\n{entries}"


def _api_index() -> str:
    rows = "\n".join(
        f"| [{name}]({posixpath.basename(_api_page(name))}) | "
        f"{_docstring(name).splitlines()[0]} |"
        for name in PUBLIC_PACKAGES
    )
    return (
        "# API\n\nThe public names, with the docstrings of the code. Examples in "
        f"docstrings are run by the tests.\n\n| package | |\n|---|---|\n{rows}\n"
    )
