"""What must hold of an estimator in a file, asked when it is saved and when it is loaded."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skimdb.feature_extraction._ngram_table import NGramTable
from skimdb.feature_extraction._sequences import MAX_INDEX


def check_attributes(estimator: Any) -> None:
    """Check what all estimators learn alike: the features and the classes.

    Raises
    ------
    ValueError
        If attributes are not what `fit` sets, or contradict each other.
    """
    learned = vars(estimator)
    if "n_features_in_" in learned:
        check_integer(estimator, "n_features_in_", 1)
    if "feature_names_in_" in learned:
        names = learned["feature_names_in_"]
        if not (
            _is_vector(names, "O")
            and len(names) == learned.get("n_features_in_")
            and all(isinstance(name, str) for name in names)
        ):
            raise _wrong(
                estimator, "feature_names_in_", "must name each of n_features_in_ features"
            )
    if "classes_" in learned:
        classes = learned["classes_"]
        if not _is_vector(classes, "OUSbiuf") or len(classes) < 2:
            raise _wrong(estimator, "classes_", "must hold at least two labels")
        if not _is_sorted(classes.tolist()):
            raise _wrong(estimator, "classes_", "must be sorted and without repeats")


def check_vectorizer(vectorizer: Any) -> None:
    """Check a `MultiHotVectorizer`."""
    try:
        vectorizer._check_parameters()
    except TypeError as error:  # NumPy's message does not name the dtype
        raise TypeError(f"{type(vectorizer).__name__}.dtype cannot be kept: {error}") from error
    if hasattr(vectorizer, "num_words_"):
        check_integer(vectorizer, "num_words_", 1, MAX_INDEX + 1)
    if hasattr(vectorizer, "ngram_table_"):
        _check_table(vectorizer, vectorizer.ngram_table_)


def _check_table(vectorizer: Any, table: Any) -> None:
    if not (
        isinstance(table, NGramTable)
        and isinstance(table.levels, tuple)
        and isinstance(table.prefixes, tuple)
        and len(table.levels) == len(table.prefixes)
    ):
        raise _wrong(vectorizer, "ngram_table_", "must be an NGramTable")
    # It is left over where another `fit` has since learnt no n-grams.
    max_n = vectorizer.ngram_range[1]
    if vectorizer._learns_ngrams and len(table.levels) != max_n:
        raise _wrong(vectorizer, "ngram_table_", f"must have {max_n} levels")
    n_before = 1
    for n, (level, prefixes) in enumerate(zip(table.levels, table.prefixes, strict=True)):
        if not _is_increasing(level, np.int32 if n == 0 else np.uint64):
            raise _wrong(vectorizer, "ngram_table_", "must have sorted levels")
        if level.size and (
            level[0] < 1 if n == 0 else int(level[-1]) >= n_before * len(table.levels[0])
        ):
            raise _wrong(vectorizer, "ngram_table_", "has levels that do not belong together")
        if not (
            _is_increasing(prefixes, np.int32)
            and (not prefixes.size or (prefixes[0] >= 0 and prefixes[-1] < len(level)))
        ):
            raise _wrong(vectorizer, "ngram_table_", "must have sorted positions of prefixes")
        n_before = len(level)


def check_ngrams(vectorizer: Any, ngrams: Any) -> None:
    """Check n-grams in rows, as version 0.1.0 kept them."""
    if not (
        isinstance(ngrams, np.ndarray)
        and ngrams.dtype == np.int32
        and ngrams.ndim == 2
        and ngrams.size
        and ngrams.min() >= 0
        and ngrams[:, 0].all()
    ):
        raise _wrong(
            vectorizer, "ngrams_", "must hold word indices of type int32, a row for each n-gram"
        )
    # They are left over where another `fit` has since learnt none.
    if vectorizer._learns_ngrams and ngrams.shape[1] != vectorizer.ngram_range[1]:
        raise _wrong(
            vectorizer,
            "ngrams_",
            f"must have as many columns as ngram_range={vectorizer.ngram_range} says",
        )
    is_word = ngrams > 0
    if (is_word[:, 1:] > is_word[:, :-1]).any():
        raise _wrong(vectorizer, "ngrams_", "must have zeros only behind the words of an n-gram")
    if not _increase(np.column_stack([np.count_nonzero(ngrams, axis=1), ngrams])):
        raise _wrong(
            vectorizer,
            "ngrams_",
            "must be sorted by the number of words, then by these, and without repeats",
        )


def check_scaler(scaler: Any) -> None:
    """Check a `LogCountRatioScaler`."""
    if not check_all_or_none(scaler, ["classes_", "n_features_in_", "feature_log_count_ratio_"]):
        return
    ratio, n_features = scaler.feature_log_count_ratio_, scaler.n_features_in_
    n_classes = len(scaler.classes_)
    shape = (n_features,) if n_classes == 2 else (n_classes, n_features)
    if not (
        isinstance(ratio, np.ndarray)
        and ratio.dtype.kind == "f"
        and ratio.shape == shape
        and np.isfinite(ratio).all()
    ):
        raise _wrong(
            scaler,
            "feature_log_count_ratio_",
            f"must hold finite numbers, in the shape {shape} of {n_classes} classes and "
            f"{n_features} features",
        )


def check_characters(encoder: Any) -> None:
    """Check a `CharacterEncoder`."""
    frequency = getattr(encoder, "word_frequency_", 0.0)
    if not (isinstance(frequency, float) and 0 <= frequency < np.inf):
        raise _wrong(encoder, "word_frequency_", "must be a number from 0 on")


def check_encoder(encoder: Any) -> None:
    """Check a `WordIndexEncoder`."""
    ranks = getattr(encoder, "word_index_", {})
    # By types, since there may be hundreds of thousands of words.
    if type(ranks) is not dict or not (
        set(map(type, ranks)) <= {str}
        and all(issubclass(kind, (int, np.integer)) for kind in set(map(type, ranks.values())))
        and min(ranks.values(), default=1) >= 1
        and max(ranks.values(), default=1) <= MAX_INDEX
    ):
        raise _wrong(encoder, "word_index_", "must map words to ranks, integers from 1")


def check_steps(pipeline: Any) -> None:
    """Check the names and the memory of a `Pipeline` or `FeatureUnion`."""
    steps = vars(pipeline).get("steps", vars(pipeline).get("transformer_list"))
    names = [name for name, _ in steps]
    if not names or len(set(names)) < len(names) or any("__" in name for name in names):
        raise ValueError(
            f"the steps of a {type(pipeline).__name__} must have names of their own, "
            f"without '__'; got {names}"
        )
    if getattr(pipeline, "memory", None) is not None:
        # joblib unpickles what it finds in that directory.
        raise ValueError(f"{type(pipeline).__name__}.memory cannot be kept; set memory=None")


def check_all_or_none(estimator: Any, names: Sequence[str]) -> bool:
    """Return whether the estimator has these attributes; it must not have only some of them."""
    missing = [name for name in names if not hasattr(estimator, name)]
    if missing and len(missing) < len(names):
        raise _wrong(estimator, missing[0], "is missing")
    return not missing


def check_integer(estimator: Any, name: str, least: int, most: float = np.inf) -> None:
    """Check an attribute that is an integer within bounds, both inclusive."""
    value = getattr(estimator, name)
    if (
        not isinstance(value, (int, np.integer))
        or isinstance(value, bool)
        or not least <= value <= most
    ):
        rule = f"from {least} on" if most == np.inf else f"from {least} to {most}"
        raise _wrong(estimator, name, f"must be an integer {rule}")


def check_classifier(classifier: Any) -> None:
    """Check a `DenseSentimentClassifier`, all but its network."""
    if classifier.callbacks:
        raise ValueError(
            "DenseSentimentClassifier.callbacks cannot be kept as plain data; "
            "set_params(callbacks=None) before saving"
        )
    if not isinstance(classifier.activation, str):
        raise TypeError(
            "DenseSentimentClassifier.activation must be a name to be kept; "
            f"got {classifier.activation!r}"
        )
    fitted = ["_state", "classes_", "n_features_in_", "history_", "n_iter_"]
    if not check_all_or_none(classifier, fitted):
        return
    check_integer(classifier, "n_iter_", 0)
    history = classifier.history_
    if type(history) is not dict or not all(
        isinstance(name, str)
        and type(values) is list
        and len(values) == classifier.n_iter_
        and all(isinstance(value, (int, float, np.number)) for value in values)
        for name, values in history.items()
    ):
        raise _wrong(classifier, "history_", "must hold a number for each of n_iter_ epochs")
    if classifier.n_iter_ and "loss" not in history:
        raise _wrong(classifier, "history_", "must hold the loss")
    if getattr(classifier, "fit_method_", "arrays") not in ("arrays", "keras"):
        raise _wrong(classifier, "fit_method_", "must be 'arrays' or 'keras'")
    if hasattr(classifier, "best_epoch_"):
        check_integer(classifier, "best_epoch_", 1, classifier.n_iter_)


def _increase(rows: NDArray[np.integer[Any]]) -> bool:
    """Tell whether each row is greater than the one before, in the order of tuples."""
    before, after = rows[:-1], rows[1:]
    # Where rows are alike, this is the first column, in which neither is greater.
    decisive = (before != after).argmax(axis=1)[:, np.newaxis]
    greater = np.take_along_axis(after, decisive, 1) > np.take_along_axis(before, decisive, 1)
    return bool(greater.all())


def _is_increasing(values: Any, dtype: type) -> bool:
    return bool(
        isinstance(values, np.ndarray)
        and values.ndim == 1
        and values.dtype == dtype
        and (values[1:] > values[:-1]).all()
    )


def _is_sorted(labels: list[Any]) -> bool:
    try:
        return labels == sorted(set(labels))
    except TypeError:  # labels that are not hashable, or not comparable
        return False


def _is_vector(value: Any, kinds: str) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in kinds


def _wrong(estimator: Any, name: str, rule: str) -> ValueError:
    return ValueError(f"{type(estimator).__name__}.{name} {rule}")
