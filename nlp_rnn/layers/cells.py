"""One time step of each recurrent network: the equation, in the letters of the papers.

Every function takes the pre-activation of a step, `z` = W x + U h + b, and the state before the step. It returns the
state after the step, and the gates by name. A cell that treats W x and U h differently takes them separately, as `wx`
and `uh`. No row of a batch depends on another, so the same function computes one step, [B, K], or all steps at once
from their states, [T, B, K]. `loops.py` runs it over time, with the products of `products.py`.

Shapes: B batch, T time steps, U units, K columns, a multiple of U; `...` is [B] or [T, B]. The gate order is that of
`keras.layers` where Keras has the cell.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

Tensor = tf.Tensor
State = tuple[Tensor, ...]
Step = tuple[State, dict[str, Tensor]]
Activation = Callable[[Tensor], Tensor]


class Cell(NamedTuple):
    """An equation and its properties.

    Attributes:
        step: (z, state, *weights) or, if not `additive`, (wx, uh, state, *weights) -> (new state, gates).
        columns: K / U, the number of pre-activations of a unit.
        gates: the names of the gates that `step` returns.
        states: the number of states; `state[0]` is the one that the recurrent kernel multiplies.
        additive: whether W x and U h matter only through their sum.
        recurrent: whether there is a recurrent kernel U.
        activations: the activation functions that can be replaced, by their names as arguments of `step`.
        product_in_step: whether `step` itself multiplies by a part of U, which is among its weights.
        traceable: whether the equation for one unit, which `native` compiles, is that for all units.
    """

    step: Callable[..., Step]
    columns: int
    gates: tuple[str, ...]
    states: int = 1
    additive: bool = True
    recurrent: bool = True
    activations: tuple[str, ...] = ()
    product_in_step: bool = False
    traceable: bool = True


def rnn(z: Tensor, state: State, activation: Activation = tf.tanh) -> Step:
    """Advance a simple recurrent network (Elman, 1990, "Finding structure in time"); K = U, state (h,), no gates."""
    h = activation(z)
    return (h,), {}


def lstm(
    z: Tensor, state: State, activation: Activation = tf.tanh, recurrent_activation: Activation = tf.sigmoid
) -> Step:
    """Advance an LSTM (Hochreiter & Schmidhuber, 1997; forget gate of Gers et al., 2000).

    Args:
        z: pre-activations, [..., 4U]; gates in order i, f, c~, o.
        state: (h, c), [..., U] each.
        activation: that of the candidate and of c, from which h is computed.
        recurrent_activation: that of the gates i, f and o.

    Returns:
        (h, c) after the step, and the gates i, f, g (the candidate c~) and o.
    """
    _, c = state
    i, f, g, o = activate_gates(z, recurrent_activation, recurrent_activation, activation, recurrent_activation)
    c = f * c + i * g
    h = o * activation(c)
    return (h, c), {"i": i, "f": f, "g": g, "o": o}


def gru(
    wx: Tensor,
    uh: Tensor,
    state: State,
    activation: Activation = tf.tanh,
    recurrent_activation: Activation = tf.sigmoid,
) -> Step:
    """Advance a GRU (Cho et al., 2014; the reset gate after the product, as in Keras and cuDNN).

    Args:
        wx, uh: pre-activations, [..., 3U] each; gates in order z, r, h~. `uh` includes a bias of its own.
        state: (h,), [..., U].
        activation: that of the candidate.
        recurrent_activation: that of the gates z and r.

    Returns:
        (h,) after the step, and the gates z, r and g (the candidate h~).
    """
    (h,) = state
    units = h.shape[-1]
    x_zr, xg = tf.split(wx, [2 * units, units], axis=-1)
    h_zr, hg = tf.split(uh, [2 * units, units], axis=-1)
    z, r = _activate_both(x_zr + h_zr, recurrent_activation)
    g = activation(xg + r * hg)
    h = z * h + (1 - z) * g
    return (h,), {"z": z, "r": r, "g": g}


def gru_reset_before(
    wx: Tensor,
    uh: Tensor,
    state: State,
    candidate_kernel: Tensor,
    activation: Activation = tf.tanh,
    recurrent_activation: Activation = tf.sigmoid,
) -> Step:
    """Advance a GRU whose reset gate applies before the product, as in the first version of Cho et al., 2014.

    `uh` holds the gates z and r alone, [..., 2U]; `candidate_kernel`, [U, U], is the rest of U. Otherwise as `gru`.
    """
    (h,) = state
    units = h.shape[-1]
    x_zr, xg = tf.split(wx, [2 * units, units], axis=-1)
    z, r = _activate_both(x_zr + uh, recurrent_activation)
    g = activation(xg + tf.tensordot(r * h, candidate_kernel, 1))
    h = z * h + (1 - z) * g
    return (h,), {"z": z, "r": r, "g": g}


def peephole_lstm(z: Tensor, state: State, pi: Tensor, pf: Tensor, po: Tensor) -> Step:
    """Advance an LSTM with peephole connections (Gers & Schmidhuber, 2000; equations of Graves, 2013).

    The gates i and f also depend on the memory before the step, and o on the memory after it, through the weights `pi`,
    `pf` and `po`, [U] each. Otherwise as `lstm`.
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
    """Advance an LSTM with coupled input and forget gates, i = 1 - f (Greff et al., 2017, "CIFG").

    Args:
        z: pre-activations, [..., 3U]; gates in order f, c~, o.
        state: (h, c), [..., U] each.
    """
    _, c = state
    f, g, o = activate_gates(z, "sigmoid", "tanh", "sigmoid")
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
    """Advance an LSTM with layer normalisation (Ba et al., 2016, equations 20 to 22).

    Args:
        wx: W x, normalised, scaled and with the bias added, [..., 4U]; the layer computes it for all steps at once.
        uh: U h, [..., 4U]; normalised here over its 4U columns, and scaled by `gain`, [4U].
        state: (h, c), [..., U] each.
        gain_c, shift_c: scale and shift of the normalised c, from which h is computed, [U] each.
    """
    i, f, g, o = activate_gates(wx + gain * layer_normalise(uh), "sigmoid", "sigmoid", "tanh", "sigmoid")
    c = f * state[1] + i * g
    h = o * tf.tanh(gain_c * layer_normalise(c) + shift_c)
    return (h, c), {"i": i, "f": f, "g": g, "o": o}


