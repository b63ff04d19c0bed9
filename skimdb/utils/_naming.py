"""Errors that name the parameter they are about."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
    except (TypeError, ValueError, OverflowError) as error:
        message = str(error)
        if instead_of:
            message = re.sub(rf"\b{instead_of}\b", parameter, message)
        if not re.search(rf"\b{parameter}\b", message):
            message = f"{parameter}: {message}"
        if message == str(error) and not isinstance(error, OverflowError):
            raise
        raise (TypeError if isinstance(error, TypeError) else ValueError)(message) from error


def as_path(value: str | os.PathLike[str], parameter: str) -> Path:
    """Return a path; an empty string is none, and does not stand for the working directory."""
    if value == "":
        raise ValueError(f'{parameter} must be a path, got ""; "." is the working directory')
    with naming(parameter):
        return Path(value)
