"""Translation: what is a text in the other language? Embedding -> encoder -> decoder with attention -> words.

    nlp-rnn run translation
    nlp-rnn run translation --data pairs.tsv --out runs/mine
    nlp-rnn predict runs/translation "pronunciation" --beam-width 5 --attention picture.png

The default data are spellings and pronunciations of English words. Any pairs can be used: a table with two columns of
text, or two text files with a comma between their names, whose n-th lines form a pair.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import keras

from nlp_rnn import runs
from nlp_rnn.checks import at_least_zero, fraction, not_negative, positive_int
from nlp_rnn.seq2seq import Seq2Seq, Translator
from nlp_rnn.seq2seq.batching import PairBuckets
from nlp_rnn.seq2seq.data import choose_token_levels, encode_splits, learn_encoder
from nlp_rnn.seq2seq.evaluation import check_measurable
from nlp_rnn.seq2seq.objective import TeacherForcing
from nlp_rnn.seq2seq.pairs import PairDataset
from nlp_rnn.seq2seq.settings import ATTENTION_SCORES, SIDE_TOKEN_LEVELS, even_int, valid_beam_width
from nlp_rnn.settings import setting
from nlp_rnn.text import TextEncoder
from nlp_rnn.text.token_levels import SUBWORD
from nlp_rnn.training import fit, training_plan
from nlp_rnn.training.settings import RecurrentSettings

TASK = "translator"
DATA = "cmudict"
TRAINED_TOKENS = 12_000_000  # target tokens to train on, unless epochs is set
FIXED_SETTINGS = ("source_token_level", "target_token_level", "lowercase", "cell", "embedding", "units", "layers")
FIXED_SETTINGS += ("attention", "input_feeding", "coverage")


@dataclass(frozen=True, kw_only=True)
class Config(RecurrentSettings):
    """The settings, which `--set KEY=VALUE` changes."""

    source_token_level: str = setting(
        "auto",
        "token level of sources; auto: subword, or character if sources are single words",
        choices=SIDE_TOKEN_LEVELS,
    )
    target_token_level: str = setting(
        "auto", "token level of targets; auto: subword, or word if fewer than 500 differ", choices=SIDE_TOKEN_LEVELS
    )
    lowercase: bool = setting(False, "convert text to lower case")
    vocabulary: int = setting(8_000, "tokens of each side; the rest are <unk>; fine-tuning: new tokens", positive_int)
    embedding: int = setting(256, "size of the token embeddings", positive_int)
    units: int = setting(256, "units of each layer, an even number; half for each direction of the encoder", even_int)
    attention: str = setting(
        "multiplicative", "attention score; none: a fixed context vector", choices=ATTENTION_SCORES
    )
    input_feeding: bool = setting(False, "feed the decoder's previous output back into it; slower to train")
    coverage: bool = setting(False, "additive attention also reads its past weights; slower to train")
    dropout: float = setting(0.2, "dropout rate of the inputs of each recurrent layer and of the output", fraction)
    recurrent_dropout: float = setting(0.0, "dropout rate of the hidden state between time steps", fraction)
    word_dropout: float = setting(0.0, "fraction of the tokens replaced by <unk> in training", fraction)
    label_smoothing: float = setting(0.1, "probability spread over all tokens in training", fraction)
    scheduled_sampling: float = setting(
        0.0, "probability that the decoder reads its own prediction in training", fraction
    )
    epochs: int = setting(0, "maximum number of epochs; 0: 3 to 30, by the number of tokens", not_negative)
    batch_size: int = setting(128, "pairs per step", positive_int)
    max_batch_tokens: int = setting(4_000, "maximum tokens of the longer side per step, padding included", positive_int)
    max_tokens: int = setting(
        100, "tokens per text; longer texts keep a quarter from their start, the rest from their end", positive_int
    )
    learning_rate: float = 0.002
    finetuning_learning_rate: float = 0.0005
    beam_width: int = setting(
        5, "beam width on held-out pairs, and the default of predict (1 to 100)", valid_beam_width
    )
    length_penalty: float = setting(
        1.0, "the score of a translation is divided by its length to this power", at_least_zero
    )

    def __post_init__(self):
        super().__post_init__()
        if self.coverage and self.attention != "additive":
            raise ValueError(f"coverage needs attention=additive, got attention={self.attention}")
        if self.input_feeding and self.attention == "none":
            raise ValueError("input_feeding needs attention, got attention=none")


class Data(NamedTuple):
    """Encoded splits, and their encoders."""

    source: TextEncoder
    target: TextEncoder
    train: PairBuckets
    validation: PairBuckets
    max_length_ratio: int


def load_data(config: Config, dataset: PairDataset, folder: Path, start: Translator | None) -> Data:
    """Learn the vocabularies of both sides on the training pairs, then encode the training and validation pairs."""
    check_measurable(dataset)
    source, target = (learn_encoder(config, dataset, side, start) for side in ("source", "target"))
    splits = encode_splits(dataset, source, target, folder)
    train, validation = (
        PairBuckets(splits[split], config.batch_size, config.max_batch_tokens, seed)
        for split, seed in (("train", config.seed), ("validation", None))
    )
    return Data(source, target, train, validation, splits["train"].max_length_ratio)


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
        longest=data.max_length_ratio,
    )
    model.build((None, None))
    if start is not None:
        model.start_from(start.model)
    return model


def train(config: Config, dataset: PairDataset, job: runs.Job) -> dict:
    """Train on `dataset`, leave the run folder at `job.out`, and return the figures on the held-out pairs."""
    config = choose_token_levels(config, dataset)
    job.require_same(asdict(config), FIXED_SETTINGS)
    start = job.start and job.start.pipeline
    keras.utils.set_random_seed(config.seed)
    with runs.new(job, config) as run:
        data = load_data(config, dataset, run.folder, start)
        if {config.source_token_level, config.target_token_level} <= ({"byte", SUBWORD} if start else {"byte"}):
            run.without_effect("vocabulary", "bytes, and subwords when fine-tuning, have a fixed one")
        model = build_model(config, data, start)
        objective = TeacherForcing(model, config.label_smoothing, config.scheduled_sampling)
        plan = training_plan(config, _epochs(config, len(data.train.texts.target.ids)), start is not None)
        pipeline = Translator(data.source, model, target=data.target)
        run.measure_before(pipeline, dataset)
        history = fit(objective, data.train, data.validation, plan, run.folder, job.tensorboard)
        return run.finish(pipeline, run.measure(pipeline, dataset), history)


def _epochs(config: Config, tokens: int) -> int:
    """The number of epochs; 0 is replaced by one that depends on the number of target tokens for training."""
    return config.epochs or min(30, max(3, round(TRAINED_TOKENS / tokens)))
