"""Parameters that are Keras objects."""

import copy
from typing import Any

import keras


def check_is_registered(value: Any, parameter: str) -> None:
    """Check that an optimizer or layer can be copied, which `clone` and pickle have to do.

    Keras makes copies of its objects from the registered name of the class and a configuration.
    """
    if not isinstance(value, keras.optimizers.Optimizer | keras.layers.Layer):
        return
    try:
        is_copied = type(copy.deepcopy(value)) is type(value)
    except (TypeError, ValueError):
        is_copied = False
    if not is_copied:
        raise ValueError(
            f"{parameter} is an object of the class {type(value).__name__}, of which Keras cannot "
            "make copies. Decorate the class with @keras.saving.register_keras_serializable(), and "
            "give it a get_config that returns all arguments of its constructor."
        )
