"""The corpus of dates, read back by Python's own parser and by hand."""

import datetime
import re

from tf_transformer.corpora.dates import FORMATS, SPLITS, generate
from tf_transformer.corpora.loading import load

# of FORMATS, in that order, as `strptime` writes them
PYTHON_FORMATS = (
    *("%A, %B %d, %Y", "%B %d, %Y", "%d %B %Y", "%d %b %Y", "%b %d, %Y"),
    *("%m/%d/%Y", "%d.%m.%Y", "%Y년 %m월 %d일"),
)


def parsed(text):
    for number, form in enumerate(PYTHON_FORMATS):
        try:
            return number, datetime.datetime.strptime(text, form).date()
        except ValueError:
            continue
    raise AssertionError(text)


def test_each_source_is_the_day_of_its_target():
    days, formats = [], set()
    for split, pairs in generate().items():
        assert len(pairs) == SPLITS[split]
        for source, target in pairs:
            number, day = parsed(source)
            assert day.isoformat() == target
            days.append(day)
            formats.add(number)
            # `strptime` allows any weekday, zeros and letters of either case
            spelled = day.strftime(PYTHON_FORMATS[number])
            assert source == re.sub(r"\b0", "", spelled)
    assert len(set(days)) == len(days)
    assert {day.year // 10 for day in days} == set(range(195, 205))
    # May has no separate short form
    assert formats == set(range(len(FORMATS)))


def test_load_knows_it_and_its_reverse():
    corpus = load("dates")
    assert corpus.name == "dates"
    assert corpus.splits == generate()
    source, target = load("dates", source="iso").test[0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", source)
    assert (target, source) == corpus.test[0]
