"""A language model on text it was not trained on; after fine-tuning also on that of the run it started from."""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from nlp_rnn.batching import encode
from nlp_rnn.checks import CallError, InputError
from nlp_rnn.language import LanguagePipeline
from nlp_rnn.language_data import marked
from nlp_rnn.language_evaluation import measure, streams_of, texts_apart
from nlp_rnn.objectives import NextToken
from nlp_rnn.progress import say
from nlp_rnn.runs import Run
from nlp_rnn.sources import Example, Source
from nlp_rnn.sources.documents import Documents, open_texts
from nlp_rnn.sources.lineage import is_among, split_seed, trained_on, where
from nlp_rnn.streams import Streams

MOST_OLD = 2_000_000  # characters: so much of the text before fine-tuning shows what was forgotten


def measure_text(pipeline: LanguagePipeline, pieces: Iterable[Example], passages: bool) -> dict:
    """The figures of a language model on all tokens of a text; see `measure`.

    Args:
        passages: each text is read by itself.

    Raises:
        InputError: there is no text.
    """
    characters = 0

    def counted():
        nonlocal characters
        for text, ends in marked(pieces):
            characters += len(text)
            yield text, ends

    with tempfile.TemporaryDirectory() as folder:
        texts = encode(counted(), pipeline.encoder, Path(folder) / "test.ids", end=True)
        if not len(texts.ids):
            raise InputError("there is no text to measure on: the test split is empty")
        data = texts_apart(texts) if passages else streams_of(texts)
        reader = NextToken(pipeline.model, data.batch if isinstance(data, Streams) else None)
        return {**measure(reader, data, characters), "passages": bool(passages)}


class HeldOut:
    """The held-out text of a training, and of the run that it starts from, if it does.

    Args:
        source: what is trained on.
        passages: each of its texts is read by itself.
        start: a run of a language model to start from.
    """

    def __init__(self, source: Source | Documents, passages: bool, start: Run | None):
        self.source = source
        self.passages = passages
        self.start = start
        self.old = _old_text(start) if start and not is_among(source.name, trained_on(start.data)[-1:]) else None
        self.before: dict[str, float] = {}

    def measure_before(self, pipeline: LanguagePipeline) -> None:
        """Measure a model that is to be fine-tuned, its vocabulary grown already, so that what follows compares."""
        if self.start is not None:
            found = self._measured(pipeline)
            self.before = {f"{name}_before": found[name] for name in ("perplexity", "old_perplexity") if name in found}
            say("; ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in self.before.items()))

    def measure(self, pipeline: LanguagePipeline) -> dict:
        """The figures on the held-out text; of fine-tuning, with the perplexities before and on the old text."""
        return self._measured(pipeline) | self.before

    def _measured(self, pipeline):
        figures = measure_text(pipeline, self.source.stream("test"), self.passages)
        if self.old is not None:
            passages = self.start.metrics.get("passages", False)
            found = measure_text(pipeline, _some(self.old.stream("test")), passages)
            figures["old_perplexity"] = found["perplexity"]
        return figures


def _old_text(start):
    raw = start.settings["unit"] != "word"
    try:
        return open_texts(where(start.data), start.data["text_column"], raw, split_seed(start))
    except (CallError, InputError) as error:
        say(f"what was forgotten of the old text is not measured: {error}")
        return None


def _some(pieces: Iterable[Example]) -> Iterator[Example]:
    characters = 0
    for piece in pieces:
        if characters > MOST_OLD:
            return
        characters += len(piece.text)
        yield piece
