"""Metrics of forecasts: of points, of quantiles, of intervals. Missing values are left out.

Shapes: N forecasts, H steps, Q quantiles.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from nlp_rnn.forecasting.digits import ROUNDING


def smape(actual: np.ndarray, point: np.ndarray) -> float:
    """Symmetric mean absolute percentage error, in percent from 0 to 200, as in the M3 competition.

    The mean over the steps of each forecast, then over forecasts.

    Args:
        actual, point: [N, H].

    Examples:
        >>> smape(np.array([[100.0, 50.0]]), np.array([[100.0, 150.0]]))
        50.0
    """
    size = np.abs(actual) + np.abs(point)
    errors = np.where(size > 0, 200 * np.abs(actual - point) / np.where(size > 0, size, 1), 0.0)
    return float(_mean_of_rows(errors, actual))


def mase(actual: np.ndarray, point: np.ndarray, size: np.ndarray) -> float:
    """Mean absolute scaled error (Hyndman & Koehler, 2006): errors as multiples of `size`, see `naive_error`.

    Series without a size are left out; NaN if none is left.

    Args:
        actual, point: [N, H].
        size: the scale of the errors of each series, [N].
    """
    kept = size > 0
    if not kept.any():
        return float("nan")
    return float(_mean_of_rows(np.abs(actual - point)[kept] / size[kept, None], actual[kept]))


def naive_error(seen: np.ndarray, season: int) -> float:
    """The mean absolute error of the seasonal naive forecast within the past values; NaN where there is none.

    It is 0 where there are only rounding errors.

    Examples:
        >>> naive_error(np.array([1.0, 2.0, 4.0, 8.0]), 2)
        4.5
    """
    errors = np.abs(seen[season:] - seen[:-season]) if len(seen) > season else seen[:0]
    errors = errors[~np.isnan(errors)]
    if not len(errors):
        return float("nan")
    return float(errors.mean()) if errors.max() > ROUNDING * np.nanmax(np.abs(seen)) else 0.0


def rmse(actual: np.ndarray, point: np.ndarray) -> float:
    """Root mean square error over all values [N, H], in their unit."""
    return float(np.sqrt(np.nanmean(np.square(actual - point))))


def quantile_losses(actual: np.ndarray, quantiles: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Twice the pinball loss of each quantile, [N, H, Q].

    Args:
        actual: [N, H].
        quantiles: [N, H, Q].
        levels: the Q levels.
    """
    above = actual[..., None] - quantiles
    return 2 * np.maximum(np.array(levels) * above, (np.array(levels) - 1) * above)


def weighted_quantile_loss(actual: np.ndarray, quantiles: np.ndarray, levels: Sequence[float]) -> float:
    """The sum of the quantile losses, averaged over the quantiles, divided by the sum of absolute values."""
    total = np.nansum(np.abs(actual))
    losses = np.nansum(quantile_losses(actual, quantiles, levels), (0, 1)).mean()
    return float(losses / total) if total else float("nan")


def crps(actual: np.ndarray, quantiles: np.ndarray, levels: Sequence[float]) -> float:
    """The continuous ranked probability score, in the unit of the values, estimated from quantiles.

    The mean of twice their pinball losses; the more quantiles there are, the better the estimate.
    """
    return float(np.nanmean(quantile_losses(actual, quantiles, levels)))


def coverage(actual: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """The fraction of values within their interval; [N, H] each.

    Examples:
        >>> coverage(np.array([[1.0, 5.0, np.nan]]), np.zeros((1, 3)), np.full((1, 3), 2.0))
        0.5
    """
    there = ~np.isnan(actual)
    return float(((actual >= low) & (actual <= high))[there].mean())


def lowest_coverage(actual: np.ndarray, low: np.ndarray, high: np.ndarray, series: int) -> float:
    """The coverage that a tenth of the series, at least one, do not exceed; the mean may hide these series.

    Args:
        actual, low, high: values and bounds, [K * N, H], from K origins, one after the other.
        series: N.
    """
    covered = np.where(np.isnan(actual), np.nan, (actual >= low) & (actual <= high))
    covered = covered.reshape(-1, series, actual.shape[1])
    there = ~np.isnan(covered)
    counts = there.sum((0, 2))
    shares = np.where(there, covered, 0.0).sum((0, 2))[counts > 0] / counts[counts > 0]
    return float(np.quantile(shares, 0.1, method="lower"))


def owa(smape_: float, mase_: float, naive2: Mapping[str, float | None]) -> float:
    """Overall weighted average of the M4 competition: the mean of sMAPE and MASE, each relative to that of Naive2.

    NaN where Naive2 makes no error.
    """
    if not naive2["smape"] or not naive2["mase"]:
        return float("nan")
    return float((smape_ / naive2["smape"] + mase_ / naive2["mase"]) / 2)


def _mean_of_rows(errors, actual):
    """The mean over rows of the mean over their non-missing steps."""
    there = ~np.isnan(actual)
    counts = there.sum(1)
    means = np.where(there, errors, 0.0).sum(1)[counts > 0] / counts[counts > 0]
    return means.mean() if len(means) else float("nan")
