"""The real reviews, for the benchmarks."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skimdb.datasets import fetch_imdb
from skimdb.datasets._base import locate_data_home


def load_imdb(subset: Literal["train", "test"]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the IMDB reviews as sequences of all their word indices, and the labels."""
    X, y = fetch_imdb(subset=subset, return_X_y=True)
    return X, y


def load_texts(subset: Literal["train", "test"]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the IMDB reviews as texts, and the labels.

    Raises
    ------
    OSError
        If ``imdb_train.parquet`` or ``imdb_test.parquet``, with the columns of the Hugging Face
        files of ``stanfordnlp/imdb``, is not in the data home.
    """
    columns = read_columns(find_file(f"imdb_{subset}.parquet"), ["text", "label"])
    return columns["text"], columns["label"]


def find_file(name: str) -> Path:
    """Return a file in the data home, or raise an OSError."""
    directory, origin = locate_data_home(None)
    if not (directory / name).is_file():
        raise OSError(f"{name} is not in {directory} ({origin})")
    return directory / name


def read_columns(path: Path, columns: list[str]) -> dict[str, NDArray[Any]]:
    """Read columns of a Parquet file."""
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=columns)
    return {column: table[column].to_numpy() for column in columns}
