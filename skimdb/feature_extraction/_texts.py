"""Convert any container of texts to a list."""

from typing import Any

import numpy as np

from skimdb.feature_extraction._sequences import (
    is_missing,
    is_not_sequence,
    is_text,
    qualified_name,
)

_TEXTS = "a sequence of texts, each a str"


def as_texts(X: Any) -> list[str]:
    """Check and list the texts of any container, without importing pandas, polars or pyarrow."""
    if is_text(X):
        raise TypeError(
            f"X must be {_TEXTS}, got a single {type(X).__name__}. Write a single text as [text]."
        )
    if is_not_sequence(X):
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
    if is_missing(text) or (isinstance(text, float | np.floating) and np.isnan(text)):
        return ValueError(f'Row {row} of X is missing ({text!r}). Write an empty text as "".')
    if isinstance(text, bytes | bytearray):
        return TypeError(
            f"Row {row} of X is a {type(text).__name__}. Decode it first, with decode('utf-8')."
        )
    return TypeError(f"Row {row} of X must be a text, a str, got {qualified_name(text)}.")
