"""The program for several devices trains on two logical devices of the CPU."""

import numpy as np
import pytest

import tf_transformer as tt
from tests.scripts.test_programs import perplexities, run_alone, translations


@pytest.mark.slow
def test_two_parts_of_the_cpu_learn_together(tmp_path):
    random = np.random.default_rng(5)
    words = ["sun", "moon", "star", "tree", "bird"]
    lines = [
        " ".join(chosen) + "\t" + " ".join(chosen[::-1]).upper()
        for chosen in (random.choice(words, 3 + i % 3) for i in range(400))
    ]
    (tmp_path / "pairs.tsv").write_text("\n".join(lines), encoding="utf-8")
    output = run_alone(
        "several_devices",
        *(tmp_path / "pairs.tsv", "--weights", tmp_path / "mine.weights.h5"),
        *("--epochs", 6, "--vocab-size", 290, "--batch-tokens", 500),
        *("--logical-devices", 2),
    )
    assert output.startswith("2 devices share each batch")
    found = perplexities(output)
    assert len(found) == 6
    assert found[-1] < 0.85 * found[0]
    assert len(translations(output)) == 5
    # the result is an ordinary model
    pairs = tt.data.read_tsv(tmp_path / "pairs.tsv")
    tokenizer = tt.data.Tokenizer.train(pairs.train, vocab_size=290)
    model = tt.Transformer.from_preset("tiny", tokenizer.vocab_size)
    model.load_weights(tmp_path / "mine.weights.h5")
    model.compile(loss=tt.MaskedCrossEntropy(), metrics=[tt.Perplexity()])
    valid = tt.data.batches(pairs.validation, tokenizer, batch_tokens=500)
    scores = model.evaluate(valid, return_dict=True, verbose=0)
    assert scores["perplexity"] == pytest.approx(found[-1], rel=1e-3)
