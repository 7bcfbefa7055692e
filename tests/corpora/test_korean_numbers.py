"""The corpus of Korean numbers: a schoolbook's table, rules of Korean, read back."""

import re

import pytest

from tf_transformer.corpora.korean_numbers import SPLITS, generate, read_number
from tf_transformer.corpora.loading import load

READINGS = {
    0: "영",
    7: "칠",
    10: "십",
    16: "십육",
    60: "육십",
    100: "백",
    101: "백일",
    1_945: "천구백사십오",
    5_000: "오천",
    10_000: "만",
    10_001: "만 일",
    11_111: "만 천백십일",
    20_300: "이만 삼백",
    110_000: "십일만",
    1_000_000: "백만",
    51_780_579: "오천백칠십팔만 오백칠십구",
    99_999_999: "구천구백구십구만 구천구백구십구",
}
VALUES = {character: value for value, character in enumerate("영일이삼사오육칠팔구")}
UNITS = {"십": 10, "백": 100, "천": 1000}


def value(reading):
    """The number of a reading, by adding from left to right."""
    total = group = digit = 0
    for character in reading.replace(" ", ""):
        if character == "만":
            total, group, digit = (group + digit or 1) * 10_000, 0, 0
        elif character in UNITS:
            group, digit = group + (digit or 1) * UNITS[character], 0
        else:
            digit = VALUES[character]
    return total + group + digit


def reading_by_rules(number):
    """Every digit of eight with its unit, of which what is not said is removed."""
    digits = ["영일이삼사오육칠팔구"[int(digit)] for digit in f"{number:08}"]
    units = ("천", "백", "십", "만 ", "천", "백", "십", "")
    text = "".join(digit + unit for digit, unit in zip(digits, units, strict=True))
    text = re.sub("영[천백십]?", "", text)
    text = re.sub("^만 ", "", text)  # below 10,000
    text = re.sub("일(?=[천백십])|^일(?=만)", "", text)
    return text.strip() or "영"


@pytest.mark.parametrize("number", READINGS)
def test_readings_of_the_table(number):
    assert read_number(number) == reading_by_rules(number) == READINGS[number]


@pytest.mark.parametrize("number", [-1, 100_000_000])
def test_a_number_out_of_range_is_refused(number):
    with pytest.raises(ValueError, match=rf"100,000,000\). Received: {number}"):
        read_number(number)


@pytest.mark.moderate
def test_each_reading_says_its_number():
    corpus = load("korean_numbers")
    assert corpus.splits == generate()
    sources = [source for pairs in corpus.splits.values() for source, _ in pairs]
    assert len(set(sources)) == sum(SPLITS.values())
    for split, pairs in corpus.splits.items():
        assert len(pairs) == SPLITS[split]
        for source, reading in pairs:
            number = int(source.replace(",", ""))
            assert source == f"{number:,}"
            assert value(reading) == number
            assert reading == reading_by_rules(number)
    assert {len(source.replace(",", "")) for source in sources} == set(range(1, 9))
    assert {len(source.replace(",", "")) for source, _ in corpus.test} >= {3, 8}
    assert load("korean_numbers", source="ko").test[0] == corpus.test[0][::-1]
