"""The roles of columns: one entry for tables of texts, pairs, tags and series."""

import pytest

from nlp_rnn.checks import UsageError
from nlp_rnn.datasets.frames import read_frame
from nlp_rnn.datasets.roles import Wanted, find_roles
from nlp_rnn.datasets.tables import open_table
from nlp_rnn.datasets.text_roles import TAG_NAMES

TAGS = Wanted(dict.fromkeys(TAG_NAMES), TAG_NAMES)
TOKENS = [
    (1, "Anna", "B-PER"),
    (1, "sings", "O"),
    (2, "Oslo", "B-LOC"),
    (2, "is", "O"),
    (2, "cold", "O"),
    (3, "Yes", "O"),
]


def table(folder, header, rows):
    path = folder / "x.csv"
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return open_table(path)


def test_tags_by_common_names_as_in_a_corpus_of_kaggle(tmp_path):
    rows = [(f"Sentence: {s}" if first else "", word, "NN", tag) for s, word, tag, first in marked(TOKENS)]
    roles = find_roles(table(tmp_path, "Sentence #,Word,POS,Tag", rows), TAGS)
    assert roles.account() == "sentence: Sentence #; token: Word; tag: Tag; left out: POS (not used)"


def marked(tokens):
    """The tokens, each with whether it is the first of its sentence."""
    return [(*token, n == 0 or tokens[n - 1][0] != token[0]) for n, token in enumerate(tokens)]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_tags_by_content(tmp_path, order):
    names = [("nr", "mot", "klasse")[n] for n in order]
    roles = find_roles(table(tmp_path, ",".join(names), [[row[n] for n in order] for row in TOKENS]), TAGS)
    assert roles.by_role == {"sentence": "nr", "token": "mot", "tag": "klasse"} and roles.guessed


def test_row_numbers_do_not_number_sentences(tmp_path):
    rows = [(n, *row) for n, row in enumerate(TOKENS)]
    roles = find_roles(table(tmp_path, "n,nr,mot,klasse", rows), TAGS)
    assert roles.by_role["sentence"] == "nr" and roles.left_out == {"n": "row number"}


def test_two_columns_that_may_be_tags_are_asked_about(tmp_path):
    rows = [(*row, "XY"[n % 2]) for n, row in enumerate(TOKENS)]
    with pytest.raises(UsageError, match="which column holds the tag[?] Give --tag-column, one of: nr, mot, k, l"):
        find_roles(table(tmp_path, "nr,mot,k,l", rows), TAGS)


def test_texts_and_series_have_the_same_line_and_the_same_message(tmp_path):
    texts = table(tmp_path, "text,label,n", [("a film", "pos", 1), ("another", "neg", 2), ("one more", "neg", 3)])
    wanted = Wanted({"text": None, "label": None}, {"text": ("text",), "label": ("label",)})
    assert find_roles(texts, wanted).account() == "text: text; label: label; left out: n (row number)"
    table(tmp_path, "date,y,note", [("2024-01-01", 1, "x"), ("2024-01-02", 2, "x")])
    frame, named = read_frame(tmp_path / "x.csv"), {"series": None, "value": None, "time": None}
    assert find_roles(frame, Wanted(named)).account() == "time: date; values: y; left out: note (words)"
    for some, role, other in ((texts, "text", wanted.named), (frame, "time", named)):
        with pytest.raises(UsageError, match=f"x.csv has no column 'z' for the {role}; it has: "):
            find_roles(some, Wanted({**other, role: "z"}))
