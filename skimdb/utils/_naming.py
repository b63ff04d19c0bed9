"""Errors that name the parameter they are about."""

import re
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def naming(parameter: str, *, instead_of: str = "") -> Iterator[None]:
    """Make errors about a value name its parameter.

    Parameters
    ----------
    parameter : str
    instead_of : str, default=""
        What scikit-learn's messages call the parameter.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        message = str(error)
        if instead_of:
            message = re.sub(rf"\b{instead_of}\b", parameter, message)
        if not re.search(rf"\b{parameter}\b", message):
            message = f"{parameter}: {message}"
        if message == str(error):
            raise
        raise (TypeError if isinstance(error, TypeError) else ValueError)(message) from error
