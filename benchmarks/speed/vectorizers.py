"""Vectorizing word indices and raw texts. Each function does the whole work in one call."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._data import load_imdb, load_texts
from benchmarks._measure import PeakMemory
from benchmarks.speed.setting import NUM_WORDS, Measurement, timed


def vectorizer_input(kind: str) -> Any:
    """Return the 25,000 training reviews, all indices below `NUM_WORDS`, in one of the forms."""
    X, _ = load_imdb("train")
    arrays = np.empty(len(X), dtype=object)
    arrays[:] = [np.where(review < NUM_WORDS, review, 2).astype(np.int32) for review in X]
    if kind == "arrays":
        return arrays
    lists = [review.tolist() for review in arrays]
    if kind == "lists":
        return lists
    if kind == "arrow":
        import pyarrow as pa

        return pa.array(lists)
    if kind == "ragged":
        import tensorflow as tf

        return tf.ragged.constant(lists, dtype=tf.int64)
    raise ValueError(kind)


def notebook_loop(sequences: Any) -> NDArray[np.float64]:
    """Vectorize as the notebooks do."""
    results = np.zeros((len(sequences), NUM_WORDS))
    for i, sequence in enumerate(sequences):
        results[i, sequence] = 1.0
    return results


def _multi_label_binarizer(sequences: Any) -> Any:
    from sklearn.preprocessing import MultiLabelBinarizer

    return MultiLabelBinarizer(classes=range(NUM_WORDS), sparse_output=True).fit_transform(
        sequences
    )


def _count_vectorizer(sequences: Any) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(analyzer=list, binary=True, dtype=np.float32).fit_transform(sequences)


def _category_encoding(sequences: Any) -> Any:
    import keras
    import tensorflow as tf

    layer = keras.layers.CategoryEncoding(NUM_WORDS, output_mode="multi_hot")
    # A row at a time: the layer takes no ragged batch, and a padded one would count its padding.
    return tf.stack([layer(sequence) for sequence in sequences])


def _ours(sequences: Any) -> Any:
    from skimdb import MultiHotVectorizer

    return MultiHotVectorizer(NUM_WORDS).fit_transform(sequences)


VECTORIZERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "notebooks' loop, lists": ("lists", notebook_loop),
    "notebooks' loop, arrays": ("arrays", notebook_loop),
    "CountVectorizer, lists": ("lists", _count_vectorizer),
    "MultiLabelBinarizer, lists": ("lists", _multi_label_binarizer),
    "Keras CategoryEncoding, a call per review": ("ragged", _category_encoding),
    "skimdb, lists": ("lists", _ours),
    "skimdb, arrays": ("arrays", _ours),
    "skimdb, Arrow": ("arrow", _ours),
}


def measure_vectorizer(name: str) -> Measurement:
    """Return seconds of the first and of the next call, and the peak memory of the first."""
    kind, function = VECTORIZERS[name]
    sequences = vectorizer_input(kind)
    function(sequences[:10])  # what is imported at first use
    memory = PeakMemory()
    first = timed(function, sequences)
    peak = memory.megabytes()
    later = timed(function, sequences)
    return {"first": first, "later": later, "peak_mb": peak}


def _analyzed(texts: Any) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    return [*map(CountVectorizer().build_analyzer(), texts)]


def _counted(texts: Any) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer().fit_transform(texts)


def _counted_ngrams(texts: Any) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(ngram_range=(1, 3), min_df=2, binary=True).fit_transform(texts)


def _encoded(texts: Any) -> Any:
    from skimdb.feature_extraction import WordIndexEncoder

    return WordIndexEncoder().fit_transform(texts)


def _encoded_ngrams(texts: Any) -> Any:
    from skimdb import MultiHotVectorizer

    vectorizer = MultiHotVectorizer(None, ngram_range=(1, 3), min_df=2)
    return vectorizer.fit_transform(_encoded(texts))


TEXT_WAYS: dict[str, Callable[[Any], Any]] = {
    "CountVectorizer's tokenization alone": _analyzed,
    "WordIndexEncoder, fitted: word indices": _encoded,
    "CountVectorizer, fitted: counts of words": _counted,
    "WordIndexEncoder and MultiHotVectorizer, 1-3-grams": _encoded_ngrams,
    "CountVectorizer, 1-3-grams": _counted_ngrams,
}


def measure_texts(name: str) -> Measurement:
    """Return seconds of turning the training texts into words or features."""
    texts, _ = load_texts("train")
    TEXT_WAYS[name](texts[:100])  # imports
    return {"seconds": timed(TEXT_WAYS[name], texts)}
