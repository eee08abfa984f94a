"""Translation: what is a text in the other language? Embedding -> encoder -> decoder with attention -> words.

    nlp-rnn run translation
    nlp-rnn run translation --data pairs.tsv --out runs/mine
    nlp-rnn predict runs/translation "pronunciation" --beam 5 --attention picture.png

The default data are spellings and pronunciations of English words. Any pairs will do: a table with two columns of text,
or two text files with a comma between, whose lines belong together.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

import keras

from nlp_rnn import plots, runs
from nlp_rnn.checks import above_zero, at_least_zero, fraction, not_negative, one_of, positive_int, random_seed
from nlp_rnn.decoding import MOST_BEAMS, Search
from nlp_rnn.models import CELLS, Seq2Seq
from nlp_rnn.objectives import TeacherForcing
from nlp_rnn.pair_data import SIDE_UNITS, choose_units, encode_splits, learn_side
from nlp_rnn.pairs import PairBuckets
from nlp_rnn.sources.pairs import Pairs
from nlp_rnn.text import TextEncoder
from nlp_rnn.training import fit, plan_of
from nlp_rnn.translation import Translator
from nlp_rnn.translation_evaluation import check_measurable, evaluate, measure_before

DATA = "cmudict"
TAKES = "pairs"
READ = 12_000_000  # target tokens that training aims to read when the epochs are not given

KEPT = ("source_unit", "target_unit", "lowercase", "cell", "embedding", "units", "layers", "attention")
KEPT += ("input_feeding", "coverage")  # what fine-tuning cannot change


@dataclass(frozen=True)
class Config:
    """What `--set KEY=VALUE` can change."""

    source_unit: str = "auto"  # word, character, byte or subword; auto: subword, or character where sources are words
    target_unit: str = "auto"  # auto: subword, or word where all tokens together are fewer than 500
    lowercase: bool = False
    vocabulary: int = 8_000  # tokens known of each side; the rest are <unk>; going on: new ones at most
    cell: str = "lstm"  # or gru, rnn
    embedding: int = 256
    units: int = 256  # of each layer, half of it for each direction of the encoder
    layers: int = 1
    attention: str = "multiplicative"  # additive, or none for the plain context vector
    input_feeding: bool = False
    coverage: bool = False
    dropout: float = 0.2  # of the inputs of each layer and of the output
    recurrent_dropout: float = 0.0
    word_dropout: float = 0.0  # share of tokens made <unk> in training
    smoothing: float = 0.1  # of labels, in training
    sampling: float = 0.0  # chance of the decoder to read its own word instead of the right one, in training
    epochs: int = 0  # 0: by the number of tokens, 3 to 30
    batch: int = 128  # pairs in a step
    batch_tokens: int = 4_000  # of the longer side, at most, padding counted
    max_tokens: int = 100  # a longer source keeps its first quarter of these, and its end; a longer target as well
    learning_rate: float = 0.002
    finetuning_rate: float = 0.0005  # the learning rate when going on from another run
    rate_decay: float = 1.0  # fine-tuning: the rate of a layer divided by that of the layer below
    unfreeze: float = 0.0  # fine-tuning: epochs from when a layer begins to learn until the one below does
    clip: float = 1.0  # bound on the norm of the gradient
    patience: int = 2  # epochs in a row that may pass without a lower validation loss
    beam: int = 5  # of the search on the held-out pairs, and later
    length_penalty: float = 1.0
    seed: int = 0

    def __post_init__(self):
        for name in ("source_unit", "target_unit"):
            one_of(name, getattr(self, name), SIDE_UNITS)
        one_of("cell", self.cell, CELLS)
        one_of("attention", self.attention, ("multiplicative", "additive", "none"))
        for name in ("vocabulary", "embedding", "units", "layers", "batch", "batch_tokens", "max_tokens", "beam"):
            positive_int(name, getattr(self, name))
        for name in ("dropout", "recurrent_dropout", "word_dropout", "smoothing", "sampling"):
            fraction(name, getattr(self, name))
        for name in ("epochs", "patience"):
            not_negative(name, getattr(self, name))
        for name in ("unfreeze", "length_penalty"):
            at_least_zero(name, getattr(self, name))
        for name in ("learning_rate", "finetuning_rate", "rate_decay", "clip"):
            above_zero(name, getattr(self, name))
        random_seed("seed", self.seed)
        if self.beam > MOST_BEAMS:
            raise ValueError(f"beam must be at most {MOST_BEAMS}, got {self.beam}")


class Data(NamedTuple):
    """Encoded splits, and what reads text into them."""

    source: TextEncoder
    target: TextEncoder
    train: PairBuckets
    validation: PairBuckets
    longest: int


def load_data(config: Config, source: Pairs, folder: Path, start: Translator | None) -> Data:
    """Learn the vocabularies of both sides on the training pairs, then encode training and validation pairs."""
    check_measurable(source)
    encoders = [learn_side(config, source, side, start) for side in ("source", "target")]
    splits = encode_splits(source, *encoders, folder)
    buckets = (
        PairBuckets(splits[split], config.batch, config.batch_tokens, config.seed if split == "train" else None)
        for split in ("train", "validation")
    )
    return Data(*encoders, *buckets, splits["train"].longest)


def build_model(config: Config, data: Data, start: Translator | None) -> Seq2Seq:
    """Source ids [B, S] and target ids [B, T] -> logits [B, T, V], from scratch or from the weights of another run."""
    model = Seq2Seq(
        source_size=len(data.source.vocabulary),
        target_size=len(data.target.vocabulary),
        cell=config.cell,
        embedding=config.embedding,
        units=config.units,
        layers=config.layers,
        attention=config.attention,
        input_feeding=config.input_feeding,
        coverage=config.coverage,
        dropout=config.dropout,
        recurrent_dropout=config.recurrent_dropout,
        word_dropout=config.word_dropout,
        longest=data.longest,
    )
    model.build((None, None))
    if start is not None:
        model.start_from(start.model)
    return model


def train(config: Config, source: Pairs, job: runs.Job) -> dict:
    """Train on `source`, leave the run folder at `job.out`, and return the figures on the held-out pairs."""
    config = choose_units(config, source)
    job.require_same(asdict(config), KEPT)
    start = job.start and job.start.pipeline
    keras.utils.set_random_seed(config.seed)
    with runs.workplace(job, asdict(config)) as folder:
        data = load_data(config, source, folder, start)
        model = build_model(config, data, start)
        epochs = _fitted_to(config, len(data.train.texts.target.ids)).epochs
        reader = TeacherForcing(model, config.smoothing, config.sampling)
        plan = plan_of(config, epochs, start is not None)
        pipeline = Translator(data.source, model, target=data.target)
        search = Search(config.beam, config.length_penalty)
        before = measure_before(pipeline, source, search) if start is not None else {}
        history = fit(reader, data.train, data.validation, plan, folder, job.tensorboard)
        figures, rows = evaluate(pipeline, source.stream("test"), search)
        figures |= before
        (folder / "plots").mkdir(exist_ok=True)
        plots.curves(history, folder / "plots" / "curves.png")
        runs.write_rows(folder / "translations.csv", rows)
        runs.save(folder, pipeline, figures, history)
    return figures


def _fitted_to(config: Config, tokens: int) -> Config:
    """`config` with the epochs chosen for so many target tokens of training, where they are 0."""
    return replace(config, epochs=config.epochs or min(30, max(3, round(READ / tokens))))
