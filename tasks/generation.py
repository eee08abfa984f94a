"""Generation: how does a text continue? Embedding -> recurrent layers -> output tied to the embedding.

    nlp-rnn run generation --data mine.txt
    nlp-rnn generate runs/generation "Once upon a time"
    nlp-rnn finetune runs/generation --data another.txt

The default data are 25,000 film reviews. Any text can be used: a file, a folder or a glob of files, a table with a
column of texts; as words, characters or bytes (`--set token_level=character`).
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import keras

from nlp_rnn import runs
from nlp_rnn.checks import at_least_zero, not_negative
from nlp_rnn.datasets import TextDataset
from nlp_rnn.language_model import DocumentDataset, LanguageModel, LanguagePipeline
from nlp_rnn.language_model.data import TextData, load_texts, new_model
from nlp_rnn.language_model.settings import LanguageModelSettings
from nlp_rnn.language_model.token_level import choose_token_level
from nlp_rnn.settings import setting
from nlp_rnn.training import fit, training_plan

TASK = "language_model"
DATA = "movie_reviews"
SIZES = ((100_000, 128), (1_000_000, 256), (float("inf"), 384))  # maximum number of tokens, units
TOKENS_TO_READ = 4_000_000  # in training, unless epochs is set
FIXED_SETTINGS = ("token_level", "cell", "embedding", "units", "layers", "lowercase")
FIXED_SETTINGS += ("line_breaks", "pretokenized")


@dataclass(frozen=True, kw_only=True)
class Config(LanguageModelSettings):
    """The settings, which `--set KEY=VALUE` changes."""

    vocabulary: int = 10_000
    embedding: int = setting(0, "size of the token embeddings; 0: as units", not_negative)
    units: int = setting(0, "units of each layer; 0: by the amount of text, 128 to 384", not_negative)
    dropout: float = 0.2
    activation_regularization: float = setting(0.0, "weight of the mean square of the outputs (AR)", at_least_zero)
    temporal_activation_regularization: float = setting(
        0.0, "weight of the mean square of the change of the outputs from step to step (TAR)", at_least_zero
    )
    reset_states: bool = setting(False, "start each text from a zero state instead of that after the previous text")


def load_data(
    config: Config, dataset: TextDataset | DocumentDataset, folder: Path, start: LanguagePipeline | None
) -> TextData:
    """Fit the vocabulary on the training text, then encode it as streams."""
    return load_texts(config, dataset, folder, start, independent_texts=config.reset_states)


def build_model(config: Config, data: TextData, start: LanguagePipeline | None) -> LanguageModel:
    """Token ids [B, T] -> logits of the next token [B, T, V], from scratch or from the weights of another run."""
    model = new_model(_sized(config, len(data.train.texts.ids), start), data.encoder)
    if start is not None:
        model.start_from(start.model)
    return model


def train(config: Config, dataset: TextDataset | DocumentDataset, job: runs.Job) -> dict:
    """Train on `dataset`, leave the run folder at `job.out`, and return the figures on the held-out text."""
    config = choose_token_level(config, dataset)
    job.require_same(asdict(config), FIXED_SETTINGS)
    start = job.start and job.start.pipeline
    keras.utils.set_random_seed(config.seed)
    with runs.new(job, config) as run:
        data = load_data(config, dataset, run.folder, start)
        data.say_unused(run, config)
        model = build_model(config, data, start)
        pipeline = LanguagePipeline(data.encoder, model, data.independent_texts)
        run.measure_before(pipeline, dataset)
        objective = data.objective(
            model,
            activation_regularization=config.activation_regularization,
            temporal_activation_regularization=config.temporal_activation_regularization,
            softmax_samples=config.softmax_samples,
        )
        plan = training_plan(config, _sized(config, len(data.train.texts.ids), start).epochs, start is not None)
        history = fit(objective, data.train, data.validation, plan, run.folder, job.tensorboard)
        return run.finish(pipeline, run.measure(pipeline, dataset), history)


def _sized(config: Config, tokens: int, start: LanguagePipeline | None) -> Config:
    """`config` with sizes and epochs that are 0 chosen by the number of training tokens."""
    chosen = next(units for most, units in SIZES if tokens <= most)
    units = start.model.settings["units"] if start else config.units or chosen
    embedding = start.model.settings["embedding"] if start else config.embedding or units
    epochs = config.epochs or min(30, max(1, round(TOKENS_TO_READ / tokens)))
    return replace(config, units=units, embedding=embedding, epochs=epochs)
