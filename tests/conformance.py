"""What every cell, layer, model and recipe promises, checked in one place for each kind."""

import ast
import dataclasses
import inspect

import keras
import numpy as np
import tensorflow as tf

from nlp_rnn import recipes, task
from nlp_rnn.settings import Settings

B, T, F, U = 4, 6, 3, 5
RIGHT = np.arange(T) < np.array([6, 4, 1, 0])[:, None]  # the last row is all padding
LEFT = RIGHT[:, ::-1].copy()


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def check_cell(cell, weights=()):
    """Assert that a cell keeps the rows of a batch apart, uses all of its inputs, and names its gates, of shape U."""
    k = cell.columns * U
    widths = [k] if cell.additive or not cell.recurrent else [k, k - U * cell.product_in_step]
    pre = [normal(T, B, width, seed=n) for n, width in enumerate(widths)]
    before = tuple(normal(T, B, U, seed=2 + n) for n in range(cell.states))
    after, gates = cell.step(*pre, before, *weights)
    assert len(after) == cell.states, f"the step returns {len(after)} states, the cell has {cell.states}"
    assert all(s.shape == (T, B, U) for s in after), "a state has another shape than [T, B, U]"
    assert tuple(gates) == cell.gates, f"the step returns the gates {tuple(gates)}, the cell names {cell.gates}"
    assert all(gate.shape == (T, B, U) for gate in gates.values()), "a gate has another shape than [T, B, U]"
    for t in range(T):
        one, _ = cell.step(*(p[t] for p in pre), tuple(s[t] for s in before), *weights)
        for whole, step in zip(after, one, strict=True):
            np.testing.assert_allclose(whole[t], step, rtol=1e-5, atol=1e-6, err_msg="steps depend on each other")
    alone, _ = cell.step(*(p[:, :1] for p in pre), tuple(s[:, :1] for s in before), *weights)
    np.testing.assert_allclose(
        alone[0], after[0][:, :1], rtol=1e-5, atol=1e-6, err_msg="rows of a batch depend on each other"
    )
    for n, p in enumerate(pre):
        changed = [*pre[:n], p + normal(*p.shape, seed=9), *pre[n + 1 :]]
        reached = cell.step(*changed, before, *weights)[0][0]
        assert not np.allclose(reached, after[0]), f"pre-activation {n} does not reach h"
    lines = inspect.getsource(cell.step).split('"""')[-1].strip().splitlines()
    assert len(lines) <= 16, "an equation has at most 16 lines"


def check_layer(make, tmp_path):
    """Assert that a layer over [B, T, F] runs in a graph, trains all weights, ignores padding, and can be saved."""
    x, layer = normal(B, T, F), make()
    with tf.GradientTape() as tape:
        y = layer(x)
        loss = tf.reduce_sum(tf.sin(y) * normal(*y.shape, seed=9))
    values = [w.value for w in layer.trainable_weights]
    for weight, gradient in zip(layer.trainable_weights, tape.gradient(loss, values), strict=True):
        assert gradient is not None and np.any(gradient), f"no gradient reaches {weight.path}"
    assert tuple(y.shape) == tuple(layer.compute_output_shape(x.shape)), "compute_output_shape is wrong"
    anything = tf.TensorSpec([None, None, F])
    np.testing.assert_allclose(tf.function(layer, input_signature=[anything])(x), y, rtol=1e-5, atol=1e-6)
    _check_mask(layer, x)
    _check_mixed_precision(make, x)
    _check_saving(keras.Input((None, F)), layer, x, tmp_path)


def _check_mask(layer, x):
    """Padding on either side changes nothing at the steps that count, and nothing is NaN anywhere."""
    for mask in (RIGHT, LEFT):
        full = layer(x, mask=tf.constant(mask)).numpy()
        other = layer(np.where(mask[..., None], x, 7.0), mask=tf.constant(mask)).numpy()
        assert np.isfinite(full).all(), "padding gives NaN"
        np.testing.assert_allclose(full, other, rtol=1e-5, atol=1e-6, err_msg="the values of padding change the output")
        for row in range(B - 1):
            kept = mask[row]
            alone = layer(x[row : row + 1, kept]).numpy()[0]
            here = full[row, kept] if full.ndim == 3 else full[row]
            np.testing.assert_allclose(here, alone, rtol=1e-5, atol=1e-6, err_msg="padding changes the output")


def _check_mixed_precision(make, x):
    kept = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layer = make()
        assert layer(x).dtype == tf.bfloat16
        assert all(w.dtype == "float32" for w in layer.weights)
    finally:
        keras.config.set_dtype_policy(kept)


def _check_saving(inputs, layer, x, tmp_path):
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(x), model(x))
    saved, loaded = _settings(layer.get_config()), _settings(again.layers[-1].get_config())
    assert saved == loaded, f"the config changes when it is saved: {saved} becomes {loaded}"


