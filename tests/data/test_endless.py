"""A training that starts from any position gets the same batches."""

from itertools import islice

import keras
import numpy as np
import pytest

from tests.data.test_batching import WordTokenizer, make_pairs
from tf_transformer.data.batching import Batches
from tf_transformer.data.endless import EndlessBatches, Progress, as_endless_dataset
from tf_transformer.data.streaming import StreamedBatches

KINDS = {
    "all": lambda pairs, **arguments: Batches(pairs, WordTokenizer(), **arguments),
    # 7 windows in an epoch, the last one short
    "stream": lambda pairs, **arguments: StreamedBatches(
        pairs, WordTokenizer(), window=len(pairs) // 7 + 1, **arguments
    ),
}


def make(kind, steps):
    arguments = {"batch_tokens": 100, "shuffle": True, "seed": 3}
    return KINDS[kind](
        make_pairs()[:150], gradient_accumulation_steps=steps, **arguments
    )


def as_lists(elements):
    return keras.tree.map_structure(np.ndarray.tolist, list(elements))


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_every_place_continues_with_the_batches_that_follow(kind, steps):
    batches = make(kind, steps)
    expected = [
        as_lists(element for element in batches.elements(epoch)) for epoch in range(3)
    ]
    assert expected[0] != expected[1]
    per_epoch = [len(elements) // steps for elements in expected]
    assert len(set(per_epoch)) == 1 and per_epoch[0] > 6
    plain = [element for elements in expected for element in elements]
    num_updates = 2 * per_epoch[0] + 3
    whole = EndlessBatches(make(kind, steps))
    elements = iter(whole)
    for update in range(num_updates):
        for index in range(update * steps, (update + 1) * steps):
            (inputs, labels, weights), found = plain[index], next(elements)
            assert (inputs, labels) == (as_lists([found[0]])[0], found[1].tolist())
            real = found[2].weights if steps > 1 else found[2]
            assert real.tolist() == weights
        progress = whole.progress(update + 1)
        assert progress.updates == update + 1
        # a new process: nothing but the progress, as JSON keeps it
        again = EndlessBatches(make(kind, steps), progress)
        (_, labels, _), *_ = islice(again, 1)
        assert labels.tolist() == plain[(update + 1) * steps][1]
        assert again.progress(update + 2).updates == update + 2
    tokens = sum(np.count_nonzero(labels) for _, labels, _ in plain[:steps])
    again = EndlessBatches(make(kind, steps))
    next(iter(again))
    assert again.progress(1).tokens == tokens


def test_a_stream_is_read_no_further_than_asked_for():
    class Pairs:
        num_read = 0

        def __iter__(self):
            for pair in make_pairs()[:150]:
                self.num_read += 1
                yield pair

    class Tokenizer(WordTokenizer):
        num_encoded = 0

        def encode_source(self, texts):
            self.num_encoded += len(texts)
            return super().encode_source(texts)

    pairs, tokenizer = Pairs(), Tokenizer()
    batches = StreamedBatches(pairs, tokenizer, window=20, batch_tokens=100)
    endless = EndlessBatches(batches)
    next(iter(endless))
    assert (pairs.num_read, tokenizer.num_encoded) == (20, 20)
    list(islice(endless, 40))
    place = endless.progress(40).place
    assert place.window > 1
    pairs.num_read = tokenizer.num_encoded = 0
    # windows before the place are read, not encoded
    next(iter(EndlessBatches(batches, Progress(place, 40))))
    assert pairs.num_read == 20 * (place.window + 1)
    assert tokenizer.num_encoded == 20


def test_batches_may_be_made_while_the_progress_is_read():
    elements = iter(endless := EndlessBatches(make("all", 1)))
    list(islice(elements, 3))

    class Number(int):
        """Each comparison makes a batch, as the thread of `tf.data` may do."""

        def __gt__(self, other):
            next(elements)
            return int(self) > other

    assert endless.progress(Number(2)).updates == 2
    assert endless.progress(5).updates == 5


def test_an_error_in_the_data_is_kept():
    class Broken:
        def __iter__(self):
            yield from make_pairs()[:20]
            raise OSError("pairs.tsv is gone")

    endless = EndlessBatches(
        StreamedBatches(Broken(), WordTokenizer(), window=20, batch_tokens=100)
    )
    with pytest.raises(Exception, match="is gone"):
        list(as_endless_dataset(endless))
    assert str(endless.error) == "pairs.tsv is gone"
