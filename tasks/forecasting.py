"""Forecasting: how does a series go on? Its last points, season by season -> GRU -> quantiles of the next points.

    nlp-rnn run forecasting
    nlp-rnn run forecasting --data sales.csv --set horizon=28
    nlp-rnn predict runs/forecasting --input sales.csv --quantiles 0.1,0.5,0.9 --output forecasts.csv

The default data are the 1,428 monthly series of the M3 competition. A table with a column a series will do, or one with
a row a value; frequency and season are found. With `--set model=paths` the series goes on step by step, and whole paths
are drawn.
"""

from dataclasses import asdict, dataclass, replace
from typing import NamedTuple

import keras
import numpy as np

from nlp_rnn import plots, runs
from nlp_rnn.backtest import evaluate, held_out_ends
from nlp_rnn.checks import (
    CallError,
    InputError,
    above_zero,
    at_least_zero,
    fraction,
    not_negative,
    one_of,
    positive_int,
    random_seed,
)
from nlp_rnn.distributions import COUNTS, LIKELIHOODS
from nlp_rnn.forecasting import Forecaster
from nlp_rnn.models import CELLS, DirectForecaster, PathForecaster
from nlp_rnn.models.scaling import SCALINGS
from nlp_rnn.objectives import Forecasting
from nlp_rnn.panel import Panel, split_by_series
from nlp_rnn.progress import say
from nlp_rnn.series_checks import check_decides, check_fits, check_held_out, chosen_scaling
from nlp_rnn.sources.series import Opened
from nlp_rnn.training import fit, plan_of
from nlp_rnn.windows import Windows

DATA = "m3/monthly"
TAKES = "series"
# steps ahead, by the time between
HORIZONS = {"M1": 18, "M3": 8, "M12": 6, "S604800": 13, "S86400": 14, "B1": 10, "S3600": 48}

KEPT = ("model", "likelihood", "cell", "units", "layers", "season", "horizon", "known", "segment", "scaling", "recent")


@dataclass(frozen=True)
class Config:
    """What `--set KEY=VALUE` can change."""

    model: str = "quantiles"  # of all steps at once; or paths, drawn step by step
    season: int = 0  # points after which values are alike; 0: by the time between them
    horizon: int = 0  # steps ahead; 0: the official ones of the set, or by the time between values
    known: int = 0  # points read; 0: by season and horizon
    segment: int = 0  # points of a step of the network that forecasts quantiles; 0: the season
    likelihood: str = "student_t"  # of paths; or normal, or negative_binomial for counts
    scaling: str = "auto"  # how a window is measured: log, deviation, size or centre; auto: log where all is above 0
    recent: int = 0  # last values whose mean is a window's centre; 0: a season
    cell: str = "gru"  # or lstm, rnn
    units: int = 128
    layers: int = 1
    dropout: float = 0.1
    epochs: int = 20
    steps: int = 0  # batches of an epoch; 0: by the amount of data
    batch: int = 64  # windows of a batch
    learning_rate: float = 0.002
    finetuning_rate: float = 0.0005  # the learning rate when going on from another run
    rate_decay: float = 1.0  # fine-tuning: the rate of a layer divided by that of the layer below
    unfreeze: float = 0.0  # fine-tuning: epochs from when a layer begins to learn until the one below does
    clip: float = 1.0  # bound on the norm of the gradient
    patience: int = 5  # epochs in a row that may pass without a lower validation loss
    origins: int = 1  # places that the held-out part is forecast from, each a horizon after the one before
    classical: bool = True  # run ETS and Theta beside it
    seed: int = 0

    def __post_init__(self):
        one_of("model", self.model, ("quantiles", "paths"))
        one_of("likelihood", self.likelihood, LIKELIHOODS)
        one_of("scaling", self.scaling, ("auto", *SCALINGS))
        one_of("cell", self.cell, CELLS)
        for name in ("units", "layers", "epochs", "batch", "origins"):
            positive_int(name, getattr(self, name))
        for name in ("season", "horizon", "known", "segment", "recent", "steps", "patience"):
            not_negative(name, getattr(self, name))
        if self.units % 2 and self.model == "quantiles":
            raise ValueError(f"units must be even, got {self.units}")
        if self.likelihood == COUNTS and self.model != "paths":
            raise ValueError(f"likelihood={COUNTS} goes with model=paths, got model={self.model}")
        fraction("dropout", self.dropout)
        at_least_zero("unfreeze", self.unfreeze)
        for name in ("learning_rate", "finetuning_rate", "rate_decay", "clip"):
            above_zero(name, getattr(self, name))
        random_seed("seed", self.seed)


class Data(NamedTuple):
    """Windows for training, and what decides which epoch is best."""

    train: Windows
    validation: Windows


