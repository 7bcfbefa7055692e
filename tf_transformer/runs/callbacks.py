"""The callbacks of a run."""

import itertools

from tf_transformer.runs.evaluation import translate_or_empty
from tf_transformer.runs.local_copy import LocalCopy
from tf_transformer.training.averaging import ScoreAverages
from tf_transformer.training.callbacks import TranslationQuality
from tf_transformer.training.checkpointing import SaveWithinEpochs
from tf_transformer.training.divergence import DivergenceCheck
from tf_transformer.training.progress import ProgressLine


def translation_quality(config, corpus, translator) -> TranslationQuality | None:
    """The callback that translates validation sentences, if there are any."""
    if not config.validation_sentences:
        return None
    if config.distribute in ("data", "model"):
        translator = LocalCopy(translator.model, translator.tokenizer)
    return TranslationQuality(
        lambda texts: translate_or_empty(translator, texts, beam_size=1),
        corpus.validation[: config.validation_sentences],
        tokenize=config.bleu_tokenize,
    )


def callbacks(config, run, quality, parts, shown, termination) -> list:
    """The callbacks of a run, in the order in which Keras calls them.

    Args:
        config: The run's settings.
        run: The run's directory.
        quality: The run's `TranslationQuality`, or `None`.
        parts: Contents of a checkpoint besides variables, see `make_parts`.
        shown: Callbacks that write TensorBoard's log.
        termination: Set by SIGTERM.
    """
    counter = parts["data"]
    scoring = [
        *([quality] if quality else []),
        *(parts["best"], *shown, ProgressLine(counter), parts["log"]),
    ]
    if config.ema_momentum is not None:
        averages = ScoreAverages()
        scoring = [averages, *scoring, averages.back()]
    saving = SaveWithinEpochs(
        run.checkpoints,
        parts,
        max(2, config.average_last),
        counter=counter,
        every=config.checkpoint_every,
        termination=termination,
        on_saved=run.end_first_epoch,
    )
    return [counter, parts["metrics"], DivergenceCheck(), *scoring, saving]


def tensorboard(config, run, quality, valid_set) -> list:
    """TensorBoard's log, if TensorFlow is installed to write it."""
    from tf_transformer.training.telemetry import Telemetry
    from tf_transformer.training.tensorboard import TensorBoardLog

    try:
        logs = [TensorBoardLog(run.logs, quality)]
        if config.telemetry is not None:
            middle = next(iter(valid_set.skip(len(valid_set) // 2)))
            logs.append(Telemetry(run.logs, middle, config.telemetry))
        return logs
    except ImportError as error:
        print(f"No TensorBoard log: {error}")
        return []


def attention_images(config, run, corpus, translator) -> list:
    """Returns the callback that draws the attention of validation pairs, if enabled.

    Raises:
        ValueError: Without matplotlib.
    """
    if not config.attention_images:
        return []
    from tf_transformer.analysis.images import AttentionImages

    tokenizer, longest = translator.tokenizer, translator.model.max_length
    fitting = (
        (source, target)
        for source, target in corpus.validation
        if target.strip()
        and 1 < len(tokenizer.encode_source([source])[0]) <= longest
        and 1 < len(tokenizer.encode_target([target])[0]) <= longest
    )
    pairs = list(itertools.islice(fitting, config.attention_images))
    try:
        return [AttentionImages(run.logs, translator, pairs)]
    except ImportError as error:
        raise ValueError(str(error)) from error
