"""What is measured: the table of cases, and how many floating-point operations of matrix products each needs.

Shapes: B batch, T time steps, F features, U units, V vocabulary.
"""

from dataclasses import dataclass

import numpy as np

CELLS = ("RNN", "LSTM", "GRU", "Bidirectional LSTM")
SHAPES = ((32, 200, 64, 64), (64, 100, 128, 256), (20, 35, 400, 1150), (20, 35, 650, 650), (1, 200, 128, 256))
SHAPES += ((256, 50, 32, 32),)


@dataclass(frozen=True)
class Layer:
    """One recurrent layer that returns the output of every step.

    Attributes:
        cell: one of `CELLS`.
        shape: B, T, F, U.
        backward: with the gradients for the input and all weights of the sum of squares; else the forward pass alone.
        mask: sequences of T/2 to T steps; in PyTorch, packed.
    """

    cell: str
    shape: tuple[int, int, int, int]
    backward: bool
    mask: bool = False

    def operations(self) -> float:
        """Of the matrix products."""
        b, t, f, u = self.shape
        gates = {"RNN": 1, "LSTM": 4, "GRU": 3, "Bidirectional LSTM": 8}[self.cell]
        return 2 * b * t * (f + u) * gates * u * (3 if self.backward else 1)

    def lengths(self) -> np.ndarray:
        """Steps of each sequence, with a mask."""
        b, t, _, _ = self.shape
        return np.random.default_rng(0).integers(t // 2, t + 1, b)

    def __str__(self):
        passes = "forward+backward" if self.backward else "forward"
        return f"{self.cell:<19}{','.join(map(str, self.shape)):<16}{passes}{', mask' if self.mask else ''}"


@dataclass(frozen=True)
class LanguageModel:
    """One training step: embedding, LSTM layers, softmax, clipping at norm 5, plain gradient descent."""

    batch: int = 20
    steps: int = 35
    units: int = 650
    layers: int = 2
    vocabulary: int = 10_000

    def operations(self) -> float:
        """Of the matrix products."""
        a_position = 2 * self.units * (self.layers * 8 * self.units + self.vocabulary)
        return 3 * self.batch * self.steps * a_position

    def __str__(self):
        return (
            f"language model, {self.layers}x{self.units}, V {self.vocabulary}, B {self.batch}, T {self.steps}: a step"
        )


@dataclass(frozen=True)
class Epochs:
    """Training a classifier of texts: embedding, bidirectional LSTM, mean and maximum, dense; Adam, clipping at norm 1.

    The texts' lengths are drawn like those of film reviews, cut at 300 tokens (log-normal, median 174); batches are
    of texts of like length, the same for all.
    """

    texts: int = 10_000
    epochs: int = 3
    units: int = 64
    embedding: int = 64
    vocabulary: int = 30_000
    batch: int = 64

    def batches(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Ids [B, T], padded right with 0, and labels [B]."""
        draw = np.random.default_rng(0)
        lengths = np.sort(np.clip(draw.lognormal(np.log(174), 0.65, self.texts), 10, 300).astype(int))
        groups = [lengths[n : n + self.batch] for n in range(0, self.texts, self.batch)]
        draw.shuffle(groups)
        made = []
        for group in groups:
            ids = draw.integers(2, self.vocabulary, (len(group), group.max())).astype("int32")
            ids[np.arange(group.max()) >= group[:, None]] = 0
            made.append((ids, draw.integers(0, 2, len(group)).astype("int32")))
        return made

    def tokens(self) -> int:
        """Of all epochs; padding is not counted."""
        return self.epochs * sum(int((ids != 0).sum()) for ids, _ in self.batches())

    def __str__(self):
        words = "1 epoch" if self.epochs == 1 else f"{self.epochs} epochs"
        return f"{words} of {self.texts} texts, bidirectional LSTM {self.units}, compiling included"


@dataclass(frozen=True)
class Generation:
    """Sampling from a language model whose output has its embedding for a kernel, the state carried."""

    batch: int
    units: int = 384
    layers: int = 1
    vocabulary: int = 10_000
    length: int = 64
    temperature: float = 0.8

    def __str__(self):
        return f"generation, {self.layers}x{self.units}, V {self.vocabulary}, B {self.batch}: {self.length} tokens"


@dataclass(frozen=True)
class Translation:
    """Training an encoder-decoder with multiplicative attention, Adam, clipping at norm 1: a pass over some batches.

    The lengths are drawn like those of short sentences (log-normal, median 9 tokens); a batch has like lengths.
    """

    batch: int = 128
    batches: int = 8
    units: int = 512
    embedding: int = 256
    vocabulary: int = 8_000

    def pairs(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Source ids [B, S] and target ids [B, T], padded right with 0; targets end with 2."""
        draw, made = np.random.default_rng(0), []
        lengths = np.sort(np.clip(draw.lognormal(np.log(9), 0.4, self.batch * self.batches), 3, 40).astype(int))
        for group in np.split(lengths, self.batches):
            sides = []
            for more in (0, 1):
                count = np.clip(group + draw.integers(-1, 3, len(group)), 2, None) + more
                ids = draw.integers(3, self.vocabulary, (len(group), count.max())).astype("int32")
                ids[np.arange(count.max()) >= count[:, None]] = 0
                ids[np.arange(len(group)), count - 1] = 2
                sides.append(ids)
            made.append(tuple(sides))
        return made

    def tokens(self) -> int:
        """Target tokens of a pass; padding is not counted."""
        return sum(int((target != 0).sum()) for _, target in self.pairs())

    def __str__(self):
        return f"translation, {self.embedding}-{self.units}, V {self.vocabulary}, B {self.batch}: {self.batches} steps"


@dataclass(frozen=True)
class Beams:
    """Beam search with such a model, untrained, so that every beam goes on to the last token.

    Attributes:
        alone: PyTorch takes one source after the other, as a plain loop does; here they are a batch all the same.
    """

    sentences: int = 64
    alone: bool = False
    beams: int = 5
    length: int = 30
    units: int = 512
    embedding: int = 256
    vocabulary: int = 8_000

    def sources(self) -> np.ndarray:
        """Ids [B, 10]."""
        return np.random.default_rng(0).integers(3, self.vocabulary, (self.sentences, 10)).astype("int32")

    def __str__(self):
        how = ", one by one in PyTorch" if self.alone else ""
        return f"beam search, {self.beams} beams, {self.sentences} sources of 10 tokens, to {self.length} tokens{how}"


@dataclass(frozen=True)
class Forecasting:
    """Training a network that predicts a normal distribution of the next value over many series, Adam, no dropout.

    Attributes:
        cell: "GRU", as the recipe has by default, or "LSTM".
        series: as long as the monthly ones of the M3 competition.
        context_length, horizon: points of a window; each of them but the first is predicted.
        windows: in a pass.
    """

    cell: str = "GRU"
    series: int = 1_428
    context_length: int = 36
    horizon: int = 18
    windows: int = 7_140
    batch: int = 140
    units: int = 64
    layers: int = 2

    def values(self) -> list[np.ndarray]:
        """The series, float32."""
        random = np.random.default_rng(0)
        lengths = random.integers(66, 145, self.series)
        return [random.normal(100, 10, length).astype("float32") for length in lengths]

    def __str__(self):
        return (
            f"forecaster, {self.layers} {self.cell} of {self.units}, {self.series:,} series: {self.windows:,} windows"
        )


def layers() -> list[Layer]:
    """Every cell and shape, forward, and forward and backward; with a mask and without."""
    ways = ((False, False), (False, True), (True, False), (True, True))
    return [Layer(cell, shape, *way) for cell in CELLS for shape in SHAPES for way in ways]
