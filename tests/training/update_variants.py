"""The same 5 updates of 64 sentences, divided in all supported ways.

    python -m tests.training.update_variants

prints the tables of `docs/distribution.md` and, last, the same as one line of JSON.
Logical devices must be set before TensorFlow starts, so no test can do this itself.

The biases of keys are not compared: softmax does not change when the same number is
added to all scores of a row, so their gradient is 0 but for rounding, and Adam makes
whole steps of any gradient, however small.
"""

import functools
import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from tests.fast import FAST  # noqa: E402
from tests.training.small_training import NumberTokenizer, dataset, one_layer_model  # noqa: E402
from tf_transformer.data.batching import Batches  # noqa: E402
from tf_transformer.data.tf_dataset import tf_dataset  # noqa: E402
from tf_transformer.training.losses import MaskedCrossEntropy  # noqa: E402
from tf_transformer.training.metrics import NegativeLogLikelihood  # noqa: E402
from tf_transformer.training.optimizer import Adam  # noqa: E402
from tf_transformer.training.schedules import TransformerSchedule  # noqa: E402

UPDATES, SENTENCES, SHORTEST, LONGEST = 5, 64, 3, 40
VOCAB, D_MODEL, MAX_LENGTH = 23, 12, 41
LABEL_SMOOTHING, WARMUP_STEPS, BETA_1, BETA_2, EPSILON = 0.1, 7, 0.9, 0.98, 1e-9
# name -> batches of an update, replicas
VARIANTS = {
    "1 x 64": (1, 1),
    "2 accumulated x 32": (2, 1),
    "4 accumulated x 16": (4, 1),
    "64 on 2 replicas": (1, 2),
    "64 on 4 replicas": (1, 4),
}
REPLICAS, OWN_DATA = (2, 4), ("no weights", "ones", "sentences")
if FAST:
    VARIANTS = {name: VARIANTS[name] for name in ("4 accumulated x 16",)}
    REPLICAS, OWN_DATA = (2,), ("no weights", "sentences")


def make_model():
    return one_layer_model(max_length=MAX_LENGTH)


def compared_weights(model):
    return [
        weight.numpy()
        for weight in model.trainable_weights
        if not weight.path.endswith("attention/key/bias")
    ]


def sentences():
    """Updates of (source, target) ids, short sentences first or last."""
    random = np.random.default_rng(11)
    made = []
    for update in range(UPDATES):
        lengths = np.sort(random.integers(SHORTEST, LONGEST + 1, SENTENCES))
        lengths = lengths[:: 1 if update % 2 else -1]
        others = np.clip(lengths + random.integers(-2, 5, SENTENCES), 2, LONGEST)
        pairs = zip(others, lengths, strict=True)
        made.append([[random.integers(4, VOCAB, n) for n in pair] for pair in pairs])
    return made


def padded(rows):
    ids = np.zeros((len(rows), max(map(len, rows)) + 1), "int32")
    for row, tokens in zip(ids, rows, strict=True):
        row[: len(tokens) + 1] = [*tokens, 3]
    return ids


def element(pairs, weight):
    """A batch in the documented form."""
    source_ids, labels = map(padded, zip(*pairs, strict=True))
    target_ids = np.where(labels, np.pad(labels, ((0, 0), (1, 0)))[:, :-1], 0)
    target_ids[:, 0] = 2
    inputs = {"source_ids": source_ids, "target_ids": target_ids}
    return inputs, labels, (np.float32(weight) * (labels != 0)).astype("float32")


def num_tokens(pairs):
    return sum(len(target) + 1 for _, target in pairs)


def micro_batches(num_batches):
    """Every real token weighs (batches of the update) / (its real tokens)."""
    size = SENTENCES // num_batches
    return [
        element(update[i : i + size], num_batches / num_tokens(update))
        for update in sentences()
        for i in range(0, SENTENCES, size)
    ]


