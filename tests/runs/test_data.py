"""A run reads and batches its pairs according to its settings."""

import os

import pytest

from tests.data.test_batching import WordTokenizer
from tf_transformer.data.batching import Batches
from tf_transformer.data.streaming import StreamedBatches
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.data import (
    describe_batches,
    load_corpus,
    make_batches,
    make_plan,
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for name, size in (("train", 90), ("valid", 7), ("test", 5)):
        sides = [f"{name} {i}" for i in range(size)], [str(i) for i in range(size)]
        for side, lines in zip(("source", "target"), sides, strict=True):
            (folder / f"{name}.{side}").write_text("\n".join(lines) + "\n")
        rows = zip(*sides, strict=True)
        (folder / f"{name}.tsv").write_text("".join(f"{s}\t{t}\n" for s, t in rows))
    return folder


def config_of(files, *splits, **settings):
    for split in splits:
        for side in ("source", "target"):
            settings[f"{split}_{side}"] = str(files / f"{split}.{side}")
    return TrainingConfig(**settings).resolved()


@pytest.mark.parametrize("form", ["tsv", "parallel"])
def test_with_a_window_training_pairs_are_a_stream(files, form):
    if form == "tsv":
        data = str(files / "train.tsv")
        config = config_of(files, "valid", "test", data=data, window=20)
    else:
        config = config_of(files, "train", "valid", "test", window=20)
    corpus = load_corpus(config)
    whole = load_corpus(config_of(files, "train", "valid", "test"))
    assert not isinstance(corpus.train, list)
    assert list(corpus.train) == list(corpus.train) == whole.train
    assert (corpus.validation, corpus.test) == (whole.validation, whole.test)


def test_held_out_pairs_are_in_no_training_file(files):
    settings = {
        f"train_{side}": tuple(
            str(files / f"{name}.{side}") for name in ("train", "valid")
        )
        for side in ("source", "target")
    }
    corpus = load_corpus(TrainingConfig(**settings, train_weights=(1, 3)).resolved())
    held_out = {*corpus.validation, *corpus.test}
    assert held_out
    assert held_out.isdisjoint(corpus.train)


def test_a_stream_needs_validation_files(files):
    config = config_of(files, data=str(files / "train.tsv"), window=20)
    with pytest.raises(ValueError, match="valid_source.*Received: window=20 and .*tsv"):
        load_corpus(config)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 0, "data": "x.tsv"}, "window must be at least 1. Received: 0"),
        ({"window": 9}, "built-in corpus is not a stream.*window=9, data=None"),
        ({"window": 9, "data": "en_ko_grammar"}, "not a stream.*data=en_ko_grammar"),
        ({"valid_source": "a", "valid_target": "b"}, "go with training files"),
        (
            {"train_source": "a", "train_target": "b", "source_language": "en"},
            "order of the files sets the direction.*source_language=en",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        TrainingConfig(**settings).resolved()


@pytest.mark.parametrize("name", ["data", "train_target", "valid_source"])
def test_a_pipe_is_refused_because_a_resumed_training_reads_again(
    files, tmp_path, name
):
    pipe = str(tmp_path / "pipe")
    os.mkfifo(pipe)
    settings = {}
    if name != "data":
        settings = {f"train_{side}": (__file__,) for side in ("source", "target")}
        settings |= {f"valid_{side}": __file__ for side in ("source", "target")}
    settings[name] = (pipe,) if name.startswith("train") else pipe
    with pytest.raises(ValueError, match=f"Expected {name} to be a file.*{pipe}"):
        TrainingConfig(**settings).resolved()


@pytest.mark.moderate
def test_a_language_reverses_the_built_in_corpus():
    turned = load_corpus(TrainingConfig(source_language="ko").resolved())
    corpus = load_corpus(TrainingConfig().resolved())
    assert turned.test == [(korean, english) for english, korean in corpus.test]


class NumbersOf(WordTokenizer):
    """The last word alone is a number."""

    def encode_source(self, texts):
        return super().encode_source([text.split()[-1] for text in texts])


def test_the_seed_of_a_run_orders_its_batches(files):
    orders = []
    for seed in (1, 2, 1):
        config = config_of(files, "train", "valid", seed=seed, batch_tokens=16)
        train_batches, _ = make_batches(config, load_corpus(config), NumbersOf())
        orders.append([labels.tolist() for _, labels, _ in train_batches])
    assert orders[0] == orders[2] != orders[1]


@pytest.mark.parametrize("window", [None, 20])
def test_batches_are_as_set_and_skipped_pairs_are_reported(files, window, capsys):
    config = config_of(
        files,
        *("train", "valid"),
        window=window,
        batch_tokens=16,
        gradient_accumulation_steps=2,
        epochs=3,
        static_shapes=True,
        max_length=9,
    )
    corpus = load_corpus(config)
    if window is None:
        corpus.train.append(("no 1", "2 " * 9))
    train_batches, valid_batches = make_batches(config, corpus, NumbersOf())
    assert type(train_batches) is (Batches if window is None else StreamedBatches)
    assert type(valid_batches) is Batches
    assert train_batches.static_shapes and valid_batches.static_shapes
    assert train_batches.shuffle and not valid_batches.shuffle
    # rows of 8: 8 tokens in length, 2 rows each, the last of a window is filled up
    per_epoch = -(-90 // 2 // 2)
    assert make_plan(config, train_batches) == (per_epoch, 3 * per_epoch)
    assert make_plan(config, train_batches, 14) == (7, 21)
    describe_batches(corpus, train_batches, valid_batches)
    output = capsys.readouterr().out
    dropped = "1 dropped: blank or longer than 9 tokens"
    assert f"90 training pairs ({'none dropped' if window else dropped})" in output
    assert "7 validation pairs (none dropped)" in output
