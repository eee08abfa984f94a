"""Densities against SciPy, and samples against their distribution."""

import numpy as np
import tensorflow as tf
from scipy import stats

from nlp_rnn.forecasting.distributions import DISTRIBUTIONS, count_log_density, count_sample


def softplus(x):
    return np.log1p(np.exp(x))


def test_densities_are_those_of_scipy():
    random = np.random.default_rng(0)
    values, outputs = random.normal(size=6).astype("f"), random.normal(size=(6, 3)).astype("f")
    spread = softplus(outputs[:, 1]) + 1e-4
    expected = stats.norm.logpdf(values, outputs[:, 0], spread)
    np.testing.assert_allclose(DISTRIBUTIONS["normal"].log_density(values, outputs), expected, rtol=1e-4)
    expected = stats.t.logpdf(values, 2 + softplus(outputs[:, 2]), outputs[:, 0], spread)
    np.testing.assert_allclose(DISTRIBUTIONS["student_t"].log_density(values, outputs), expected, rtol=1e-4)


def test_the_density_of_counts_is_that_of_scipy():
    random = np.random.default_rng(0)
    outputs, counts = random.normal(size=(6, 2)).astype("f"), random.poisson(4, 6).astype("f")
    size = random.uniform(1, 5, 6).astype("f")
    mean, shape = (softplus(outputs[:, n]) + 1e-4 for n in (0, 1))
    expected = stats.nbinom.logpmf(counts, shape, shape / (shape + mean * size))
    np.testing.assert_allclose(count_log_density(counts, outputs, size), expected, rtol=1e-3)


def test_samples_have_the_mean_and_the_spread_of_their_distribution():
    outputs, seed = tf.tile([[1.0, 0.5, 3.0]], [40_000, 1]), tf.constant([1, 2])
    spread = softplus(0.5) + 1e-4
    normal = DISTRIBUTIONS["normal"].sample(outputs, seed).numpy()
    assert abs(normal.mean() - 1) < 0.03 and abs(normal.std() / spread - 1) < 0.03
    student = DISTRIBUTIONS["student_t"].sample(outputs, seed).numpy()
    assert abs(np.quantile(student, 0.9) - stats.t.ppf(0.9, 2 + softplus(3.0), 1, spread)) < 0.05
    counts = count_sample(outputs[:, :2], tf.fill([40_000], 3.0), seed).numpy()
    mean, shape = 3 * (softplus(1.0) + 1e-4), spread
    assert (counts == counts.round()).all() and abs(counts.mean() / mean - 1) < 0.05
    assert abs(counts.var() / (mean + mean**2 / shape) - 1) < 0.1
