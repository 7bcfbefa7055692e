"""Runs in forked processes that kill themselves, compared with an uninterrupted run.

    python -m tests.runs.killed_runs FOLDER WHAT...

WHAT is the number of updates after which a process is killed (each process continues
where the one before was killed), or `NAMES` of places where files are written.
Environment: SETTINGS, other settings of the run as JSON; TRACED=1, compiled training
steps on TensorFlow; DEVICES, number of parts of the CPU that TensorFlow sees; FORGET,
partial metrics are not restored; KERAS_BACKEND.
Prints one line of JSON. This process imports the backend and computes nothing, so that
each fork begins with a fresh runtime within a second.
"""

import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from tests.backend import BACKEND  # noqa: E402
from tests.runs.killed_pairs import NAMES, write_files  # noqa: E402
from tf_transformer.models import Transformer  # noqa: E402
from tf_transformer.runs import training  # noqa: E402
from tf_transformer.runs.config import TrainingConfig  # noqa: E402
from tf_transformer.runs.directory import RunDirectory  # noqa: E402
from tf_transformer.training import callbacks, checkpoints, tensorboard, weights  # noqa: E402
from tf_transformer.training.updates import PartialMetrics, UpdateCounter  # noqa: E402
from tf_transformer.utils import atomic  # noqa: E402


def small_model(config, tokenizer, arguments=None):
    return Transformer(
        tokenizer.vocab_size,
        num_layers=1,
        d_model=12,
        num_heads=3,
        d_ff=17,
        dropout_rate=0.1,
        word_dropout_rate=0.1,
        max_length=config.max_length,
    )


def config_of(folder, max_updates, **changes):
    """A stream, sampling, accumulated batches, R-Drop, averages, all at once."""
    write_files(folder)
    settings = {
        "train_source": str(folder / "train.0"),
        "train_target": str(folder / "train.1"),
        "valid_source": str(folder / "valid.0"),
        "valid_target": str(folder / "valid.1"),
        "vocab_size": 290,
        "window": 13,
        "sampling_alpha": 0.3,
        "batch_tokens": 24,
        "gradient_accumulation_steps": 2,
        "max_updates": max_updates,
        "validate_every": 4,
        "checkpoint_every": 1,
        "max_length": 40,
        "warmup_steps": 9,
        "peak": 0.01,
        "r_drop": 0.7,
        "ema_momentum": 0.9,
        "monitor": "nll",
        "patience": 50,
        "validation_sentences": 0,
        "telemetry": 3,
    }
    return TrainingConfig(**{**settings, **changes})


def kill_here():
    os.kill(os.getpid(), signal.SIGKILL)


def kill_before_checkpoint_of(update):
    """The process ends after the update, before anything of it is kept."""
    real = UpdateCounter.on_train_batch_end

    def counted(self, batch, logs=None):
        real(self, batch, logs)
        if self.is_between and self.updates == update:
            kill_here()

    UpdateCounter.on_train_batch_end = counted


def replace_then_kill(name, before):
    """Kills before or after a file of this name gets its place."""
    real = os.replace

    def replace(source, target):
        if not Path(target).name.startswith(name):
            return real(source, target)
        if not before:
            real(source, target)
        return kill_here()

    atomic.os.replace = replace


