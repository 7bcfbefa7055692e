"""Subword regularization: which segmentations are drawn, and when again the same."""

import io
import itertools
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
import sentencepiece

from tf_transformer.data.batching import Place
from tf_transformer.data.datasets import batches, make_batches
from tf_transformer.data.endless import EndlessBatches
from tf_transformer.data.sampling import NBEST_SIZE, SampledTokenizer
from tf_transformer.data.sentencepiece_model import ModelProto, SentencePieceModel
from tf_transformer.data.tokenizer import Tokenizer

WORDS = ["sun", "sunlight", "moonlight", "moon", "lighting", "birds", "bird", "sunbird"]
ALPHA = 0.3


def make_pairs():
    random = np.random.default_rng(5)
    return [
        tuple(" ".join(random.choice(WORDS, size)) for size in random.integers(2, 6, 2))
        for _ in range(150)
    ]


def with_parts_of_words(serialized, seed):
    """A unigram model that also has all parts of 2 to 4 letters of the words."""
    model = ModelProto()
    model.ParseFromString(serialized)
    texts = [text for word in WORDS for text in (word, "▁" + word)]
    parts = {text[i : i + n] for text in texts for i in range(9) for n in (2, 3, 4)}
    parts -= {"", *(piece.piece for piece in model.pieces)}
    random = np.random.default_rng(seed)
    for part in sorted(parts):
        model.pieces.add(piece=part, score=random.uniform(-9, -5), type=1)
    return model.SerializeToString()


def make_tokenizer():
    trained = Tokenizer.train(
        PAIRS, vocab_size=285, shared=False, user_defined_symbols=["<2de>"]
    )
    models = [trained.source_model, trained.target_model]
    return Tokenizer(*map(with_parts_of_words, models, (1, 2)))


PAIRS = make_pairs()
TOKENIZER = make_tokenizer()


def made(**changes):
    arguments = {"batch_tokens": 60, "shuffle": True, "seed": 3, "window": 40}
    return make_batches(
        PAIRS, TOKENIZER, **{**arguments, "sampling_alpha": ALPHA, **changes}
    )


def rows_of(elements):
    return [
        [part.tolist() for part in (inputs["source_ids"], labels, weights)]
        for inputs, labels, weights in elements
    ]


def texts_of(elements):
    """The texts of all real targets, in any order."""
    rows = [row for _, labels, _ in elements for row in labels if row.any()]
    return Counter(TOKENIZER.decode_target(rows))


def segmentations(text, scores):
    """All ways to split a text into pieces."""
    if not text:
        yield ()
    for end in range(1, len(text) + 1):
        if text[:end] in scores:
            for others in segmentations(text[end:], scores):
                yield (text[:end], *others)


def test_segmentations_have_the_probabilities_of_the_paper():
    model = SentencePieceModel.parse(TOKENIZER.target_model)
    scores = {piece: model.scores[i] for piece, i in model.text_pieces.items()}
    word, count = "moonlight", 20_000
    found = sorted(
        segmentations("▁" + word, scores), key=lambda s: -sum(map(scores.get, s))
    )
    assert len(found) > 20
    best = found[:NBEST_SIZE]
    weights = np.exp(ALPHA * np.array([sum(map(scores.get, s)) for s in best]))
    expected = dict(zip(best, weights / weights.sum(), strict=True))
    sampled = SampledTokenizer(TOKENIZER, ALPHA).seeded(11)
    drawn = Counter(
        tuple(model.pieces[i] for i in row[:-1])
        for row in sampled.encode_target([word] * count)
    )
    assert len(drawn) > 10
    for segmentation in {*expected, *drawn}:
        p = expected.get(segmentation, 0.0)
        error = 5 * np.sqrt(p * (1 - p) / count) + 1e-9
        assert abs(drawn[segmentation] / count - p) <= error, segmentation


def test_alpha_of_1_prefers_the_best_and_a_small_one_does_not():
    shares = []
    [best] = TOKENIZER.encode_target(["moonlight"])
    for alpha in (1.0, 0.05):
        rows = SampledTokenizer(TOKENIZER, alpha).encode_target(["moonlight"] * 900)
        shares.append(sum(row == best for row in rows) / 900)
    assert shares[0] > 2 * shares[1]


