"""Keys of labels: equal for the same label, and for labels that look alike."""

import unicodedata

import hypothesis.strategies as st
from hypothesis import given

from nlp_rnn.text.labels import label_key, similarity_key, spellings


@given(st.integers(-(10**9), 10**9))
def test_a_whole_number_is_the_same_with_and_without_decimals(number):
    assert label_key(f"{number}") == label_key(f"{number}.0") == label_key(str(float(number)))


@given(st.text(), st.sampled_from(["NFC", "NFD"]))
def test_labels_with_one_key_look_alike(text, form):
    assert label_key(unicodedata.normalize(form, text)) == label_key(text)
    assert similarity_key(label_key(text)) == similarity_key(text)


@given(st.text(st.characters(codec="ascii"), min_size=1))
def test_case_and_spaces_around_make_no_difference_to_the_eye(text):
    assert similarity_key(f" {text.upper()} ") == similarity_key(text.lower())


def test_a_known_spelling_wins():
    assert spellings(["1", "1.0", "1.00"], known=["1.0"]) == {"1": "1.0", "1.0": "1.0", "1.00": "1.0"}
    assert spellings(["1", "1.0"], known=["1", "1.0"]) == {"1": "1", "1.0": "1.0"}, "a run may have both"
