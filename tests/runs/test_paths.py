"""Where runs are made."""

import pytest

from nlp_rnn.checks import UsageError
from nlp_rnn.runs.paths import check_new, next_free


def test_the_next_free_place_and_the_first_unfinished(tmp_path):
    out = tmp_path / "a"
    assert next_free(out) == out == next_free(out, resume=True)
    out.mkdir()
    (tmp_path / "a-2.unfinished").mkdir()
    assert next_free(out).name == "a-3" and next_free(out, resume=True).name == "a-2"


def test_a_file_as_a_parent_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="file is a file; choose another --out"):
        check_new(tmp_path / "file" / "run")
