"""One time step of each recurrent network: the equation, in the letters of the papers.

Every function takes the pre-activation of a step, `z` = W x + U h + b, and the state before it, and returns the state
after it and the gates by name. A cell that treats W x and U h differently takes them one by one, as `wx` and `uh`.
The rows of a batch never mix, so the same function advances one step, [B, K], or looks at all steps at once,
[T, B, K]. `loops.py` runs it over time, with the products of `products.py`.

Shapes: B batch, T time steps, U units, K columns, a multiple of U; `...` is [B] or [T, B]. Gate order is that of
`keras.layers` where Keras has the cell.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

Tensor = tf.Tensor
State = tuple[Tensor, ...]
Step = tuple[State, dict[str, Tensor]]


class Cell(NamedTuple):
    """An equation, and what the loop and the layers must know of it.

    Attributes:
        step: (z, state, *weights) or, where not `additive`, (wx, uh, state, *weights) -> (state after, gates).
        columns: K / U, how many pre-activations a unit has.
        gates: the names of the gates that `step` gives.
        states: how many states it carries; `state[0]` is what the recurrent kernel multiplies.
        additive: W x and U h matter only through their sum.
        recurrent: there is a U at all.
    """

    step: Callable[..., Step]
    columns: int
    gates: tuple[str, ...]
    states: int = 1
    additive: bool = True
    recurrent: bool = True


def rnn(z: Tensor, state: State) -> Step:
    """Advance a simple recurrent network (Elman, 1990, "Finding structure in time"); K = U, state (h,), no gates."""
    h = tf.tanh(z)
    return (h,), {}


def lstm(z: Tensor, state: State) -> Step:
    """Advance an LSTM (Hochreiter & Schmidhuber, 1997; forget gate of Gers et al., 2000).

    Args:
        z: pre-activations, [..., 4U]; gates in order i, f, c~, o.
        state: (h, c), [..., U] each.

    Returns:
        (h, c) after the step, and the gates i, f, g (the candidate c~) and o.
    """
    _, c = state
    i, f, g, o = squashed(z, "sigmoid", "sigmoid", "tanh", "sigmoid")
    c = f * c + i * g
    h = o * tf.tanh(c)
    return (h, c), {"i": i, "f": f, "g": g, "o": o}


def gru(wx: Tensor, uh: Tensor, state: State) -> Step:
    """Advance a GRU (Cho et al., 2014; the reset gate after the product, as in Keras and cuDNN).

    Args:
        wx, uh: pre-activations, [..., 3U] each; gates in order z, r, h~. `uh` carries a bias of its own.
        state: (h,), [..., U].

    Returns:
        (h,) after the step, and the gates z, r and g (the candidate h~).
    """
    (h,) = state
    units = h.shape[-1]
    x_zr, xg = tf.split(wx, [2 * units, units], axis=-1)
    h_zr, hg = tf.split(uh, [2 * units, units], axis=-1)
    z, r = tf.split(tf.sigmoid(x_zr + h_zr), 2, axis=-1)
    g = tf.tanh(xg + r * hg)
    h = z * h + (1 - z) * g
    return (h,), {"z": z, "r": r, "g": g}


def peephole_lstm(z: Tensor, state: State, pi: Tensor, pf: Tensor, po: Tensor) -> Step:
    """Advance an LSTM whose gates see the memory (Gers & Schmidhuber, 2000; formulas of Graves, 2013).

    i and f see the memory before the step, o the one after it, through the weights `pi`, `pf`, `po`, [U] each.
    Otherwise as `lstm`.
    """
    _, c = state
    zi, zf, zg, zo = tf.split(z, 4, axis=-1)
    i, f = tf.sigmoid(zi + pi * c), tf.sigmoid(zf + pf * c)
    g = tf.tanh(zg)
    c = f * c + i * g
    o = tf.sigmoid(zo + po * c)
    h = o * tf.tanh(c)
    return (h, c), {"i": i, "f": f, "g": g, "o": o}


def coupled_lstm(z: Tensor, state: State) -> Step:
    """Advance an LSTM that forgets as much as it takes in, f = 1 - i (Greff et al., 2017, "CIFG").

    Args:
        z: pre-activations, [..., 3U]; gates in order f, c~, o.
        state: (h, c), [..., U] each.
    """
    _, c = state
    f, g, o = squashed(z, "sigmoid", "tanh", "sigmoid")
    c = f * c + (1 - f) * g
    h = o * tf.tanh(c)
    return (h, c), {"f": f, "g": g, "o": o}


def projected_lstm(z: Tensor, state: State, projection: Tensor) -> Step:
    """Advance an LSTM whose output is projected to fewer units (Sak et al., 2014, "LSTMP").

    `state` is (h, c), [..., P] and [..., U]; `projection` is [U, P]. Otherwise as `lstm`.
    """
    (m, c), gates = lstm(z, state)
    h = tf.tensordot(m, projection, 1)
    return (h, c), gates


def layer_norm_lstm(wx: Tensor, uh: Tensor, state: State, gain: Tensor, gain_c: Tensor, shift_c: Tensor) -> Step:
    """Advance an LSTM with layer normalisation (Ba et al., 2016, formulas 20 to 22).

    Args:
        wx: normalised W x + b, [..., 4U]: the layer does that for all steps at once.
        uh: U h, [..., 4U]; normalised here, over its 4U columns, and scaled by `gain`, [4U].
        state: (h, c), [..., U] each; c is normalised on its way to h, scaled by `gain_c` and shifted by `shift_c`.
    """
    i, f, g, o = squashed(wx + gain * normalised(uh), "sigmoid", "sigmoid", "tanh", "sigmoid")
    c = f * state[1] + i * g
    h = o * tf.tanh(gain_c * normalised(c) + shift_c)
    return (h, c), {"i": i, "f": f, "g": g, "o": o}


def min_gru(wx: Tensor, state: State) -> Step:
    """Advance a minGRU, whose gates see only the input (Feng et al., 2024, "Were RNNs all we needed?").

    Args:
        wx: W x + b, [..., 2U]; the gate z, then the candidate h~. There is no U h.
        state: (h,), [..., U].
    """
    (h,) = state
    xz, g = tf.split(wx, 2, axis=-1)
    z = tf.sigmoid(xz)
    h = (1 - z) * h + z * g
    return (h,), {"z": z, "g": g}


def squashed(z: Tensor, *functions: str) -> list[Tensor]:
    """The gates of pre-activations [..., K], each by its function, "sigmoid" or "tanh".

    One tanh over all columns: sigmoid(x) = (1 + tanh(x / 2)) / 2. A function of a whole row runs several times as fast
    as four of its quarters, in either direction.
    """
    units = z.shape[-1] // len(functions)
    scale = np.repeat([0.5 if name == "sigmoid" else 1.0 for name in functions], units)
    scale, shift = tf.constant(scale, z.dtype), tf.constant(1.0 - scale, z.dtype)
    return tf.split(tf.tanh(z * scale) * scale + shift, len(functions), axis=-1)


def normalised(x: Tensor) -> Tensor:
    """Each row of `x`, [..., N], with mean 0 and variance 1."""
    mean = tf.reduce_mean(x, -1, keepdims=True)
    centred = x - mean
    variance = tf.reduce_mean(centred * centred, -1, keepdims=True)
    return centred * tf.math.rsqrt(variance + tf.cast(1e-5, x.dtype))


RNN = Cell(rnn, columns=1, gates=())
LSTM = Cell(lstm, columns=4, gates=("i", "f", "g", "o"), states=2)
GRU = Cell(gru, columns=3, gates=("z", "r", "g"), additive=False)
PEEPHOLE_LSTM = LSTM._replace(step=peephole_lstm)
PROJECTED_LSTM = LSTM._replace(step=projected_lstm)
LAYER_NORM_LSTM = LSTM._replace(step=layer_norm_lstm, additive=False)
COUPLED_LSTM = Cell(coupled_lstm, columns=3, gates=("f", "g", "o"), states=2)
MIN_GRU = Cell(min_gru, columns=2, gates=("z", "g"), recurrent=False)
