"""Sentiment: which class is a text of? Embedding -> bidirectional LSTM -> mean and maximum -> one score a class.

    nlp-rnn run sentiment
    nlp-rnn run sentiment --data mine.csv --out runs/mine --set units=128
    nlp-rnn run sentiment --from runs/generation

A linear model, trained along with the network, adds what words and pairs of neighbours say wherever they stand; it
begins at what counting them says. The default data are 25,000 film reviews; any texts with labels will do, of two
classes or of hundreds. A language model gives its vocabulary, vectors and recurrent layers, which read in one direction
only (Howard & Ruder, 2018, "ULMFiT").
"""

from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

import keras

from nlp_rnn import checks, runs
from nlp_rnn.batching import LengthBuckets, encode, numbered
from nlp_rnn.evaluation import evaluate
from nlp_rnn.labelled_data import check_sizes, classes_of, say_size, texts_in
from nlp_rnn.language import LanguagePipeline
from nlp_rnn.models import CELLS, Classifier
from nlp_rnn.pipelines import TextClassifier
from nlp_rnn.progress import say, track
from nlp_rnn.sources import Source
from nlp_rnn.text import UNITS, TextEncoder, TokenCounter, vocabulary_of
from nlp_rnn.training import fit, plan_of

DATA = "movie_reviews"
UPDATES = 600  # steps that training aims at when the epochs are not given

LANGUAGE_MODELS = True  # `--from` takes runs of them
KEPT = ("unit", "lowercase", "cell", "embedding", "units", "layers", "bidirectional")  # what fine-tuning cannot change
MOST_WEIGHTS = 5_000_000  # of the linear model: rows times classes


@dataclass(frozen=True)
class Config:
    """What `--set KEY=VALUE` can change."""

    unit: str = "word"  # or character, byte
    lowercase: bool = True
    vocabulary: int = 30_000  # tokens known; the rest are <unk>
    least_count: int = 2  # a token seen less often is <unk>
    max_tokens: int = 400  # a longer text keeps its first quarter of these, and its end
    cell: str = "lstm"  # or gru, rnn
    embedding: int = 64
    units: int = 64  # of each direction
    layers: int = 1
    bidirectional: bool = True
    dropout: float = 0.5  # of the inputs of each recurrent layer, and of the pooled vector
    word_dropout: float = 0.2  # share of tokens made <unk> in training
    bigrams: int = 2**20  # rows of weights that pairs share by a hash, fewer from 5 classes on; 0: no linear model
    bigram_dropout: float = 0.5  # share of words and pairs left out of it in training
    epochs: int = 0  # 0: by the number of texts, 2 to 30
    batch: int = 0  # texts in a step; 0: by the number of texts, 8 to 64
    batch_tokens: int = 16_000  # at most, padding counted
    learning_rate: float = 0.004
    finetuning_rate: float = 0.001  # the learning rate when going on from another run
    rate_decay: float = 1.0  # going on: the rate of a layer divided by that of the layer below
    unfreeze: float = 0.0  # going on: epochs from when a layer begins to learn until the one below does
    clip: float = 1.0  # bound on the norm of the gradient
    patience: int = 2  # epochs in a row that may pass without a lower validation loss
    seed: int = 0

    def __post_init__(self):
        checks.one_of("unit", self.unit, UNITS)
        checks.one_of("cell", self.cell, CELLS)
        for name in ("vocabulary", "least_count", "max_tokens", "embedding", "units", "layers", "batch_tokens"):
            checks.positive_int(name, getattr(self, name))
        for name in ("dropout", "word_dropout", "bigram_dropout"):
            checks.fraction(name, getattr(self, name))
        for name in ("bigrams", "epochs", "batch", "patience"):
            checks.not_negative(name, getattr(self, name))
        checks.random_seed("seed", self.seed)
        checks.at_least_zero("unfreeze", self.unfreeze)
        for name in ("learning_rate", "finetuning_rate", "rate_decay", "clip"):
            checks.above_zero(name, getattr(self, name))


Start = TextClassifier | LanguagePipeline


class Data(NamedTuple):
    """Encoded splits, and what reads text into them."""

    encoder: TextEncoder
    classes: list[str]
    train: LengthBuckets
    validation: LengthBuckets


