"""Training on several devices of one machine with `model.fit`.

    python scripts/several_devices.py pairs.tsv --weights mine.weights.h5
    python scripts/several_devices.py --logical-devices 2 --epochs 1

The first command uses all GPUs; the second one needs no GPU and uses two logical
devices of the CPU. Without a file, the built-in corpus is used. An update equals an
update on one device with the same batches (docs/distribution.md).
"""

import argparse

import keras
import tensorflow as tf

import tf_transformer as tt


def main() -> None:
    """Trains on all devices and translates on one."""
    options = make_parser().parse_args()
    keras.utils.set_random_seed(1)
    strategy = make_strategy(options.logical_devices)
    print(f"{strategy.num_replicas_in_sync} devices share each batch")

    pairs = tt.data.read_tsv(options.pairs) if options.pairs else None
    pairs = pairs or tt.data.load("en_ko_grammar")
    tokenizer = tt.data.Tokenizer.train(pairs.train, vocab_size=options.vocab_size)
    # datasets in the scope are padded so that the devices can divide each batch
    with strategy.scope():
        model = train_model(pairs, tokenizer, options)

    if options.weights:
        model.save_weights(options.weights)
    translator = tt.Translator(model, tokenizer)  # outside the scope: one device
    sources = [source for source, _ in pairs.test[:5]]
    for source, translation in zip(sources, translator(sources), strict=True):
        print(f"  {source}\n    {translation}")


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pairs", nargs="?", help="TSV file; default: built-in corpus")
    parser.add_argument("--weights", help="file to save the weights to")
    parser.add_argument("--preset", default="tiny", help="tiny, small, base or big")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--vocab-size", type=int, default=3000)
    parser.add_argument(
        "--batch-tokens",
        type=int,
        default=1024,
        help="of all devices together",
    )
    parser.add_argument("--peak", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument(
        "--logical-devices", type=int, help="logical CPU devices to use"
    )
    return parser


def train_model(pairs, tokenizer, options):
    """Returns a trained model."""
    batch_tokens = options.batch_tokens
    train = tt.data.batches(
        pairs.train, tokenizer, batch_tokens=batch_tokens, shuffle=True, seed=1
    )
    valid = tt.data.batches(pairs.validation, tokenizer, batch_tokens=batch_tokens)
    model = tt.Transformer.from_preset(options.preset, tokenizer.vocab_size)
    num_updates = options.epochs * len(train)
    schedule = tt.TransformerSchedule(
        model.d_model,
        warmup_steps=min(400, max(1, num_updates // 4)),
        peak=options.peak,
        total_steps=num_updates,
    )
    model.compile(
        optimizer=tt.Adam(schedule),
        loss=tt.MaskedCrossEntropy(label_smoothing=0.1),
        metrics=[tt.MaskedAccuracy(), tt.Perplexity()],
    )
    model.fit(
        train,
        validation_data=valid,
        epochs=options.epochs,
        shuffle=False,  # the dataset shuffles itself
        verbose=2,
    )
    return model


def make_strategy(num_logical_devices: int | None) -> tf.distribute.Strategy:
    """Returns a strategy for all GPUs, or for logical devices of the CPU."""
    if num_logical_devices is None:
        return tf.distribute.MirroredStrategy()
    cpu = tf.config.list_physical_devices("CPU")[0]
    parts = [tf.config.LogicalDeviceConfiguration()] * num_logical_devices
    tf.config.set_logical_device_configuration(cpu, parts)
    names = [f"CPU:{i}" for i in range(num_logical_devices)]
    return tf.distribute.MirroredStrategy(names)


if __name__ == "__main__":
    main()
