"""Forecasting: how does a series continue? Its last points, season by season -> GRU -> quantiles of the next points.

    nlp-rnn run forecasting
    nlp-rnn run forecasting --data sales.csv --set horizon=28
    nlp-rnn predict runs/forecasting --input sales.csv --quantiles 0.1,0.5,0.9 --output forecasts.csv

The default data are the 1,428 monthly series of the M3 competition. Tables may be in wide or long format; frequency
and season are inferred. With `--set model=sample_paths` the model is autoregressive and forecasts by sample paths.
"""

from dataclasses import asdict, dataclass, replace
from typing import NamedTuple

import keras
import numpy as np

from nlp_rnn import runs
from nlp_rnn.checks import InputError, UsageError, fraction, not_negative, positive_int
from nlp_rnn.forecasting import DirectForecaster, Forecaster, PathForecaster
from nlp_rnn.forecasting.backtest import held_out_ends
from nlp_rnn.forecasting.checks import check_fits, check_held_out, check_validation, chosen_scaling
from nlp_rnn.forecasting.objective import Forecasting
from nlp_rnn.forecasting.panel import Panel, split_by_series
from nlp_rnn.forecasting.regular import SeriesDataset
from nlp_rnn.forecasting.settings import CENTRED, COUNTS, LIKELIHOODS, MODELS, PATHS, QUANTILES, SCALINGS
from nlp_rnn.forecasting.windows import Windows
from nlp_rnn.progress import say
from nlp_rnn.settings import setting
from nlp_rnn.training import fit, training_plan
from nlp_rnn.training.settings import RecurrentSettings

TASK = "forecaster"
DATA = "m3/monthly"
# The default horizon, by frequency: see `datasets.calendar`.
HORIZONS = {"M1": 18, "M3": 8, "M12": 6, "S604800": 13, "S86400": 14, "B1": 10, "S3600": 48}
FIXED_SETTINGS = (
    *("model", "likelihood", "cell", "units", "layers", "season", "horizon", "context_length", "segment", "scaling"),
    "centering_window",
)


@dataclass(frozen=True, kw_only=True)
class Config(RecurrentSettings):
    """The settings, which `--set KEY=VALUE` changes."""

    model: str = setting(
        "quantiles", "predict quantiles of all steps at once, or sample paths step by step", choices=MODELS
    )
    season: int = setting(0, "steps of a seasonal period; 0: by the frequency", not_negative)
    horizon: int = setting(
        0, "steps to forecast; 0: the official horizon of the data set, or by the frequency", not_negative
    )
    context_length: int = setting(
        0, "points that the model reads; 0: the longer of two horizons and three seasons", not_negative
    )
    segment: int = setting(
        0, "points per step of the network, with model=quantiles; 0: the season", not_negative, needs=QUANTILES
    )
    likelihood: str = setting(
        "student_t",
        "distribution of values in model=sample_paths; negative_binomial for counts",
        choices=LIKELIHOODS,
        needs=PATHS,
    )
    scaling: str = setting(
        "auto",
        "scaling of a window; auto: log if all values are above 0 and vary by a tenth, else deviation",
        choices=("auto", *SCALINGS),
    )
    centering_window: int = setting(
        0, "number of last values whose mean centres a window; 0: a season", not_negative, needs=CENTRED
    )
    cell: str = "gru"
    dropout: float = setting(0.1, "dropout rate of the outputs; with model=sample_paths also of inputs", fraction)
    epochs: int = setting(20, "maximum number of epochs", positive_int)
    steps_per_epoch: int = setting(0, "batches per epoch; 0: by the amount of data", not_negative)
    batch_size: int = setting(64, "windows per batch", positive_int)
    learning_rate: float = 0.002
    finetuning_learning_rate: float = 0.0005
    patience: int = 5
    origins: int = setting(1, "forecast origins of the evaluation, one horizon apart", positive_int)
    classical_baselines: bool = setting(True, "compare with ETS and Theta")

    def __post_init__(self):
        super().__post_init__()
        if self.units % 2 and self.model == "quantiles":
            raise ValueError(f"units must be even, got {self.units}")
        if self.likelihood == COUNTS and self.model != "sample_paths":
            raise ValueError(f"likelihood={COUNTS} needs model=sample_paths, got model={self.model}")


class Data(NamedTuple):
    """Windows for training and for validation."""

    train: Windows
    validation: Windows


