"""An exported model that samples gives the same samples as Python."""

import numpy as np
import pytest
import tensorflow as tf

from tests.export.toy_export import TEXTS, make_translator, save_signatures
from tf_transformer.export.saved_translator import SavedTranslator
from tf_transformer.inference.settings import SearchSettings

SETTINGS = {"sample": True, "num_hypotheses": 3, "top_p": 0.9, "seed": 8}


@pytest.mark.slow
def test_samples_of_the_export_are_those_of_python(tmp_path):
    translator = make_translator()
    save_signatures(translator, SearchSettings(**SETTINGS), tmp_path, "nbest")
    saved = SavedTranslator(tmp_path)
    expected = translator.nbest(TEXTS, **SETTINGS)
    found = saved.signatures["nbest"](text=tf.constant(TEXTS))
    for several, texts, scores in zip(
        expected, found["translation"].numpy(), found["score"].numpy(), strict=True
    ):
        assert [text.decode() for text in texts] == [one.text for one in several]
        np.testing.assert_allclose(scores, [one.score for one in several], rtol=1e-5)
    assert len({one.text for several in expected for one in several}) > len(TEXTS)
    assert saved(TEXTS) == [first.text for first, *_ in expected]
    saved.batch_size = 2
    assert saved(TEXTS) == [first.text for first, *_ in expected]
    assert saved(TEXTS[:1]) == [expected[0][0].text]
    for name in ("translate", "nbest"):
        graph = saved.signatures[name].graph.as_graph_def()
        nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
        assert len(nodes) > 100
        assert [node.op for node in nodes if node.op.startswith("Xla")] == []
