"""Functions and classes of version 0.1 whose arguments or results differ from those of their successors.

Recipes that were copied from version 0.1 import them by their former names, for which former_names.tsv has a row each;
nothing else imports this module. Each one calls today's functions, and the first line of its documentation, which is
part of the warning, names its successor. This file, its rows in the table and its line in the map of the architecture
are deleted in version 0.4.

Attributes of today's classes that had other names are added to them here, for as long as this module is imported. The
one exception is `Panel.categories`, which is the tuple that was `kinds`: the numbers are `category_ids` now.
"""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import tensorflow as tf

from nlp_rnn import plots, recipes
from nlp_rnn.classification import evaluation as classification
from nlp_rnn.classification.pipeline import TextClassifier
from nlp_rnn.datasets.lineage import FORMER_SPLIT
from nlp_rnn.decoding.beam import BeamSearchConfig
from nlp_rnn.deprecation import FORMER_SETTINGS, current_arguments, warn_python
from nlp_rnn.forecasting import backtest
from nlp_rnn.forecasting.forecaster import Forecaster
from nlp_rnn.forecasting.panel import Panel
from nlp_rnn.forecasting.report import ForecastReport
from nlp_rnn.language_model import data as language_data
from nlp_rnn.language_model import evaluation as language_model
from nlp_rnn.language_model.documents import DocumentDataset
from nlp_rnn.language_model.settings import LanguageModelSettings
from nlp_rnn.language_model.text_files import find_text_files
from nlp_rnn.layers.scan_types import Masks, ScanInputs, inputs_time_first, masks_time_first
from nlp_rnn.progress import say
from nlp_rnn.seq2seq import data as pair_data
from nlp_rnn.seq2seq import evaluation as translation
from nlp_rnn.seq2seq.batching import EncodedPairs
from nlp_rnn.seq2seq.pairs import PairDataset
from nlp_rnn.seq2seq.pipeline import Translator
from nlp_rnn.settings import declaration, describe, from_run
from nlp_rnn.task import Run
from nlp_rnn.text.encoder import TextEncoder

SIDES = ("encoder", "target")
Told = np.ndarray
Draw = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
_ATTRIBUTES = {  # of today's classes, by former name
    Panel: {
        "kinds": "categories",
        "begins": "start_times",
        "step": "frequency",
        "ahead": "num_future_covariates",
        "future": "future_covariates",
        "beside": "covariate_windows",
        "all_beside": "forecast_covariates",
    },
    ForecastReport: {"drawn": "fans"},
    language_data.TextData: {"passages": "independent_texts"},
    EncodedPairs: {"longest": "max_length_ratio"},
    TextEncoder: {"unit": "token_level"},
}


def _attribute(cls: type, old: str, new: str) -> None:
    def get(self):
        warn_python(f"{cls.__name__}.{old}", f"{cls.__name__}.{new}")
        return getattr(self, new)

    setattr(cls, old, property(get))


for _cls, _names in _ATTRIBUTES.items():
    for _old, _new in _names.items():
        _attribute(_cls, _old, _new)


class _CurrentNames:
    """A config of version 0.1, with its settings under their current names as well, and defaults for newer ones."""

    def __init__(self, config: Any):
        self._config = config

    def __getattr__(self, name: str) -> Any:
        former = FORMER_SETTINGS.get(name)
        given = former if former and hasattr(self._config, former) else name
        newer = {} if hasattr(self._config, given) else vars(LanguageModelSettings())
        return newer[name] if name in newer else getattr(self._config, given)


# --- Recipes.


def config_of(recipe: ModuleType, settings: dict) -> Any:
    """nlp_rnn.settings.from_run, which is given the class of the config."""
    return from_run(recipe.Config, settings)


def settings(path: Path) -> list[tuple[str, str]]:
    """nlp_rnn.settings.describe, which is given the class of the config."""
    return describe(recipes.config_class(path))


# --- Classification.


@dataclasses.dataclass
class Evaluation(classification.ClassificationReport):
    """nlp_rnn.classification.evaluation.ClassificationReport, without the curves."""

    def write(self, folder: Path, history: Sequence[dict] = ()) -> None:
        """Write the plots and the mistakes into a run folder."""
        (folder / "plots").mkdir(exist_ok=True)
        if history:
            plots.curves(history, folder / "plots" / "curves.png")
        super().write(folder)


def evaluate_texts(pipeline: TextClassifier, examples: Iterable, size: float | None = None) -> Evaluation:
    """nlp_rnn.classification.evaluation.evaluate, whose result writes no curves."""
    return Evaluation(**vars(classification.evaluate(pipeline, examples, size)))


# --- Language models.


