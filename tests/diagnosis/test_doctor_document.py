"""docs/doctor.md: its programs print what it shows, its numbers are the tests'."""

import re

import pytest

from tests.diagnosis import (
    broken_models,
    held_out_broken,
    held_out_sound,
    sound_models,
)
from tests.document_blocks import outputs, python_blocks, text_of
from tf_transformer.diagnosis.doctor import doctor

TEXT = text_of("docs/doctor.md")


@pytest.mark.long
@pytest.mark.needs_tensorflow
def test_programs_print_what_the_page_shows(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    programs = python_blocks("docs/doctor.md")
    names = {}
    for program, output in zip(programs, outputs("docs/doctor.md"), strict=True):
        exec(program, names)
        assert capsys.readouterr().out == output
    assert (tmp_path / "influence.png").read_bytes().startswith(b"\x89PNG")
    assert names["report"].status("causality") == "failed"


def test_page_has_the_numbers_of_models():
    broken, sound = len(broken_models.MODELS), len(sound_models.ALL)
    assert f"has {broken} models with one planted fault" in TEXT
    assert f"has\n{sound} sound models" in TEXT
    broken, sound = len(held_out_broken.MODELS), len(held_out_sound.MODELS)
    assert f"{broken} more broken ones and {sound} more sound ones" in TEXT
    assert f"| faults found, of {broken} |" in TEXT
    assert f"or refused, of {sound} |" in TEXT


@pytest.mark.moderate
def test_page_lists_every_check():
    model, inputs, arguments = sound_models.causal_convolutions()
    names = [result.name for result in doctor(model, inputs, **arguments).results]
    table = re.findall(r"^\| ([a-z ]+?) \|", TEXT, re.M)
    assert table == ["check", *names]
