"""Makes a run from a model of another program."""

import os
from pathlib import Path

from tf_transformer.importers.importing import read_model
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.directory import RunDirectory
from tf_transformer.training.weights import save_weights
from tf_transformer.utils.lock import locked


def import_run(source: str | os.PathLike, path: str | os.PathLike) -> RunDirectory:
    """Makes a run of a model of Marian or of Hugging Face's Marian.

    The run can translate and be evaluated and exported like any other run, and
    `init_from` starts a training from it.

    Args:
        source: The foreign folder, as for `import_translator`.
        path: Folder of the new run. It must not contain a run.

    Returns:
        The run's directory.

    Raises:
        FileExistsError: If `path` contains a run.
        FolderInUse: If another process works in `path`.
        FileNotFoundError: If the foreign folder or a file in it does not exist.
        ValueError: If a file is damaged, or the model cannot be imported.
    """
    run = RunDirectory(Path(path))
    with locked(run.path):
        if run.exists():
            raise FileExistsError(
                "An import does not replace a run. Expected a new folder. Received: "
                f"{path}"
            )
        _import(source, run)
    return run


def _import(source, run: RunDirectory) -> None:
    foreign = read_model(source)
    translator = foreign.translator()
    model = translator.model
    names = translator.tokenizer.files()
    config = TrainingConfig(
        tokenizer=tuple(os.path.abspath(run.path / name) for name in names),
        architecture="transformer",
        num_encoder_layers=model.encoder.num_layers,
        num_decoder_layers=model.decoder.num_layers,
        d_model=model.d_model,
        num_heads=model.num_heads,
        d_ff=model.d_ff,
        decoder=foreign.arguments["decoder"],
        normalization="layer",
        normalize_first=model.normalize_first,
        dropout_rate=model.dropout_rate,
        attention_dropout_rate=model.attention_dropout_rate,
        max_length=model.max_length,
    )
    origin = {"format": foreign.kind, "path": os.path.abspath(source)}
    # the folder is a run when `begin` has written config.json, last of all
    save_weights(model, run.best_weights)
    if foreign.shortlist is not None:
        foreign.shortlist.save(run.shortlist_file)
    run.begin(config, translator.tokenizer, model, is_trained=True, imported=origin)
