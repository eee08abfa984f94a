"""The product of a table's left, transposed, with its right: a function that the loop backward calls.

It goes through all rows of the table for a few rows and columns of the result at a time, which stay in registers.
"""

from llvmlite import ir

from nlp_rnn.layers.native.emitter import FLOAT, INT, Emitter, number
from nlp_rnn.layers.native.kinds import ACROSS, Kind

NUMBERS = ("rows", "top", "bottom", "begin", "end", "wide_left", "wide_right", "wide")
ARRAYS = ("left", "right", "result")


def outer(kind: Kind, module: ir.Module) -> ir.Function:
    """Write the function; its arguments are `NUMBERS` and `ARRAYS`.

    To the rows of the result from `top` to `bottom`, and its vectors from `begin` to `end`, it adds the product of the
    same columns of `rows` rows of the left and of the right; a row is `wide` or so numbers further than the one before.
    """
    taken = [INT] * len(NUMBERS) + [FLOAT.as_pointer()] * len(ARRAYS)
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), taken), "outer")
    function.linkage = "internal"
    e = Emitter(function, kind.lanes)
    given = dict(zip(NUMBERS + ARRAYS, function.args, strict=True))

    def of_vectors(vector, across):
        columns = [e.index((e.index(vector, n), kind.lanes)) for n in range(across)]
        e.cut(given["top"], given["bottom"], kind.sizes, lambda row, tall: _tile(e, given, row, tall, columns))

    e.cut(given["begin"], given["end"], ACROSS, of_vectors)
    e.builder.ret_void()
    return function


def _tile(e, given, row, tall, columns):
    zeros = [e.whole(0.0)] * (tall * len(columns))
    with e.sums(number(0), given["rows"], zeros) as (n, sums):
        many = [e.load(given["right"], e.index((n, given["wide_right"]), at)) for at in columns]
        ones = [e.spread(given["left"], e.index((n, given["wide_left"]), row, r)) for r in range(tall)]
        pairs = [(one, vector) for one in ones for vector in many]
        sums[:] = [e.fused(one, vector, total) for (one, vector), total in zip(pairs, sums, strict=True)]
    for n, total in enumerate(sums):
        at = e.index((e.index(row, n // len(columns)), given["wide"]), columns[n % len(columns)])
        e.store(e.add(e.load(given["result"], at), total), given["result"], at)