def load_data(config: Config, source: Source, folder: Path, start: Start | None) -> Data:
    """Fit the vocabulary on the training texts, then encode the training and validation texts."""
    counter, labels = TokenCounter(config.unit, config.lowercase), Counter()
    for example in counter.watch(track(source.walk(), "reading", source.size()), "train"):
        labels[example.label, example.split] += 1
    classes = classes_of(labels, start.classes if isinstance(start, TextClassifier) else None)
    check_sizes(source.name, labels)
    vocabulary = vocabulary_of(config, counter.counts, start and start.encoder.vocabulary)
    encoder = TextEncoder(vocabulary, config.unit, config.lowercase, config.max_tokens)
    config = _fitted_to(config, texts_in(labels, "train"))
    buckets = {}
    for split, seed in (("train", config.seed), ("validation", None)):
        examples = numbered(track(source.stream(split), f"encoding {split}", source.size(split)), classes)
        texts = encode(examples, encoder, folder / f"{split}.ids")
        buckets[split] = LengthBuckets(texts, config.batch, config.batch_tokens, seed)
        say_size(split, texts, config.max_tokens)
    return Data(encoder, classes, **buckets)


def build_model(config: Config, data: Data, start: Start | None) -> Classifier:
    """Token ids [B, T] -> logits [B, C], from scratch or from the weights of another run."""
    model = Classifier(
        vocabulary_size=len(data.encoder.vocabulary),
        classes=len(data.classes),
        cell=config.cell,
        embedding=config.embedding,
        units=config.units,
        layers=config.layers,
        bidirectional=config.bidirectional,
        dropout=config.dropout,
        word_dropout=config.word_dropout,
        bigrams=_bigrams(config, data, start),
        bigram_dropout=config.bigram_dropout,
    )
    model.build((None, None))
    if model.bag:
        texts = data.train.texts
        model.bag.start_from_texts(track(texts, "counting words and pairs", len(texts)))
    if start is not None:
        known = {name: number for number, name in enumerate(start.classes)}
        model.start_from(start.model, {n: known[name] for n, name in enumerate(data.classes) if name in known})
    return model


def train(config: Config, source: Source, job: runs.Job) -> dict:
    """Train on `source`, leave the run folder at `job.out`, and return the figures on the held-out texts."""
    start = job.start and job.start.pipeline
    config = _as_started(config, job)
    keras.utils.set_random_seed(config.seed)
    with runs.workplace(job, asdict(config)) as folder:
        data = load_data(config, source, folder, start)
        model = build_model(config, data, start)
        plan = plan_of(config, _fitted_to(config, len(data.train.texts)).epochs, start is not None)
        history = fit(model, data.train, data.validation, plan, folder, job.tensorboard)
        pipeline = TextClassifier(data.encoder, model, data.classes)
        result = evaluate(pipeline, source.stream("test"), source.size("test"))
        result.write(folder, history)
        runs.save(folder, pipeline, result.figures, history)
    return result.figures


def _as_started(config: Config, job: runs.Job) -> Config:
    """`config` with what the run to start from decides.

    Raises:
        CallError: a setting was given that contradicts it.
    """
    if not job.start:
        return config
    encoder, model = job.start.pipeline.encoder, job.start.pipeline.model.settings
    if job.start.pipeline.kind == "language_model":
        decided = {"unit": encoder.unit, "lowercase": encoder.lowercase, "bidirectional": False}
        decided |= {name: model[name] for name in ("cell", "embedding", "units", "layers")}
        say("it reads in one direction, as the language model does")
    else:
        job.require_same(asdict(config), KEPT)
        decided = {"bigrams": model.get("bigrams", 0)}
    for name, value in decided.items():
        if getattr(config, name) not in (getattr(Config, name), job.start.settings.get(name), value):
            raise checks.CallError(f"--set {name}={getattr(config, name)}: {name} is {value} in {job.start.path}")
    return replace(config, **decided)


def _bigrams(config: Config, data: Data, start: Start | None) -> int:
    """How many rows of weights the pairs share: those of the weights to go on from, or what many classes leave."""
    most = max(0, MOST_WEIGHTS // len(data.classes) - len(data.encoder.vocabulary))
    going_on = isinstance(start, TextClassifier) and set(start.classes) & set(data.classes)
    if going_on or config.bigrams <= most:
        return config.bigrams
    say(f"bigrams={most} instead of {config.bigrams}, for {len(data.classes)} classes")
    return most


def _fitted_to(config: Config, texts: int) -> Config:
    """`config` with the batch and the epochs chosen for so many training texts, where they are 0."""
    batch = config.batch or min(64, max(8, texts // 50))
    epochs = config.epochs or min(30, max(2, round(UPDATES * batch / max(texts, 1))))
    return replace(config, batch=batch, epochs=epochs)
