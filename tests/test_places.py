"""Where runs are made."""

import pytest

from nlp_rnn.checks import CallError
from nlp_rnn.opening import asked_for
from nlp_rnn.places import begun, check_new, next_free


def test_the_next_free_place_and_the_first_unfinished(tmp_path):
    out = tmp_path / "a"
    assert next_free(out) == out == next_free(out, resume=True)
    out.mkdir()
    (tmp_path / "a-2.unfinished").mkdir()
    assert next_free(out).name == "a-3" and next_free(out, resume=True).name == "a-2"


def test_what_is_not_said_of_the_data_is_as_it_was_begun(tmp_path):
    assert begun(tmp_path / "a") == {}
    before = {"name": "a.csv", "text_column": "said", "past_columns": ["price"]}
    nothing = {"name": None, "text_column": None, "past_columns": ()}
    assert asked_for(nothing, before) == before
    assert asked_for(nothing, {"name": "shipped"}) == nothing | {"name": "shipped"}
    assert asked_for(nothing | {"name": "a.csv", "text_column": "body"}, before) == before | {"text_column": "body"}
    assert asked_for(nothing | {"name": "b.csv"}, before) == nothing | {"name": "b.csv"}, "other data, other columns"


def test_a_file_on_the_way_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CallError, match="file is a file; choose another --out"):
        check_new(tmp_path / "file" / "run")
