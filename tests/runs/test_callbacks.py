"""The callbacks of a run have its settings."""

from types import SimpleNamespace

from tf_transformer.runs.callbacks import callbacks, translation_quality
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.directory import RunDirectory
from tf_transformer.runs.fitting import make_parts
from tf_transformer.training.callbacks import KeepBest
from tf_transformer.training.divergence import DivergenceCheck
from tf_transformer.training.termination import Termination


def test_the_first_validation_sentences_are_translated():
    corpus = SimpleNamespace(validation=[(str(i), str(i)) for i in range(5)])
    config = TrainingConfig(validation_sentences=2)
    quality = translation_quality(config, corpus, translator=None)
    assert quality.sources == ["0", "1"]


def test_epochs_are_scored_with_the_tokenizer_of_the_run():
    corpus = SimpleNamespace(validation=[("a", "b")])
    config = TrainingConfig(bleu_tokenize="char")
    assert translation_quality(config, corpus, translator=None).tokenize == "char"


def test_a_run_has_its_patience_and_stops_when_it_diverges(tmp_path):
    config = TrainingConfig(monitor="nll", patience=3).resolved()
    run = RunDirectory(tmp_path)
    parts = make_parts(config, run, SimpleNamespace(), None)
    assert parts["best"].patience == 3
    made = callbacks(config, run, None, parts, [], Termination())
    kinds = [type(callback) for callback in made]
    assert kinds.index(DivergenceCheck) < kinds.index(KeepBest)
