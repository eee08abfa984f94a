"""A model on disk: structure as JSON, weights as HDF5. Reading it runs no code from there and unpickles nothing."""

import copy
from pathlib import Path

import keras

from nlp_rnn.checks import InputError

WEIGHTS = "model.weights.h5"
KERAS_MODULES = (
    "keras", "keras.layers", "keras.models", "keras.src.models.functional",
    "keras.initializers", "keras.regularizers", "keras.constraints",
)  # fmt: skip
OPERATIONS = "keras.src.ops."  # functions of keras.ops that a Functional model calls
PLACES = ("__keras_tensor__", "__tuple__", "__slice__", "__ellipsis__")  # how Keras writes down what they are given
RUN_CODE = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")  # layers that carry code or pickles


def save(model: keras.Model, weights: Path) -> dict:
    """Write the weights to a file and return the structure; `load` makes the model again of both."""
    structure = keras.saving.serialize_keras_object(model)
    structure.pop("compile_config", None)  # how it was trained is in the settings
    # A copy has no optimizer, whose moments would be saved too and make the file three times as large.
    plain = _built(structure)
    plain.set_weights(model.get_weights())
    plain.save_weights(weights)
    return structure


def load(structure: dict, weights: Path) -> keras.Model:
    """Make a model again.

    Raises:
        InputError: the structure names a class that is not known to be safe, or does not fit the weights.
    """
    _vet(weights.parent, structure)
    try:
        model = _built(structure)
        model.load_weights(weights)
    except (ValueError, TypeError, OSError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{weights.parent}: the weights and the structure do not fit: {reason}") from error
    return model


def _built(structure):
    model = keras.saving.deserialize_keras_object(copy.deepcopy(structure), safe_mode=True)  # it empties what it reads
    if not model.built:
        model.build((None, None))
    return model


def _vet(folder, structure):
    """Refuse a structure that names anything but layers of Keras and registered classes of this library."""
    if isinstance(structure, list | tuple):
        for part in structure:
            _vet(folder, part)
    if not isinstance(structure, dict):
        return
    name, registered = structure.get("class_name"), structure.get("registered_name")
    module = structure.get("module")
    known = registered in keras.saving.get_custom_objects() or module in KERAS_MODULES
    known = known or (isinstance(module, str) and module.startswith(OPERATIONS))
    plain = isinstance(name, str) and "." not in name and name not in RUN_CODE
    if name not in (None, *PLACES) and not (known and plain):
        raise InputError(
            f"{folder}: the model holds {name}, which is neither Keras' nor nlp-rnn's; "
            "if it is from a recipe of your own, name that with --recipe"
        )
    for part in structure.values():
        _vet(folder, part)
