"""Dates in several formats and in ISO 8601."""

import datetime
from random import Random

SPLITS = {"train": 10_000, "validation": 500, "test": 500}
FIRST_DAY = datetime.date(1950, 1, 1)
NUM_DAYS = 36_525  # 100 years
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)
WEEKDAYS = (
    *("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
)
FORMATS = (
    "{weekday}, {month} {day.day}, {day.year}",
    "{month} {day.day}, {day.year}",
    "{day.day} {month} {day.year}",
    "{day.day} {short} {day.year}",
    "{short} {day.day}, {day.year}",
    "{day.month}/{day.day}/{day.year}",
    "{day.day}.{day.month}.{day.year}",
    "{day.year}년 {day.month}월 {day.day}일",
)


def generate() -> dict[str, list[tuple[str, str]]]:
    """Generates the splits: pairs of a date in one of eight formats and its ISO form.

    No day is in two splits. The pairs are always the same.

    Example:

    >>> generate()["test"][0]
    ('Jun 5, 1979', '1979-06-05')
    """
    random = Random("dates")
    days = random.sample(range(NUM_DAYS), sum(SPLITS.values()))
    pairs = iter([_pair(FIRST_DAY + datetime.timedelta(n), random) for n in days])
    return {split: [next(pairs) for _ in range(size)] for split, size in SPLITS.items()}


def _pair(day: datetime.date, random: Random) -> tuple[str, str]:
    month = MONTHS[day.month - 1]
    source = random.choice(FORMATS).format(
        day=day, month=month, short=month[:3], weekday=WEEKDAYS[day.weekday()]
    )
    return source, day.isoformat()
