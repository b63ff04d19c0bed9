"""The raw texts that claims 9 to 11 need."""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from benchmarks._experiments import NUM_WORDS
from skimdb import MultiHotVectorizer
from skimdb.datasets._base import locate_data_home

_SENTENCES = "sentiment_sentences.parquet"
_TEXTS = {
    9: [_SENTENCES],
    10: [_SENTENCES],
    11: ["imdb_train.parquet", "imdb_test.parquet"],
}


def locate_texts(claim: int) -> list[Path]:
    """Return the files of texts that a claim needs.

    Raises
    ------
    OSError
        If one of them is not in the data home.
    """
    directory, origin = locate_data_home(None)
    paths = [directory / name for name in _TEXTS.get(claim, [])]
    for path in paths:
        if not path.is_file():
            raise OSError(
                f"{path.name} is not in {directory} ({origin}), and claim {claim} needs it"
            )
    return paths


def read_texts(path: Path, columns: list[str]) -> dict[str, NDArray[Any]]:
    """Read columns of a Parquet file."""
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=columns)
    return {column: table[column].to_numpy() for column in columns}


def encode(texts: NDArray[Any]) -> Any:
    """Return the multi-hot matrix of texts, encoded as Keras' reviews are."""
    from skimdb.datasets import fetch_imdb_word_index
    from skimdb.feature_extraction import WordIndexEncoder

    # Words that are not in the index are left out of those reviews.
    encoder = WordIndexEncoder(word_index=fetch_imdb_word_index(), oov_char=None)
    return MultiHotVectorizer(NUM_WORDS).transform(encoder.fit_transform(texts))
