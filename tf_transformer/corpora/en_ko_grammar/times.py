"""Numbers, dates and time expressions in both languages.

Inside a text a slash gives a word its mark: words of the two languages that share a
mark are aligned ("next/a week/b" and "다음/a 주에/b"). Words without a slash are all
aligned to each other.
"""

from typing import NamedTuple


class Time(NamedTuple):
    """A time expression; `before_verb` is true for adverbs such as "often"."""

    english: str
    korean: str
    before_verb: bool = False


class Number(NamedTuple):
    """A number: English word and the Korean word that precedes a counter."""

    english: str
    korean: str


def _times(text: str, before_verb: bool = False) -> tuple[Time, ...]:
    pairs = (entry.split("=") for entry in text.replace("\n", " ").split(","))
    return tuple(
        Time(english.strip(), korean.strip(), before_verb) for english, korean in pairs
    )


NUMBERS = (
    Number("two", "두"),
    Number("three", "세"),
    Number("four", "네"),
    Number("five", "다섯"),
    Number("six", "여섯"),
    Number("seven", "일곱"),
    Number("eight", "여덟"),
    Number("nine", "아홉"),
    Number("ten", "열"),
)
HOURS = (
    Number("one", "한"),
    *NUMBERS,
    Number("eleven", "열한"),
    Number("twelve", "열두"),
)

MONTH_LENGTHS = {
    "January": 31,
    "February": 29,
    "March": 31,
    "April": 30,
    "May": 31,
    "June": 30,
    "July": 31,
    "August": 31,
    "September": 30,
    "October": 31,
    "November": 30,
    "December": 31,
}
# Every day of a year as (English, Korean): ("March/a 3/b", "3월/a 3일/b").
DATES = tuple(
    (f"{name}/a {day}/b", f"{number}월/a {day}일/b")
    for number, (name, days) in enumerate(MONTH_LENGTHS.items(), start=1)
    for day in range(1, days + 1)
)
WEEKDAYS = (
    ("Monday", "월요일"),
    ("Tuesday", "화요일"),
    ("Wednesday", "수요일"),
    ("Thursday", "목요일"),
    ("Friday", "금요일"),
    ("Saturday", "토요일"),
    ("Sunday", "일요일"),
)

NO_TIME = Time("", "")
ON_WEEKDAYS = tuple(Time(f"on {day}", f"{korean}에") for day, korean in WEEKDAYS)
PAST_TIMES = _times(
    """yesterday=어제, last week=지난주에, last month=지난달에, last year=작년에,
    last night=어젯밤에, this/a morning/b=오늘/a 아침에/b"""
)
FREQUENCIES = _times(
    """every day=매일, every/a morning/b=매일/a 아침/b, every/a night/b=매일/a 밤/b,
    every week=매주, every weekend=주말마다, every year=매년"""
) + _times("often=자주, always=항상, usually=보통, sometimes=가끔", before_verb=True)
THESE_DAYS = Time("these days", "요즘")
NOW = Time("now", "지금")
FUTURE_TIMES = _times(
    """tomorrow=내일, next/a week/b=다음/a 주에/b, next/a month/b=다음/a 달에/b,
    next year=내년에, tonight=오늘 밤에, soon=곧"""
)
