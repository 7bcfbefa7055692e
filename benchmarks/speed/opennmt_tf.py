"""Training and decoding with OpenNMT-tf's Transformer, and with its export."""

import sys
from pathlib import Path

import numpy as np
import opennmt
import tensorflow as tf
from turns import take_turns
from work import (
    DROPOUT_RATE,
    LABEL_SMOOTHING,
    MODELS,
    PAD_ID,
    STEPS,
    VOCAB_SIZE,
    decoding_batches,
    training_batches,
)

# its first three ids, then arbitrary words; the library adds the unknown token
PIECES = ["<blank>", "<s>", "</s>", *(f"t{i}" for i in range(VOCAB_SIZE - 4))]
OPTIMIZER = {"beta_1": 0.9, "beta_2": 0.98, "epsilon": 1e-9}


def make_model(folder: str, name: str, **parameters):
    """Model S or B with random weights, embeddings tied."""
    vocabulary = Path(folder, "opennmt.vocab")
    if not vocabulary.exists():
        vocabulary.write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    sizes = MODELS[name]
    model = opennmt.models.Transformer(
        num_layers=sizes["num_layers"],
        num_units=sizes["d_model"],
        num_heads=sizes["num_heads"],
        ffn_inner_dim=sizes["d_ff"],
        dropout=DROPOUT_RATE,
        attention_dropout=DROPOUT_RATE,
        ffn_dropout=DROPOUT_RATE,
        share_embeddings=opennmt.models.EmbeddingsSharingLevel.ALL,
    )
    paths = dict.fromkeys(["source_vocabulary", "target_vocabulary"], str(vocabulary))
    model.initialize(paths, params=parameters)
    return model


def features(ids):
    """A batch of ids in OpenNMT-tf's format."""
    lengths = tf.reduce_sum(tf.cast(ids != PAD_ID, tf.int32), axis=1)
    return {"ids": tf.cast(ids, tf.int64), "length": lengths}


def training(folder: str, name: str) -> None:
    """Trains one epoch per turn."""
    model = make_model(
        folder,
        name,
        optimizer="Adam",
        optimizer_params=OPTIMIZER,
        learning_rate=1e-4,
        label_smoothing=LABEL_SMOOTHING,
    )
    optimizer = model.get_optimizer()

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)] * 3)
    def step(source_ids, target_ids, labels):
        target = {**features(target_ids), "ids_out": tf.cast(labels, tf.int64)}
        loss, gradients = model.compute_gradients(
            features(source_ids), target, optimizer
        )[:2]
        pairs = zip(gradients, model.trainable_weights, strict=True)
        optimizer.apply_gradients(list(pairs))
        return loss

    model.create_variables(optimizer=optimizer)
    batches = training_batches(name)

    def train():
        for batch in batches:
            float(step(*batch))

    train()
    take_turns(train)


def decoding(folder: str, name: str, batch_size: str, beam_size: str) -> None:
    """Translates all sources in each turn with its SavedModel, tokens to tokens."""
    path = Path(folder, name, f"opennmt-beam-{beam_size}")
    if not path.exists():
        make_model(
            folder,
            name,
            beam_width=int(beam_size),
            minimum_decoding_length=STEPS,
            maximum_decoding_length=STEPS,
        ).export(str(path))
    loaded = tf.saved_model.load(str(path))
    translate = loaded.signatures["serving_default"]
    names = np.array([*PIECES, "<unk>"], dtype=object)
    batches = []
    for ids in decoding_batches(name, int(batch_size)):
        tokens = np.where(ids == PAD_ID, "", names[ids]).tolist()
        batches.append((tf.constant(tokens), features(ids)["length"]))

    def work():
        tokens = 0
        for batch, lengths in batches:
            best = translate(tokens=batch, length=lengths)["tokens"].numpy()[:, 0]
            tokens += best[:, :STEPS].size
        return {"tokens": tokens}

    work()
    take_turns(work)


if __name__ == "__main__":
    {"training": training, "decoding": decoding}[sys.argv[1]](*sys.argv[2:])
