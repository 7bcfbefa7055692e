"""A translation set of TensorFlow Datasets (TFDS) as a corpus."""

import contextlib
import importlib
import importlib.util
from collections.abc import Iterator
from functools import partial
from typing import Any

from tf_transformer.data.corpus import Corpus, Pair, direction, split_pairs
from tf_transformer.data.files import PairStream

_OWN_BUILDERS = {"en_ko_grammar": "tf_transformer.corpora.en_ko_grammar.tfds_builder"}
_DOWNLOAD_RETRIES = 2


def load_tfds(
    name: str, source: str | None = None, target: str | None = None, stream=False
) -> Corpus:
    """Loads a translation set; downloads and prepares it the first time.

    Prepared data, in `TFDS_DATA_DIR` or `~/tensorflow_datasets`, is read without the
    network. The size of a download is printed before it starts.

    Args:
        name: The set's name and, after a slash, its config:
            `"ted_hrlr_translate/pt_to_en"`.
        source: Optional language of the source, as for `load`.
        target: Optional language of the target, as for `load`.
        stream: Whether the train split is read again in each pass instead of being
            kept in memory.

    Returns:
        A `Corpus` with the splits `"train"`, `"validation"`, `"test"` and the other
        splits of the set.

    Raises:
        ValueError: If the set does not exist, contains no translations or has no split
            `"train"`, TensorFlow is missing, or the set must be downloaded manually.
        ConnectionError: If the download fails.
    """
    tfds = _import_tfds(name)
    builder = _builder(tfds, name)
    languages, default = _languages(tfds, builder)
    source, target = direction(languages, default, source, target)
    if not builder.is_prepared():
        _prepare(tfds, builder, name)
    splits: dict = {
        split: PairStream(partial(_pairs, tfds, builder, split, source, target), name)
        for split in builder.info.splits
    }
    if "train" not in splits:
        raise ValueError(
            "The set has no pairs to train on. Expected a split named train. Received: "
            f"name='tfds:{name}' with {list(splits)}."
        )
    for split in splits:
        if split != "train" or not stream:
            splits[split] = list(splits[split])
    return Corpus(_with_held_out(splits, stream), name=f"tfds:{name}")


def _import_tfds(name: str):
    missing = [
        module
        for module in ("tensorflow_datasets", "tensorflow")
        if importlib.util.find_spec(module) is None
    ]
    if missing:
        raise ValueError(
            f"Sets of TensorFlow Datasets cannot be read. Expected "
            f"{' and '.join(missing)} to be installed. Received: name='tfds:{name}'."
        )
    return importlib.import_module("tensorflow_datasets")


def _builder(tfds, name: str):
    own = _OWN_BUILDERS.get(name.partition("/")[0])
    if own is not None:
        importlib.import_module(own)
    try:
        return tfds.builder(name)
    except (ValueError, ImportError, OSError, RuntimeError) as error:
        reason = " ".join(str(error).partition("Available datasets")[0].split())
        raise ValueError(
            "TensorFlow Datasets has no such translation set. Expected a name such as "
            '"tfds:ted_hrlr_translate/pt_to_en" or "tfds:wmt14_translate/de-en". '
            f"Received: name='tfds:{name}' ({reason})."
        ) from error


def _languages(tfds, builder) -> tuple[list[str], tuple[str, str] | None]:
    """The languages of a set, and its own direction if it has one."""
    features = builder.info.features
    key = _translations_key(tfds, features)
    holder = features if key is None else features[key]
    if isinstance(holder, tfds.features.TranslationVariableLanguages):
        return sorted(holder.languages), None
    texts = [
        language
        for language, feature in holder.items()
        if isinstance(feature, tfds.features.Text)
    ]
    default = builder.info.supervised_keys
    if key is not None or not default or not set(default) <= set(texts):
        default = None
    if default is None and not isinstance(holder, tfds.features.Translation):
        raise ValueError(
            "This set of TensorFlow Datasets has no translations. Expected features "
            "with a text in each language. Received: "
            f"name='tfds:{builder.info.full_name}' with {sorted(features)}."
        )
    return texts, default or tuple(texts[:2])


def _translations_key(tfds, features) -> str | None:
    """The key of the translations in an example; `None` for the example itself."""
    kinds = (tfds.features.Translation, tfds.features.TranslationVariableLanguages)
    if isinstance(features, kinds):
        return None
    return next((key for key in features if isinstance(features[key], kinds)), None)


def _prepare(tfds, builder, name: str) -> None:
    size = builder.info.download_size
    print(
        f"Preparing tfds:{name} (download: {size or 'unknown size'}) in "
        f"{builder.data_dir}"
    )
    config = tfds.download.DownloadConfig(try_download_gcs=False)
    try:
        with _few_retries():
            builder.download_and_prepare(download_config=config)
    except AssertionError as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"The set cannot be downloaded by a program. Received: name='tfds:{name}': "
            f"{reason}"
        ) from error
    except (OSError, tfds.download.DownloadError) as error:
        reason = " ".join(str(error).split())
        raise ConnectionError(
            "The set could not be downloaded. Expected a network connection, or data "
            f"prepared in {builder.data_dir}. Received: name='tfds:{name}': {reason}"
        ) from error


@contextlib.contextmanager
def _few_retries() -> Iterator[None]:
    """Sets fewer retries: without a network, TFDS's ten take over three minutes."""
    downloader: Any = importlib.import_module(
        "tensorflow_datasets.core.download.downloader"
    )
    max_retries = getattr(downloader, "MAX_RETRIES", None)
    downloader.MAX_RETRIES = _DOWNLOAD_RETRIES
    try:
        yield
    finally:
        downloader.MAX_RETRIES = max_retries


def _pairs(tfds, builder, split: str, source: str, target: str) -> Iterator[Pair]:
    """Reads a split in a fixed order; texts are stripped like the lines of files."""
    key = _translations_key(tfds, builder.info.features)
    for example in tfds.as_numpy(builder.as_dataset(split=split, shuffle_files=False)):
        texts = example if key is None else example[key]
        if set(texts) == {"language", "translation"}:
            languages = [language.decode() for language in texts["language"]]
            texts = dict(zip(languages, texts["translation"], strict=True))
        pair = texts.get(source, b""), texts.get(target, b"")
        yield tuple(text.decode("utf-8").strip() for text in pair)


def _with_held_out(splits: dict, stream: bool) -> dict:
    """Takes validation and test from train if the set has none."""
    if stream or {"train", "validation", "test"} <= set(splits):
        return splits
    new_splits = split_pairs(splits["train"])
    missing = [name for name in ("validation", "test") if name not in splits]
    added = {name for name in new_splits if name in (*missing, "train")}
    # pairs chosen for a split that the set already has remain in train
    held_out = {pair for name in missing for pair in new_splits[name]}
    train = [pair for pair in splits["train"] if pair not in held_out]
    return {**splits, **{name: new_splits[name] for name in added}, "train": train}
