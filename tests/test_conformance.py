"""The table of all public cells, layers, models and recipes; what does not belong there is in test_broken.py."""

import inspect

import keras
import pytest

from nlp_rnn import layers, resources
from nlp_rnn.classification.model import Classifier
from nlp_rnn.forecasting.direct_model import DirectForecaster
from nlp_rnn.forecasting.path_model import PathForecaster
from nlp_rnn.language_model.model import LanguageModel
from nlp_rnn.layers import (
    GRU,
    LSTM,
    RNN,
    Attention,
    BagOfBigrams,
    Bidirectional,
    CoupledLSTM,
    Decoder,
    LayerNormLSTM,
    MeanMaxPooling,
    MinGRU,
    PeepholeLSTM,
    ProjectedLSTM,
    Stack,
    WeightDrop,
    WordDropout,
    Zoneout,
    cells,
)
from nlp_rnn.layers.cells import Cell
from nlp_rnn.layers.recurrent import CELLS as CELLS_BY_NAME
from nlp_rnn.seq2seq.model import Seq2Seq
from tests.conformance import (
    U,
    check_cell,
    check_forecaster,
    check_language_model,
    check_layer,
    check_model,
    check_recipe,
    check_seq2seq,
    normal,
)

CELLS = {  # the shapes of the weights that the equation takes
    "RNN": (),
    "LSTM": (),
    "GRU": (),
    "GRU_RESET_BEFORE": [(U, U)],
    "PEEPHOLE_LSTM": [(U,)] * 3,
    "PROJECTED_LSTM": [(U, U)],
    "LAYER_NORM_LSTM": [(4 * U,), (U,), (U,)],
    "COUPLED_LSTM": (),
    "MIN_GRU": (),
}
LAYERS = {
    "RNN": lambda: RNN(U),
    "RNN, sequences": lambda: RNN(U, return_sequences=True),
    "LSTM": lambda: LSTM(U),
    "LSTM, sequences": lambda: LSTM(U, return_sequences=True),
    "GRU": lambda: GRU(U),
    "GRU, sequences": lambda: GRU(U, return_sequences=True),
    "GRU, reset before": lambda: GRU(U, return_sequences=True, reset_after=False),
    "LSTM, other activations": lambda: LSTM(U, activation="softsign", recurrent_activation="hard_sigmoid"),
    "Bidirectional": lambda: Bidirectional(LSTM(U)),
    "Bidirectional, sequences": lambda: Bidirectional(GRU(U, return_sequences=True), merge_mode="sum"),
    "Stack": lambda: Stack([LSTM(U, return_sequences=True), Bidirectional(RNN(U))]),
    "PeepholeLSTM": lambda: PeepholeLSTM(U),
    "CoupledLSTM": lambda: CoupledLSTM(U, return_sequences=True),
    "ProjectedLSTM": lambda: ProjectedLSTM(U, 3),
    "LayerNormLSTM": lambda: LayerNormLSTM(U, return_sequences=True),
    "MinGRU": lambda: MinGRU(U),
    "Zoneout": lambda: Zoneout(LSTM(U), 0.2),
    "WeightDrop": lambda: WeightDrop(GRU(U, return_sequences=True), 0.5),
    "Bidirectional, wrapped": lambda: Bidirectional(Zoneout(WeightDrop(ProjectedLSTM(U, 3), 0.5), 0.1)),
    "MeanMaxPooling": MeanMaxPooling,
}
MODELS = {
    f"Classifier, {cell}": lambda cell=cell: Classifier(20, 3, cell, embedding=4, units=3, layers=2, dropout=0.1)
    for cell in CELLS_BY_NAME
} | {
    "Classifier, one direction": lambda: Classifier(20, 3, embedding=4, units=3, layers=2, bidirectional=False),
    "Classifier, bigrams": lambda: Classifier(20, 3, embedding=4, units=3, bigrams=30, bigram_dropout=0.1),
}
LANGUAGE_MODELS = {
    f"LanguageModel, {cell}": lambda cell=cell: LanguageModel(
        20, cell, embedding=4, units=3 + (cell == "gru"), layers=2, dropout=0.1, weight_drop=0.1, word_dropout=0.1
    )
    for cell in CELLS_BY_NAME
}
SEQ2SEQ = {
    f"Seq2Seq, {cell}, {attention}": lambda cell=cell, attention=attention: Seq2Seq(
        20, 20, cell, embedding=4 + 2 * (cell == "gru"), units=6, layers=2, attention=attention, dropout=0.1
    )
    for cell in CELLS_BY_NAME
    for attention in ("multiplicative", "additive", "none")
}
SEQ2SEQ["Seq2Seq, fed"] = lambda: Seq2Seq(
    20, 20, embedding=4, units=4, attention="additive", input_feeding=True, coverage=True
)
FORECASTER = {"categories": 2, "centering_window": 3, "covariates": 2, "num_future_covariates": 1}
FORECASTERS = {
    f"DirectForecaster, {cell}, {scaling}": lambda length, cell=cell, scaling=scaling: DirectForecaster(
        length, 4, segment=5, cell=cell, units=6, layers=2, scaling=scaling, **FORECASTER
    )
    for cell, scaling in (("gru", "log"), ("lstm", "deviation"), ("rnn", "size"))
} | {
    f"PathForecaster, {cell}, {likelihood}": lambda _, cell=cell, likelihood=likelihood: PathForecaster(
        3,
        likelihood,
        cell,
        units=6,
        scaling="log" if cell == "gru" else "deviation",
        **FORECASTER,
    )
    for cell, likelihood in (("gru", "student_t"), ("lstm", "normal"))
}
# Of other inputs than vectors [B, T, F]: tests/test_regularization.py, tests/test_attention.py, tests/test_bag.py.
OF_OTHER = {WordDropout, Attention, BagOfBigrams, Decoder}


