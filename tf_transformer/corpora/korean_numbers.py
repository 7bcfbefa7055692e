"""Numbers in digits and their readings in Korean."""

from random import Random

SPLITS = {"train": 20_000, "validation": 500, "test": 500}
LIMIT = 10**8
DIGITS = ("", "일", "이", "삼", "사", "오", "육", "칠", "팔", "구")
UNITS = ("", "십", "백", "천")


def read_number(number: int) -> str:
    """Returns the reading of a number in Korean (Sino-Korean).

    Digits are grouped by four, as 만 is 10,000; groups are separated by a blank. The
    digit 1 is silent before 십, 백, 천 and before 만 alone.

    Args:
        number: Integer in [0, 100,000,000).

    Raises:
        ValueError: If the number is out of range.

    Example:

    >>> read_number(48211), read_number(10000), read_number(11110000)
    ('사만 팔천이백십일', '만', '천백십일만')
    """
    if not 0 <= number < LIMIT:
        raise ValueError(f"Expected a number in [0, {LIMIT:,}). Received: {number}")
    if number == 0:
        return "영"
    ten_thousands, rest = divmod(number, 10_000)
    groups = []
    if ten_thousands:
        groups.append("만" if ten_thousands == 1 else _read_group(ten_thousands) + "만")
    if rest:
        groups.append(_read_group(rest))
    return " ".join(groups)


def generate() -> dict[str, list[tuple[str, str]]]:
    """Generates the splits: pairs of a number, such as 48,211, and its reading.

    They have one to eight digits. No number is in two splits. The pairs are always the
    same.

    Example:

    >>> generate()["test"][0]
    ('4,860', '사천팔백육십')
    """
    random = Random("korean_numbers")
    numbers: dict[int, None] = {}  # without repetition, in order
    while len(numbers) < sum(SPLITS.values()):
        numbers[random.randrange(10 ** random.randint(1, 8))] = None
    shuffled = random.sample(list(numbers), len(numbers))
    pairs = ((f"{number:,}", read_number(number)) for number in shuffled)
    return {split: [next(pairs) for _ in range(size)] for split, size in SPLITS.items()}


def _read_group(number: int) -> str:
    parts = []
    for unit, digit in zip(UNITS, map(int, reversed(str(number))), strict=False):
        if digit:
            parts.append(("" if digit == 1 and unit else DIGITS[digit]) + unit)
    return "".join(reversed(parts))
