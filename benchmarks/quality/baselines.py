"""Three baselines without a translation model, which a translator must beat.

    python benchmarks/quality/baselines.py train.tsv test.tsv

Copy the source; the target of the most similar training source (cosine of character
trigrams, weighted by TF-IDF); the most frequent training target. Scores are BLEU of
characters and chrF, by sacreBLEU.
"""

import argparse
import collections
import math

import tf_transformer as tt
from tf_transformer.training import score_translations


def main() -> None:
    """Prints one row of a table for each baseline."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", help="training pairs, .tsv, .csv or .jsonl")
    parser.add_argument("test", help="pairs to translate, in the same form")
    options = parser.parse_args()
    train = list(tt.data.stream_tsv(options.train))
    sources, references = zip(*tt.data.stream_tsv(options.test), strict=True)
    targets = collections.Counter(target for _, target in train)
    [(frequent, _)] = targets.most_common(1)
    translations = {
        "copy of the source": sources,
        "most frequent target": [frequent] * len(sources),
        "most similar training source": nearest_targets(train, sources),
    }
    for name, texts in translations.items():
        scores = score_translations(list(texts), list(references), "char")
        print(
            f"| {name} | {scores['bleu']:.2f} | {scores['chrf']:.2f} | "
            f"{100 * scores['exact']:.1f} % |"
        )
    print(scores["bleu_signature"])
    print(scores["chrf_signature"])


def trigrams(text: str) -> collections.Counter:
    """How often each sequence of three characters occurs in the text.

    >>> sorted(trigrams("abc"))
    [' ab', 'abc', 'bc ']
    """
    text = f" {text} "
    return collections.Counter(text[i : i + 3] for i in range(len(text) - 2))


def nearest_targets(train: list[tuple[str, str]], sources) -> list[str]:
    """For each source the target of the most similar training source.

    >>> nearest_targets([("a cat", "고양이"), ("a dog", "개")], ["the dog"])
    ['개']
    """
    counts = [trigrams(source) for source, _ in train]
    documents = collections.Counter(gram for count in counts for gram in count)
    weights = {gram: math.log(len(train) / n) for gram, n in documents.items()}
    index = collections.defaultdict(list)
    for row, count in enumerate(counts):
        norm = math.hypot(*(n * weights[gram] for gram, n in count.items())) or 1.0
        for gram, n in count.items():
            index[gram].append((row, n * weights[gram] / norm))
    nearest = []
    for source in sources:
        scores = collections.defaultdict(float)
        for gram, n in trigrams(source).items():
            for row, value in index.get(gram, ()):
                scores[row] += n * weights[gram] * value
        nearest.append(train[max(scores, key=scores.get)][1] if scores else train[0][1])
    return nearest


if __name__ == "__main__":
    main()
