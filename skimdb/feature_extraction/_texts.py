"""Texts, in whatever container, as a list."""

from typing import Any

import numpy as np

from skimdb.feature_extraction._sequences import (
    is_missing,
    is_no_sequence,
    is_text,
    qualified_name,
)

_TEXTS = "a sequence of texts, each a str"


def as_texts(X: Any) -> list[str]:
    """Return the texts of any container as a list, each checked.

    pandas, polars and pyarrow are not imported.

    Parameters
    ----------
    X : sequence of n_samples str
        See :class:`skimdb.feature_extraction.WordIndexEncoder` for what is taken.

    Returns
    -------
    list of str
        The texts.

    Raises
    ------
    TypeError
        If X is a single text, or no sequence, or holds anything else than texts.
    ValueError
        If a text is missing, or X has more than one dimension.
    """
    if is_text(X):
        raise TypeError(
            f"X must be {_TEXTS}, got a single {type(X).__name__}. Write a single text as [text]."
        )
    if is_no_sequence(X):
        hint = " Choose one of its columns." if hasattr(type(X), "columns") else ""
        raise TypeError(f"X must be {_TEXTS}, got {qualified_name(X)}.{hint}")
    n_dims = getattr(X, "ndim", 1)
    if n_dims != 1:
        raise ValueError(f"X must be {_TEXTS}, got an array of {n_dims} dimensions.")
    texts = X.to_pylist() if hasattr(X, "to_pylist") else list(X)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise _text_error(text, row)
    return texts


def _text_error(text: Any, row: int) -> TypeError | ValueError:
    """Return the error for what is not a text."""
    if is_missing(text) or (isinstance(text, float | np.floating) and np.isnan(text)):
        return ValueError(f'Row {row} of X is missing ({text!r}). Write an empty text as "".')
    if isinstance(text, bytes | bytearray):
        return TypeError(
            f"Row {row} of X is a {type(text).__name__}. Decode it first, with decode('utf-8')."
        )
    return TypeError(f"Row {row} of X must be a text, a str, got {qualified_name(text)}.")
