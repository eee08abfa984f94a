"""Next word: which word comes next, or fills a blank? Embedding -> recurrent layers -> output tied to the embedding.

    nlp-rnn run next_word
    nlp-rnn predict runs/next_word "the clouds are in the ___"
    nlp-rnn run next_word --data mine.txt --out runs/mine

The default data are synthetic passages in which a word depends on another one up to 20 sentences before. With them,
LSTM, GRU and RNN are trained for comparison: which of them remembers the word? Any other text can be used as well.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import keras

from nlp_rnn import runs
from nlp_rnn.checks import not_negative, positive_int
from nlp_rnn.datasets import TextDataset
from nlp_rnn.language_model import DocumentDataset, LanguageModel, LanguagePipeline
from nlp_rnn.language_model.cloze import cloze_rows, measure_cloze
from nlp_rnn.language_model.data import TextData, load_texts, new_model
from nlp_rnn.language_model.settings import LanguageModelSettings
from nlp_rnn.language_model.token_level import choose_token_level
from nlp_rnn.layers.gate_biases import chrono_initialize
from nlp_rnn.layers.recurrent import CELLS
from nlp_rnn.progress import say
from nlp_rnn.settings import SCRATCH, setting
from nlp_rnn.training import fit, training_plan

TASK = "language_model"
DATA = "everyday"
TOKENS_TO_READ = 4_200_000  # in training, unless epochs is set
LONGEST_DEPENDENCY = 150  # tokens, in the default data
RATE_FACTORS = {"rnn": 0.2}  # at the learning rate of the gated cells, a simple RNN does not even learn the pronouns
FIXED_SETTINGS = ("token_level", "cell", "embedding", "units", "layers", "lowercase")
FIXED_SETTINGS += ("line_breaks", "pretokenized")


@dataclass(frozen=True, kw_only=True)
class Config(LanguageModelSettings):
    """The settings, which `--set KEY=VALUE` changes."""

    compare_cells: bool = setting(True, "also train the other cells, if the data have a column gap", only=SCRATCH)
    embedding: int = 64
    chrono_steps: int = setting(
        0,
        "chrono initialization: steps to remember; 0: 150 if the data have a column gap, else 1",
        not_negative,
        only=SCRATCH,
    )
    batch_size: int = setting(
        16, "texts of 100 tokens per step, or up to four times as many shorter ones; or streams", positive_int
    )
    learning_rate: float = 0.02
    finetuning_learning_rate: float = 0.002


def load_data(
    config: Config, dataset: TextDataset | DocumentDataset, folder: Path, start: LanguagePipeline | None
) -> TextData:
    """Fit the vocabulary on the training text, then encode it: short texts are read independently of each other."""
    return load_texts(config, dataset, folder, start)


def build_model(config: Config, data: TextData, start: LanguagePipeline | None) -> LanguageModel:
    """Token ids [B, T] -> logits of the next token [B, T, V], from scratch or from the weights of another run."""
    model = new_model(config, data.encoder)
    for number, layer in enumerate(model.recurrent.layers):
        chrono_initialize(layer, max(config.chrono_steps, 1), config.seed + number)
    if start is not None:
        model.start_from(start.model)
    return model


def train(config: Config, dataset: TextDataset | DocumentDataset, job: runs.Job) -> dict:
    """Train on `dataset`, leave the run folder at `job.out`, and return the figures on the held-out text."""
    config = choose_token_level(config, dataset)
    job.require_same(asdict(config), FIXED_SETTINGS)
    start = job.start and job.start.pipeline
    with runs.new(job, config) as run:
        data = load_data(config, dataset, run.folder, start)
        data.say_unused(run, config)
        rows = cloze_rows(dataset, config.token_level)
        if not rows:
            run.without_effect("compare_cells", "the data have no column gap")
        if config.cell == "rnn" and not (rows and config.compare_cells):
            run.without_effect("chrono_steps", "a simple RNN has no gates whose biases could be initialized")
        config = _sized(config, len(data.train.texts.ids), bool(rows))
        pipeline = _untrained(config, data, start)
        run.measure_before(pipeline, dataset)
        history = _fit(config, data, pipeline.model, run.folder, start is not None, job.tensorboard)
        report = run.measure(pipeline, dataset)
        if rows and config.compare_cells and start is None:
            for cell in [cell for cell in CELLS if cell != config.cell]:
                report.figures["cloze"][cell] = measure_cloze(_other(config, cell, data, run.folder), rows)
        return run.finish(pipeline, report, history)


def _sized(config: Config, tokens: int, distances: bool) -> Config:
    """`config` with settings that are 0 chosen: epochs by the number of training tokens, `chrono_steps` by the data."""
    epochs = config.epochs or min(30, max(1, round(TOKENS_TO_READ / tokens)))
    return replace(config, epochs=epochs, chrono_steps=config.chrono_steps or (LONGEST_DEPENDENCY if distances else 1))


def _untrained(config, data, start):
    keras.utils.set_random_seed(config.seed)
    return LanguagePipeline(data.encoder, build_model(config, data, start), data.independent_texts)


def _fit(config, data, model, folder, finetune=False, tensorboard=False):
    plan = training_plan(config, config.epochs, finetune, RATE_FACTORS.get(config.cell, 1.0))
    objective = data.objective(model, softmax_samples=config.softmax_samples)
    return fit(objective, data.train, data.validation, plan, folder, tensorboard)


def _other(config, cell, data, folder):
    """Another cell, trained on the same data with the same settings."""
    say(f"--- training {cell.upper()} for comparison")
    apart = folder / f"{cell}-checkpoint"
    apart.mkdir(exist_ok=True)
    config = replace(config, cell=cell)
    pipeline = _untrained(config, data, None)
    _fit(config, data, pipeline.model, apart)
    return pipeline
