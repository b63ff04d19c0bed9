"""Load the IMDB reviews as sequences of word indices, and the words themselves."""

import json
import os
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Bunch
from sklearn.utils._param_validation import Interval, StrOptions

from skimdb.datasets._base import (
    INDEX_FROM,
    OOV_CHAR,
    START_CHAR,
    RemoteFile,
    check_params,
    fetch_file,
    load_cached,
)
from skimdb.datasets._npz import open_npz, read_integers, read_sequences
from skimdb.datasets._review_array import as_reviews
from skimdb.utils._naming import naming

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_REVIEWS = RemoteFile(
    name="imdb.npz",
    url=f"{_ORIGIN}imdb.npz",
    algorithm="sha256",
    checksum="69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
)
# Keras publishes only this checksum.
_WORD_INDEX = RemoteFile(
    name="imdb_word_index.json",
    url=f"{_ORIGIN}imdb_word_index.json",
    algorithm="md5",
    checksum="bfafd718b763782e994055a2d397834f",
)
_SPLITS = ("train", "test")
_DESCR = """\
IMDB movie reviews
==================

50,000 movie reviews: 25,000 for training and 25,000 for testing. Half of each are positive
(7 to 10 stars out of 10) and half are negative (1 to 4 stars). No movie has more than 30
reviews.

Each review is a sequence of word indices: 1 starts a review, 2 stands for a word that was left
out, and every other index is the word's rank by frequency plus 3.

A. L. Maas, R. E. Daly, P. T. Pham, D. Huang, A. Y. Ng and C. Potts, "Learning Word Vectors
for Sentiment Analysis", ACL 2011. https://ai.stanford.edu/~amaas/data/sentiment/
"""

_FETCH_CONSTRAINTS: dict[str, list[Any]] = {
    "data_home": [str, os.PathLike, None],
    "download_if_missing": ["boolean"],
    "n_retries": [Interval(Integral, 0, None, closed="left")],
    "delay": [Interval(Real, 0, None, closed="left")],
}


