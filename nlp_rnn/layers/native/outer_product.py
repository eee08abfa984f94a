"""The product of the transposed left part of a table with its right part, as a function the backward loop calls.

It passes over all rows of the table for one tile of the result at a time, which stays in registers.
"""

from llvmlite import ir

from nlp_rnn.layers.native.kernel_spec import COLUMN_TILES, KernelSpec
from nlp_rnn.layers.native.simd import F32, I64, SimdBuilder, i64

INTEGERS = ("rows", "top", "bottom", "begin", "end", "left_stride", "right_stride", "result_stride")
ARRAYS = ("left", "right", "result")


def emit_outer_product(spec: KernelSpec, module: ir.Module) -> ir.Function:
    """Emit the function; its parameters are `INTEGERS` and `ARRAYS`.

    It adds the product of columns `top` to `bottom` of the left part and vectors `begin` to `end` of the right part,
    summed over `rows` rows, to the same rows and vectors of the result. A stride is the distance between two rows.
    """
    types = [I64] * len(INTEGERS) + [F32.as_pointer()] * len(ARRAYS)
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), types), "outer")
    function.linkage = "internal"
    simd = SimdBuilder(function, spec.lanes)
    arguments = dict(zip(INTEGERS + ARRAYS, function.args, strict=True))

    def emit_vectors(vector, count):
        columns = [simd.index((simd.index(vector, n), spec.lanes)) for n in range(count)]

        def emit_rows(row, row_tile):
            _emit_tile(simd, arguments, row, row_tile, columns)

        simd.tiled_loop(arguments["top"], arguments["bottom"], spec.row_tiles, emit_rows)

    simd.tiled_loop(arguments["begin"], arguments["end"], COLUMN_TILES, emit_vectors)
    simd.builder.ret_void()
    return function


def _emit_tile(simd, arguments, row, row_tile, columns):
    left, right, result = (arguments[name] for name in ARRAYS)
    zeros = [simd.splat(0.0)] * (row_tile * len(columns))
    with simd.accumulate(i64(0), arguments["rows"], zeros) as (n, sums):
        vectors = [simd.load(right, simd.index((n, arguments["right_stride"]), at)) for at in columns]
        scalars = [simd.broadcast(left, simd.index((n, arguments["left_stride"]), row, r)) for r in range(row_tile)]
        pairs = [(scalar, vector) for scalar in scalars for vector in vectors]
        sums[:] = [simd.fma(scalar, vector, total) for (scalar, vector), total in zip(pairs, sums, strict=True)]
    for n, total in enumerate(sums):
        index = simd.index(row, n // len(columns))
        at = simd.index((index, arguments["result_stride"]), columns[n % len(columns)])
        simd.store(simd.add(simd.load(result, at), total), result, at)
