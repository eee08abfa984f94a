"""Lower case: what Python gives, which follows no locale; `tests/test_locales.py` compares the locales."""

import hypothesis.strategies as st
from hypothesis import given

from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.letter_case import lower_case
from nlp_rnn.text.tokenizer import to_tensor
from nlp_rnn.text.vocabulary import Vocabulary

DEPENDENT = st.text("IJĮİÌÍĨiıAΣσ \u0300\u0301\u0303\u0307\u0328", max_size=12)  # on the locale, or on neighbours


@given(st.lists(DEPENDENT))
def test_letters_that_depend_on_the_locale_are_those_of_python(texts):
    lowered = [text.decode() for text in lower_case(to_tensor(texts)).numpy()]
    assert lowered == [text.lower() for text in texts]


def test_a_text_of_capitals_is_made_of_the_tokens_with_an_i():
    tokens = ["the", "\u2581is", "i've", "it", "_i_", "\u2581film", "\x06in", "\x03if"]
    assert TextEncoder(Vocabulary(token.encode() for token in tokens)).capitals() == "IS IT FILM IN IF"
    assert TextEncoder(Vocabulary.of_bytes(), "byte").capitals() == "I"
