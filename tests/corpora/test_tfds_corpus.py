"""Sets of TensorFlow Datasets: read without a network; downloads are announced.

The sets are small ones made here, prepared in the tests' own folder.
"""

import importlib.util
import time

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tf_transformer.corpora.loading import load
from tf_transformer.corpora.tfds_corpus import _languages, _pairs
from tf_transformer.data.corpus import direction, split_pairs
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.data import load_corpus

# spaces at both ends go, as in files; inside, such as before a French "!", they stay
PAIRS = [(f"satz {i}", f"  sentence\u00a0{i}  ! ") for i in range(211)]
CLEAN = [(f"satz {i}", f"sentence\u00a0{i}  !") for i in range(211)]


class TinyTranslate(tfds.core.GeneratorBasedBuilder):
    """German and English, direction de to en, three splits."""

    VERSION = tfds.core.Version("1.0.0")
    PARTS = {
        "train": slice(0, 150),
        "validation": slice(150, 180),
        "test": slice(180, None),
    }

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.Translation(languages=["en", "de"]),
            supervised_keys=("de", "en"),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager):
        return {
            name: enumerate({"de": de, "en": en} for de, en in PAIRS[part])
            for name, part in self.PARTS.items()
        }

    def _generate_examples(self):
        """Never called: `_split_generators` gives the examples."""


class TinyTranslateTrain(TinyTranslate):
    """With a train split only."""

    PARTS = {"train": slice(None)}


class TinyTranslateNoTest(TinyTranslate):
    """With train and validation, and a split of another name."""

    PARTS = {"train": slice(30, None), "validation": slice(20), "extra": slice(20, 30)}


class TinyTestOnly(TinyTranslate):
    """Without a train split."""

    PARTS = {"test": slice(20)}


class TinyMany(TinyTranslate):
    """Any languages in each example."""

    def _info(self):
        languages = ["de", "en", "ko"]
        texts = tfds.features.TranslationVariableLanguages(languages=languages)
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(
                {"talk": tfds.features.Text(), "translations": texts}
            ),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager):
        talks = [{"de": "eins", "en": "one"}, {"en": "two", "ko": "둘"}, {"de": "drei"}]
        talks += [{"de": f"satz {i}", "en": f"sentence {i}"} for i in range(5)]
        return {"train": enumerate({"talk": "a", "translations": t} for t in talks)}


class TinyDownload(TinyTranslate):
    """Must be downloaded from a host that there is not."""

    def _split_generators(self, dl_manager):
        dl_manager.download("http://no-such-host.invalid/corpus.tgz")


class TinyByHand(TinyTranslate):
    """Must be downloaded by hand."""

    MANUAL_DOWNLOAD_INSTRUCTIONS = "Ask the authors for corpus.tgz."

    def _split_generators(self, dl_manager):
        return {"train": enumerate([dl_manager.manual_dir])}


class TinyNoTranslations(TinyTranslate):
    """Numbers."""

    def _info(self):
        features = tfds.features.FeaturesDict(
            {"number": tfds.features.Scalar(np.int64)}
        )
        return tfds.core.DatasetInfo(builder=self, features=features)


@pytest.fixture(scope="module")
def tiny():
    return load("tfds:tiny_translate")


@pytest.mark.moderate
def test_splits_and_direction_are_the_sets_own(tiny):
    assert tiny.name == "tfds:tiny_translate"
    assert tiny.train == CLEAN[:150]
    assert tiny.validation == CLEAN[150:180]
    assert tiny.test == CLEAN[180:]


def test_prepared_data_is_read_without_a_word_or_the_network(tiny, capsys, monkeypatch):
    def no_network(*arguments, **named):
        raise OSError("a test used the network")

    capsys.readouterr()
    monkeypatch.setattr("socket.getaddrinfo", no_network)
    monkeypatch.setattr("socket.socket.connect", no_network)
    assert load("tfds:tiny_translate").splits == tiny.splits
    assert capsys.readouterr().out == ""


@pytest.mark.moderate
@pytest.mark.parametrize(
    "languages",
    [
        {"source": "en"},
        pytest.param({"target": "de"}, marks=pytest.mark.long),
        pytest.param({"source": "en", "target": "de"}, marks=pytest.mark.long),
    ],
)
def test_a_language_reverses_the_direction(tiny, languages):
    turned = load("tfds:tiny_translate", **languages)
    assert turned.train == [(en, de) for de, en in tiny.train]
    assert load("tfds:tiny_translate", source="de").train == tiny.train


@pytest.mark.moderate
def test_missing_splits_come_from_train():
    assert load("tfds:tiny_translate_train").splits == split_pairs(CLEAN)
    corpus = load("tfds:tiny_translate_no_test")
    assert corpus.validation == CLEAN[:20]
    assert corpus["extra"] == CLEAN[20:30]
    assert corpus.test == split_pairs(CLEAN[30:])["test"]
    assert sorted(corpus.train + corpus.test) == sorted(CLEAN[30:])


