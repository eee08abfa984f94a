"""The message about texts that were cut."""

import pytest

from nlp_rnn.text.truncation import truncated


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((1_234, 400), "1,234 longer than 400 tokens were cut to their start and end"),
        ((3, 60, "source texts"), "3 source texts longer than 60 tokens were cut to their start and end"),
    ],
)
def test_the_message_names_the_number_and_the_limit(arguments, message):
    assert truncated(*arguments) == message
