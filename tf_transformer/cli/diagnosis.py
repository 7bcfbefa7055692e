"""The verb `doctor`."""

import argparse
import json
import zipfile
from pathlib import Path

from tf_transformer.cli.places import run_directory, saved_model_folder


def add_doctor(verb) -> None:
    """Adds the options of `doctor`."""
    verb.add_argument("model", help="a .keras file, or the folder of a run")
    verb.add_argument(
        "--inputs",
        metavar="FILE",
        help=".npz file of example inputs by their names; by default random ids, if "
        "the model declares its inputs",
    )
    verb.add_argument(
        "--causal",
        nargs="?",
        const=True,
        metavar="NAME",
        help="the outputs must not depend on later tokens of this input; NAME may be "
        "omitted for a model with one input (default for a run: target_ids)",
    )
    verb.add_argument(
        "--pad-id",
        type=_pad_id,
        default=0,
        metavar="ID",
        help="id of padding, or none (default: 0)",
    )
    verb.add_argument("--json", action="store_true", help="print the report as JSON")
    verb.add_argument(
        "--picture",
        metavar="FILE",
        help="write a picture (PNG): which inputs influence which outputs",
    )


def _pad_id(text: str):
    if text == "none":
        return None
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected an integer or none; received: {text}"
        ) from None


def doctor(options) -> None:
    """Examines a model for faults of masks, gradients and loss."""
    from tf_transformer.analysis.pictures import png
    from tf_transformer.diagnosis.doctor import doctor
    from tf_transformer.diagnosis.random_inputs import random_inputs
    from tf_transformer.utils.atomic import replacing

    model = _model(options.model)
    if options.inputs is None:
        inputs = random_inputs(model, options.pad_id)
    else:
        inputs = _read_inputs(options.inputs)
    report = doctor(model, inputs, causal=options.causal, pad_id=options.pad_id)
    if options.picture:
        try:
            image = png(report.picture())
        except ImportError as error:
            raise ValueError(str(error)) from error
        with replacing(Path(options.picture)) as temporary:
            temporary.write_bytes(image)
    print(json.dumps(report.to_dict(), indent=2) if options.json else report)
    if report.findings:
        raise ValueError(f"The doctor found faults: {len(report.findings)}")


def _model(path: str):
    """The model of a Keras file, or of a run with the loss of its training.

    An imported run has no training: its loss is the default one.
    """
    if path.endswith(".keras"):
        return _keras_file(path)
    if saved_model_folder(path) is not None:
        raise ValueError(
            "An exported model has no layers to examine. Expected the folder of a run, "
            f"or a .keras file. Received: {path}"
        )
    run = run_directory(path)
    from tf_transformer.runs.training import compile_model

    model = run.translator().model
    config = run.config().resolved()
    compile_model(config, model, config.warmup_steps * 4)
    return model


def _keras_file(path: str):
    import keras

    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no such file. Received: {path}")
    try:
        return keras.saving.load_model(path)
    except (TypeError, KeyError, ValueError, zipfile.BadZipFile) as error:
        first_line = next(iter(str(error).strip().splitlines()), "")
        raise ValueError(
            "Keras cannot load the model. A model with classes of your own is examined "
            f"in Python, with tf_transformer.doctor. Received: {path}: {first_line}"
        ) from error


def _read_inputs(path: str):
    """A dictionary of the file's arrays, or the only one."""
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    except (ValueError, AttributeError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"Expected an .npz file of arrays. Received: {path}"
        ) from error
    return next(iter(arrays.values())) if len(arrays) == 1 else arrays