def load_data(config: Config, panel: Panel) -> Data:
    """Windows without the test split; a tenth of the series or, with few series, their ends are for validation."""
    ends = held_out_ends(panel, config.horizon, config.origins)
    if ends.max() < config.horizon + 2:
        most = (panel.lengths.max() - 2) // (config.origins + 1)
        raise InputError(
            f"{panel.name}: the longest series has {panel.lengths.max():,} points; to hold out {config.origins} x "
            f"{config.horizon} of them and train on the rest, give longer series"
            + (f" or --set horizon={most}" if most > 0 else "")
        )
    train, validation = split_by_series(panel, ends, config.horizon, config.seed)
    check_validation(panel, validation, config.horizon)
    shape = {"context_length": config.context_length, "horizon": config.horizon, "batch_size": config.batch_size}
    points = int(np.minimum(train, panel.lengths).sum())
    steps = config.steps_per_epoch or max(50, min(500, points // config.batch_size))
    return Data(
        Windows(panel, train, **shape, steps_per_epoch=steps, min_context=panel.season, seed=config.seed),
        Windows(panel, validation, **shape),
    )


def build_model(config: Config, panel: Panel, start: Forecaster | None) -> DirectForecaster | PathForecaster:
    """Windows [B, L] -> quantiles [B, H, Q] or sample paths [B, S, H], from scratch or from the weights of a run."""
    shared = {"cell": config.cell, "units": config.units, "layers": config.layers, "dropout": config.dropout}
    shared |= {"categories": len(panel.categories), "scaling": config.scaling}
    shared |= {"centering_window": config.centering_window, "covariates": len(panel.columns)}
    shared |= {"num_future_covariates": panel.num_future_covariates}
    if config.model == "sample_paths":
        model = PathForecaster(panel.season, config.likelihood, **shared)
    else:
        model = DirectForecaster(config.context_length, config.horizon, config.segment, **shared)
    model.build((None, None))
    if start is not None:
        model.set_weights(start.model.get_weights())
    elif panel.columns:
        ends = held_out_ends(panel, config.horizon, config.origins)
        observed, _ = panel.given_covariates
        seen = zip(panel.offsets[:-1], ends, strict=True)
        model.standardise.adapt(np.concatenate([observed[begin : begin + end] for begin, end in seen]))
    return model


def train(config: Config, dataset: SeriesDataset, job: runs.Job) -> dict:
    """Train on `dataset`, leave the run folder at `job.out`, and return the figures on the test split."""
    config = fitted_to(config, dataset, job)
    job.require_same(asdict(config), FIXED_SETTINGS)
    check_held_out(job.start, dataset.panel, config.origins)
    start = job.start and job.start.pipeline
    panel = replace(dataset.panel, season=config.season) if start is None else check_fits(start, dataset.panel)
    keras.utils.set_random_seed(config.seed)
    with runs.new(job, config) as run:
        data = load_data(config, panel)
        model = build_model(config, panel, start)
        time = {"season": panel.season, "horizon": config.horizon, "frequency": panel.frequency}
        shape = {"context_length": config.context_length, "columns": panel.columns}
        pipeline = Forecaster(model, panel.categories, **time, **shape)
        run.measure_before(pipeline, dataset)
        plan = training_plan(config, config.epochs, start is not None)
        history = fit(Forecasting(model), data.train, data.validation, plan, run.folder, job.tensorboard)
        return run.finish(pipeline, run.measure(pipeline, dataset), history)


def fitted_to(config: Config, dataset: SeriesDataset, job: runs.Job) -> Config:
    """`config` with settings that are 0 or "auto" chosen by the series, or taken from the run to start from."""
    if job.start:
        settings = {"season": job.start.pipeline.options["season"], **job.start.settings}  # older runs have none
        chosen = [name for name in FIXED_SETTINGS if getattr(config, name) in (0, "auto")]
        kept = {name: settings[name] for name in chosen if name in settings}
        return replace(config, **kept)
    panel = dataset.panel
    season = config.season or panel.season
    if season == 1 and not config.season:
        say("no season was inferred: if there is one, set it, for example --set season=12")
    horizon = config.horizon or dataset.horizon or HORIZONS.get(panel.frequency, max(2, season))
    segment = config.segment or (season if 1 < season <= 4 * horizon else max(1, horizon // 2))
    segments = -(-max(2 * horizon, 3 * season) // segment)
    context_length = config.context_length or segment * segments
    if config.model == "sample_paths" and context_length < season:
        raise UsageError(f"--set context_length={context_length}: sample paths need at least one season, {season}")
    return replace(
        config,
        season=season,
        horizon=horizon,
        context_length=context_length,
        segment=segment,
        scaling=chosen_scaling(panel, config.scaling, config.likelihood),
        centering_window=config.centering_window or season,
    )
