"""Metrics of translations against sums by hand."""

import pytest

from nlp_rnn.checks import UsageError
from nlp_rnn.seq2seq import metrics


def test_error_rates_of_phonemes_ignore_stress_and_case():
    references = [["HH AH1 L OW0"], ["R EH1 D", "R IY1 D"], ["K AE1 T"]]
    figures = metrics.translation(["HH AH0 L OW1", "R IY0 D", "K"], references)
    assert figures == {"word_error_rate": pytest.approx(1 / 3), "phoneme_error_rate": pytest.approx(2 / 10)}
    assert metrics.translation(["hh ah0 l"], [["hh ah1 l"]])["word_error_rate"] == 0


def test_text_is_compared_with_all_of_its_references():
    figures = metrics.translation(["le chien dort là", "deux"], [["un chat", "le chien dort là"], ["trois"]])
    assert figures["exact"] == 0.5 and 50 < figures["bleu"] < 100 and 50 < figures["chrf"] < 100
    assert "nrefs:var" in figures["bleu_signature"] and "tok:13a" in figures["bleu_signature"]


def test_bleu_compares_characters_where_text_has_no_spaces():
    figures = metrics.translation(["我喜欢猫"] * 9 + ["x y"], [["我喜欢狗"]] * 9 + [["x y"]])
    assert "tok:char" in figures["bleu_signature"] and figures["bleu"] > 30


def test_a_missing_sacrebleu_is_reported_where_it_is_needed(monkeypatch):
    monkeypatch.setattr(metrics.importlib.util, "find_spec", lambda name: None)
    metrics.check_translation([["HH AH0 L"]])
    with pytest.raises(UsageError, match=r"BLEU needs the package sacrebleu: pip install 'nlp-rnn\[translation\]'"):
        metrics.check_translation([["un chat"]])


def test_edit_distance_of_equal_and_of_empty_sequences():
    assert metrics.edit_distance("", "abc") == metrics.edit_distance("abc", "") == 3
    assert metrics.edit_distance("abc", "abc") == 0
