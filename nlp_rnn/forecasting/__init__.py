"""Forecasting of series, with prediction intervals."""

from nlp_rnn.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "direct_model": ["DirectForecaster"],
        "path_model": ["PathForecaster"],
        "pipeline": ["Forecaster", "QuantileForecaster", "SamplePathForecaster"],
    },
)
