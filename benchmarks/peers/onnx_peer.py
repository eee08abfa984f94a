"""Inference in ONNX Runtime: its operators RNN, LSTM and GRU, with the lengths of the sequences instead of a mask."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}


def versions() -> str:
    """What is measured here, and how many threads it takes."""
    return f"onnxruntime {onnxruntime.__version__}, threads: as it decides"


def layer(_, case):
    """Of a `Layer` case for inference, what to time."""
    both, cell = case.cell.startswith("Bidirectional"), case.cell.split()[-1]
    b, t, f, u = case.shape
    rng, directions = np.random.default_rng(0), 1 + both
    shapes = {"W": (directions, GATES[cell] * u, f), "R": (directions, GATES[cell] * u, u)}
    weights = {name: rng.uniform(-0.1, 0.1, shape).astype("float32") for name, shape in shapes.items()}
    initializers = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    if case.mask:
        initializers.append(numpy_helper.from_array(case.lengths().astype("int32"), "lengths"))
    inputs = ["x", "W", "R", "", "lengths"] if case.mask else ["x", "W", "R"]
    options = {"linear_before_reset": 1} if cell == "GRU" else {}
    direction = "bidirectional" if both else "forward"
    node = helper.make_node(cell, inputs, ["y"], hidden_size=u, direction=direction, **options)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (t, b, f))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (t, directions, b, u))
    model = helper.make_model(helper.make_graph([node], "layer", [x], [y], initializers))
    model.ir_version, model.opset_import[0].version = 9, 20
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    data = {"x": rng.normal(size=(t, b, f)).astype("float32")}
    return lambda: session.run(None, data)
