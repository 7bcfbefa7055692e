"""The files of a run's folder: one changed, the others as they should be."""

import functools
import io
import json

import numpy as np

from tests.fuzzing.foreign_folders import small_tokenizer
from tests.fuzzing.target import IN_FOLDER, Target, folder, must
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.directory import RunDirectory
from tf_transformer.utils.checksum import append_checksum

ERRORS = (ValueError, FileNotFoundError)


@functools.cache
def run():
    """A run with its best weights, scores, an average and a checkpoint."""
    from tests.export.toy_export import make_translator
    from tf_transformer.training.checkpoints import save_checkpoint
    from tf_transformer.training.weights import save_weights

    found = RunDirectory(folder("run"))
    translator = make_translator(tokenizer=small_tokenizer())
    config = TrainingConfig(architecture="transformer", preset="tiny")
    found.begin(config, translator.tokenizer, translator.model)
    save_weights(translator.model, found.best_weights)
    found.add_evaluation("test", {"bleu": 1.5, "bleu_signature": "x"})
    found.set_average({"epochs": [3, 4], "is_best": False, "value": 0.5})
    save_checkpoint(checkpoint(found), small_model(), STATE)
    return found


def checkpoint(found):
    return found.checkpoints / "epoch-0003.npz"


STATE = {
    "epoch": 3,
    "data": [[3, 0, 0, 0], 345, 6789],
    "metrics": None,
    "best": {"best": 12.5, "best_epoch": 2},
    "log": {"size": 100, "seconds": 0.5},
    "events": {"events.out.tfevents.1": 90},
    "points": {"loss": [1.0, 2.0]},
}


@functools.cache
def small_model():
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(optimizer=keras.optimizers.SGD(momentum=0.9), loss="mse")
    return model


def read_changed(name, read, data):
    """Calls a function while a file of the run is another; restores it."""
    path = run().path / name
    whole = path.read_bytes()
    path.write_bytes(data)
    try:
        read(run())
    finally:
        path.write_bytes(whole)


def read_config(found):
    found.contents()
    found.config()
    found.tokenizer()


def restore(found):
    """Everything that a training restores before its first update."""
    from tf_transformer.data.endless import EndlessBatches
    from tf_transformer.runs.fitting import restore_latest
    from tf_transformer.training.callbacks import JsonLog, KeepBest
    from tf_transformer.training.tensorboard import EventFiles
    from tf_transformer.training.updates import PartialMetrics, progress_of

    _, state = restore_latest(found, small_model())
    finished = state.get("epoch", 0)
    must(finished + 1 > finished, "an epoch that is no number")
    best = KeepBest("best.weights.h5", "bleu", 3)
    if state.get("best"):
        best.restore(state["best"])
    best.exhausted(finished - 1)
    best.improves(1.0)
    progress = progress_of(state.get("data"))
    EndlessBatches([], progress)
    JsonLog(found.json_log).restore(state.get("log"))
    EventFiles(found.logs).restore(state.get("events"))
    PartialMetrics().restore(state.get("metrics"))
    dict(state.get("points") or {})


def restore_state(data):
    """A complete checkpoint with another state."""
    with np.load(checkpoint(run())) as arrays:
        arrays = {**arrays, "state": np.frombuffer(data, np.uint8)}
    file = io.BytesIO()
    np.savez(file, **arrays)
    read_changed("checkpoints/epoch-0003.npz", restore, file.getvalue())


def restore_with_checksum(data):
    """A checkpoint with a correct checksum, whatever it contains."""

    def read(found):
        append_checksum(checkpoint(found))
        restore(found)

    read_changed("checkpoints/epoch-0003.npz", read, data)


def read_objects(data):
    """`average.json` and `evaluation.json`, with the same contents."""
    for name, read in (
        ("evaluation.json", RunDirectory.evaluation),
        ("average.json", RunDirectory.average),
    ):
        read_changed(name, read, data)


def read_tokenizer(data):
    """A tokenizer of an earlier version, without a fingerprint."""
    from tf_transformer.data.tokenizer import Tokenizer

    read_changed(
        "tokenizer.model", lambda found: use_tokenizer(Tokenizer.load(found.path)), data
    )


def use_tokenizer(tokenizer):
    rows = tokenizer.encode_source(["a cat", "고양이 ★ 1"])
    must(all(row[-1] == 3 for row in rows), "no end")
    size = tokenizer.vocab_size
    must(all(0 <= i < size for row in rows for i in row), "an id without a piece")
    tokenizer.decode_target(rows)


def seed(name):
    return [(run().path / name).read_bytes()]


def object_seeds():
    return seed("average.json")


def archive_seeds():
    with np.load(checkpoint(run())) as arrays:
        arrays = dict(arrays)
    file = io.BytesIO()
    np.savez(file, **arrays)
    return [file.getvalue()]


def state_seeds():
    within = {**STATE, "metrics": [1.0, [2.0, 3.0]], "log": None, "points": None}
    return [json.dumps(state).encode() for state in (STATE, within)]


def target(name, read, seeds, **more):
    return Target(name, read, seeds, errors=ERRORS, in_error=IN_FOLDER, **more)


def changed(name, file, read, **more):
    return target(
        name,
        functools.partial(read_changed, file, read),
        functools.partial(seed, file),
        **more,
    )


TARGETS = [
    changed("run_config", "config.json", read_config),
    target("run_scores", read_objects, object_seeds),
    changed("run_checkpoint", "checkpoints/epoch-0003.npz", restore),
    target("run_checkpoint_archive", restore_with_checksum, archive_seeds),
    target("run_checkpoint_state", restore_state, state_seeds),
    target("run_tokenizer", read_tokenizer, functools.partial(seed, "tokenizer.model")),
    changed("run_model", "config.json", RunDirectory.translator, is_slow=True),
    changed("run_weights", "best.weights.h5", RunDirectory.translator, is_slow=True),
]
