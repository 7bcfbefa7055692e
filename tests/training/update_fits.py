"""The updates of `update_data.py` by hand and by `fit`, on one replica and on several.

The biases of keys are not compared: softmax does not change when the same number is
added to all scores of a row, so their gradient is 0 but for rounding, and Adam makes
whole steps of any gradient, however small.
"""

import functools

import keras
import numpy as np
import tensorflow as tf

from tests.training.small_training import dataset, one_layer_model
from tests.training.update_data import (
    VOCAB,
    element,
    micro_batches,
    num_tokens,
    own_data,
    sentences,
    uneven_batches,
)
from tf_transformer.data.tf_dataset import tf_dataset
from tf_transformer.training.losses import MaskedCrossEntropy
from tf_transformer.training.metrics import NegativeLogLikelihood
from tf_transformer.training.optimizer import Adam
from tf_transformer.training.schedules import TransformerSchedule

D_MODEL, MAX_LENGTH = 12, 41
LABEL_SMOOTHING, WARMUP_STEPS, BETA_1, BETA_2, EPSILON = 0.1, 7, 0.9, 0.98, 1e-9


def make_model():
    return one_layer_model(max_length=MAX_LENGTH)


def compared_weights(model):
    return [
        weight.numpy()
        for weight in model.trainable_weights
        if not weight.path.endswith("attention/key/bias")
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
