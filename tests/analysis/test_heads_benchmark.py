"""`benchmarks/attention_heads.py` runs and reports what it measured."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from tf_transformer.analysis.heads import head_statistics
from tf_transformer.analysis.maps import attention_maps
from tf_transformer.corpora import en_ko_grammar as grammar
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.inference.translator import Translator
from tf_transformer.models import Transformer

FILE = Path(__file__).parents[2] / "benchmarks" / "attention_heads.py"


@pytest.mark.slow
def test_tables_have_a_row_for_every_head():
    program = runpy.run_path(str(FILE))
    pairs = [example[:2] for example in grammar.generate("test")]
    tokenizer = Tokenizer.train(pairs, vocab_size=900)
    model = Transformer(
        tokenizer.vocab_size, num_layers=2, d_model=12, num_heads=3, d_ff=11
    )
    translator = Translator(model, tokenizer)
    figures = program["measure"](translator, 5)
    assert json.loads(json.dumps(figures)) == figures
    assert (figures["sentences"], figures["sentences_with_it"]) == (5, 175)
    maps = attention_maps(translator, *map(list, zip(*pairs[:5], strict=True)))
    for kind, written in figures["heads"].items():
        for name, values in head_statistics(maps, kind).items():
            np.testing.assert_allclose(written[name], values, atol=5.1e-5)
    rows = [
        line.split("|")[1].strip()
        for line in program["markdown"](figures).splitlines()
        if line.startswith("| ")
    ]
    assert rows == ["head", "1.1", "1.2", "1.3", "2.1", "2.2", "2.3"] * 3