def _settings(config):
    """A config without the shapes that layers inside were built with, which only some ways of building note down."""
    if isinstance(config, list):
        return [_settings(part) for part in config]
    if isinstance(config, dict):
        return {key: _settings(value) for key, value in config.items() if key != "build_config"}
    return config


def check_model(make, tmp_path):
    """Assert that a model over ids [B, T] trains every weight, does not see padding, and survives saving."""
    ids = np.where(RIGHT, np.random.default_rng(0).integers(1, 20, (B, T)), 0).astype("int32")
    model = make()
    _check_gradients(model, ids)
    for number, weight in enumerate(model.trainable_variables):
        if not np.any(weight):  # what begins at zero would hide what it is multiplied with
            weight.assign(0.1 * normal(*weight.shape, seed=number))
    y = model(ids).numpy()
    assert np.isfinite(y).all()
    for padding in ([[0, 0], [0, 3]], [[0, 0], [2, 0]]):
        np.testing.assert_allclose(model(np.pad(ids, padding)), y, rtol=1e-5, atol=1e-6, err_msg="padding is seen")
    for row in range(B):
        np.testing.assert_allclose(model(ids[row : row + 1]), y[row : row + 1], rtol=1e-5, atol=1e-6)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(ids), y)
    assert again.get_config() == model.get_config()


def _check_gradients(model, ids):
    """A finite gradient, not all of it zero, reaches every weight."""
    with tf.GradientTape() as tape:
        y = model(ids, training=True)
        loss = tf.reduce_sum(tf.sin(y) * normal(*y.shape, seed=9))
    values = [w.value for w in model.trainable_weights]
    for weight, gradient in zip(model.trainable_weights, tape.gradient(loss, values), strict=True):
        some = gradient is not None and np.any(tf.convert_to_tensor(gradient))
        assert some, f"no gradient reaches {weight.path}"
        assert np.isfinite(tf.convert_to_tensor(gradient)).all(), f"the gradient of {weight.path} is not finite"


def check_language_model(make, tmp_path):
    """Assert that a model trains every weight, sees only the past, continues from its state, and survives saving."""
    ids = np.random.default_rng(0).integers(1, 20, (B, T)).astype("int32")
    model = make()
    _check_gradients(model, ids)
    y = model(ids).numpy()
    changed = np.where(np.arange(T) < 3, ids, 1 + ids % 19)
    np.testing.assert_allclose(model(changed)[:, :3], y[:, :3], rtol=1e-5, atol=1e-6, err_msg="the future is seen")
    assert not np.allclose(model(changed)[:, 3], y[:, 3]), "a token does not reach what is said of the next"
    np.testing.assert_allclose(
        model(np.pad(ids, [[0, 0], [0, 2]]))[:, :T], y, rtol=1e-5, atol=1e-6, err_msg="padding is seen"
    )
    first = model.run(tf.constant(ids[:, :2]), model.initial_states(B))
    rest = model.logits(model.run(tf.constant(ids[:, 2:]), first.states).raw)
    np.testing.assert_allclose(rest, y[:, 2:], rtol=1e-5, atol=1e-6, err_msg="the state does not carry on")
    logits, _ = model.step(tf.constant(ids[:, 2]), first.states)
    np.testing.assert_allclose(logits, y[:, 2], rtol=1e-5, atol=1e-6, err_msg="a step is not what the whole is")
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(ids), y)
    assert again.get_config() == model.get_config()


def check_seq2seq(make, tmp_path):
    """Assert that a model trains every weight, sees no padding or future, decodes step by step, and survives saving."""
    draw = np.random.default_rng(0)
    source = np.where(RIGHT[:3], draw.integers(3, 20, (3, T)), 0).astype("int32")
    target = draw.integers(3, 20, (3, 4)).astype("int32")
    model = make()
    _check_gradients(model, (source, target))
    y = model((source, target)).numpy()
    wider = np.pad(source, [[0, 0], [0, 3]])
    np.testing.assert_allclose(model((wider, target)), y, rtol=1e-5, atol=1e-6, err_msg="padding is seen")
    for row in range(3):
        alone = model((source[row : row + 1, RIGHT[row]], target[row : row + 1]))
        np.testing.assert_allclose(alone[0], y[row], rtol=1e-5, atol=1e-6, err_msg="a batch is not as its rows")
    changed = np.where(np.arange(4) < 2, target, 3 + target % 17)
    np.testing.assert_allclose(model((source, changed))[:, :2], y[:, :2], rtol=1e-5, err_msg="the future is seen")
    other = model((np.where(source, 3 + source % 17, 0), target))
    assert not np.allclose(other, y), "the source does not reach the target"
    memory, standing = model.encode(tf.constant(source))
    for t in range(4):
        logits, _, standing = model.step(tf.constant(target[:, t]), memory, standing)
        np.testing.assert_allclose(logits, y[:, t], rtol=1e-4, atol=1e-5, err_msg="a step is not what the whole is")
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again((source, target)), y)
    assert again.get_config() == model.get_config()


