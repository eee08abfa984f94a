"""The forms in which people and programs write tables: every file of the fixtures is read rightly, or refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from nlp_rnn.checks import InputError
from nlp_rnn.datasets.catalogue import open_text_dataset
from nlp_rnn.forecasting.series import open_series
from nlp_rnn.seq2seq.pairs import open_pairs

FOLDER = Path(__file__).parent.parent / "fixtures" / "forms"
FORMS = json.loads((FOLDER / "forms.json").read_text(encoding="utf-8"))
OPEN = {"series": open_series, "texts": open_text_dataset, "pairs": open_pairs}


@pytest.mark.parametrize("form", FORMS, ids=[form["file"] for form in FORMS])
def test_a_form_is_read_rightly_or_refused(form, capsys):
    def opened():
        dataset = OPEN[form["kind"]](str(FOLDER / form["file"]), **form["options"])
        return dataset, [] if form["kind"] == "series" else list(dataset.walk())

    if "refused" in form:
        with pytest.raises(InputError, match=form["refused"]):
            opened()
        return
    dataset, rows = opened()
    said = "\n".join([capsys.readouterr().err, *dataset.notes])
    assert form.get("said", "") in said
    if form["kind"] == "series":
        check_series(dataset.panel, form)
    else:
        assert sorted((row.text, row.label) for row in rows) == sorted(map(tuple, form["rows"]))


def check_series(panel, form):
    assert list(panel.names) == form["names"]
    for number, values in enumerate(form["values"]):
        np.testing.assert_allclose(panel.series(number), np.array(values, float), rtol=1e-6)
    starts = [None] * len(panel) if panel.start_times is None else [str(t) for t in panel.start_times]
    assert starts == [None if start is None else str(np.datetime64(start)) for start in form["starts"]]
    if form["next"] is not None:
        after = panel.time_text.after(panel.start_times[0], int(panel.lengths[0]), panel.frequency)
        assert after == form["next"]
    assert form["frequency"] in ("", panel.frequency)