@pytest.mark.parametrize(
    "text",
    [
        "sunlight moonlight",
        "  moon   bird ",
        "",
        "ßß sun ㄱ",
        "<2de> sunbird",
        "sun<2de>moonlight",
        "새 sunlight!",
    ],
)
def test_every_sample_decodes_to_the_text_of_the_best(text):
    sampled = SampledTokenizer(TOKENIZER, 0.1)
    for encode, decode in (("encode_source", "decode_source"),) + (
        ("encode_target", "decode_target"),
    ):
        expected = getattr(TOKENIZER, decode)(getattr(TOKENIZER, encode)([text]))
        rows = getattr(sampled, encode)([text] * 20)
        assert getattr(TOKENIZER, decode)(rows) == expected * 20
        assert {row[-1] for row in rows} == {3}


def test_same_key_gives_the_same_and_each_side_has_its_own_vocabulary():
    sampled, texts = SampledTokenizer(TOKENIZER, ALPHA), [s for s, _ in PAIRS]
    one = sampled.seeded(3, 1).encode_source(texts)
    assert sampled.seeded(3, 1).encode_source(texts) == one
    assert sampled.seeded(3, 2).encode_source(texts) != one
    assert sampled.seeded(4, 1).encode_source(texts) != one
    assert TOKENIZER.decode_source(one) == texts


PROGRAM = """
import sys
from tf_transformer.data.sampling import SampledTokenizer
from tf_transformer.data.tokenizer import Tokenizer
tokenizer = Tokenizer.load(sys.argv[1])
print(SampledTokenizer(tokenizer, 0.3).seeded(7).encode_target(["sunlight"] * 30))
"""


def test_another_process_draws_the_same(tmp_path):
    TOKENIZER.save(tmp_path)
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    here = SampledTokenizer(TOKENIZER, 0.3).seeded(7).encode_target(["sunlight"] * 30)
    assert found.stdout.strip() == str(here)


def test_epochs_differ_in_segmentation_and_not_in_text():
    one, again = made(), made()
    epochs = [list(one.elements(epoch)) for epoch in (0, 1)]
    ids = [
        Counter(tuple(row[row > 0]) for _, labels, _ in epoch for row in labels)
        for epoch in epochs
    ]
    assert len(ids[0] - ids[1]) > 30
    assert texts_of(epochs[0]) == texts_of(epochs[1])
    assert texts_of(epochs[0]).total() == len(PAIRS)
    # whatever was read before
    assert rows_of(again.elements(1)) == rows_of(epochs[1])
    assert rows_of(made(seed=4).elements(1)) != rows_of(epochs[1])


@pytest.mark.parametrize("window", [None, 40])
@pytest.mark.parametrize("steps", [1, 3])
def test_training_continues_from_any_update_with_the_same_batches(window, steps):
    arguments = {"window": window, "gradient_accumulation_steps": steps}
    whole = list(made(**arguments).updates(Place(1)))
    for number, (_, place) in enumerate(whole[:-1], start=1):
        rest = list(made(**arguments).updates(place))
        assert [p for _, p in rest] == [p for _, p in whole[number:]]
        for (found, _), (expected, _) in zip(rest, whole[number:], strict=True):
            assert rows_of(found) == rows_of(expected)


def test_endless_batches_count_updates_over_epochs_of_different_lengths():
    endless = EndlessBatches(made())
    per_epoch = [len(list(made().elements(epoch))) for epoch in (0, 1)]
    elements = list(itertools.islice(endless, sum(per_epoch) + 1))
    assert endless.progress(sum(per_epoch) + 1).place[:2] == (2, 1)
    assert rows_of(elements[: per_epoch[0]]) == rows_of(made().elements(0))


def test_longest_row_of_all_epochs_must_fit_into_the_model():
    limited = made(max_length=33)
    limited.count()
    assert limited.limits.length == 33


def test_keras_dataset_of_sampled_batches_is_refused():
    with pytest.raises(ValueError, match="EndlessBatches.*with sampling_alpha"):
        batches(PAIRS, TOKENIZER, sampling_alpha=ALPHA)


@pytest.mark.parametrize("alpha", [0.0, -1.0, 1.01, float("nan")])
def test_alpha_outside_of_0_to_1_is_refused(alpha):
    with pytest.raises(ValueError, match=f"Received: sampling_alpha={alpha}"):
        made(sampling_alpha=alpha)


def test_bpe_model_is_refused():
    file = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(source for source, _ in PAIRS),
        model_writer=file,
        vocab_size=40,
        model_type="bpe",
        minloglevel=2,
    )
    with pytest.raises(ValueError, match="unigram model.*Received: model_type=bpe"):
        SampledTokenizer(Tokenizer(file.getvalue()), ALPHA)
