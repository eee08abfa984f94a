"""Sentiment: what is the class of a text? Embedding -> bidirectional LSTM -> mean and max pooling -> class scores.

    nlp-rnn run sentiment
    nlp-rnn run sentiment --data mine.csv --out runs/mine --set units=128
    nlp-rnn run sentiment --from runs/generation

A linear model over words and pairs of neighbouring words is trained along with the network and adds its scores; it
starts from the counts of the training texts. The default data are 25,000 film reviews; any labelled texts can be
used, with two classes or hundreds. With `--from`, a language model provides vocabulary, embeddings and recurrent
layers, which read in one direction only (Howard & Ruder, 2018, "ULMFiT").
"""

from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

import keras

from nlp_rnn import runs
from nlp_rnn.checks import UsageError, fraction, not_negative, positive_int
from nlp_rnn.classification import Classifier
from nlp_rnn.classification.data import check_sizes, classes_of, say_size, texts_in
from nlp_rnn.classification.imbalance import WEIGHTS, balanced_weights
from nlp_rnn.classification.pipeline import TextClassifier
from nlp_rnn.datasets import TextDataset
from nlp_rnn.language_model.pipeline import LanguagePipeline
from nlp_rnn.progress import say, track
from nlp_rnn.settings import FINETUNING, setting
from nlp_rnn.text import TextEncoder, TokenCounter, fit_vocabulary
from nlp_rnn.text.batching import LengthBuckets, encode, numbered
from nlp_rnn.training import fit, training_plan
from nlp_rnn.training.settings import TextSettings

TASK = "text_classifier"
DATA = "movie_reviews"
UPDATES = 600  # optimizer steps to aim for, unless epochs is set
FIXED_SETTINGS = ("token_level", "lowercase", "cell", "embedding", "units", "layers", "bidirectional")
MAX_WEIGHTS = 5_000_000  # of the linear model: rows times classes


@dataclass(frozen=True, kw_only=True)
class Config(TextSettings):
    """The settings, which `--set KEY=VALUE` changes."""

    lowercase: bool = True
    vocabulary: int = 30_000
    max_tokens: int = setting(
        400, "tokens per text; longer texts keep a quarter from their start, the rest from their end", positive_int
    )
    units: int = setting(64, "units of each layer and direction", positive_int)
    embedding: int = setting(64, "size of the token embeddings", positive_int)
    bidirectional: bool = setting(True, "read in both directions")
    dropout: float = setting(
        0.5, "dropout rate of the inputs of each recurrent layer and of the pooled vector", fraction
    )
    word_dropout: float = setting(0.2, "fraction of the tokens replaced by <unk> in training", fraction)
    bigram_buckets: int = setting(
        2**20,
        "hash buckets for pairs of words in the linear model; fewer from 5 classes on; 0: no linear model",
        not_negative,
    )
    bigram_dropout: float = setting(
        0.5, "dropout rate of the words and pairs of the linear model", fraction, needs={"bigram_buckets": positive_int}
    )
    class_weights: str = setting(
        "none", "weights of the classes in the loss; balanced: rare classes count as much as others", choices=WEIGHTS
    )
    drop_classes: bool = setting(
        False, "fine-tuning: drop the classes of the run that the data do not have", only=FINETUNING
    )
    epochs: int = setting(0, "maximum number of epochs; 0: 2 to 30, by the number of texts", not_negative)
    batch_size: int = setting(0, "texts per step; 0: 8 to 64, by the number of texts", not_negative)
    max_batch_tokens: int = setting(16_000, "maximum tokens per step, padding included", positive_int)


Start = TextClassifier | LanguagePipeline


class Data(NamedTuple):
    """Encoded splits, and their encoder."""

    encoder: TextEncoder
    classes: list[str]
    train: LengthBuckets
    validation: LengthBuckets


