"""Cross-validation of several classifiers on the same folds."""

from collections.abc import Callable, Mapping
from numbers import Integral, Real
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone, is_classifier
from sklearn.metrics import check_scoring, make_scorer
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, check_cv
from sklearn.utils import _safe_indexing, check_random_state, column_or_1d, indexable
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _num_samples

from skimdb.model_selection._estimator_comparison import EstimatorComparison
from skimdb.utils._naming import naming
from skimdb.utils._notes import note_on_error

Scorer = Callable[[Any, Any, Any], float]
Split = tuple[NDArray[np.intp], NDArray[np.intp]]
Progress = Callable[[int, int], object]


def compare_estimators(
    estimators: Mapping[str, Any],
    X: Any,
    y: ArrayLike,
    *,
    cv: Any = None,
    groups: ArrayLike | None = None,
    scoring: str | Scorer | list[str] | tuple[str, ...] | Mapping[str, str | Scorer] | None = None,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
    progress: Progress | None = None,
) -> EstimatorComparison:
    """Cross-validate several classifiers on the same folds.

    Parameters
    ----------
    estimators : dict of str to classifier
        The classifiers by name, at least one. They are cloned, and each clone keeps its own
        `random_state`.
    X : {array-like, sparse matrix, DataFrame, sequence} of n_samples
        Input of the classifiers, which may be reviews as sequences of word indices.
    y : array-like of shape (n_samples,)
        Class labels.
    cv : int, cross-validation splitter or iterable of (train, test), default=None
        An int is the number of stratified folds; None means 5. With `groups`, each group is in
        one fold only. These folds are shuffled, because reviews are often sorted by source, so that
        folds of consecutive samples would differ. A splitter or iterable is used as it is, and only
        once: all estimators get the same folds, even from a random splitter.
    groups : array-like of shape (n_samples,), default=None
        Group labels of the samples, used for splitting.
    scoring : str, callable, list or tuple of str, or dict, default=None
        Metrics, where higher is better; the first is the main one. A str is the name of a
        scikit-learn scorer. A callable is a scorer with the signature ``scorer(estimator, X, y)``
        and is named "score". A dict maps names to either. None means "accuracy".
    n_jobs : int, default=None
        Number of fits to run in parallel; None means 1 unless in a `joblib.parallel_config`
        context, -1 means all processors.
    random_state : int, RandomState instance or None, default=None
        Controls the shuffling if `cv` is an int or None. Pass an int for the same folds in each
        call.
    progress : callable, default=None
        Called as ``progress(n_finished, n_fits)`` after each fit, in the calling thread. Needs a
        joblib backend that returns results one by one, such as any of joblib's own except
        "multiprocessing".

    Returns
    -------
    EstimatorComparison
        Scores, times and held-out predictions, and tests of the differences.

    Raises
    ------
    TypeError
        If `estimators` is not a dict of str to classifiers, or `scoring` or `progress` has a wrong
        type.
    ValueError
        If there are no estimators, metrics or folds, if `X`, `y` and `groups` have different
        lengths, if `y` does not contain classes, or if a metric is unknown.

    See Also
    --------
    EstimatorComparison : The result.
    sklearn.model_selection.cross_validate : Cross-validate one estimator.

    Notes
    -----
    Errors in fits and scorers are raised with a note that names the estimator and the fold.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skimdb.model_selection import compare_estimators
    >>> X, y = load_iris(return_X_y=True)
    >>> comparison = compare_estimators(
    ...     {"dummy": DummyClassifier(), "naive Bayes": GaussianNB()}, X, y, random_state=0
    ... )
    >>> comparison
    EstimatorComparison (n_folds=5, mean ± standard deviation)
    estimator           accuracy         fit time (s)       score time (s)
    naive Bayes  0.9... ± 0.0...  ...
    dummy        0.3333 ± 0.0000  ...
    >>> difference, = comparison.pairwise()
    >>> difference.t_pvalue < 0.001
    True
    """
    _check_estimators(estimators)
    if progress is not None and not callable(progress):
        raise TypeError(f"progress must be callable or None, got {progress!r}")
    if not isinstance(n_jobs, int | np.integer | None):
        raise TypeError(f"n_jobs must be an int or None, got {n_jobs!r}")
    with naming("random_state"):
        check_random_state(random_state)
    scorers = _check_scorers(scoring)
    X, y, groups = _check_data(X, y, groups)
    splits = _make_splits(cv, X, y, groups, random_state)
    fits = _fit_all(
        estimators, X, y, splits=splits, scorers=scorers, n_jobs=n_jobs, progress=progress
    )
    # If a sample is tested repeatedly, np.unique returns its first test.
    test_indices, first = np.unique(np.concatenate([test for _, test in splits]), return_index=True)
    return EstimatorComparison(
        scores={
            name: {metric: np.array([fit.scores[metric] for fit in folds]) for metric in scorers}
            for name, folds in fits.items()
        },
        scoring=list(scorers),
        fit_times={name: np.array([fit.fit_time for fit in folds]) for name, folds in fits.items()},
        score_times={
            name: np.array([fit.score_time for fit in folds]) for name, folds in fits.items()
        },
        n_train=np.array([len(train) for train, _ in splits]),
        n_test=np.array([len(test) for _, test in splits]),
        test_indices=test_indices,
        y_true=y[test_indices],
        predictions={
            name: np.concatenate([fit.y_pred for fit in folds])[first]
            for name, folds in fits.items()
        },
    )


