"""The baselines of forecasts: naive ones, and classical methods from statsmodels.

Imports no TensorFlow: the classical methods run in processes of their own.

Shapes: T past values, H steps to forecast.
"""

import itertools
import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Protocol

import numpy as np

from nlp_rnn.progress import say

NAIVE, SEASONAL, NAIVE2, ETS, THETA = "naive", "seasonal naive", "Naive2", "ETS", "Theta"


def naive(seen: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """The last value at every step."""
    return np.full(horizon, _filled(seen)[-1])


def seasonal_naive(seen: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """The value one season before; if the series is shorter than a season, the last value.

    Examples:
        >>> seasonal_naive(np.array([1.0, 2.0, 3.0, 4.0]), 2, 3).tolist()
        [3.0, 4.0, 3.0]
    """
    filled = _filled(seen)
    last = filled[-season:] if len(filled) >= season else filled[-1:]
    return np.resize(last, horizon)


def naive2(seen: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """The naive forecast of the seasonally adjusted series, re-seasonalised (Makridakis et al., 2000).

    A series is seasonal if its autocorrelation at the lag of the season passes a test at 90 %, as in the M4
    competition; for any other the forecast is the naive one.
    """
    filled = _filled(seen)
    indices = seasonal_indices(filled, season) if _is_seasonal(filled, season) else np.ones(season)
    places = np.arange(len(filled), len(filled) + horizon) % season
    return filled[-1] / indices[(len(filled) - 1) % season] * indices[places]


def seasonal_indices(seen: np.ndarray, season: int) -> np.ndarray:
    """The mean ratio to the moving average at each position of the season, from that of the first value; mean 1."""
    half = season // 2
    weights = np.ones(season + 1 - season % 2)
    if season % 2 == 0:
        weights[[0, -1]] = 0.5
    average = np.convolve(seen, weights / weights.sum(), "valid")
    ratios = seen[half : half + len(average)] / np.where(average == 0, np.nan, average)
    places = np.arange(half, half + len(average)) % season
    means = np.array([np.nanmean(ratios[places == place]) for place in range(season)])
    return means / means.mean()


def _is_seasonal(seen, season):
    if season == 1 or len(seen) < 3 * season or np.ptp(seen) == 0 or seen.min() <= 0:
        return False
    centred = seen - seen.mean()
    correlations = np.array([(centred[lag:] * centred[:-lag]).sum() for lag in range(1, season + 1)])
    correlations /= (centred**2).sum()
    limit = 1.645 * np.sqrt((1 + 2 * (correlations[:-1] ** 2).sum()) / len(seen))
    return abs(correlations[-1]) > limit


def theta(seen: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """The theta method (Assimakopoulos & Nikolopoulos, 2000) of statsmodels, deseasonalised if there is a season."""
    from statsmodels.tsa.forecasting.theta import ThetaModel

    filled = _filled(seen)
    seasonal = _is_seasonal(filled, season)
    options = {"period": season, "deseasonalize": seasonal, "use_test": False, "method": "multiplicative"}

    def fitted():
        fit = ThetaModel(filled, **options).fit(disp=False)
        components = fit.forecast_components(max(horizon, season))
        if _is_flat(_adjusted(filled, components["seasonal"].to_numpy()[:season])):
            return (components["ses"] * components["seasonal"])[:horizon]
        return fit.forecast(horizon)

    return _or_nan(fitted, horizon)


def _adjusted(seen, following):
    """The values divided by their seasonal indices, given those of the season that follows."""
    indices = np.roll(following, len(seen) % len(following))
    return seen / np.resize(indices, len(seen))


def _is_flat(values):
    """Whether there is no trend to fit: statsmodels leaves the constant out of the line through equal values."""
    return np.ptp(values) <= 1e-12 * np.abs(values).max()


def ets(seen: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """Exponential smoothing of statsmodels (Hyndman et al., 2008): the trend and season with the lowest AICc."""
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    filled = _filled(seen)
    seasons = [None] if season == 1 or len(filled) < 2 * season else ["mul" if filled.min() > 0 else "add", None]

    def best():
        fits = []
        for trend, of_season in itertools.product((None, "add"), seasons):
            options = {"trend": trend, "damped_trend": trend is not None, "seasonal": of_season}
            options |= {"seasonal_periods": season} if of_season else {}
            fits.append(ExponentialSmoothing(filled, initialization_method="estimated", **options).fit())
        return min(fits, key=lambda fit: fit.aicc).forecast(horizon)

    return _or_nan(best, horizon)


def _or_nan(forecast, horizon):
    """The forecast of a method; NaN where it fails, as on two values."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fits that did not converge
        try:
            return np.asarray(forecast(), float)
        except (ValueError, np.linalg.LinAlgError, ZeroDivisionError, IndexError, NotImplementedError):
            return np.full(horizon, np.nan)


def _filled(seen):
    """The values without leading missing ones, forward-filled; a single 0 if all are missing."""
    there = ~np.isnan(seen)
    if not there.any():
        return np.zeros(1)
    begun = seen[there.argmax() :].astype(float)
    last = np.maximum.accumulate(np.where(np.isnan(begun), 0, np.arange(len(begun))))
    return begun[last]


class Method(Protocol):
    """A forecasting method."""

    def __call__(self, seen: np.ndarray, season: int, horizon: int) -> np.ndarray: ...


METHODS: dict[str, Method] = {
    NAIVE: naive,
    SEASONAL: seasonal_naive,
    NAIVE2: naive2,
    ETS: ets,
    THETA: theta,
}
CLASSICAL = (ETS, THETA)  # slow, and from the package statsmodels


def forecasts_by(method: str, seen: Sequence[np.ndarray], season: int, horizon: int) -> Iterator[np.ndarray]:
    """The forecasts of a method for some series, in their order; those of classical methods on all cores.

    Where a method fails, as on a series of two values, the seasonal naive forecast replaces it, with a message.
    """
    failed = 0
    for one, forecast in zip(seen, _forecasts_by(method, seen, season, horizon), strict=True):
        if not np.isfinite(forecast).all():
            failed, forecast = failed + 1, seasonal_naive(one, season, horizon)
        yield forecast
    if failed:
        say(f"{method} failed on {failed:,} of {len(seen):,} series: replaced there by the seasonal naive forecast")


def _forecasts_by(method, seen, season, horizon):
    one = partial(METHODS[method], season=season, horizon=horizon)
    if method not in CLASSICAL or len(seen) < 20:
        yield from map(one, seen)
        return
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as workers:
        yield from workers.map(one, seen, chunksize=10)
