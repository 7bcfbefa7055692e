"""A folder of Hugging Face's Marian, such as a model of OPUS-MT."""

from pathlib import Path

import numpy as np

from tf_transformer.importers.folder import required_file
from tf_transformer.importers.foreign_model import ForeignModel
from tf_transformer.importers.hugging_face_settings import model_arguments
from tf_transformer.importers.safetensors_file import read_safetensors
from tf_transformer.importers.settings import (
    read_json_mapping,
    read_json_vocabulary,
    unsupported,
)
from tf_transformer.importers.vocabulary import (
    Rows,
    Special,
    Vocabularies,
    from_separate_pieces,
    from_shared_pieces,
)
from tf_transformer.importers.weights import ForeignWeights
from tf_transformer.layers.positional_encoding import sinusoidal_positions

CONFIG, WEIGHTS, TORCH_WEIGHTS = (
    *("config.json", "model.safetensors", "pytorch_model.bin"),
)
_SHARED = "model.shared.weight"
_ENCODER, _DECODER, _OUTPUT = (
    *("model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight"),
    "lm_head.weight",
)


def read_hugging_face(folder: Path) -> ForeignModel:
    """Reads a folder that `MarianMTModel.save_pretrained` and its tokenizer wrote.

    Args:
        folder: The folder: `config.json`, `model.safetensors` or
            `pytorch_model.bin` (which needs PyTorch), `vocab.json`, `source.spm`,
            `target.spm`, and `target_vocab.json` if the sides have separate ones.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is damaged, or the model cannot be imported.
    """
    path = required_file(folder, CONFIG)
    config = read_json_mapping(path)
    arguments = model_arguments(config, path)
    is_shared = config.get("share_encoder_decoder_embeddings", True)
    vocabularies = _read_vocabularies(folder, config, is_shared)
    start = config.get("decoder_start_token_id")
    arguments["start_id"] = _start_id(start, vocabularies.target, path)
    arrays, weights_path = _read_weights(folder)
    ignored = _check_positions(arrays, arguments, weights_path)
    tied = (_SHARED, _ENCODER, _DECODER, _OUTPUT)
    separate = ((_ENCODER,), (_DECODER, _OUTPUT))
    return ForeignModel(
        kind="hugging_face",
        arguments=arguments,
        vocabularies=vocabularies,
        weights=ForeignWeights(arrays, weights_path, ignored),
        embeddings=(tied, tied) if is_shared else separate,
    )


def _read_vocabularies(folder: Path, config, is_shared: bool) -> Vocabularies:
    models = [
        required_file(folder, name).read_bytes()
        for name in ("source.spm", "target.spm")
    ]
    names = ["vocab.json"] if is_shared else ["vocab.json", "target_vocab.json"]
    pieces = [read_json_vocabulary(required_file(folder, name)) for name in names]
    piece_of = {row: piece for piece, row in pieces[-1].items()}
    special = [config.get(f"{name}_token_id") for name in ("pad", "eos", "bos")]
    for name, row in zip(("pad", "eos", "bos"), special, strict=True):
        if not (row is None or isinstance(row, int)):
            values = (f"0 to {len(piece_of) - 1}", None)
            raise unsupported(folder / CONFIG, f"{name}_token_id", row, values)
    pad, eos, bos = map(piece_of.get, special)
    # OPUS-MT gives the end token as `bos_token_id`, which it does not use
    bos = None if bos in (pad, eos, "<unk>") else bos
    special = Special(pad=pad or "<pad>", eos=eos or "</s>", bos=bos)
    make = from_shared_pieces if is_shared else from_separate_pieces
    try:
        return make(*pieces, *models, special)  # pyright: ignore[reportCallIssue]
    except ValueError as error:
        raise ValueError(f"{folder / names[-1]}: {error}") from error


def _start_id(row, rows: Rows, path) -> int:
    """Returns our id of the decoder's first token, which is `row` in the folder."""
    if isinstance(row, int):
        ids = np.flatnonzero(rows.is_generated & (rows.rows == row))
        if len(ids):
            return int(ids[0])
    values = (f"0 to {rows.count - 1}",)
    raise unsupported(path, "decoder_start_token_id", row, values)


def _read_weights(folder: Path) -> tuple[dict[str, np.ndarray], Path]:
    path = folder / WEIGHTS
    if path.is_file():
        return read_safetensors(path), path
    path = folder / TORCH_WEIGHTS
    if path.is_file():
        return read_torch(path), path
    path = required_file(folder, f"{WEIGHTS} or {TORCH_WEIGHTS}")
    return {}, path


def read_torch(path: Path) -> dict[str, np.ndarray]:
    """Reads the tensors of a PyTorch file; no code in the file is run.

    Raises:
        ModuleNotFoundError: If PyTorch is not installed.
        ValueError: If the file is damaged or contains anything but tensors.
    """
    try:
        import torch
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{path} is a file of PyTorch: pip install 'tf_transformer[torch]'"
        ) from error
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
        # tied weights are several names of one view
        views = {name: _view(tensor) for name, tensor in tensors.items()}
        distinct = {view: tensors[name] for name, view in views.items()}
        # a view can repeat a stored number any number of times
        size = sum(tensor.nbytes for tensor in distinct.values())
        if size > path.stat().st_size:
            raise ValueError(f"{size} bytes of tensors")
        arrays = {view: tensor.float().numpy() for view, tensor in distinct.items()}
        return {name: arrays[view] for name, view in views.items()}
    except Exception as error:  # a damaged file raises errors of any kind
        raise ValueError(
            f"{path} cannot be read. Expected a file of PyTorch with tensors "
            f"only. Received: {str(error).splitlines()[:1]}"
        ) from error


def _view(tensor) -> tuple:
    """What a PyTorch tensor shows of which memory."""
    place = tensor.untyped_storage().data_ptr(), tensor.storage_offset()
    return (*place, tensor.dtype, tensor.shape, tensor.stride())


def _check_positions(arrays, arguments, path) -> list[str]:
    """Checks stored tables of positions against the formula; returns their names."""
    names = [f"model.{side}.embed_positions.weight" for side in ("encoder", "decoder")]
    names = [name for name in names if name in arrays]
    shape = arguments["max_length"], arguments["d_model"]
    for name in names:
        positions = arrays[name]
        is_formula = positions.shape == shape and np.allclose(
            positions, sinusoidal_positions(*shape, arguments["positions"]), 0, 1e-5
        )
        if not is_formula:
            raise ValueError(
                f"{path} contains positions that cannot be imported. Expected sines "
                f"and cosines of the paper's formula. Received: other numbers in {name}"
            )
    return names