@pytest.mark.parametrize("stream", [False, True])
def test_a_set_without_a_train_split_is_refused(stream):
    message = r"split named train.*tiny_test_only' with \['test'\]"
    with pytest.raises(ValueError, match=message):
        load("tfds:tiny_test_only", stream=stream)


def test_a_stream_is_read_anew_in_each_pass(tiny):
    corpus = load("tfds:tiny_translate", stream=True)
    assert not isinstance(corpus.train, list)
    assert list(corpus.train) == list(corpus.train) == tiny.train
    assert corpus.validation == tiny.validation
    assert list(load("tfds:tiny_translate_train", stream=True).splits) == ["train"]


def test_sets_of_many_languages_need_a_direction():
    corpus = load("tfds:tiny_many", source="en", target="de", stream=True)
    expected = [("one", "eins")] + [(f"sentence {i}", f"satz {i}") for i in range(5)]
    with pytest.warns(UserWarning, match="Skipped 2 of 8 pairs in tiny_many"):
        assert list(corpus.train) == expected
    message = r"two of \['de', 'en', 'ko'\]. Received: source='en', target=None"
    with pytest.raises(ValueError, match=message):
        load("tfds:tiny_many", source="en")


@pytest.mark.parametrize("languages", [("fr", None), ("en", "en"), ("en", "fr")])
def test_an_unknown_language_is_an_error(languages):
    with pytest.raises(ValueError, match=r"two of \['de', 'en'\]. Received: source="):
        direction(["en", "de"], ("de", "en"), *languages)


def test_preparing_a_corpus_is_announced(capsys):
    started = time.monotonic()
    with pytest.raises(ConnectionError) as caught:
        load("tfds:tiny_download")
    assert time.monotonic() - started < 60  # with ten retries: more than 200 s
    message = str(caught.value)
    assert "\n" not in message
    assert "network connection" in message
    assert "Received: name='tfds:tiny_download': " in message
    message = capsys.readouterr().out.splitlines()[0]
    assert message.startswith("Preparing tfds:tiny_download (download: ")
    assert message.endswith("tiny_download/1.0.0")


def test_a_set_to_download_by_hand_says_so():
    with pytest.raises(ValueError, match="by a program.*tiny_by_hand.*Ask the authors"):
        load("tfds:tiny_by_hand")


@pytest.mark.parametrize("name", ["no_such_set", "tiny_translate/xy", "", "a b", "x/"])
def test_an_unknown_name_shows_what_names_look_like(name):
    message = rf"tfds:ted_hrlr_translate/pt_to_en.*Received: name='tfds:{name}'"
    with pytest.raises(ValueError, match=message) as caught:
        load(f"tfds:{name}")
    assert "\n" not in str(caught.value)


def test_a_set_without_translations_is_an_error():
    with pytest.raises(ValueError, match=r"no translations.*with \['number'\]"):
        load("tfds:tiny_no_translations")


@pytest.mark.parametrize("missing", ["tensorflow", "tensorflow_datasets"])
def test_without_tensorflow_the_error_names_it(monkeypatch, missing):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec",
        lambda name: None if name == missing else find_spec(name),
    )
    with pytest.raises(ValueError, match=f"Expected {missing} to be installed"):
        load("tfds:tiny_translate")


@pytest.mark.moderate
def test_a_run_reads_sets_by_name(tiny):
    config = TrainingConfig(data="tfds:tiny_translate", source_language="en")
    turned = [(en, de) for de, en in tiny.train]
    assert load_corpus(config.resolved()).train == turned
    config = TrainingConfig(data="tfds:tiny_translate", window=40)
    corpus = load_corpus(config.resolved())
    assert not isinstance(corpus.train, list)
    assert list(corpus.train) == tiny.train
    assert corpus.validation == tiny.validation
    config = TrainingConfig(data="tfds:tiny_translate_train", window=40).resolved()
    with pytest.raises(ValueError, match="valid_source and valid_target.*window=40"):
        load_corpus(config)


def test_a_set_of_tfds_itself_is_read():
    """Its examples are made up by TFDS, which prepares nothing then."""
    builder = tfds.builder("ted_hrlr_translate/pt_to_en")
    languages, default = _languages(tfds, builder)
    assert (sorted(languages), default) == (["en", "pt"], ("pt", "en"))
    with tfds.testing.mock_data(num_examples=7):
        examples = list(tfds.as_numpy(builder.as_dataset(split="train")))
        pairs = list(_pairs(tfds, builder, "train", "pt", "en"))
    sides = [(e["pt"].decode(), e["en"].decode()) for e in examples]
    assert [tuple(map(str.split, s)) for s in pairs] == [
        tuple(map(str.split, s)) for s in sides
    ]
    assert len(pairs) == 7
