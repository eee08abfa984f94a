"""Where the texts of a plain file end: decided from the whole file, printed, and set by the user."""

import random
import textwrap

import pytest

from nlp_rnn import task
from nlp_rnn.checks import UsageError
from nlp_rnn.language_model.documents import open_documents
from nlp_rnn.language_model.text_forms import former_form, forms_of

SYLLABLES = [a + b for a in "bdfgklmnrst" for b in ("a", "e", "i", "on", "us", "er")]


def paragraphs(number, sentences=6, seed=0):
    """Paragraphs of prose, each of one line."""
    choose = random.Random(seed)

    def sentence():
        words = ["".join(choose.choices(SYLLABLES, k=choose.randint(1, 4))) for _ in range(choose.randint(5, 14))]
        return " ".join(words).capitalize() + "."

    return [" ".join(sentence() for _ in range(sentences)) for _ in range(number)]


def form(tmp_path, text, unit=None):
    (tmp_path / "a.txt").write_text(text)
    return forms_of([tmp_path / "a.txt"], unit, len(text))[0]


@pytest.mark.parametrize("width", [60, 72, 80])
@pytest.mark.parametrize("between, first", [("\n\n", ""), ("\n", "  "), ("\n", "\t")])
def test_a_file_wrapped_by_hand_is_paragraphs(tmp_path, width, between, first):
    wrapped = [textwrap.fill(text, width, initial_indent=first) for text in paragraphs(40)]
    guessed = form(tmp_path, between.join(wrapped) + "\n")
    assert guessed.unit == "paragraph" and guessed.texts == 40 and width - 8 < guessed.width <= width
    pieces = list(open_documents(str(tmp_path / "a.txt")).walk())
    assert sum(piece.ends for piece in pieces) == 40
    ended = [piece.text.strip()[-1] for piece in pieces if piece.ends]
    assert ended == ["."] * 40, "a paragraph ends where one was written"


def test_a_wrapped_file_without_paragraphs_is_one_text(tmp_path):
    assert form(tmp_path, textwrap.fill(" ".join(paragraphs(9)), 72)).unit == "file"


def test_files_of_lines_are_lines(tmp_path):
    choose = random.Random(0)
    sentences = [text + "\n" for text in paragraphs(200, sentences=1)]
    even = [f"{' '.join(choose.choices(['bal', 'dem', 'fis', 'gon'], k=16))}\n" for _ in range(100)]
    log = [
        f"2024-01-{n % 28 + 1:02d} 12:00:{n % 60:02d} request {n:04d} was answered within {n % 9} ms\n"
        for n in range(90)
    ]
    long = [f"{text}\n" for text in paragraphs(60)]
    for lines in (sentences, even, log, long):
        assert form(tmp_path, "".join(lines)).unit == "line"
        assert form(tmp_path, "".join(lines)).texts == len(lines)


def test_the_whole_file_decides_not_its_first_lines(tmp_path):
    front = "".join(f"{text}\n" for text in paragraphs(1200, sentences=1))
    body = "\n".join(f"{text}\n" for text in paragraphs(700, sentences=2, seed=1))
    assert form(tmp_path, front + "\n" + body).unit == "paragraph"
    assert former_form(tmp_path / "a.txt", raw=False).unit == "line"
    stray = [f"{text}\n" for text in paragraphs(2000, sentences=1)]
    assert form(tmp_path, "".join([*stray[:9], "\n", *stray[9:]])).unit == "line", "one blank line makes no paragraphs"
    assert former_form(tmp_path / "a.txt", raw=False).unit == "paragraph"


def test_blank_lines_between_texts_of_many_lines_are_their_ends(tmp_path):
    articles = ["".join(f"{text}\n" for text in paragraphs(30, sentences=1, seed=n)) for n in range(20)]
    assert form(tmp_path, "\n".join(articles)).texts == 20


@pytest.mark.parametrize("unit, texts", [("line", 6), ("paragraph", 2), ("file", 1)])
@pytest.mark.parametrize("raw", [False, True])
def test_the_user_decides(tmp_path, unit, texts, raw):
    content = "one\ntwo\n\n\nthree\nfour\nfive\nsix\n"
    (tmp_path / "a.txt").write_text(content)
    documents = open_documents(str(tmp_path / "a.txt"), raw=raw, documents=unit)
    pieces = list(documents.walk())
    assert sum(piece.ends for piece in pieces) == texts
    assert documents.notes == [
        f"read as {texts} {unit}{'s' if texts > 1 else ''}; or --set documents=line|paragraph|file"
    ]
    if raw:
        assert "".join(piece.text for piece in pieces) == content


def test_the_number_of_texts_is_printed(tmp_path):
    (tmp_path / "a.txt").write_text("\n\n".join(textwrap.fill(text, 70) for text in paragraphs(1300)))
    (note,) = open_documents(str(tmp_path / "a.txt")).notes
    assert note.startswith("read as 1,300 paragraphs of lines wrapped at ") and "--set documents=" in note
    assert open_documents(str(tmp_path / "a.txt"), raw=True).notes == [], "a text of characters is a file"


def test_the_setting_is_refused_for_tables_unless_it_comes_from_the_run(tmp_path):
    (tmp_path / "a.csv").write_text("text\n" + "one two three\n" * 9)
    language_model, settings = task.get("language_model"), {"documents": "line", "token_level": "word"}
    request = {"name": str(tmp_path / "a.csv"), "text_column": None, "split_seed": 0, "split_by": None}
    with pytest.raises(UsageError, match="--set documents=line is for plain text files"):
        language_model.open_data(request, settings)
    like = type("Run", (), {"settings": settings})
    assert language_model.open_data(request, settings, like).columns == ("text",)
