"""Training data of a language model: which batches texts of which length make."""

from types import SimpleNamespace

import pytest

from nlp_rnn.checks import InputError
from nlp_rnn.language_model.bptt import DocumentStreams, Streams
from nlp_rnn.language_model.data import batches_of, load_texts
from nlp_rnn.language_model.documents import open_documents
from nlp_rnn.language_model.settings import LanguageModelSettings
from nlp_rnn.text.batching import LengthBuckets
from tests.language_model.test_bptt import in_texts


@pytest.mark.parametrize("length, rows", [(10, 16), (50, 8), (100, 4), (200, 2)])
def test_a_batch_holds_more_of_short_texts(length, rows):
    config = SimpleNamespace(batch_size=4, seed=0)
    buckets = batches_of(config, in_texts([length] * 48), independent=True, short=True, train=True)
    assert {len(batch) for batch in buckets.plan()} == {rows}


@pytest.mark.slow
@pytest.mark.parametrize(
    "words, independent, kind, expected",
    [
        (9, None, LengthBuckets, True),  # short texts are read independently unless the recipe decides
        (9, False, Streams, False),
        (400, None, Streams, False),
        (400, True, DocumentStreams, True),
    ],
)
def test_short_texts_are_read_whole_and_long_ones_as_streams(tmp_path, words, independent, kind, expected):
    (tmp_path / "a.txt").write_text("\n".join(" ".join(["word"] * words) for _ in range(200)))
    config = LanguageModelSettings(batch_size=4)
    dataset = open_documents(str(tmp_path / "a.txt"))
    data = load_texts(config, dataset, tmp_path, None, independent)
    assert type(data.train) is kind and data.independent_texts is expected


@pytest.mark.slow
@pytest.mark.parametrize(
    "text, message",
    [
        ("a b\n", "3 tokens are too few to train on|tokens are too few"),
        ("".join(f"w{n} " for n in range(900)), "lower --set min_count"),
    ],
)
def test_text_that_cannot_be_trained_on(tmp_path, text, message):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        load_texts(LanguageModelSettings(), open_documents(str(tmp_path / "a.txt")), tmp_path, None)
