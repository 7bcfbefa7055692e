"""A process in which TensorFlow cannot be imported.

python without_tensorflow.py import          imports every package
python without_tensorflow.py train FOLDER    trains, searches, saves, prints JSON
python without_tensorflow.py cli VERB ...    the command line
"""

import importlib
import json
import sys
import zlib
from pathlib import Path

TEXTS = ["The child eats an apple.", "I am a student.", "", "The old man reads."]
ARGUMENTS = {"num_layers": 1, "d_model": 24, "num_heads": 3, "d_ff": 40}
BATCHES = {"batch_tokens": 512, "shuffle": True, "seed": 3, "static_shapes": True}
NUM_PAIRS, VOCAB_SIZE, NUM_EPOCHS, BEAM_SIZE = 400, 900, 3, 4
MIN_LENGTH = 5  # a barely trained model would often generate nothing


class Hiding:
    """A finder of modules for which TensorFlow is not installed."""

    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "tensorflow":
            return None
        return self.finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self.finder, name)


def digest(batch):
    """One number for the ids and weights of a batch."""
    inputs, labels, weights = batch
    arrays = (inputs["source_ids"], inputs["target_ids"], labels, weights)
    return zlib.crc32(b"".join(array.tobytes() for array in arrays))


PACKAGES = ("corpora", "data", "decoding", "inference.translator", "layers")
PACKAGES += ("models", "runs", "training", "utils")


def import_packages():
    for package in PACKAGES:
        importlib.import_module(f"tf_transformer.{package}")


def digests_of_served(dataset_class):
    """A list that grows with each batch that a dataset of the class serves."""
    served, plain = [], dataset_class.__getitem__

    def counted(self, index):
        served.append(digest(plain(self, index)))
        return plain(self, index)

    dataset_class.__getitem__ = counted
    return served


def train(folder):
    import keras
    import numpy as np

    import tf_transformer as tt
    from tf_transformer.training.checkpoints import save_checkpoint

    keras.utils.set_random_seed(5)
    pairs = tt.data.load("en_ko_grammar").train[:NUM_PAIRS]
    tokenizer = tt.data.Tokenizer.train(pairs, vocab_size=VOCAB_SIZE)
    batches = tt.data.batches(pairs, tokenizer, **BATCHES)
    served = digests_of_served(type(batches))
    model = tt.Transformer(tokenizer.vocab_size, **ARGUMENTS)
    model.compile(keras.optimizers.Adam(3e-3), tt.MaskedCrossEntropy())
    history = model.fit(batches, epochs=NUM_EPOCHS, shuffle=False, verbose=0).history
    translator = tt.Translator(model, tokenizer)
    beams = translator(TEXTS, beam_size=BEAM_SIZE, min_length=MIN_LENGTH)
    source_ids = np.array([[5, 9, 3, 17, 22, 4, 3], [6, 11, 8, 3, 0, 0, 0]], "int32")
    target_ids = np.array([[2, 7, 12, 19, 21], [2, 14, 5, 0, 0]], "int32")
    inputs = {"source_ids": source_ids, "target_ids": target_ids}
    tokenizer.save(folder)
    model.save_weights(folder / "trained.weights.h5")
    save_checkpoint(folder / "epoch-0003.npz", model, {"epoch": NUM_EPOCHS})
    logits = keras.ops.convert_to_numpy(model(inputs))
    np.savez(folder / "logits.npz", **inputs, logits=logits)
    found = {
        "backend": keras.backend.backend(),
        "losses": history["loss"],
        "batches_per_epoch": len(batches),
        "epoch": batches.batches.epoch,
        "served": served,
        "greedy": translator(TEXTS, beam_size=1, min_length=MIN_LENGTH),
        "beams": beams,
        "scores": translator.score(TEXTS[:2], beams[:2]),
    }
    (folder / "found.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    sys.meta_path[:] = map(Hiding, sys.meta_path)
    verb, *words = sys.argv[1:]
    if verb == "import":
        import_packages()
    elif verb == "train":
        train(Path(words[0]))
    else:
        from tf_transformer.cli import main

        sys.exit(main(words))