def check_forecaster(make, tmp_path):
    """Assert that a forecaster trains every weight, mixes no windows, scales with a series, and survives saving.

    `make` takes the context length and makes a model that forecasts 4 points; the season is 3, and there are 2
    categories and 2 covariates, the first of which is known for future times.
    """
    random = np.random.default_rng(0)
    context = (20 + 5 * np.sin(np.arange(12)) + random.normal(size=(B, 12))).astype("float32")
    context[0, :5], context[1, 7], category = np.nan, np.nan, np.array([0, 1, 2, 1], "int32")
    targets, covariates = (random.normal(size=shape).astype("float32") for shape in ((B, 4), (B, 16, 2)))
    covariates[:, 12:, 1], covariates[2, 3] = np.nan, np.nan
    model, inputs = make(12), (context, category, covariates)
    y = model(inputs).numpy()
    _check_window_losses(model, context, targets + 20, category, covariates)
    for row in range(B):
        alone = model(tuple(part[row : row + 1] for part in inputs))
        np.testing.assert_allclose(alone[0], y[row], rtol=1e-5, atol=1e-5, err_msg="rows of a batch mix")
    assert not np.allclose(model((context, category[::-1].copy(), covariates)), y), "the category is not used"
    _check_covariates(model, *inputs)
    nothing = model((np.full((1, 12), np.nan, "float32"), category[:1], covariates[:1])).numpy()
    assert np.isfinite(nothing).all(), "an empty window gives NaN"
    _check_size(model, *inputs)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(inputs), y)
    assert again.get_config() == model.get_config()


def _check_window_losses(model, context, targets, category, covariates):
    """The loss is finite, has a gradient for every weight, and leaves out missing targets."""
    with tf.GradientTape() as tape:
        losses, weights = model.window_losses(
            *map(tf.constant, (context, targets, category, covariates)), training=True
        )
        loss = tf.reduce_sum(losses * weights)
    values = [w.value for w in model.trainable_weights]
    for weight, gradient in zip(model.trainable_weights, tape.gradient(loss, values), strict=True):
        some = gradient is not None and np.any(tf.convert_to_tensor(gradient))
        assert some, f"no gradient reaches {weight.path}"
        assert np.isfinite(tf.convert_to_tensor(gradient)).all(), f"the gradient of {weight.path} is not finite"
    gaps = np.where(np.arange(4) == 3, np.nan, targets).astype("float32")
    _, weights = model.window_losses(*map(tf.constant, (context, gaps, category, covariates)))
    assert np.isfinite(losses).all() and weights.numpy().sum() == 3 * B, "a missing target is counted"


def _check_covariates(model, context, category, covariates):
    """A forecast depends on covariates, but on no future values of those that are not known ahead."""
    y = model((context, category, covariates)).numpy()
    for place, words in (((12, 0), "a covariate known ahead"), ((11, 1), "a covariate of the past")):
        other = covariates.copy()
        other[:, *place] += 1
        assert not np.allclose(model((context, category, other)), y), f"{words} does not reach the forecast"
    other = covariates.copy()
    other[:, 12:, 1] = 5
    leaked = "future values of a past covariate are read"
    np.testing.assert_array_equal(model((context, category, other)), y, err_msg=leaked)


def _check_size(model, context, category, covariates):
    """The loss of a series in another unit is the same, except for what the unit adds to a density."""
    targets = context[:, -4:] + 1
    losses, _ = model.window_losses(*map(tf.constant, (context, targets, category, covariates)))
    larger, _ = model.window_losses(*map(tf.constant, (1000 * context, 1000 * targets, category, covariates)))
    np.testing.assert_allclose(larger, losses, rtol=1e-2, atol=1e-3, err_msg="it depends on the unit of a series")


def check_recipe(path):
    """Assert that a recipe reads as all recipes do: TASK, DATA, a frozen Config, load_data, build_model, train."""
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") < 200, "a recipe is under 200 lines"
    assert recipes.summary(path), "the first line of the docstring is what `list` shows"
    recipe = recipes.load(str(path))
    tree = ast.parse(text)
    named = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    order = [named.index(part) for part in recipes.PARTS]
    assert order == sorted(order), f"the parts stand in the order {recipes.PARTS}"
    imported = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert all(m.split(".")[0] in ("nlp_rnn", "collections", "dataclasses", "pathlib", "typing") for m in imported)
    assert getattr(recipe, "TASK", None) in task.TASKS, "a recipe names its task"
    assert getattr(recipe, "DATA", None), "a recipe names its default data"
    config = recipe.Config()
    assert isinstance(config, Settings), "Config extends Settings"
    assert dataclasses.is_dataclass(config) and config.__dataclass_params__.frozen, "Config is frozen"
    assert "seed" in {field.name for field in dataclasses.fields(config)}, "Config has a seed"
    assert all(field.type in (int, float, str, bool) for field in dataclasses.fields(config)), "--set reads these types"