@functools.cache
def expected():
    """By hand: mean of the tokens' losses, Adam and its rate in NumPy.

    Adam is the form before section 2.1 of Kingma and Ba, as in Keras: epsilon is
    added before the bias is corrected. Returns weights, the mean nll of all tokens,
    and the rate of each update.
    """
    model = make_model()
    values = [w.numpy().astype("float64") for w in model.trainable_variables]
    first = [np.zeros_like(value) for value in values]
    second = [np.zeros_like(value) for value in values]
    smoothed = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=LABEL_SMOOTHING, reduction=None
    )
    plain = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)
    nll, tokens, rates = 0.0, 0, []
    for t, update in enumerate(sentences(), start=1):
        inputs, labels, _ = element(update, 1.0)
        real = labels != 0
        with tf.GradientTape() as tape:
            logits = model(inputs)[real]
            losses = smoothed(keras.ops.one_hot(labels[real], VOCAB), logits)
            loss = tf.reduce_sum(losses) / num_tokens(update)
        nll += float(tf.reduce_sum(plain(labels[real], logits)))
        tokens += num_tokens(update)
        gradients = tape.gradient(loss, model.trainable_variables)
        rate = D_MODEL**-0.5 * min(t**-0.5, t * WARMUP_STEPS**-1.5)
        rates.append(rate)
        for i, gradient in enumerate(gradients):
            g = tf.convert_to_tensor(gradient).numpy().astype("float64")
            first[i] = BETA_1 * first[i] + (1 - BETA_1) * g
            second[i] = BETA_2 * second[i] + (1 - BETA_2) * g**2
            corrected = rate * np.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
            values[i] = values[i] - corrected * first[i] / (
                np.sqrt(second[i]) + EPSILON
            )
        for variable, value in zip(model.trainable_variables, values, strict=True):
            variable.assign(value)
    return compared_weights(model), nll / tokens, rates


def compiled(num_batches=1, **settings):
    model = make_model()
    steps = num_batches if num_batches > 1 else None
    adam = Adam(
        TransformerSchedule(D_MODEL, WARMUP_STEPS, num_batches),
        beta_1=BETA_1,
        beta_2=BETA_2,
        epsilon=EPSILON,
        gradient_accumulation_steps=steps,
        **settings,
    )
    loss = MaskedCrossEntropy(LABEL_SMOOTHING)
    model.compile(adam, loss, metrics=[NegativeLogLikelihood()])
    return model


def fitted(num_batches, strategy):
    """The same by `fit`."""
    rates = []
    with strategy.scope():
        model = compiled(num_batches)
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: rates.append(
            float(model.optimizer.learning_rate)
        )
    )
    history = model.fit(
        dataset(micro_batches(num_batches)), shuffle=False, verbose=0, callbacks=[watch]
    )
    return compared_weights(model), history.history["nll"][-1], rates[::num_batches]


def own_data(kind):
    """What a user writes, who has never heard of weights n / tokens."""
    for inputs, labels, _ in micro_batches(1):
        rows = len(labels)
        if kind == "no weights":
            yield inputs, labels
        elif kind == "ones":
            yield inputs, labels, np.ones((rows,), "float32")
        else:
            yield inputs, labels, np.arange(rows, dtype="float32")[:, None] % 3


def fitted_on_own_data(kind, strategy):
    """The weights, and the loss that `fit` logs."""
    elements = list(own_data(kind))
    ids = tf.TensorSpec((None, None), "int32")
    shape = (None, 1) if kind == "sentences" else (None,)
    weights = tf.TensorSpec(shape, "float32")
    signature = ({"source_ids": ids, "target_ids": ids}, ids, weights)
    made = tf.data.Dataset.from_generator(
        lambda: iter(elements), output_signature=signature[: len(elements[0])]
    )
    made = made.apply(tf.data.experimental.assert_cardinality(len(elements)))
    with strategy.scope():
        model = compiled()
    history = model.fit(made, shuffle=False, verbose=0).history
    return compared_weights(model), history["loss"][-1]


def table_of_own_data():
    weights, _, _ = expected()
    found = {}
    print("\n| own data | replicas | weights | loss in fit |\n|---|---|---|---|")
    for kind in OWN_DATA:
        one, one_loss = fitted_on_own_data(kind, strategy_of(1))
        if kind != "sentences":
            print_row(kind, 1, largest(weights, one), "")
            found[f"{kind}, 1"] = {"weights": largest(weights, one)}
        two, two_loss = fitted_on_own_data(kind, strategy_of(2))
        row = {"weights": largest(one, two), "loss": abs(one_loss - two_loss)}
        found[f"{kind}, 2"] = row
        print_row(kind, 2, *row.values())
    return found


