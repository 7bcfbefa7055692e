"""Files of a few pairs, and points at which a process is killed."""

import numpy as np

# where a process is killed while it writes
NAMES = (
    *("half a checkpoint", "half the best weights", "half a line of the log"),
    *("before the tokenizer", "after the tokenizer", "after the settings"),
    *("after the best weights", "before an epoch's checkpoint"),
    *("after a checkpoint", "after an old checkpoint is removed"),
)
WORDS = ("sun", "moon", "star", "tree", "bird")


def write_files(folder):
    """Writes `train.0`, `train.1`, `valid.0` and `valid.1`, if they are not there."""
    if (folder / "valid.1").exists():
        return
    generator = np.random.default_rng(7)
    for split, num_pairs in (("train", 47), ("valid", 5)):
        rows = [
            generator.choice(WORDS, generator.integers(2, 5)) for _ in range(num_pairs)
        ]
        sources = "".join(f"{' '.join(words)}\n" for words in rows)
        targets = "".join(f"{' '.join(words[::-1]).upper()}\n" for words in rows)
        (folder / f"{split}.0").write_text(sources)
        (folder / f"{split}.1").write_text(targets)
