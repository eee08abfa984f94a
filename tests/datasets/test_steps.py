"""Columns that count steps, as numbers or as words: they decide the order of the rows."""

import pytest

from nlp_rnn.checks import InputError
from tests.forecasting.tables import open_text

STEPS = (1, 10, 11, 12, 2, 3, 4, 5, 6, 7, 8, 9)  # as a sorted table of words has them


def long(header, *rows):
    return "\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n"


@pytest.mark.parametrize("name", ["d", "what", "day"])
@pytest.mark.parametrize("prefix", ["d_", "Day ", "t"])
def test_words_are_sorted_by_their_numbers(tmp_path, name, prefix):
    rows = [(shop, f"{prefix}{n}", n + 100 * (shop == "b")) for shop in "ab" for n in STEPS]
    dataset = open_text(tmp_path, long(f"item,{name},v", *rows))
    assert dataset.notes[:2] == [
        f"time: none, {name} counts steps; series: item; values: v",
        f"the rows are out of order: they are sorted by {name}",
    ]
    assert dataset.panel.series(0).tolist() == list(range(1, 13)) and dataset.panel.series(1)[-1] == 112


def test_the_series_may_have_any_name(tmp_path):
    rows = [(f"d_{n}", group, n) for n in STEPS for group in ("x", "y")]
    panel = open_text(tmp_path, long("d,group,v", *rows)).panel
    assert panel.names == ("x", "y") and panel.series(1).tolist() == list(range(1, 13))


def test_numbers_are_sorted_as_well(tmp_path):
    dataset = open_text(tmp_path, long("week,sales", (2, 20), (1, 10), (3, 30)))
    assert dataset.panel.series(0).tolist() == [10, 20, 30] and "sorted by week" in dataset.notes[1]


def test_one_series_in_wide_format(tmp_path):
    panel = open_text(tmp_path, long("step,a,b", *((f"s{n}", n, 2 * n) for n in STEPS))).panel
    assert panel.names == ("a", "b") and panel.series(0).tolist() == list(range(1, 13))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (long("item,d,v", *(("a", f"d_{n}", n) for n in (1, 2, 3, 4, 5, 7, 8, 9))), "line 7: column 'd' holds d_7 and"),
        (long("g,d,v", *((f"g{g}", f"d_{n}", n) for g in (1, 2, 3) for n in STEPS)), None),
        (long("g,e,v", *((f"g{g}", f"d_{n}", n) for g in (1, 2, 3) for n in STEPS)), "g and e both count: name the"),
        (long("d,v", *((f"w{n // 3}d{n % 3}", n) for n in range(9))), "the column 'd', with 'w0d0', count"),
    ],
)  # fmt: skip
def test_what_is_not_clear_is_asked(tmp_path, text, message):
    if message is None:
        assert open_text(tmp_path, text).panel.names == ("g1", "g2", "g3")
        return
    with pytest.raises(InputError, match=message):
        open_text(tmp_path, text)


def test_the_answer_to_the_question(tmp_path):
    text = long("g,e,v", *((f"g{g}", f"d_{n}", n) for g in (1, 2, 3) for n in STEPS))
    assert open_text(tmp_path, text, series_column="g").panel.series(2).tolist() == list(range(1, 13))
    assert open_text(tmp_path, text, series_column="g", time_column="e").panel.series(2).tolist() == list(range(1, 13))


def test_identifiers_do_not_count_steps(tmp_path):
    rows = [(f"ORD-{1000 + n}", n) for n in (3, 1, 2)]
    assert open_text(tmp_path, long("order no,v", *rows)).panel.series(0).tolist() == [3, 1, 2]


def test_points_in_columns_out_of_order(tmp_path):
    panel = open_text(tmp_path, long("id,d_1,d_10,d_2,d_3,d_4,d_5,d_6,d_7,d_8,d_9", ("a", 1, 10, *range(2, 10)))).panel
    assert panel.series(0).tolist() == list(range(1, 11))
