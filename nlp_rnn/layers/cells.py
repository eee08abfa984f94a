"""One time step of each recurrent network: the equation, in the letters of the papers.

Every function takes the two pre-activations of a step, `wx` = W x + b and `uh` = U h, and the state before it, and
returns the state after it and the gates by name. All of it is element-wise, so the same function advances one step,
[B, U], or looks at all steps at once, [T, B, U]. `scan.py` runs it over time and owns the matrix products.

Shapes: B batch, T time steps, U units; `...` is [B] or [T, B]. Gate order is that of `keras.layers`.
"""

from collections.abc import Callable

import tensorflow as tf

Tensor = tf.Tensor
State = tuple[Tensor, ...]
Cell = Callable[[Tensor, Tensor, State], tuple[State, dict[str, Tensor]]]


def rnn(wx: Tensor, uh: Tensor, state: State) -> tuple[State, dict[str, Tensor]]:
    """Advance a simple recurrent network (Elman, 1990, "Finding structure in time").

    Args:
        wx, uh: pre-activations, [..., U] each.
        state: (h,), [..., U].

    Returns:
        (h,) after the step, and no gates.
    """
    h = tf.tanh(wx + uh)
    return (h,), {}


def lstm(wx: Tensor, uh: Tensor, state: State) -> tuple[State, dict[str, Tensor]]:
    """Advance an LSTM (Hochreiter & Schmidhuber, 1997; forget gate of Gers et al., 2000).

    Args:
        wx, uh: pre-activations, [..., 4U] each; gates in order i, f, c~, o.
        state: (h, c), [..., U] each.

    Returns:
        (h, c) after the step, and the gates i, f, g (the candidate c~) and o.
    """
    _, c = state
    zi, zf, zg, zo = tf.split(wx + uh, 4, axis=-1)
    i, f, o = tf.sigmoid(zi), tf.sigmoid(zf), tf.sigmoid(zo)
    g = tf.tanh(zg)
    c = f * c + i * g
    h = o * tf.tanh(c)
    return (h, c), {"i": i, "f": f, "g": g, "o": o}


def gru(wx: Tensor, uh: Tensor, state: State) -> tuple[State, dict[str, Tensor]]:
    """Advance a GRU (Cho et al., 2014; the reset gate after the product, as in Keras and cuDNN).

    Args:
        wx, uh: pre-activations, [..., 3U] each; gates in order z, r, h~. `uh` carries a bias of its own.
        state: (h,), [..., U].

    Returns:
        (h,) after the step, and the gates z, r and g (the candidate h~).
    """
    (h,) = state
    xz, xr, xg = tf.split(wx, 3, axis=-1)
    hz, hr, hg = tf.split(uh, 3, axis=-1)
    z, r = tf.sigmoid(xz + hz), tf.sigmoid(xr + hr)
    g = tf.tanh(xg + r * hg)
    h = z * h + (1 - z) * g
    return (h,), {"z": z, "r": r, "g": g}