@pytest.mark.parametrize("name", CELLS)
def test_keeps_the_promises_of_a_cell(name):
    check_cell(getattr(cells, name), [normal(*shape, seed=n) for n, shape in enumerate(CELLS[name])])


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYERS)
def test_keeps_the_promises_of_a_layer(name, tmp_path):
    check_layer(LAYERS[name], tmp_path)


@pytest.mark.parametrize("name", MODELS)
def test_keeps_the_promises_of_a_model(name, tmp_path):
    check_model(MODELS[name], tmp_path)


@pytest.mark.parametrize("name", LANGUAGE_MODELS)
def test_keeps_the_promises_of_a_language_model(name, tmp_path):
    check_language_model(LANGUAGE_MODELS[name], tmp_path)


@pytest.mark.parametrize("name", resources.recipes())
def test_keeps_the_promises_of_a_recipe(name):
    check_recipe(resources.recipes()[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", SEQ2SEQ)
def test_keeps_the_promises_of_a_seq2seq(name, tmp_path):
    check_seq2seq(SEQ2SEQ[name], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORECASTERS)
def test_keeps_the_promises_of_a_forecaster(name, tmp_path):
    check_forecaster(FORECASTERS[name], tmp_path)


def test_the_tables_are_complete():
    assert {name for name, value in vars(cells).items() if isinstance(value, Cell)} == set(CELLS)
    listed = {type(make()) for make in LAYERS.values()} | OF_OTHER | {layers.Recurrent}
    assert listed == {getattr(layers, name) for name in layers.__all__}
    public = [Classifier, DirectForecaster, LanguageModel, PathForecaster, Seq2Seq]
    listed = {type(make()) for make in [*MODELS.values(), *LANGUAGE_MODELS.values(), *SEQ2SEQ.values()]}
    listed |= {type(make(12)) for make in FORECASTERS.values()}
    assert listed == {value for value in public if inspect.isclass(value) and issubclass(value, keras.Model)}
