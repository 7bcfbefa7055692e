"""The time of a training step and of decoding, by kind of operation.

    python benchmarks/speed/profile_steps.py S

Operations run in parallel, so their times add up to more than the wall time. Decoding
uses the plain graph; XLA's program is a single operation.
"""

import collections
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
from ours_training import make_model
from tensorflow.tsl.profiler.protobuf import xplane_pb2
from work import decoding_batches, training_batches, weighted

from tf_transformer.inference.search import search
from tf_transformer.inference.settings import SearchSettings

STEPS = 6
SHOWN = 14


def main(name: str) -> None:
    """Prints two tables."""
    model = make_model(name)
    element = weighted(training_batches(name)[-1])
    inputs, labels, weights = (tf.nest.map_structure(tf.constant, e) for e in element)
    model.make_train_function()
    step = model.train_function
    dataset = tf.data.Dataset.from_tensors((inputs, labels, weights)).repeat()
    iterator = iter(dataset)
    show(f"training step, {name}, target {labels.shape}", lambda: step(iterator))

    ids = decoding_batches(name, 32)[-1]
    settings = SearchSettings(beam_size=1, min_length=20, max_length=20)
    decode = tf.function(lambda ids: search(model, ids, settings), autograph=False)
    show(f"greedy decode, {name}, source {ids.shape}", lambda: decode(ids))


def show(title: str, work) -> None:
    """Prints milliseconds by kind of operation, of one call of `work`."""
    for _ in range(3):
        work()
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        start = time.perf_counter()
        for _ in range(STEPS):
            result = work()
        tf.nest.map_structure(np.asarray, result)
        clock = 1000 * (time.perf_counter() - start) / STEPS
        tf.profiler.experimental.stop()
        [path] = Path(folder).rglob("*.xplane.pb")
        milliseconds, calls = by_kind(path)
    print(f"\n{title}: {clock:.0f} ms\n\n| operation | ms | calls |\n|---|---|---|")
    for kind, value in milliseconds.most_common(SHOWN):
        print(f"| {kind} | {value:.1f} | {calls[kind]:.0f} |")


def by_kind(path: Path):
    """Milliseconds and calls of one step for each kind of operation."""
    space = xplane_pb2.XSpace.FromString(path.read_bytes())
    milliseconds, calls = collections.Counter(), collections.Counter()
    for plane in space.planes:
        names = {key: entry.name for key, entry in plane.event_metadata.items()}
        for line in plane.lines:
            for event in line.events:
                name = names[event.metadata_id]
                if ":" in name and "::" not in name:  # node:Kind
                    kind = name.rsplit(":", 1)[1]
                    milliseconds[kind] += event.duration_ps / 1e9 / STEPS
                    calls[kind] += 1 / STEPS
    return milliseconds, calls


if __name__ == "__main__":
    main(*sys.argv[1:])