def check_settings(config: Any) -> None:
    """nlp_rnn.language_model.settings.LanguageModelSettings, the base class of a config, which checks itself."""
    own = ("embedding", "units", "epochs")  # whose range was for each recipe to check
    for name in {field.name for field in dataclasses.fields(LanguageModelSettings)}.difference(own):
        declared, given = declaration(LanguageModelSettings, name), FORMER_SETTINGS.get(name, name)
        if declared.get("choices") and hasattr(config, given) and getattr(config, given) not in declared["choices"]:
            raise ValueError(f"{given} must be one of {', '.join(declared['choices'])}, got {getattr(config, given)!r}")
        if declared.get("check") and hasattr(config, given):
            declared["check"](given, getattr(config, given))


def load_texts(
    config: Any, source: Any, folder: Path, start: Any, passages: bool = False, reset: bool = False
) -> language_data.TextData:
    """nlp_rnn.language_model.data.load_texts(independent_texts=), in place of passages and reset."""
    independent = True if reset else None if passages else False
    current: Any = _CurrentNames(config)
    return language_data.load_texts(current, source, folder, start, independent)


def model_of(config: Any, encoder: TextEncoder) -> Any:
    """nlp_rnn.language_model.data.new_model"""
    current: Any = _CurrentNames(config)
    return language_data.new_model(current, encoder)


def _reader(self, model, **weights):
    warn_python("TextData.reader", "TextData.objective")
    former = {"activation": "activation_regularization", "slowness": "temporal_activation_regularization"}
    return self.objective(model, **current_arguments(weights, {**former, "samples": "softmax_samples"}))


setattr(language_data.TextData, "reader", _reader)  # noqa: B010, the class does not declare it


def find_documents(data: str, raw: bool) -> DocumentDataset | None:
    """nlp_rnn.language_model.open_documents, which opens tables as well."""
    files = find_text_files(data)
    return DocumentDataset(data, files, raw, split_by=FORMER_SPLIT) if files else None


class HeldOut:
    """nlp_rnn.runs.new, whose `measure_before` and `measure` evaluate a run of any task."""

    def __init__(self, source: Any, passages: bool, start: Run | None):
        self.source = source
        self.passages = passages
        self.start = start
        self.before: dict[str, float] = {}

    def measure_before(self, pipeline: Any) -> None:
        """Measure a model that is to be fine-tuned, its vocabulary extended already."""
        if self.start is not None:
            found = self._measured(pipeline)
            self.before = {f"{name}_before": found[name] for name in ("perplexity", "old_perplexity") if name in found}
            say("; ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in self.before.items()))

    def measure(self, pipeline: Any) -> dict:
        """The metrics on the held-out text; after fine-tuning, with the perplexities before."""
        return self._measured(pipeline) | self.before

    def _measured(self, pipeline):
        pipeline.independent_texts = self.passages
        run = Run(Path(), "", {}, {"name": self.source.name}, pipeline, {}, self.start)
        return language_model.evaluate(run, self.source, before=True).figures  # the recipe measures the cloze test


# --- Translation.


@dataclasses.dataclass(frozen=True)
class _Levels:
    source_token_level: str
    target_token_level: str


def choose_units(config: Any, source: PairDataset) -> Any:
    """nlp_rnn.seq2seq.data.choose_token_levels"""
    chosen = pair_data.choose_token_levels(_Levels(config.source_unit, config.target_unit), source)
    return dataclasses.replace(config, source_unit=chosen.source_token_level, target_unit=chosen.target_token_level)


def learn_side(config: Any, source: PairDataset, side: pair_data.Side, start: Translator | None) -> TextEncoder:
    """nlp_rnn.seq2seq.data.learn_encoder"""
    return pair_data.learn_encoder(_CurrentNames(config), source, side, start)


def evaluate_translations(
    translator: Translator, pairs: Iterable, search: BeamSearchConfig
) -> tuple[dict[str, Any], list[dict]]:
    """nlp_rnn.seq2seq.evaluation.evaluate, which returns a report with figures and translations."""
    report = translation.evaluate(translator, pairs, search)
    return report.figures, report.translations


def measure_before(translator: Translator, source: PairDataset, search: BeamSearchConfig) -> dict[str, float]:
    """nlp_rnn.runs.new, whose `measure_before` evaluates a run of any task."""
    report = translation.evaluate(translator, source.stream("test"), search)
    say(f"before fine-tuning: {report.headline()}")
    return {f"{name}_before": report.figures[name] for name in report.compared if name in report.figures}


# --- Forecasting.


def evaluate_forecasts(
    forecaster: Forecaster, panel: Panel, origins: int, classical: bool = True, start: Forecaster | None = None
) -> ForecastReport:
    """nlp_rnn.forecasting.backtest.evaluate, without the forecaster that fine-tuning started from."""
    report = backtest.evaluate(forecaster, panel, origins, classical)
    if start is not None:
        report.add_before(backtest.evaluate_model(start, panel, origins))
    return report


# --- Layers.


def time_first(tensors: ScanInputs | Masks) -> ScanInputs | Masks:
    """nlp_rnn.layers.scan_types.inputs_time_first, masks_time_first"""
    return inputs_time_first(tensors) if isinstance(tensors, ScanInputs) else masks_time_first(tensors)
