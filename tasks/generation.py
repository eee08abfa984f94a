"""Generation: how does a text go on? Embedding -> recurrent layers -> the embedding again, over running text.

    nlp-rnn run generation --data mine.txt
    nlp-rnn generate runs/generation "Once upon a time"
    nlp-rnn finetune runs/generation --data another.txt

The default data are 25,000 film reviews. Any text will do: a file, a folder or a glob of files, a table with a column
of texts; as words, characters or bytes (`--set unit=character`).
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import keras

from nlp_rnn import plots, runs
from nlp_rnn.checks import at_least_zero, not_negative, positive_int
from nlp_rnn.held_out import HeldOut
from nlp_rnn.language import LanguagePipeline
from nlp_rnn.language_data import TextData, check_settings, load_texts, model_of
from nlp_rnn.models import LanguageModel
from nlp_rnn.training import fit, plan_of

DATA = "movie_reviews"
TAKES = "text"
SIZES = ((100_000, 128), (1_000_000, 256), (float("inf"), 384))  # units for up to so many tokens
READ = 4_000_000  # tokens that training aims to read when the epochs are not given

KEPT = ("unit", "cell", "embedding", "units", "layers", "lowercase")  # what fine-tuning cannot change


@dataclass(frozen=True)
class Config:
    """What `--set KEY=VALUE` can change."""

    unit: str = "word"  # or character, byte
    lowercase: bool = False
    vocabulary: int = 10_000  # tokens known; the rest are <unk>
    least_count: int = 2  # a token seen less often is <unk>
    cell: str = "lstm"  # or gru, rnn
    embedding: int = 0  # 0: as units
    units: int = 0  # 0: by the amount of text, 128 to 384
    layers: int = 1
    dropout: float = 0.2  # of the inputs of each layer and of the output
    weight_drop: float = 0.0  # of the recurrent kernels
    word_dropout: float = 0.0  # share of words whose vector is zero in a batch
    activation: float = 0.0  # weight of the mean square of the outputs
    slowness: float = 0.0  # weight of the mean square of their change from step to step
    samples: int = 0  # words drawn to estimate the loss in training, for 50,000 words and more; 0: all are taken
    epochs: int = 0  # 0: by the amount of text, 1 to 30
    batch: int = 32  # streams read side by side; of short texts, each by itself, up to four times as many
    steps: int = 64  # tokens of a window; the gradient goes no further back
    reset: bool = False  # begin each text with a state of zeros; else a text goes on from the one before
    learning_rate: float = 0.004
    finetuning_rate: float = 0.001  # the learning rate when going on from another run
    rate_decay: float = 1.0  # fine-tuning: the rate of a layer divided by that of the layer below
    unfreeze: float = 0.0  # fine-tuning: epochs from when a layer begins to learn until the one below does
    clip: float = 1.0  # bound on the norm of the gradient
    patience: int = 2  # epochs in a row that may pass without a lower validation loss
    cycles: int = 1  # so often the learning rate rises and falls, when not going on from another run
    seed: int = 0

    def __post_init__(self):
        check_settings(self)
        for name in ("embedding", "units", "epochs"):
            not_negative(name, getattr(self, name))
        positive_int("cycles", self.cycles)
        for name in ("activation", "slowness"):
            at_least_zero(name, getattr(self, name))


def load_data(config: Config, source, folder: Path, start: LanguagePipeline | None) -> TextData:
    """Fit the vocabulary on the training text, then encode it as streams."""
    return load_texts(config, source, folder, start, reset=config.reset)


def build_model(config: Config, data: TextData, start: LanguagePipeline | None) -> LanguageModel:
    """Token ids [B, T] -> logits of the next token [B, T, V], from scratch or from the weights of another run."""
    config = _fitted_to(config, len(data.train.texts.ids), start)
    model = model_of(config, data.encoder)
    if start is not None:
        model.start_from(start.model)
    return model


def train(config: Config, source, job: runs.Job) -> dict:
    """Train on `source`, leave the run folder at `job.out`, and return the figures on the held-out text."""
    job.require_same(asdict(config), KEPT)
    start = job.start and job.start.pipeline
    keras.utils.set_random_seed(config.seed)
    with runs.workplace(job, asdict(config)) as folder:
        data = load_data(config, source, folder, start)
        model = build_model(config, data, start)
        pipeline, held_out = LanguagePipeline(data.encoder, model), HeldOut(source, data.passages, job.start)
        held_out.measure_before(pipeline)
        reader = data.reader(model, activation=config.activation, slowness=config.slowness, samples=config.samples)
        plan = plan_of(config, _fitted_to(config, len(data.train.texts.ids), start).epochs, start is not None)
        history = fit(reader, data.train, data.validation, plan, folder, job.tensorboard)
        figures = held_out.measure(pipeline)
        (folder / "plots").mkdir(exist_ok=True)
        plots.curves(history, folder / "plots" / "curves.png")
        runs.save(folder, pipeline, figures, history)
    return figures


def _fitted_to(config: Config, tokens: int, start: LanguagePipeline | None) -> Config:
    """`config` with the sizes and epochs chosen for so many training tokens, where they are 0."""
    chosen = next(units for most, units in SIZES if tokens <= most)
    units = start.model.settings["units"] if start else config.units or chosen
    embedding = start.model.settings["embedding"] if start else config.embedding or units
    epochs = config.epochs or min(30, max(1, round(READ / tokens)))
    return replace(config, units=units, embedding=embedding, epochs=epochs)