@check_params(
    {
        "subset": [StrOptions({*_SPLITS, "all"})],
        "num_words": [Interval(Integral, 1, None, closed="left"), None],
        "skip_top": [Interval(Integral, 0, None, closed="left")],
        "return_X_y": ["boolean"],
        **_FETCH_CONSTRAINTS,
    }
)
def fetch_imdb(
    *,
    subset: Literal["train", "test", "all"] = "train",
    num_words: int | None = None,
    skip_top: int = 0,
    data_home: str | os.PathLike[str] | None = None,
    download_if_missing: bool = True,
    return_X_y: bool = False,
    n_retries: int = 3,
    delay: float = 1.0,
) -> Any:
    """Load the IMDB reviews as sequences of word indices, labelled by sentiment.

    ===============   =======================
    Classes                                 2
    Samples total                      50,000
    Training, test             25,000, 25,000
    Words                              88,584
    ===============   =======================

    The reviews are read from `imdb.npz` in the data directory. If it is not there, it is
    downloaded. The first call also writes `imdb_cache.npz` beside it, which makes later calls
    faster; without permission to write, no cache is made.

    Parameters
    ----------
    subset : {'train', 'test', 'all'}, default='train'
        Which reviews to load, in the order of the file: those for training, those for testing, or
        the training reviews followed by the test reviews.

    num_words : int, default=None
        Indices greater than or equal to `num_words` are replaced by 2. None keeps all words.

    skip_top : int, default=0
        Indices less than `skip_top` are replaced by 2, including the start marker 1.

    data_home : str or path-like, default=None
        The data directory. By default it is given by the environment variable `SKIMDB_DATA`, or
        else it is `~/skimdb_data`.

    download_if_missing : bool, default=True
        If False, raise an OSError if `imdb.npz` is not in the data directory.

    return_X_y : bool, default=False
        If True, return `(data, target)` instead of a Bunch.

    n_retries : int, default=3
        How often a failed download is tried again. A downloaded file must have the SHA-256 of
        the official file.

    delay : float, default=1.0
        Seconds between retries.

    Returns
    -------
    dataset : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the following attributes.

        data : ndarray of shape (n_samples,), dtype object
            Each review is an int32 array. All reviews are views on one flat array, and are
            pickled as that array.
        target : ndarray of shape (n_samples,), dtype int64
            0 for a negative and 1 for a positive review.
        target_names : list of str
            The names of the two classes.
        splits : dict of str to slice
            The rows of "train" and "test". Only with `subset="all"`.
        DESCR : str
            Description of the reviews.

    (data, target) : tuple if `return_X_y=True`

    Raises
    ------
    OSError
        If `imdb.npz` is not in the data directory and was not downloaded.
    ValueError
        If `imdb.npz` is damaged or contains anything but sequences of integers. Code in it is
        never run.

    See Also
    --------
    make_reviews : Generates reviews, without a file.
    fetch_imdb_word_index : Loads the words.
    decode_review : Turns a review back into text.

    Notes
    -----
    `num_words` and `skip_top` are those of `keras.datasets.imdb.load_data`, with two differences.
    Keras shuffles the reviews. With `num_words=None` Keras also replaces the highest index,
    although its documentation says that all words are kept; here all words are kept.

    The official file holds ranks, and Keras adds the start marker and 3 when it loads them. A file
    that was saved after this step is recognised: in it, each review begins with 1 and has no other
    1.

    References
    ----------
    A. L. Maas, R. E. Daly, P. T. Pham, D. Huang, A. Y. Ng and C. Potts, "Learning Word
    Vectors for Sentiment Analysis", ACL 2011.

    Examples
    --------
    >>> from skimdb.datasets import fetch_imdb
    >>> imdb = fetch_imdb(num_words=10_000)  # doctest: +SKIP
    >>> imdb.data.shape  # doctest: +SKIP
    (25000,)
    """
    path = fetch_file(
        _REVIEWS,
        data_home=data_home,
        download_if_missing=download_if_missing,
        n_retries=n_retries,
        delay=delay,
    )
    splits = _SPLITS if subset == "all" else (subset,)
    names = [f"{array}_{split}" for array in ("indices", "lengths", "labels") for split in splits]
    arrays = load_cached(path, _read_reviews, names)
    indices, lengths, target = (
        np.concatenate([arrays[f"{array}_{split}"] for split in splits])
        for array in ("indices", "lengths", "labels")
    )
    indices[indices < skip_top] = OOV_CHAR
    if num_words is not None:
        indices[indices >= num_words] = OOV_CHAR
    data = as_reviews(indices, lengths)
    if return_X_y:
        return data, target
    dataset = Bunch(data=data, target=target, target_names=["negative", "positive"], DESCR=_DESCR)
    if subset == "all":
        n_train = len(arrays["labels_train"])
        dataset.splits = {"train": slice(0, n_train), "test": slice(n_train, len(target))}
    return dataset


def _read_reviews(path: Path) -> dict[str, NDArray[Any]]:
    """Read all arrays of `imdb.npz`, and add start markers where the file has ranks."""
    arrays: dict[str, NDArray[Any]] = {}
    with open_npz(path) as archive:
        for split in _SPLITS:
            indices, lengths = read_sequences(archive, f"x_{split}")
            labels = read_integers(archive, f"y_{split}")
            if len(labels) != len(lengths):
                raise ValueError(
                    f"'x_{split}' has {len(lengths)} reviews, 'y_{split}' {len(labels)} labels"
                )
            if not np.isin(labels, (0, 1)).all():
                raise ValueError(f"'y_{split}' holds labels other than 0 and 1")
            arrays[f"indices_{split}"] = indices
            arrays[f"lengths_{split}"] = lengths
            arrays[f"labels_{split}"] = labels.astype(np.int64)
    if not all(
        _is_marked(arrays[f"indices_{split}"], arrays[f"lengths_{split}"]) for split in _SPLITS
    ):
        for split in _SPLITS:
            indices, lengths = arrays[f"indices_{split}"], arrays[f"lengths_{split}"]
            arrays[f"indices_{split}"] = np.insert(
                indices + np.int32(INDEX_FROM), lengths.cumsum() - lengths, START_CHAR
            )
            arrays[f"lengths_{split}"] = lengths + 1
    return arrays


