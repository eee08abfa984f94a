"""A translator of numbers that is trained once."""

import pytest
from click.testing import CliRunner

from tests.seq2seq.number_pairs import SMALL, assignments, pairs


@pytest.fixture(scope="session")
def translated(tmp_path_factory):
    """The run of a small translator of numbers, which reverses their order as well."""
    from nlp_rnn.cli.main import main

    folder = tmp_path_factory.mktemp("translation")
    (folder / "pairs.tsv").write_text("".join(f"{source}\t{target}\n" for source, target in pairs()))
    words = ["run", "translation", "--data", str(folder / "pairs.tsv"), "--out", str(folder / "run")]
    result = CliRunner().invoke(main, words + assignments(*SMALL, "epochs=14", "learning_rate=0.02"))
    if result.exit_code:
        raise RuntimeError(result.output) from result.exception
    return folder / "run"