def uneven_batches():
    """Batches whose rows no number of replicas divides, from the first on."""
    pairs = [
        [" ".join(map(str, ids)) for ids in pair]
        for pair in [pair for update in sentences() for pair in update][:91]
    ]
    return Batches(pairs, NumberTokenizer(), batch_tokens=230)


def fitted_unevenly(strategy):
    """Weights, and nll in training and in evaluation."""
    with strategy.scope():
        model = compiled()
        train, valid = tf_dataset(uneven_batches()), tf_dataset(uneven_batches())
    history = model.fit(train, shuffle=False, verbose=0).history
    evaluated = model.evaluate(valid, return_dict=True, verbose=0)
    return compared_weights(model), history["nll"][-1], evaluated["nll"]


def refusals():
    """What `compile` says inside the scopes of real strategies."""
    said = {}
    for name, make_strategy, settings in (
        ("accumulation", lambda: strategy_of(2), {"num_batches": 2}),
        ("clipping", lambda: strategy_of(2), {"global_clipnorm": 0.5}),
        ("several hosts", tf.distribute.MultiWorkerMirroredStrategy, {}),
    ):
        try:
            with make_strategy().scope():
                compiled(**settings)
        except ValueError as error:
            said[name] = str(error)
    return said


@functools.cache
def strategy_of(num_replicas):
    """One object for each number: two of the same devices share collective keys."""
    if num_replicas == 1:
        return tf.distribute.get_strategy()
    # collective operations of one process know CPU:0 in one group only
    reduce = tf.distribute.ReductionToOneDevice() if num_replicas == 4 else None
    names = [f"CPU:{i}" for i in range(num_replicas)]
    return tf.distribute.MirroredStrategy(names, cross_device_ops=reduce)


def tokens_of_parts(num_parts):
    """Real target tokens of the micro-batches or replicas of the first update."""
    size = SENTENCES // num_parts
    first = sentences()[0]
    return [num_tokens(first[i : i + size]) for i in range(0, SENTENCES, size)]


def largest(one, other):
    pairs = zip(one, other, strict=True)
    return max(float(np.abs(a - b).max()) for a, b in pairs)


def table_of_updates():
    weights, nll, rates = expected()
    found = {"moved": largest(weights, compared_weights(make_model()))}
    print("| update | tokens of the parts | weights | nll | rate |")
    print("|---|---|---|---|---|")
    for name, (num_batches, num_replicas) in VARIANTS.items():
        other, other_nll, other_rates = fitted(num_batches, strategy_of(num_replicas))
        row = found[name] = {
            "tokens": tokens_of_parts(num_batches * num_replicas),
            "weights": largest(weights, other),
            "nll": abs(other_nll - nll),
            "rate": largest(rates, other_rates),
        }
        print_row(name, ", ".join(map(str, row["tokens"])), *list(row.values())[1:])
    return found


def table_of_uneven_batches():
    rows = [len(labels) for _, labels, _ in uneven_batches()]
    weights, nll, evaluated = fitted_unevenly(strategy_of(1))
    found = {"rows": rows}
    print(f"\nRows of the batches: {', '.join(map(str, rows))}\n")
    print("| replicas | weights | nll in fit | nll in evaluate |")
    print("|---|---|---|---|")
    for num_replicas in REPLICAS:
        other = fitted_unevenly(strategy_of(num_replicas))
        row = found[str(num_replicas)] = {
            "weights": largest(weights, other[0]),
            "nll": abs(other[1] - nll),
            "evaluated": abs(other[2] - evaluated),
        }
        print_row(num_replicas, *row.values())
    return found


def print_row(*cells):
    shown = (f"{cell:.1e}" if isinstance(cell, float) else str(cell) for cell in cells)
    print("| " + " | ".join(shown) + " |")


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    four = [tf.config.LogicalDeviceConfiguration()] * 4
    tf.config.set_logical_device_configuration(cpu, four)
    print(
        json.dumps(
            {
                "updates": table_of_updates(),
                "uneven": table_of_uneven_batches(),
                "own": table_of_own_data(),
                "refusals": refusals(),
            }
        )
    )


if __name__ == "__main__":
    main()