def load_data(config: Config, panel: Panel) -> Data:
    """Windows of what is not held out; a tenth of the series, or the end of few ones, decides which epoch is best."""
    ends = held_out_ends(panel, config.horizon, config.origins)
    if ends.max() < config.horizon + 2:
        most = (panel.lengths.max() - 2) // (config.origins + 1)
        raise InputError(
            f"{panel.name}: the longest series has {panel.lengths.max():,} points; to hold out {config.origins} x "
            f"{config.horizon} and to learn from the rest, give longer ones"
            + (f" or --set horizon={most}" if most > 0 else "")
        )
    train, validation = split_by_series(panel, ends, config.horizon, config.seed)
    check_decides(panel, validation, config.horizon)
    shape = {"known": config.known, "horizon": config.horizon, "batch": config.batch}
    points = int(np.minimum(train, panel.lengths).sum())
    steps = config.steps or max(50, min(500, points // config.batch))
    return Data(
        Windows(panel, train, **shape, steps=steps, least=panel.season, seed=config.seed),
        Windows(panel, validation, **shape),
    )


def build_model(config: Config, panel: Panel, start: Forecaster | None) -> DirectForecaster | PathForecaster:
    """Windows [B, L] -> quantiles [B, H, Q] or paths [B, S, H], from scratch or from the weights of another run."""
    shared = {"cell": config.cell, "units": config.units, "layers": config.layers, "dropout": config.dropout}
    shared |= {"kinds": len(panel.kinds), "scaling": config.scaling, "recent": config.recent}
    shared |= {"covariates": len(panel.columns), "ahead": panel.ahead}
    if config.model == "paths":
        model = PathForecaster(panel.season, config.likelihood, **shared)
    else:
        model = DirectForecaster(config.known, config.horizon, config.segment, **shared)
    model.build((None, None))
    if start is not None:
        model.set_weights(start.model.get_weights())
    elif panel.columns:
        ends = held_out_ends(panel, config.horizon, config.origins)
        seen = zip(panel.offsets[:-1], ends, strict=True)
        model.beside.adapt(np.concatenate([panel.covariates[begin : begin + end] for begin, end in seen]))
    return model


def train(config: Config, source: Opened, job: runs.Job) -> dict:
    """Train on `source`, leave the run folder at `job.out`, and return the figures on what was held out."""
    config = fitted_to(config, source, job)
    job.require_same(asdict(config), KEPT)
    check_held_out(job.start, source.panel.name, config.origins)
    start = job.start and job.start.pipeline
    panel = replace(source.panel, season=config.season) if start is None else check_fits(start, source.panel)
    keras.utils.set_random_seed(config.seed)
    with runs.workplace(job, asdict(config)) as folder:
        data = load_data(config, panel)
        model = build_model(config, panel, start)
        plan = plan_of(config, config.epochs, start is not None)
        history = fit(Forecasting(model), data.train, data.validation, plan, folder, job.tensorboard)
        time = {"season": panel.season, "horizon": config.horizon, "known": config.known, "step": panel.step}
        pipeline = Forecaster(model, panel.kinds, **time, columns=panel.columns)
        found = evaluate(pipeline, panel, config.origins, config.classical, start)
        (folder / "plots").mkdir(exist_ok=True)
        plots.curves(history, folder / "plots" / "curves.png")
        plots.fans(found.drawn, folder / "plots" / "forecasts.png")
        runs.write_rows(folder / "backtest.csv", found.rows)
        runs.save(folder, pipeline, found.figures, history)
    return found.figures


def fitted_to(config: Config, source: Opened, job: runs.Job) -> Config:
    """`config` with what is 0 or "auto" chosen by the series, or as in the run to start from."""
    if job.start:
        settings = {"season": job.start.pipeline.options["season"], **job.start.settings}  # older runs have none
        kept = {name: settings[name] for name in KEPT if getattr(config, name) in (0, "auto")}
        return replace(config, **kept)
    panel = source.panel
    season = config.season or panel.season
    if season == 1 and not config.season:
        say("no season is known: if values are alike after every 12 points, say --set season=12")
    horizon = config.horizon or source.horizon or HORIZONS.get(panel.step, max(2, season))
    segment = config.segment or (season if 1 < season <= 4 * horizon else max(1, horizon // 2))
    pieces = -(-max(2 * horizon, 3 * season) // segment)
    known = config.known or segment * pieces
    if config.model == "paths" and known < season:
        raise CallError(f"--set known={known}: paths need at least a season, {season}")
    scaling = chosen_scaling(panel, config.scaling, config.likelihood)
    chosen = {"season": season, "horizon": horizon, "known": known, "segment": segment, "scaling": scaling}
    return replace(config, **chosen, recent=config.recent or season)
