"""What must not matter to how a table is read: the order of rows and columns, quotation marks, separators, names."""

import csv
import gzip
import io

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from nlp_rnn.checks import InputError
from nlp_rnn.datasets.catalogue import open_text_dataset
from nlp_rnn.datasets.delimited import dialect_of
from nlp_rnn.forecasting.series import open_series
from nlp_rnn.seq2seq.pairs import open_pairs
from tests.datasets.test_forms import FOLDER, FORMS

OPEN = {"series": open_series, "texts": open_text_dataset, "pairs": open_pairs}
READ = [form for form in FORMS if "refused" not in form and form["file"].endswith((".csv", ".tsv", ".tsv.gz"))]
SERIES = [form for form in READ if form["kind"] == "series"]
ONE_TIME = [form for form in SERIES if form["starts"][0] and " + " not in form["time"] and form["time"] != "names"]
# Without a name that says so, numbers may be years, months or seconds, or values: the user is asked.
DIGITS = {"yyyymm.csv", "yyyymm-one-year.csv", "decimal-years.csv", "years.csv"}
DIGITS |= {"ordinal-days.csv", "epoch.csv", "epoch-us.csv", "epoch-ns.csv"}
COUNTED = {"", "id", "row", "rownames"}
SLOW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def table_of(form):
    """The separator, the names and the rows of a form."""
    path = FOLDER / form["file"]
    separator, skipped, _ = dialect_of(path)
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig")
    lines = io.StringIO("".join(text.splitlines(keepends=True)[skipped:]), newline=None)
    quoting = csv.QUOTE_NONE if form["file"] == "texts-plain.tsv" else csv.QUOTE_MINIMAL
    names, *rows = csv.reader(lines, delimiter=separator, quoting=quoting)
    return separator, names, rows


def written(path, separator, names, rows, quoting=csv.QUOTE_MINIMAL):
    file = io.StringIO()
    csv.writer(file, delimiter=separator, quoting=quoting, lineterminator="\n").writerows([names, *rows])
    content = file.getvalue().encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def content_of(form, path=None):
    """What a form is read as, in an order of its own; None if it is refused."""
    try:
        dataset = OPEN[form["kind"]](str(path or FOLDER / form["file"]), **form["options"])
    except InputError:
        if path is None:
            raise
        return None
    if form["kind"] != "series":
        return sorted((row.text, row.label) for row in dataset.walk())
    panel = dataset.panel
    starts = [None] * len(panel) if panel.start_times is None else [str(time) for time in panel.start_times]
    series = {name: (panel.series(n).tolist(), starts[n]) for n, name in enumerate(panel.names)}
    return panel.frequency, dict(sorted(series.items()))


def check_same(form, path, refused=()):
    """Check that a file is read as its form is; only the named forms may be refused instead."""
    content = content_of(form, path)
    if content is None:
        assert form["file"] in refused
    else:
        np.testing.assert_equal(content, content_of(form))


@SLOW
@given(form=st.sampled_from(READ), random=st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(form, random, tmp_path):
    assume(form["kind"] != "series" or form["starts"][0] or form["time"] == "names")  # without times it decides
    separator, names, rows = table_of(form)
    random.shuffle(rows)
    check_same(form, written(tmp_path / form["file"], separator, names, rows))


@SLOW
@given(form=st.sampled_from(READ), random=st.randoms(use_true_random=False))
def test_the_order_of_the_columns_does_not_matter(form, random, tmp_path):
    assume(form.get("time") != "names" and form["kind"] != "pairs")
    separator, names, rows = table_of(form)
    order = random.sample(range(len(names)), len(names))
    columns = [[row[n] for n in order] for row in [names, *rows]]
    check_same(form, written(tmp_path / form["file"], separator, *[columns[0], columns[1:]]))


@SLOW
@given(
    form=st.sampled_from(READ),
    separator=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    packed=st.booleans(),
)
def test_separators_quotation_marks_and_compression_do_not_matter(form, separator, quoting, packed, tmp_path):
    _, names, rows = table_of(form)
    path = tmp_path / f"x.{'tsv' if separator == chr(9) else 'csv'}{'.gz' * packed}"
    check_same(form, written(path, separator, names, rows, quoting))


@SLOW
@given(form=st.sampled_from(ONE_TIME), name=st.sampled_from(["when", "x", "Moment", "col_7", "Zeitpunkt", "reading"]))
def test_the_name_of_the_times_does_not_matter(form, name, tmp_path):
    separator, names, rows = table_of(form)
    names[names.index(form["time"])] = name
    check_same(form, written(tmp_path / "x.csv", separator, names, rows), DIGITS)


@SLOW
@given(form=st.sampled_from(READ), name=st.sampled_from(sorted(COUNTED)), first=st.integers(0, 1000))
def test_a_row_number_does_not_matter(form, name, first, tmp_path):
    separator, names, rows = table_of(form)
    assume(name not in names and form["kind"] != "pairs")
    numbered = [[str(first + n), *row] for n, row in enumerate(rows)]
    check_same(form, written(tmp_path / form["file"], separator, [name, *names], numbered))


@SLOW
@given(form=st.sampled_from(ONE_TIME))
def test_times_may_be_the_index_of_a_parquet_file(form, tmp_path):
    import pandas as pd

    _, names, rows = table_of(form)
    names = [name or "column 1" for name in names]
    pd.DataFrame(rows, columns=names).set_index(form["time"]).to_parquet(tmp_path / "x.parquet")
    check_same(form, tmp_path / "x.parquet")


@SLOW
@given(form=st.sampled_from(SERIES), constant=st.integers(-1000, 1000), decimal=st.sampled_from(".,"))
def test_a_constant_is_added_and_decimals_are_written_otherwise(form, constant, decimal, tmp_path):
    separator, names, rows = table_of(form)
    try:
        values = [[float(row[names.index(name)]) for row in rows] for name in form["names"]]
    except ValueError:
        assume(False)  # names of series are no columns, or numbers have marks
    for name, column in zip(form["names"], values, strict=True):
        for row, value in zip(rows, column, strict=True):
            row[names.index(name)] = str(round(value + constant, 4)).replace(".", decimal)
    content = content_of(form, written(tmp_path / "x.csv", ";" if decimal == "," else separator, names, rows))
    assert content is not None or (decimal == "," and form["file"] == "decimal-years.csv"), "1960.5 and 3,5 contradict"
    if content is not None:
        for name, (expected, start) in content_of(form)[1].items():
            np.testing.assert_allclose(np.array(content[1][name][0]) - constant, expected, atol=1e-3)
            assert content[1][name][1] == start


@pytest.mark.parametrize("form", SERIES[:3], ids=lambda form: form["file"])
def test_halves_of_a_file_of_series_are_refused(form, tmp_path):
    separator, names, rows = table_of(form)
    for part, some in (("a", rows[::2]), ("b", rows[1::2])):
        written(tmp_path / f"{part}.csv", separator, names, some)
    assert content_of(form, tmp_path) is None