def _check_estimators(estimators: Any) -> None:
    if not isinstance(estimators, Mapping):
        raise TypeError(
            f"estimators must be a dict of name to classifier, got {type(estimators).__name__}"
        )
    if not estimators:
        raise ValueError("estimators must contain at least one classifier, got an empty dict")
    for name, estimator in estimators.items():
        if not isinstance(name, str):
            raise TypeError(f"names of estimators must be strings, got {name!r}")
        if isinstance(estimator, type):
            raise TypeError(
                f"estimators[{name!r}] must be an instance, got the class {estimator.__name__}"
            )
        if not (hasattr(estimator, "__sklearn_tags__") and is_classifier(estimator)):
            raise TypeError(
                f"estimators[{name!r}] must be a scikit-learn classifier, got {estimator!r}"
            )


def _check_scorers(scoring: Any) -> dict[str, Scorer]:
    """Return the scorers by metric, the main one first."""
    if scoring is None:
        scoring = "accuracy"
    if isinstance(scoring, str):
        scoring = [scoring]
    elif callable(scoring):
        scoring = {"score": scoring}
    elif not isinstance(scoring, list | tuple | Mapping):
        # Not a set, because the first metric is the main one.
        raise TypeError(
            f"scoring must be a str, callable, list, tuple, dict or None, got {scoring!r}"
        )
    if not scoring:
        raise ValueError(f"scoring must contain at least one metric, got {scoring!r}")
    for name in scoring:
        if not isinstance(name, str):
            raise TypeError(f"names of metrics in scoring must be strings, got {name!r}")
    if len(set(scoring)) < len(scoring):
        raise ValueError(f"metrics in scoring must be unique, got {scoring!r}")
    if not isinstance(scoring, Mapping):
        scoring = {name: name for name in scoring}
    return {name: check_scoring(scoring=scorer) for name, scorer in scoring.items()}


def _check_data(X: Any, y: Any, groups: Any) -> tuple[Any, NDArray[Any], Any]:
    """Return data of the same length that can be indexed."""
    with naming("y"):
        y = column_or_1d(y)
        check_classification_targets(y)
    with naming("X"):
        lengths = {"X": _num_samples(X)}
    if groups is not None:
        with naming("groups"):
            lengths["groups"] = _num_samples(groups)
    for name, length in lengths.items():
        if length != len(y):
            raise ValueError(
                f"{name} and y must have the same number of samples, got {length} and {len(y)}"
            )
    X, groups = indexable(X, groups)
    return X, y, groups


def _make_splits(cv: Any, X: Any, y: NDArray[Any], groups: Any, random_state: Any) -> list[Split]:
    if cv is None or isinstance(cv, Integral):
        n_splits = 5 if cv is None else int(cv)
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
        with naming("cv"):
            cv = kind(n_splits, shuffle=True, random_state=random_state)
    samples = np.arange(len(y))
    with naming("cv"):
        splits = [
            # An iterable may yield boolean masks.
            (samples[train], samples[test])
            for train, test in check_cv(cv).split(X, y, groups)
        ]
    if not splits:
        raise ValueError(f"cv must yield at least one (train, test) split, got {cv!r}")
    return splits


class _Fit(NamedTuple):
    """Scores, times and predictions of one estimator on one fold."""

    name: str
    fold: int
    scores: dict[str, float]
    fit_time: float
    score_time: float
    y_pred: NDArray[Any]


def _fit_all(
    estimators: Mapping[str, Any],
    X: Any,
    y: NDArray[Any],
    *,
    splits: list[Split],
    scorers: dict[str, Scorer],
    n_jobs: int | None,
    progress: Progress | None,
) -> dict[str, list[_Fit]]:
    """Return the fits of each estimator, in the order of the folds."""
    # One by one only if necessary, because not every joblib backend can.
    parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered" if progress else "list")
    tasks = [(name, fold) for name in estimators for fold in range(len(splits))]
    finished = parallel(
        delayed(_fit_and_score)(
            clone(estimators[name]), X, y, name=name, fold=fold, split=splits[fold], scorers=scorers
        )
        for name, fold in tasks
    )
    fits: dict[tuple[str, int], _Fit] = {}
    for fit in finished:
        fits[fit.name, fit.fold] = fit
        if progress:
            progress(len(fits), len(tasks))
    return {name: [fits[name, fold] for fold in range(len(splits))] for name in estimators}


def _fit_and_score(
    estimator: Any,
    X: Any,
    y: NDArray[Any],
    *,
    name: str,
    fold: int,
    split: Split,
    scorers: dict[str, Scorer],
) -> _Fit:
    train, test = split
    X_train, X_test = _safe_indexing(X, train), _safe_indexing(X, test)
    with note_on_error(f"raised by estimators[{name!r}] on fold {fold}"):
        start = perf_counter()
        estimator.fit(X_train, y[train])
        fitted = perf_counter()
        scores, y_pred = _score_and_predict(estimator, X_test, y[test], scorers)
        scored = perf_counter()
    return _Fit(name, fold, scores, fitted - start, scored - fitted, y_pred)


def _score_and_predict(
    estimator: Any, X: Any, y: NDArray[Any], scorers: dict[str, Scorer]
) -> tuple[dict[str, float], NDArray[Any]]:
    """Return the scores and the predicted labels.

    The labels are recorded by an additional scorer. Scorers that are called together share
    predictions, so that the estimator predicts only once.
    """
    recorded: list[NDArray[Any]] = []

    def record(y_true: NDArray[Any], y_pred: NDArray[Any]) -> float:
        recorded.append(y_pred)
        return 0.0

    # Longer than the name of any metric, and so different from all of them.
    recorder = "".join(scorers) + "_"
    scores = check_scoring(scoring={**scorers, recorder: make_scorer(record)})(estimator, X, y)
    for metric in scorers:
        if not isinstance(scores[metric], Real):
            raise TypeError(f"scoring must return numbers, got {scores[metric]!r} for {metric!r}")
    return {metric: float(scores[metric]) for metric in scorers}, recorded[0]
