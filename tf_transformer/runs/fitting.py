"""Runs `model.fit` for a run, from the beginning or from a checkpoint."""

from pathlib import Path

from tf_transformer.runs.callbacks import attention_images, callbacks, tensorboard
from tf_transformer.runs.checkpoint_state import check_state
from tf_transformer.training.callbacks import JsonLog, KeepBest
from tf_transformer.training.checkpoints import restore_checkpoint
from tf_transformer.training.tensorboard import EventFiles, TensorBoardLog
from tf_transformer.training.termination import catching_sigterm
from tf_transformer.training.updates import PartialMetrics, UpdateCounter
from tf_transformer.utils.checksum import DamagedFile
from tf_transformer.utils.processes import any_process, failing_together


def make_parts(config, run, counter: UpdateCounter, quality) -> dict:
    """Makes the objects whose `state()` is part of a checkpoint, by name."""
    monitor = _monitor(config, quality)
    return {
        "data": counter,
        "metrics": PartialMetrics(),
        "best": KeepBest(run.best_weights, monitor, config.patience),
        "log": JsonLog(run.json_log),
        "events": EventFiles(run.logs),
    }


def _monitor(config, quality) -> str:
    if config.monitor not in ("bleu", "chrf"):
        return f"val_{config.monitor}"
    if config.monitor == "bleu" and quality.highest_bleu() == 0:
        print(
            "No validation reference has four words, so even a perfect translation has "
            "BLEU 0. chrF chooses the best epoch. For BLEU of characters: "
            "--bleu-tokenize char"
        )
        return "chrf"
    return config.monitor


class Fitting:
    """Trains the model of a run.

    Args:
        config: The run's settings.
        run: The run's directory.
        translator: The model and its tokenizer.
        corpus: The pairs.
        files: Fingerprints of the files of pairs.
        quality: The run's `TranslationQuality`, or `None`.
        parts: See `make_parts`.
    """

    def __init__(self, config, run, translator, corpus, files, quality, parts):
        self.config = config
        self.run = run
        self.translator = translator
        self.model = translator.model
        self.corpus = corpus
        self.files = files
        self.quality = quality
        self.parts = parts
        self.counter = parts["data"]

    def fit(self, train_set, valid_set, checkpoint: Path | None, state: dict) -> None:
        """Trains from a checkpoint, or from the beginning.

        Args:
            train_set: Endless dataset.
            valid_set: Validation batches.
            checkpoint: The restored file, or `None`.
            state: The state in the file; empty without a file.
        """
        finished = state.get("epoch", 0)
        if checkpoint is not None:
            if state.get("best"):
                self.parts["best"].restore(state["best"])
            is_over = not self.counter.plan.epochs_left(self.counter.updates)
            if is_over and not finished:
                raise ValueError(
                    "No epoch of this run has ended yet. Expected max_updates above "
                    f"{self.counter.updates}. Received: {self.config.max_updates}"
                )
            if is_over or self.parts["best"].exhausted(finished - 1):
                print(f"{self.run.path} is already trained: {finished} epochs.")
                return
            self._expect_better_than_average()
            print(f"Resuming after update {self.counter.updates:,} from {checkpoint}.")
        tokenizer = self.translator.tokenizer
        with failing_together():  # only the first process writes
            self.run.begin(
                self.config,
                tokenizer,
                self.model,
                data=self.files,
                batches_per_epoch=self._batches_per_epoch(),
            )
        self._restore_logs(state, valid_set)
        with catching_sigterm() as termination:
            self._fit(train_set, valid_set, finished, state, termination)

    def _batches_per_epoch(self) -> int | None:
        if self.config.validate_every is not None:
            return None
        steps = self.config.gradient_accumulation_steps
        return self.counter.plan.per_epoch * steps

    def _expect_better_than_average(self):
        average, best = self.run.average(), self.parts["best"]
        if average is None or not average["is_best"]:
            return
        if best.improves(average["value"]):  # otherwise a later epoch was better
            last_epoch = average["epochs"][-1] - 1
            best.restore({"best": average["value"], "best_epoch": last_epoch})

    def _restore_logs(self, state, valid_set):
        for name in ("log", "events"):
            self.parts[name].restore(state.get(name))
        if state.get("metrics") is not None:
            # creates the variables of the metrics, which are then restored
            self.model.evaluate(valid_set, steps=1, verbose=0)
            self.parts["metrics"].restore(state["metrics"])

    def _fit(self, train_set, valid_set, finished, state, termination):
        config, run, plan = self.config, self.run, self.counter.plan
        shown = [
            *tensorboard(config, run, self.quality, valid_set),
            *attention_images(config, run, self.corpus, self.translator),
        ]
        self.parts["events"].logs = shown
        for log in shown:
            if isinstance(log, TensorBoardLog):
                log.restore(state.get("points"))
                self.parts["points"] = log
        endless = self.counter.batches
        steps = endless.batches.gradient_accumulation_steps
        try:
            self.model.fit(
                train_set,
                validation_data=valid_set,
                initial_epoch=finished,
                epochs=finished + plan.epochs_left(self.counter.updates),
                steps_per_epoch=plan.per_epoch * steps,
                shuffle=False,  # the dataset shuffles
                verbose=0,
                callbacks=callbacks(
                    config, run, self.quality, self.parts, shown, termination
                ),
            )
            any_process(False)  # the first one has written everything
        except Exception as error:
            if endless.error is None:
                raise
            raise endless.error from error


def restore_latest(run, model) -> tuple[Path | None, dict]:
    """Restores the latest undamaged checkpoint; returns its file and its state."""
    paths = run.all_checkpoints()
    for path in reversed(paths):
        try:
            return path, check_state(restore_checkpoint(path, model), path)
        except DamagedFile as error:
            print(f"{error}. It is skipped.", flush=True)
    if paths:
        raise ValueError(
            "All checkpoints of the run are damaged. Expected one to continue from, or "
            f"another folder. Received: {run.path}"
        )
    return None, {}
