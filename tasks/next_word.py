"""Next word: which word comes next, or fills a blank? Embedding -> recurrent layers -> the embedding again.

    nlp-rnn run next_word
    nlp-rnn predict runs/next_word "the clouds are in the ___"
    nlp-rnn run next_word --data mine.txt --out runs/mine

The default data are synthetic passages in which a word follows from what comes before, up to 20 sentences away. With
them, RNN, GRU and LSTM are trained side by side: which of them still knows the word? Any other text will do as well.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import keras

from nlp_rnn import plots, runs
from nlp_rnn.checks import not_negative, positive_int
from nlp_rnn.cloze import cloze_rows, measure_cloze
from nlp_rnn.held_out import HeldOut
from nlp_rnn.language import LanguagePipeline
from nlp_rnn.language_data import TextData, check_settings, load_texts, model_of
from nlp_rnn.layers.chrono import remember
from nlp_rnn.models import CELLS, LanguageModel
from nlp_rnn.progress import say
from nlp_rnn.training import fit, plan_of

DATA = "everyday"
TAKES = "text"
READ = 4_200_000  # tokens that training aims to read when the epochs are not given
LONG = 150  # steps: the farthest that a word of the default set depends on
PACE = {"rnn": 0.2}  # of the learning rate: at that of the gated cells a simple RNN does not even learn the pronouns

KEPT = ("unit", "cell", "embedding", "units", "layers", "lowercase")  # what fine-tuning cannot change


@dataclass(frozen=True)
class Config:
    """What `--set KEY=VALUE` can change."""

    unit: str = "word"  # or character, byte
    lowercase: bool = False
    vocabulary: int = 20_000  # tokens known; the rest are <unk>
    least_count: int = 2  # a token seen less often is <unk>
    cell: str = "lstm"  # or gru, rnn
    compare: bool = True  # train the other cells as well, where the data set has gaps
    embedding: int = 64
    units: int = 128
    layers: int = 1
    memory: int = 0  # steps over which the gates remember at first; 0: 150 where the data set has gaps, none else
    dropout: float = 0.0
    weight_drop: float = 0.0
    word_dropout: float = 0.0
    samples: int = 0  # words drawn to estimate the loss in training, for 50,000 words and more; 0: all are taken
    epochs: int = 0  # 0: by the amount of text, 1 to 30
    batch: int = 16  # passages of 100 tokens, up to four times as many of short ones; or streams of a long text
    steps: int = 64  # tokens of a window, of a long text
    learning_rate: float = 0.02
    finetuning_rate: float = 0.002  # the learning rate when going on from another run
    rate_decay: float = 1.0  # fine-tuning: the rate of a layer divided by that of the layer below
    unfreeze: float = 0.0  # fine-tuning: epochs from when a layer begins to learn until the one below does
    clip: float = 1.0  # bound on the norm of the gradient
    patience: int = 2  # epochs in a row that may pass without a lower validation loss
    seed: int = 0

    def __post_init__(self):
        check_settings(self)
        for name in ("embedding", "units"):
            positive_int(name, getattr(self, name))
        for name in ("memory", "epochs"):
            not_negative(name, getattr(self, name))


def load_data(config: Config, source, folder: Path, start: LanguagePipeline | None) -> TextData:
    """Fit the vocabulary on the training text, then encode it."""
    return load_texts(config, source, folder, start, passages=True)


def build_model(config: Config, data: TextData, start: LanguagePipeline | None) -> LanguageModel:
    """Token ids [B, T] -> logits of the next token [B, T, V], from scratch or from the weights of another run."""
    model = model_of(config, data.encoder)
    for number, layer in enumerate(model.recurrent.layers):
        remember(layer, max(config.memory, 1), config.seed + number)
    if start is not None:
        model.start_from(start.model)
    return model


def train(config: Config, source, job: runs.Job) -> dict:
    """Train on `source`, leave the run folder at `job.out`, and return the figures on the held-out text."""
    job.require_same(asdict(config), KEPT)
    start = job.start and job.start.pipeline
    with runs.workplace(job, asdict(config)) as folder:
        data = load_data(config, source, folder, start)
        rows = cloze_rows(source, config.unit)
        config = _fitted_to(config, len(data.train.texts.ids), bool(rows))
        held_out = HeldOut(source, data.passages, job.start)
        pipeline, history = _trained(config, data, start, folder, held_out, job.tensorboard)
        figures = held_out.measure(pipeline)
        if rows:
            figures["cloze"] = {config.cell: measure_cloze(pipeline, rows)}
            for cell in [cell for cell in CELLS if config.compare and start is None and cell != config.cell]:
                other = _other(config, cell, data, folder)
                figures["cloze"][cell] = measure_cloze(other, rows)
        _draw(folder, history, figures)
        runs.save(folder, pipeline, figures, history)
    return figures


def _fitted_to(config: Config, tokens: int, gaps: bool) -> Config:
    """`config` with the epochs chosen for so many training tokens, and the memory by the data, where they are 0."""
    epochs = config.epochs or min(30, max(1, round(READ / tokens)))
    return replace(config, epochs=epochs, memory=config.memory or (LONG if gaps else 1))


def _trained(config, data, start, folder, held_out=None, tensorboard=False):
    keras.utils.set_random_seed(config.seed)
    model = build_model(config, data, start)
    pipeline = LanguagePipeline(data.encoder, model)
    if held_out is not None:
        held_out.measure_before(pipeline)
    plan = plan_of(config, config.epochs, start is not None, PACE.get(config.cell, 1.0))
    reader = data.reader(model, samples=config.samples)
    return pipeline, fit(reader, data.train, data.validation, plan, folder, tensorboard)


def _other(config, cell, data, folder):
    """Another cell, trained on the same data with the same settings."""
    say(f"--- the same with {cell.upper()}, to compare")
    apart = folder / f"{cell}-checkpoint"
    apart.mkdir(exist_ok=True)
    pipeline, _ = _trained(replace(config, cell=cell), data, None, apart)
    return pipeline


def _draw(folder, history, figures):
    (folder / "plots").mkdir(exist_ok=True)
    plots.curves(history, folder / "plots" / "curves.png")
    gaps = {cell.upper(): found["gaps"] for cell, found in figures.get("cloze", {}).items() if found["gaps"]}
    if gaps:
        title = "Is the country still known when its language is due?"
        axes = "sentences in between", "share of right answers, held out"
        plots.lines(gaps, title, *axes, folder / "plots" / "gaps.png")
