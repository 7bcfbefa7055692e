"""The user's SentencePiece models and symbols in `train`.

Run: pytest tests/cli/test_own_tokenizer.py
"""

import pytest
import sentencepiece

from tf_transformer import cli
from tf_transformer.cli.verbs import _one_line
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.data import describe_references, load_corpus, make_tokenizer
from tf_transformer.runs.directory import RunDirectory

WORDS = ["sun", "moon", "star", "tree", "bird"]
TARGETS = {"<2up>": "｛{}！｝", "<2id>": "  {}…"}
IDS_OF_T5 = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}


@pytest.fixture(scope="module")
def lines():
    return [
        (f"{tag} {left} {right}", form.replace("{}", f"{right} {left}"))
        for tag, form in TARGETS.items()
        for left in WORDS
        for right in WORDS
    ]


@pytest.fixture(scope="module")
def data(lines, tmp_path_factory):
    path = tmp_path_factory.mktemp("pairs") / "pairs.tsv"
    path.write_text("".join("\t".join(line) + "\n" for line in lines * 2), "utf-8")
    return path


def train_model(path, lines, **settings):
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_prefix=str(path),
        vocab_size=90,
        hard_vocab_limit=False,
        minloglevel=2,
        **settings,
    )
    return f"{path}.model"


@pytest.mark.slow
def test_a_run_keeps_two_models_of_ones_own(tmp_path, data, lines):
    sources, targets = zip(*lines, strict=True)
    models = (
        train_model(tmp_path / "source", sources, **IDS_OF_T5),
        train_model(tmp_path / "target", targets, model_type="bpe"),
    )
    run, nll = tmp_path / "run", ["--monitor", "nll", "--validation-sentences", "0"]
    command = ["train", "--run", str(run), "--data", str(data), "--epochs", "1", *nll]
    command += ["--num-encoder-layers", "1", "--num-decoder-layers", "1"]
    assert cli.main([*command, "--tokenizer", *models]) == 0
    # a list in config.json is the same setting when the run is continued
    assert RunDirectory(run).config().tokenizer == models
    translator = RunDirectory(run).translator()
    assert translator.tokenizer.target_vocab_size is not None
    assert len(translator(["<2up> sun moon"], beam_size=1)) == 1


def test_one_own_model_is_used_for_both_sides_and_changes_are_reported(
    tmp_path, data, lines, capsys
):
    texts = [text for pair in lines for text in pair]
    model = train_model(tmp_path / "both", texts, model_type="bpe")
    config = TrainingConfig(data=str(data), tokenizer=[model]).resolved()
    corpus = load_corpus(config)
    tokenizer = make_tokenizer(config, corpus)
    assert tokenizer.target_vocab_size is None
    describe_references(config, corpus, tokenizer)
    [line] = capsys.readouterr().out.splitlines()
    num_references = len(corpus.validation)
    assert f"changes {num_references} of {num_references} validation ref" in line
    assert "no model can score above BLEU" in line


def test_symbols_are_ids_and_targets_keep_their_spelling(data, capsys):
    config = TrainingConfig(
        data=str(data), vocab_size=330, user_defined_symbols=[*TARGETS]
    )
    config = config.resolved()
    corpus = load_corpus(config)
    tokenizer = make_tokenizer(config, corpus)
    assert tokenizer.source_vocabulary()[4:6] == [*TARGETS]
    describe_references(config, corpus, tokenizer)
    assert capsys.readouterr().out == ""


def test_the_vocabulary_has_the_settings_of_the_run(data):
    settings = {"source_normalization": "identity", "shared_vocabulary": False}
    settings |= {"target_normalization": "nmt_nfkc_cf", "vocab_size": 330}
    config = TrainingConfig(data=str(data), **settings).resolved()
    tokenizer = make_tokenizer(config, load_corpus(config))
    assert tokenizer.target_vocab_size is not None
    text = "｛Sun！"
    assert tokenizer.decode_source(tokenizer.encode_source([text])) == [text]
    assert tokenizer.decode_target(tokenizer.encode_target([text])) == ["{sun!"]


def test_a_model_that_cannot_be_exported_is_refused_before_training(
    tmp_path, data, lines, capsys
):
    sources = [source for source, _ in lines]
    word = train_model(tmp_path / "word", sources, model_type="word")
    options = ["--run", str(tmp_path / "run"), "--data", str(data)]
    for tokenizer, message in (
        ([word], "word.model cannot be used. This SentencePiece model is not support"),
        ([word, "--vocab-size", "9"], "with tokenizer. Received: vocab_size=9"),
        ([word, word, word], "one file for both sides, or of two"),
        (["none.model"], "none.model"),
    ):
        assert cli.main(["train", *options, "--tokenizer", *tokenizer]) == 1
        [error] = capsys.readouterr().err.splitlines()
        assert message in error
    assert not (tmp_path / "run").exists()


def test_a_printed_translation_keeps_its_spelling_in_one_line():
    text = "a\u2028b\u0085c\x0bd  e\u00a0！"
    assert _one_line(text) == text
    assert _one_line("a\r\nb\nc\rd") == "a b c d"