def _is_marked(indices: NDArray[np.int32], lengths: NDArray[np.int64]) -> bool:
    """Whether each review begins with 1 and has no other 1."""
    # As a rank, 1 is "the": most reviews contain it, but few begin with it.
    starts = lengths.cumsum() - lengths
    return bool(lengths.all()) and np.array_equal(np.flatnonzero(indices == START_CHAR), starts)


@check_params(_FETCH_CONSTRAINTS)
def fetch_imdb_word_index(
    *,
    data_home: str | os.PathLike[str] | None = None,
    download_if_missing: bool = True,
    n_retries: int = 3,
    delay: float = 1.0,
) -> dict[str, int]:
    """Load the words of the IMDB reviews and their ranks.

    The words are read from `imdb_word_index.json` in the data directory. If it is not there, it is
    downloaded.

    Parameters
    ----------
    data_home : str or path-like, default=None
        The data directory. By default it is given by the environment variable `SKIMDB_DATA`, or
        else it is `~/skimdb_data`.

    download_if_missing : bool, default=True
        If False, raise an OSError if the file is not in the data directory.

    n_retries : int, default=3
        How often a failed download is tried again. A downloaded file must have the checksum of
        the official file that Keras publishes.

    delay : float, default=1.0
        Seconds between retries.

    Returns
    -------
    word_index : dict of str to int
        The rank of each word by frequency, from 1. Its index in a review is the rank plus 3.

    Raises
    ------
    OSError
        If the file is not in the data directory and was not downloaded.
    ValueError
        If the file is not a JSON object that maps words to unique positive ranks.

    See Also
    --------
    decode_review : Turns a review back into text.

    Examples
    --------
    >>> from skimdb.datasets import fetch_imdb_word_index
    >>> fetch_imdb_word_index()["film"]  # doctest: +SKIP
    19
    """
    path = fetch_file(
        _WORD_INDEX,
        data_home=data_home,
        download_if_missing=download_if_missing,
        n_retries=n_retries,
        delay=delay,
    )
    try:
        word_index: dict[str, int] = json.loads(path.read_bytes())
    except (RecursionError, ValueError) as error:
        raise ValueError(f"{path} is not a JSON file: {error}") from error
    ranks = list(word_index.values()) if isinstance(word_index, dict) else [None]
    if not all(type(rank) is int and rank > 0 for rank in ranks) or len(set(ranks)) < len(ranks):
        raise ValueError(f"{path} is not a JSON object that maps words to unique positive ranks")
    return word_index


@check_params(
    {
        "word_index": [Mapping, None],
        "index_from": [Interval(Integral, 0, None, closed="left")],
    }
)
def decode_review(
    sequence: ArrayLike, word_index: Mapping[str, int] | None = None, *, index_from: int = 3
) -> str:
    """Turn a review back into text.

    Parameters
    ----------
    sequence : array-like of int of shape (n_tokens,)
        The word indices of one review.

    word_index : mapping of str to int, default=None
        The rank of each word. By default the result of :func:`fetch_imdb_word_index`, which is
        loaded in each call: pass it to decode many reviews.

    index_from : int, default=3
        The difference between the index and the rank of a word.

    Returns
    -------
    text : str
        The words separated by spaces, with "?" for the start marker and for words that were left
        out.

    Raises
    ------
    ValueError
        If `sequence` is not a one-dimensional sequence of integers.

    See Also
    --------
    fetch_imdb : Loads the reviews.

    Examples
    --------
    >>> from skimdb.datasets import decode_review
    >>> decode_review([1, 14, 22, 2], {"this": 11, "film": 19})
    '? this film ?'
    """
    with naming("sequence"):
        indices = np.asarray(sequence)
    if indices.ndim != 1 or (indices.size and indices.dtype.kind not in "iu"):
        raise ValueError(
            "sequence must be one review, a one-dimensional sequence of integers; got shape "
            f"{indices.shape} and dtype {indices.dtype}"
        )
    if word_index is None:
        word_index = fetch_imdb_word_index()
    words = {rank + index_from: word for word, rank in word_index.items()}
    return " ".join(words.get(index, "?") for index in indices.tolist())
