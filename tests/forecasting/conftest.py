"""A small forecaster that is trained once."""

import pytest
from click.testing import CliRunner

from tests.forecasting.tables import SMALL, assignments, monthly, write


@pytest.fixture(scope="session")
def forecaster(tmp_path_factory):
    """The run of a small forecaster of twelve monthly series; shops.csv next to it holds them."""
    from nlp_rnn.cli.main import main

    folder = tmp_path_factory.mktemp("forecasting")
    table = write(folder / "shops.csv", monthly())
    words = ["run", "forecasting", "--data", str(table), "--out", str(folder / "run")]
    result = CliRunner().invoke(main, [*words, *assignments(*SMALL, "epochs=8")])
    if result.exit_code:
        raise RuntimeError(result.output) from result.exception
    return folder / "run"