def min_gru(wx: Tensor, state: State) -> Step:
    """Advance a minGRU, whose gates depend on the input alone (Feng et al., 2024, "Were RNNs All We Needed?").

    Args:
        wx: W x + b, [..., 2U]; the gate z, then the candidate h~. There is no U h.
        state: (h,), [..., U].
    """
    (h,) = state
    xz, g = tf.split(wx, 2, axis=-1)
    z = tf.sigmoid(xz)
    h = (1 - z) * h + z * g
    return (h,), {"z": z, "g": g}


def activate_gates(z: Tensor, *functions: str | Activation) -> list[Tensor]:
    """Split pre-activations [..., K] into gates, and apply to each its function; "sigmoid" and "tanh" are TensorFlow's.

    These two are computed as one tanh over all columns, with sigmoid(x) = (1 + tanh(x / 2)) / 2. One function of a
    whole row is several times as fast as four functions of a quarter of it, forward and backward.
    """
    activations = [getattr(tf, function) if isinstance(function, str) else function for function in functions]
    if not all(function in (tf.sigmoid, tf.tanh) for function in activations):
        parts = tf.split(z, len(activations), axis=-1)
        return [function(part) for function, part in zip(activations, parts, strict=True)]
    units = z.shape[-1] // len(activations)
    scale = np.repeat([0.5 if function is tf.sigmoid else 1.0 for function in activations], units)
    scale, shift = tf.constant(scale, z.dtype), tf.constant(1.0 - scale, z.dtype)
    return tf.split(tf.tanh(z * scale) * scale + shift, len(activations), axis=-1)


def _activate_both(z, function):
    """Split pre-activations [..., 2U] into two gates, and apply the function to both."""
    if function is tf.sigmoid:
        return tf.split(tf.sigmoid(z), 2, axis=-1)
    return [function(part) for part in tf.split(z, 2, axis=-1)]  # a function such as softmax mixes the units of a gate


@functools.lru_cache  # the same cell for all layers with these functions, so that they share its compiled program
def with_activations(cell: Cell, functions: tuple[tuple[str, Activation], ...]) -> Cell:
    """Return the cell with other activation functions, pairs of a name in `cell.activations` and a function."""
    return cell._replace(step=functools.partial(cell.step, **dict(functions)), traceable=False)


def layer_normalise(x: Tensor) -> Tensor:
    """Normalise each row of `x`, [..., N], to mean 0 and variance 1."""
    mean = tf.reduce_mean(x, -1, keepdims=True)
    centred = x - mean
    variance = tf.reduce_mean(centred * centred, -1, keepdims=True)
    return centred * tf.math.rsqrt(variance + tf.cast(1e-5, x.dtype))


BOTH = ("activation", "recurrent_activation")
RNN = Cell(rnn, columns=1, gates=(), activations=("activation",))
LSTM = Cell(lstm, columns=4, gates=("i", "f", "g", "o"), states=2, activations=BOTH)
GRU = Cell(gru, columns=3, gates=("z", "r", "g"), additive=False, activations=BOTH)
GRU_RESET_BEFORE = GRU._replace(step=gru_reset_before, product_in_step=True)
PEEPHOLE_LSTM = LSTM._replace(step=peephole_lstm, activations=())
PROJECTED_LSTM = LSTM._replace(step=projected_lstm, activations=())
LAYER_NORM_LSTM = LSTM._replace(step=layer_norm_lstm, additive=False, activations=())
COUPLED_LSTM = Cell(coupled_lstm, columns=3, gates=("f", "g", "o"), states=2)
MIN_GRU = Cell(min_gru, columns=2, gates=("z", "g"), recurrent=False)
