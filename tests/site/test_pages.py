"""Pages of the documentation site: formulas and the headings of notebooks."""

import types

import pytest

from tests.document_blocks import ROOT

pytest.importorskip("math_core", reason='needs pip install "tf_transformer[docs]"')
markdown = pytest.importorskip("markdown")
mkdocs_config = pytest.importorskip("mkdocs.config")
nbformat = pytest.importorskip("nbformat")
convert = pytest.importorskip("mkdocs_jupyter.convert")


@pytest.fixture(scope="module")
def config():
    return mkdocs_config.load_config(str(ROOT / "mkdocs.yml"))


def page_of(config, name, content):
    """The HTML after the hooks of the site, and the page."""
    page = types.SimpleNamespace(file=types.SimpleNamespace(src_uri=name))
    for hook in ("docs/site/notebook_pages.py", "docs/site/formulas.py"):
        content = config.hooks[hook].on_page_content(content, page=page)
    return content, page


def notebook(config, tmp_path, *cells):
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "one.ipynb")
    return page_of(config, "one.ipynb", convert.nb2html(str(tmp_path / "one.ipynb")))


def written(config, text):
    converter = markdown.Markdown(
        extensions=config.markdown_extensions, extension_configs=config.mdx_configs
    )
    return page_of(config, "one.md", converter.convert(text))[0]


def test_formulas_of_notebooks_become_mathml_and_code_stays(config, tmp_path):
    text = (
        "With $a_1 < b_1$ and\n\n$$\\frac{1}{n}$$\n\n`$x$` costs \\$5.\n\n    echo $A$"
    )
    code = nbformat.v4.new_code_cell("!echo $HOME$PATH$")
    content, _ = notebook(config, tmp_path, nbformat.v4.new_markdown_cell(text), code)
    inline = "<math><msub><mi>a</mi><mn>1</mn></msub><mo>&lt;</mo>"
    assert f"With {inline}<msub><mi>b</mi><mn>1</mn></msub></math> and" in content
    fraction = '<math display="block"><mfrac><mn>1</mn><mi>n</mi></mfrac></math>'
    assert f'<span class="formula">{fraction}</span>' in content
    assert content.count("<math") == 2
    assert "<code>$x$</code> costs $5" in content and "echo $A$" in content
    assert "!echo $HOME$PATH$</div>" in content


@pytest.mark.parametrize("text", ["from $5 to $6", "$5, $6", "`$a$`"])
def test_prices_and_code_are_no_formulas(config, tmp_path, text):
    shown, _ = notebook(config, tmp_path, nbformat.v4.new_markdown_cell(text))
    for content in (shown, written(config, text), written(config, "\\$a\\$")):
        assert "<math" not in content and "$" in content


def test_markdown_does_not_change_a_formula(config):
    assert "<math><msub><mi>a</mi><mn>1</mn></msub><msub>" in written(
        config, "$a_1 b_2$"
    )
    assert '<math display="block"><msub>' in written(config, "$$\na_1 b_2\n$$")


@pytest.mark.parametrize("latex", [r"\unknown{x}", r"\frac{1}", r"\left( x"])
def test_formula_with_a_mistake_ends_the_build(config, latex):
    with pytest.raises(Exception, match="one.md: ") as caught:
        written(config, f"${latex}$")
    assert type(caught.value).__name__ == "PluginError"


def test_table_of_contents_of_a_notebook_leads_to_its_headings(config, tmp_path):
    text = "# 제목\n\n## 두 마스크\n\n## 5. `x += y`\n\n## 두 마스크"
    content, page = notebook(config, tmp_path, nbformat.v4.new_markdown_cell(text))
    (title,) = page.toc.items
    assert [entry.title for entry in title.children] == [
        *("두 마스크", "5. x += y", "두 마스크")
    ]
    addresses = [entry.url for entry in (title, *title.children)]
    assert addresses == ["#제목", "#두-마스크", "#5-x-y", "#두-마스크_1"]
    for address in addresses:
        assert f' id="{address[1:]}"' in content
