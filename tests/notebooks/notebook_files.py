"""The notebooks, read and run."""

import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="pip install '.[notebooks]'")
nbclient = pytest.importorskip("nbclient", reason="pip install '.[notebooks]'")

ROOT = Path(__file__).parents[2]
ENGLISH, KOREAN = (
    sorted((ROOT / "notebooks" / language).glob("*.ipynb")) for language in ("en", "ko")
)

ANSWER = re.compile(r"<details><summary>(?:Answer|답)</summary>\n(.*?)</details>", re.S)
PROGRAM = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)


def read(path):
    return nbformat.read(path, as_version=4)


def answers(notebook):
    """The hidden answers of the exercises, in order."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return ANSWER.findall("\n".join(texts))


def programs_of_answers(notebook):
    return [
        program for answer in answers(notebook) for program in PROGRAM.findall(answer)
    ]


# notebook: texts of cells and what stands there in the short form. Most claims are
# still checked, with fewer repetitions or updates; 05 trains without RMSNorm and
# GroupNorm, and 09 has easier limits.
SHORT = {
    "00_build_the_transformer": {
        "num_layers=2": "num_layers=1",
        "epochs=4": "epochs=3",
    },
    "02_why_divide_by_sqrt_dk": {"for seed in (1, 2)": "for seed in (1,)"},
    "05_normalization": {
        '"rms", "group", "batch", "batch_with_padding", "none"': (
            '"batch", "batch_with_padding", "none"'
        ),
        '"rms", "group", "none"': '"none"',
    },
    "06_residual_paths": {
        "(2, 4, 8, 16, 24)": "(2, 24)",
        "for _ in range(3)": "for _ in range(2)",
    },
    "07_rnn_attention_and_self_attention": {
        "LONGEST = 2, 3, 12": "LONGEST = 2, 3, 10",
        "[4, 8, 12]": "[2, 4, 6]",
        "(score, updates=400)": "(score, updates=250)",
        "updates=800": "updates=500",
        "self_attention(updates=400)": "self_attention(updates=300)",
    },
    "09_from_pairs_to_a_served_model": {
        "tokenizer.vocab_size)\n": "tokenizer.vocab_size, num_layers=1)\n",
        "corpus.train[:4000]": "corpus.train[:2000]",
        "EPOCHS = 9": "EPOCHS = 7",
        "-1] < 2 <": "-1] < 5 <",
        "assert 60 <": "assert 8 <",
    },
    "10_beam_search_step_by_step": {
        "words(ids[ids != EOS_ID])) for ids in samples]": (
            "words(ids[ids != EOS_ID])) for ids in samples[:1500]]"
        ),
    },
}

# what `make demo` leaves: the same model, trained for longer
DEMO = ROOT / "runs" / "demo"
if DEMO.exists():
    SHORT["08_what_heads_look_at"] = {"RUN = None": f"RUN = {str(DEMO)!r}"}


def shortened(notebook, changes):
    """The notebook with each text of `changes`, which occurs once, replaced."""
    for text, short in changes.items():
        [cell] = [cell for cell in notebook.cells if text in cell.source]
        cell.source = cell.source.replace(text, short)
    return notebook


def run(path, folder, short=False):
    """Runs all cells in `folder`, and after them the programs of the answers."""
    notebook = read(path)
    programs = programs_of_answers(notebook)
    notebook.cells += map(nbformat.v4.new_code_cell, programs)
    if short:
        shortened(notebook, SHORT.get(path.stem, {}))
    resources = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(
        notebook, timeout=None, startup_timeout=600, resources=resources
    ).execute()
