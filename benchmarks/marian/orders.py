"""Orders of a warehouse in English and Portuguese, a domain for fine-tuning.

    python benchmarks/marian/orders.py orders

The folder gets train.tsv, test.en and test.pt. The same seed gives the same pairs, and
no test sentence is in the training data. The terms are from one company; a general
model translates most of them differently.
"""

import argparse
import random
from pathlib import Path

PARTS = {
    "{m} hex bolts": "parafusos sextavados {m}",
    "{m} grub screws": "parafusos sem cabeça {m}",
    "{m} lock washers": "arruelas de pressão {m}",
    "{m} wing nuts": "porcas-borboleta {m}",
    "{m} studs": "prisioneiros {m}",
    "{m} dowel pins": "pinos-guia {m}",
    "{n} mm shims": "calços de {n} mm",
    "{n} mm retaining rings": "anéis de retenção de {n} mm",
    "{n} mm blind rivets": "rebites de repuxo de {n} mm",
    "{n} mm bushings": "buchas de {n} mm",
}
OUT = {"Ship": "Despache", "Pick": "Separe", "Scrap": "Descarte", "Pull": "Retire"}
HERE = {"Count": "Confira", "Quarantine": "Bloqueie", "Restock": "Reponha"}
PLACES = {"bay": "a doca", "rack": "a estante", "bin": "o escaninho"}
TIMES = {
    " by {d} {month}": " até {d} de {month}",
    " before noon on {weekday}": " antes do meio-dia de {weekday}",
    " at {h}:{min}": " às {h}h{min}",
    "": "",
}
CONDITIONS = {
    " if the lot is open": " se o lote estiver aberto",
    " unless QA holds the lot": " salvo retenção do lote pela Qualidade",
    "": "",
}
MONTHS = {
    **{"January": "janeiro", "March": "março", "May": "maio", "June": "junho"},
    **{"August": "agosto", "October": "outubro", "December": "dezembro"},
}
WEEKDAYS = {
    **{"Monday": "segunda-feira", "Tuesday": "terça-feira", "Friday": "sexta-feira"},
    **{"Wednesday": "quarta-feira", "Thursday": "quinta-feira"},
}


def order(generator: random.Random) -> tuple[str, str]:
    """A random order, in English and in Portuguese."""

    def choose(words):
        return generator.choice(list(words.items()))

    is_out = generator.random() < 0.5
    parts, verb, place, time, condition, month, weekday = map(
        choose,
        (PARTS, OUT if is_out else HERE, PLACES, TIMES, CONDITIONS, MONTHS, WEEKDAYS),
    )
    numbers = {
        "m": f"M{generator.randrange(3, 25)}",
        "n": generator.randrange(2, 60),
        "d": generator.randrange(2, 29),
        "h": generator.randrange(7, 20),
        "min": f"{generator.randrange(0, 60, 5):02}",
    }
    order, count, at = (
        generator.randrange(*r) for r in ((999, 9999), (2, 999), (1, 99))
    )
    source, target = (
        (parts[side] + "{place}" + time[side]).format(
            **numbers, place="{}", month=month[side], weekday=weekday[side]
        )
        for side in (0, 1)
    )
    source = source.format(f" {'from' if is_out else 'in'} {place[0]} {at}")
    target = target.format(f" {'d' if is_out else 'n'}{place[1]} {at}")
    return (
        f"Order {order}: {verb[0]} {count} {source}{condition[0]}.",
        f"Pedido {order}: {verb[1]} {count} {target}{condition[1]}.",
    )


def main() -> None:
    """Writes the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--train", type=int, default=4000, help="pairs for training")
    parser.add_argument("--test", type=int, default=300, help="pairs for the test")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    generator, pairs = random.Random(options.seed), {}
    while len(pairs) < options.train + options.test:
        source, target = order(generator)
        pairs[source] = target
    pairs = list(pairs.items())
    options.folder.mkdir(parents=True, exist_ok=True)
    test, train = pairs[: options.test], pairs[options.test :]
    files = {
        "train.tsv": [f"{source}\t{target}" for source, target in train],
        "test.en": [source for source, _ in test],
        "test.pt": [target for _, target in test],
    }
    for name, lines in files.items():
        text = "".join(f"{line}\n" for line in lines)
        (options.folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
