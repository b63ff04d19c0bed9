"""The setting that the measurements share."""

import time
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks._data import load_imdb

NUM_WORDS = 10_000
UNITS = 16
EPOCHS = 4
BATCH_SIZE = 512

Measurement = dict[str, float]


def timed(function: Callable[..., Any], *args: Any) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


def multi_hot(
    subset: Literal["train", "test"], num_words: int = NUM_WORDS
) -> tuple[Any, NDArray[np.int64]]:
    """Return IMDB reviews as a CSR matrix."""
    from skimdb import MultiHotVectorizer

    X, y = load_imdb(subset)
    return MultiHotVectorizer(num_words).transform(X), y
