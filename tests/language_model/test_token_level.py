"""The token level that a text gets by default."""

import pytest

from nlp_rnn.language_model.documents import open_documents
from nlp_rnn.language_model.settings import LanguageModelSettings
from nlp_rnn.language_model.task import LanguageModelTask
from nlp_rnn.language_model.token_level import choose_token_level, lacks_spaces

SPACED = ["The cat (猫) sat.", "Le chat dort.", "Кот спит.", "القط ينام", "고양이가 잔다", "बिल्ली सो रही है"]
UNSPACED = ["猫睡着了。", "猫が寝ている。", "แมวกำลังนอนหลับ", "ឆ្មាកំពុងដេក"]


@pytest.mark.parametrize("text", [*SPACED, *UNSPACED])
def test_scripts_without_spaces_are_recognised(text):
    assert lacks_spaces([text]) == (text in UNSPACED)


@pytest.mark.parametrize(
    ("text", "settings", "level", "raw"),
    [(UNSPACED[0], {}, "character", True), (SPACED[0], {}, "word", False),
     (UNSPACED[0], {"pretokenized": True}, "word", None), (SPACED[0], {"line_breaks": True}, "word", True),
     (UNSPACED[0], {"token_level": "word"}, "word", False), (SPACED[0], {"token_level": "byte"}, "byte", True)],
)  # fmt: skip
def test_the_level_and_the_line_ends_follow_from_the_text(tmp_path, capsys, text, settings, level, raw):
    (tmp_path / "a.txt").write_text(f"{text}\n" * 50, encoding="utf-8")
    request = {"name": str(tmp_path / "a.txt"), "text_column": None, "split_seed": 0}
    config = LanguageModelSettings(**settings)
    dataset = LanguageModelTask().open_data(request, vars(config))
    assert raw is None or dataset.raw is raw
    assert choose_token_level(config, dataset).token_level == level
    assert ("token level: character" in capsys.readouterr().err) is (level == "character")


def test_a_table_of_such_text_is_read_as_characters(tmp_path):
    (tmp_path / "a.csv").write_text("text\n" + f"{UNSPACED[1]}\n" * 60, encoding="utf-8")
    dataset = open_documents(str(tmp_path / "a.csv"), raw=None)
    assert choose_token_level(LanguageModelSettings(), dataset).token_level == "character"


@pytest.mark.parametrize("settings", [{"line_breaks": True, "token_level": "byte"},
                                      {"pretokenized": True, "token_level": "character"},
                                      {"pretokenized": True, "line_breaks": True}])  # fmt: skip
def test_settings_of_words_are_refused_without_words(settings):
    with pytest.raises(ValueError, match="is for words, and token_level is|has no line breaks"):
        LanguageModelSettings(**settings)
