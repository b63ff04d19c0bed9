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
from sklearn.utils import _safe_indexing, column_or_1d, indexable
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _num_samples

from skimdb.model_selection._estimator_comparison import EstimatorComparison
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
        Whatever the classifiers take, reviews as sequences of word indices included.
    y : array-like of shape (n_samples,)
        Class labels.
    cv : int, cross-validation splitter or iterable of (train, test), default=None
        An int is a number of stratified folds, None is 5; with `groups`, no group is in two
        folds. These folds are shuffled, because reviews are often stored sorted by source, and
        folds of consecutive samples would then differ from each other. A splitter or iterable
        is used as it is, once, so that all estimators see the same folds whatever its
        randomness.
    groups : array-like of shape (n_samples,), default=None
        Groups of samples, for splitting.
    scoring : str, callable, list or tuple of str, or dict, default=None
        Metrics, higher being better; the first is the main one. Names are scikit-learn's, a
        callable is a scorer called with estimator, X and y, and a dict gives names to either. A
        single callable is named "score". None is "accuracy".
    n_jobs : int, default=None
        Number of fits to run in parallel; None means 1 unless in a `joblib.parallel_config`
        context, -1 means all processors.
    random_state : int, RandomState instance or None, default=None
        Shuffles the folds where `cv` is an int or None. Pass an int for the same folds in each
        call.
    progress : callable, default=None
        Called after each fit, in the calling thread, with the numbers of finished and of all
        fits. Needs a joblib backend that returns results one by one, as all but
        "multiprocessing" of joblib's own do.

    Returns
    -------
    EstimatorComparison
        Scores, times and held-out predictions, and tests of the differences.

    Raises
    ------
    TypeError
        If `estimators` is not a dict of str to classifiers, or `scoring` or `progress` is of a
        wrong type.
    ValueError
        If there are no estimators, metrics or folds, if `X`, `y` and `groups` differ in length,
        if `y` does not hold classes, or for an unknown metric.

    See Also
    --------
    EstimatorComparison : The result.
    sklearn.model_selection.cross_validate : Cross-validates one estimator.

    Notes
    -----
    An error in a fit or score is raised as it is, with a note that names estimator and fold.

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
    scorers = _check_scorers(scoring)
    X, y, groups = _check_data(X, y, groups)
    splits = _make_splits(cv, X, y, groups, random_state)
    fits = _fit_all(
        estimators, X, y, splits=splits, scorers=scorers, n_jobs=n_jobs, progress=progress
    )
    # Where samples are tested repeatedly, np.unique finds the first time.
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
        raise ValueError("estimators must hold at least one classifier, got an empty dict")
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
    """Return the scorers by name of metric, the main one first."""
    if scoring is None:
        scoring = "accuracy"
    if isinstance(scoring, str):
        scoring = [scoring]
    elif callable(scoring):
        scoring = {"score": scoring}
    elif not isinstance(scoring, list | tuple | Mapping):
        # No sets, because the first metric is the main one.
        raise TypeError(
            f"scoring must be a str, callable, list, tuple, dict or None, got {scoring!r}"
        )
    if not scoring:
        raise ValueError(f"scoring must hold at least one metric, got {scoring!r}")
    for name in scoring:
        if not isinstance(name, str):
            raise TypeError(f"names of metrics in scoring must be strings, got {name!r}")
    if len(set(scoring)) < len(scoring):
        raise ValueError(f"metrics in scoring must be unique, got {scoring!r}")
    if not isinstance(scoring, Mapping):
        scoring = {name: name for name in scoring}
    return {name: check_scoring(scoring=scorer) for name, scorer in scoring.items()}


def _check_data(X: Any, y: Any, groups: Any) -> tuple[Any, NDArray[Any], Any]:
    """Return the three ready to be indexed, of the same length."""
    y = column_or_1d(y)
    check_classification_targets(y)
    lengths = {"X": _num_samples(X)}
    if groups is not None:
        lengths["groups"] = _num_samples(groups)
    for name, length in lengths.items():
        if length != len(y):
            raise ValueError(
                f"{name} must be as long as y, which holds {len(y)} samples, got {length}"
            )
    X, groups = indexable(X, groups)
    return X, y, groups


def _make_splits(cv: Any, X: Any, y: NDArray[Any], groups: Any, random_state: Any) -> list[Split]:
    if cv is None or isinstance(cv, Integral):
        n_splits = 5 if cv is None else int(cv)
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
        cv = kind(n_splits, shuffle=True, random_state=random_state)
    samples = np.arange(len(y))
    splits = [
        # Indices, also where an iterable yields boolean masks.
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
    # One by one only where it is asked for, because not every joblib backend can.
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

    The labels are caught by a scorer, because scorers that are called together share
    predictions: the estimator predicts once for all.
    """
    caught: list[NDArray[Any]] = []

    def catch(y_true: NDArray[Any], y_pred: NDArray[Any]) -> float:
        caught.append(y_pred)
        return 0.0

    # A name that no metric has, because it is longer than each.
    catcher = "".join(scorers) + "_"
    scores = check_scoring(scoring={**scorers, catcher: make_scorer(catch)})(estimator, X, y)
    for metric in scorers:
        if not isinstance(scores[metric], Real):
            raise TypeError(f"scoring must give numbers, got {scores[metric]!r} for {metric!r}")
    return {metric: float(scores[metric]) for metric in scorers}, caught[0]
