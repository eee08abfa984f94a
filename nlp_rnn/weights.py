"""A model on disk: its structure as JSON, its weights as HDF5. Loading one executes no code and unpickles nothing."""

import copy
from pathlib import Path
from typing import Any

import keras

import nlp_rnn.layers  # noqa: F401, registers the layers that a structure may contain
from nlp_rnn.checks import InputError

WEIGHTS = "model.weights.h5"
KERAS_MODULES = (
    "keras", "keras.layers", "keras.models", "keras.src.models.functional",
    "keras.initializers", "keras.regularizers", "keras.constraints",
)  # fmt: skip
OPERATIONS = "keras.src.ops."  # functions of keras.ops in a Functional model
ARGUMENTS = ("__keras_tensor__", "__tuple__", "__slice__", "__ellipsis__")  # how Keras serializes their arguments
UNSAFE = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")  # layers that contain code or pickles


def save(model: keras.Model, weights: Path) -> dict[str, Any]:
    """Write the weights to a file.

    Args:
        model: a built model.
        weights: a new file that ends in .weights.h5.

    Returns:
        The structure, for JSON; `load` needs both.
    """
    structure = keras.saving.serialize_keras_object(model)
    structure.pop("compile_config", None)  # the settings of the run say how it was trained
    # Saved from a copy without an optimizer, whose moments would make the file three times as large.
    plain = _built(structure)
    plain.set_weights(model.get_weights())
    plain.save_weights(weights)
    return structure


def load(structure: dict[str, Any], weights: Path) -> keras.Model:
    """Load a model.

    Args:
        structure, weights: from `save`.

    Raises:
        InputError: the structure names a class that is not known to be safe, or does not fit the weights.
    """
    _check_safe(weights.parent, structure)
    try:
        model = _built(structure)
        model.load_weights(weights)
    except (ValueError, TypeError, OSError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{weights.parent}: the weights do not fit the structure: {reason}") from error
    return model


def _built(structure):
    model = keras.saving.deserialize_keras_object(
        copy.deepcopy(structure), safe_mode=True
    )  # which empties its argument
    if not model.built:
        model.build((None, None))
    return model


def _check_safe(folder, structure):
    """Check that a structure names only layers of Keras and registered classes."""
    if isinstance(structure, list | tuple):
        for part in structure:
            _check_safe(folder, part)
    if not isinstance(structure, dict):
        return
    name, registered = structure.get("class_name"), structure.get("registered_name")
    module = structure.get("module")
    known = registered in keras.saving.get_custom_objects() or module in KERAS_MODULES
    known = known or (isinstance(module, str) and module.startswith(OPERATIONS))
    plain = isinstance(name, str) and "." not in name and name not in UNSAFE
    if name not in (None, *ARGUMENTS) and not (known and plain):
        raise InputError(
            f"{folder}: the model contains {name}, which is neither from Keras nor from nlp-rnn; "
            "if it is from a recipe of your own, name its file with --recipe"
        )
    for part in structure.values():
        _check_safe(folder, part)
