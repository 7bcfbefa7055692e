"""Options of `translate` and `evaluate` arrive; `score` names a line that fails."""

from types import SimpleNamespace

import pytest

from tests.runs.test_recovery import contents
from tf_transformer import cli
from tf_transformer.runs import evaluation
from tf_transformer.runs.directory import RunDirectory
from tf_transformer.utils.atomic import write_json


def test_options_of_translate_reach_the_search(monkeypatch, tmp_path, capsys):
    (tmp_path / "config.json").touch()
    found = {}

    def nbest(texts, prefixes, **settings):
        found.update(settings)
        return [[SimpleNamespace(text=text)] for text in texts]

    made = SimpleNamespace(nbest=nbest)
    monkeypatch.setattr(RunDirectory, "translator", lambda *_: made)
    words = ["--beam-size", "3", "--alpha", "0.2", "--no-repeat-ngram-size", "2"]
    words += ["--repetition-penalty", "1.5"]
    assert cli.main(["translate", str(tmp_path), "a", *words]) == 0
    repetition = {"no_repeat_ngram_size": 2, "repetition_penalty": 1.5}
    assert found == {"beam_size": 3, "alpha": 0.2, **repetition}


@pytest.mark.parametrize(
    ("words", "expected"), [([], "char"), (["--bleu-tokenize", "13a"], "13a")]
)
def test_options_of_evaluate_reach_it(monkeypatch, tmp_path, capsys, words, expected):
    """Without its option, the tokenizer of the scores is that of the run."""
    write_json(tmp_path / "config.json", contents(training={"bleu_tokenize": "char"}))
    for side in ("source", "target"):
        (tmp_path / side).write_text("a\n")
        words = [*words, f"--{side}", str(tmp_path / side)]
    calls = []

    def evaluated(run, name, pairs, beam_size=4, alpha=0.6, tokenize="13a"):
        calls.append((pairs, beam_size, alpha, tokenize))
        return {}

    monkeypatch.setattr(evaluation, "evaluate", evaluated)
    words += ["--beam-size", "2", "--alpha", "0.3"]
    assert cli.main(["evaluate", str(tmp_path), *words]) == 0
    assert calls == [([("a", "a")], 2, 0.3, expected)]


def test_a_pair_that_is_not_scored_has_its_line_number(monkeypatch, tmp_path, capsys):
    (tmp_path / "config.json").touch()
    source, target = tmp_path / "source", tmp_path / "target"
    for path in (source, target):
        path.write_text("a\nb\nlong\n")

    def score_tokens(texts, translations):
        if "long" in texts:
            raise ValueError("too long")
        return [[] for _ in texts]

    made = SimpleNamespace(score_tokens=score_tokens)
    monkeypatch.setattr(RunDirectory, "translator", lambda *_: made)
    files = ["--source", str(source), "--target", str(target)]
    assert cli.main(["score", str(tmp_path), *files, "--batch-size", "2"]) == 1
    assert f"{source}:3: too long" in capsys.readouterr().err
