"""Every line of the real corpora has the library's ids; a sample of them in CI.

Run with TF_TRANSFORMER_DATA=<folder>:
pytest tests/export/graph_tokenizer/test_graph_tokenizer_corpora.py
"""

import gzip
import io
import os
from pathlib import Path

import pytest
import sentencepiece
import tensorflow as tf

from tests.fast import FAST
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.export.graph_tokenizer.tokenizer import GraphTokenizer
from tf_transformer.ids import EOS_ID

FOLDER = os.environ.get("TF_TRANSFORMER_DATA")
BATCH = 128
# every how many-th line is compared
STEP = 23 if FAST else 1

pytestmark = pytest.mark.skipif(
    not FOLDER, reason="TF_TRANSFORMER_DATA does not name the folder of the corpora"
)


def lines_of(path):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="\n") as file:
        for line in file:
            columns = line.rstrip("\n").split("\t")
            yield from columns[:2] if ".tsv" in path.suffixes else columns


def corpora():
    """All lines, by the name of the corpus."""
    found = {}
    for path in sorted(Path(FOLDER).glob("*/*")):
        if path.suffix not in {".txt", ".md"}:
            found.setdefault(path.parent.name, []).extend(lines_of(path))
    return found


def unigram(pairs, side):
    """Our own vocabulary with the normalization of one side."""
    return getattr(Tokenizer.train(pairs, vocab_size=8000), f"{side}_model")


def bpe(pairs):
    """A BPE vocabulary of spm_train with its usual ids and user-defined symbols."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(line for pair in pairs for line in pair),
        model_writer=model,
        model_type="bpe",
        vocab_size=8000,
        byte_fallback=True,
        user_defined_symbols=["<2de>", "``", "ing", "을"],
        minloglevel=2,
    )
    return Tokenizer(model.getvalue()).source_model


MODELS = {
    "multi30k, source": ("multi30k", lambda pairs: unigram(pairs, "source")),
    "pydocs_en_ko, target": ("pydocs_en_ko", lambda pairs: unigram(pairs, "target")),
    "pydocs_en_ko, bpe": ("pydocs_en_ko", bpe),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_every_line_has_the_librarys_ids(name):
    lines = corpora()
    corpus_name, train = MODELS[name]
    known = lines[corpus_name]
    model = train(list(zip(known[::2], known[1::2], strict=False)))
    library = sentencepiece.SentencePieceProcessor(model_proto=model)
    twin = GraphTokenizer(model)
    different, num_lines = [], 0
    for corpus in lines.values():
        corpus = sorted(corpus, key=len)[::STEP]
        for start in range(0, len(corpus), BATCH):
            texts = corpus[start : start + BATCH]
            encoded = twin.encode(tf.constant(texts))
            decoded = twin.decode(encoded).numpy()
            expected = [ids + [EOS_ID] for ids in library.encode(texts)]
            for text, row, ids, read in zip(
                texts, encoded.numpy().tolist(), expected, decoded, strict=True
            ):
                is_same = row[: len(ids)] == ids and not any(row[len(ids) :])
                if not is_same or read.decode() != library.decode(ids):
                    different.append(text)
            num_lines += len(texts)
    print(f"{num_lines} lines compared, {len(different)} differ")
    assert num_lines > 0
    assert different == []
