"""The raw texts that claims 9 to 11 need."""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from benchmarks._data import find_file
from benchmarks.notebooks.experiments import NUM_WORDS
from skimdb import MultiHotVectorizer

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
    try:
        return [find_file(name) for name in _TEXTS.get(claim, [])]
    except OSError as error:
        raise OSError(f"{error}, and claim {claim} needs it") from error


def encode(texts: NDArray[Any]) -> Any:
    """Return the multi-hot matrix of texts, encoded as Keras' reviews are."""
    from skimdb.datasets import fetch_imdb_word_index
    from skimdb.feature_extraction import WordIndexEncoder

    # Words that are not in the index are left out of those reviews.
    encoder = WordIndexEncoder(word_index=fetch_imdb_word_index(), normalize=False, oov_char=None)
    return MultiHotVectorizer(NUM_WORDS).transform(encoder.fit_transform(texts))