def half_written(owner, name, call):
    """Kills when a function that writes a file has written half of it."""
    real, calls = getattr(owner, name), []

    def write(*arguments, **named):
        result = real(*arguments, **named)
        calls.append(1)
        if len(calls) == call:
            path = next(a for a in arguments if isinstance(a, Path))
            os.truncate(path, path.stat().st_size // 2)
            kill_here()
        return result

    setattr(owner, name, write)


def half_a_line():
    real = callbacks.json.dumps

    def dumps(*arguments, **named):
        line = real(*arguments, **named)
        if '"updates": 4,' in line:
            path = Path(sys.argv[1], "killed", "log.jsonl")
            with path.open("a") as file:
                file.write(line[: len(line) // 2])
            kill_here()
        return line

    callbacks.json.dumps = dumps


HOOKS = (
    lambda: half_written(checkpoints.np, "savez", 3),
    lambda: half_written(weights, "append_checksum", 1),
    half_a_line,
    lambda: replace_then_kill("tokenizer", True),
    lambda: replace_then_kill("tokenizer", False),
    lambda: replace_then_kill("config", False),
    lambda: replace_then_kill("best", False),
    lambda: replace_then_kill("epoch-0001.npz", True),
    lambda: replace_then_kill("epoch-0001-u", False),
    lambda: setattr(Path, "unlink", unlink_and_kill),
)
PLACES = dict(zip(NAMES, HOOKS, strict=True))
real_unlink = Path.unlink


def unlink_and_kill(path, missing_ok=False):
    real_unlink(path, missing_ok=missing_ok)
    if path.name == "epoch-0001-update-00000005.npz":
        kill_here()


def divide_cpu(count):
    cpu = tf.config.list_physical_devices("CPU")[0]
    parts = [tf.config.LogicalDeviceConfiguration()] * count
    tf.config.set_logical_device_configuration(cpu, parts)


def in_a_fork(config, path, prepare=lambda: None):
    """Trains in a forked process; whether it ended by a kill."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            output = os.open(path.parent / "output.txt", os.O_WRONLY | os.O_CREAT)
            os.dup2(output, 1)
            if BACKEND == "tensorflow" and os.environ.get("TRACED") != "1":
                # operations run one by one: nothing is traced in the many processes
                tf.config.run_functions_eagerly(True)
            divide_cpu(int(os.environ.get("DEVICES", "1")))
            training.make_model = small_model
            tensorboard.UPDATES_PER_POINT = 3
            if "FORGET" in os.environ:
                PartialMetrics.restore = lambda self, state: None
            prepare()
            training.train(config, path)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status) == signal.SIGKILL
    if os.WEXITSTATUS(status):
        raise RuntimeError("A training failed.")
    return False


def results(path):
    """All that a run leaves, without times of day and durations."""
    run = RunDirectory(path)
    with np.load(run.latest_checkpoint()) as arrays:
        variables = {
            name: (value.dtype.str, value.shape, value.tobytes().hex())
            for name, value in arrays.items()
            if name != "state"
        }
        state = json.loads(arrays["state"].tobytes())
    for name in ("log", "events"):  # sizes: of seconds, of files
        state.pop(name)
    points = []
    for file in sorted(run.logs.iterdir()):
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            for value in event.summary.value:
                points.append(
                    (value.tag, event.step, value.tensor.tensor_content.hex())
                )
                points[-1] += tuple(value.tensor.float_val)
    lines = [json.loads(line) for line in run.json_log.read_text().splitlines()]
    for line in lines:
        line.pop("seconds")
    names = sorted(file.name for file in run.checkpoints.iterdir())
    files = ("best.weights.h5", "average.weights.h5", "average.json")
    files += ("tokenizer.model", "config.json")
    return {
        "variables": variables,
        "state": state,
        "points": sorted(points),
        "lines": lines,
        "checkpoints": names,
        **{name: contents(path / name) for name in files if (path / name).exists()},
    }


def contents(path):
    if path.suffix != ".h5":
        return path.read_bytes().hex()
    import h5py

    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: (
                found.update({name: np.array(item).tobytes().hex()})
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    return found


def differences(one, other):
    names = sorted(one.keys() | other.keys())
    return [name for name in names if one.get(name) != other.get(name)]


def main(folder, places):
    started = time.monotonic()
    by_number = all(place.isdigit() for place in places)
    last = max(map(int, places)) if by_number else 9
    changes = json.loads(os.environ.get("SETTINGS", "{}"))
    config = config_of(folder, last + 1 if by_number else last, **changes)
    in_a_fork(config, folder / "whole")
    whole = results(folder / "whole")
    found = {
        "backend": BACKEND,
        "updates": whole["state"]["data"][1],
        "lines": len(whole["lines"]),
        "points": len(whole["points"]),
        "variables": len(whole["variables"]),
        "kills": 0,
        "different": {},
    }
    for place in places:
        prepare = PLACES.get(place) or (
            lambda: kill_before_checkpoint_of(int(place))  # noqa: B023
        )
        path = folder / "killed"
        if not in_a_fork(config, path, prepare):
            raise RuntimeError(f"Not killed: {place}")
        found["kills"] += 1
        if not by_number:
            in_a_fork(config, path)
            found["different"][place] = differences(whole, results(path))
            path.rename(folder / place.replace(" ", "-"))
    if by_number:
        in_a_fork(config, folder / "killed")
        found["different"]["last"] = differences(whole, results(folder / "killed"))
    found["seconds"] = round(time.monotonic() - started, 1)
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
