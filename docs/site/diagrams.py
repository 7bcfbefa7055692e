"""Draws docs/diagrams/ again: `python docs/site/diagrams.py`."""

from pathlib import Path

from tf_transformer.analysis.diagrams import DIAGRAMS, diagram
from tf_transformer.analysis.diagrams.canvas import LANGUAGES

FOLDER = Path(__file__).parents[1] / "diagrams"


def files() -> dict[str, str]:
    """The text of each file in the folder, by its name."""
    return {
        f"{name}.{language}.svg": diagram(name, language).svg
        for name in DIAGRAMS
        for language in LANGUAGES
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