def load_data(config: Config, dataset: TextDataset, folder: Path, start: Start | None) -> Data:
    """Fit the vocabulary on the training texts, then encode the training and validation texts."""
    form = start.encoder.tokenizer.form if start else {}
    counter, labels = TokenCounter(config.token_level, config.lowercase, **form), Counter()
    for example in counter.watch(track(dataset.walk(), "reading", dataset.size()), "train"):
        labels[example.label, example.split] += 1
    classes = classes_of(labels, start.classes if start else None, config.drop_classes)
    check_sizes(dataset.name, labels)
    vocabulary = fit_vocabulary(config, counter.counts, start and start.encoder.vocabulary)
    encoder = TextEncoder(vocabulary, config.token_level, config.lowercase, config.max_tokens, **form)
    config = _sized(config, texts_in(labels, "train"))
    buckets = {}
    for split, seed in (("train", config.seed), ("validation", None)):
        examples = numbered(track(dataset.stream(split), f"encoding {split}", dataset.size(split)), classes)
        texts = encode(examples, encoder, folder / f"{split}.ids")
        buckets[split] = LengthBuckets(texts, config.batch_size, config.max_batch_tokens, seed)
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
        bigrams=_bigram_buckets(config, data, start),
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


def train(config: Config, dataset: TextDataset, job: runs.Job) -> dict:
    """Train on `dataset`, leave the run folder at `job.out`, and return the figures on the held-out texts."""
    start = job.start and job.start.pipeline
    config = _as_in_start(config, job)
    keras.utils.set_random_seed(config.seed)
    with runs.new(job, config) as run:
        data = load_data(config, dataset, run.folder, start)
        model = build_model(config, data, start)
        run.uses(bigram_buckets=model.settings["bigrams"])
        plan = training_plan(config, _sized(config, len(data.train.texts)).epochs, start is not None)
        pipeline = TextClassifier(data.encoder, model, data.classes)
        run.measure_before(pipeline, dataset)
        weights = None
        if config.class_weights == "balanced":
            weights = balanced_weights(data.train.texts.labels, len(data.classes))
        history = fit(model, data.train, data.validation, plan, run.folder, job.tensorboard, weights)
        return run.finish(pipeline, run.measure(pipeline, dataset), history)


def _as_in_start(config: Config, job: runs.Job) -> Config:
    """`config` with the settings that the run to start from decides.

    Raises:
        UsageError: a setting was given that contradicts it.
    """
    if not job.start:
        return config
    encoder, model = job.start.pipeline.encoder, job.start.pipeline.model.settings
    if not job.start.pipeline.classes:  # a language model
        decided = {"token_level": encoder.token_level, "lowercase": encoder.lowercase, "bidirectional": False}
        decided |= {name: model[name] for name in ("cell", "embedding", "units", "layers")}
        say("the classifier reads in one direction, as the language model does")
    else:
        job.require_same(asdict(config), FIXED_SETTINGS)
        decided = {"bigram_buckets": model.get("bigrams", 0)}
    for name, value in decided.items():
        own = getattr(config, name)
        if own != value and (name in job.given or own not in (getattr(Config, name), job.start.settings.get(name))):
            raise UsageError(f"--set {name}={own}: {name} is {value} in {job.start.path}")
    return replace(config, **decided)


def _bigram_buckets(config: Config, data: Data, start: Start | None) -> int:
    """The number of buckets: as in the run to start from, or at most as many as the number of classes allows."""
    limit = max(0, MAX_WEIGHTS // len(data.classes) - len(data.encoder.vocabulary))
    same_classes = start and set(start.classes) & set(data.classes)
    if same_classes or config.bigram_buckets <= limit:
        return config.bigram_buckets
    say(f"bigram_buckets={limit} instead of {config.bigram_buckets}, for {len(data.classes)} classes")
    return limit


def _sized(config: Config, texts: int) -> Config:
    """`config` with batch size and epochs that are 0 chosen by the number of training texts."""
    batch_size = config.batch_size or min(64, max(8, texts // 50))
    epochs = config.epochs or min(30, max(2, round(UPDATES * batch_size / max(texts, 1))))
    return replace(config, batch_size=batch_size, epochs=epochs)
