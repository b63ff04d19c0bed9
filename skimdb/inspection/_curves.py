"""Reading training histories from dicts and from fitted estimators."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

History: TypeAlias = Mapping[str, ArrayLike]
Curve: TypeAlias = NDArray[np.float64]


def check_history(
    history: History, required: Iterable[str], *, optional: Iterable[str] = (), name: str
) -> dict[str, Curve]:
    """Take the wanted metrics of a training history, one value per epoch.

    Parameters
    ----------
    history : mapping of str to array-like of shape (n_epochs,)
        As Keras makes it.
    required : iterable of str
        The metrics that must be there.
    optional : iterable of str, default=()
        The metrics that are taken where they are there.
    name : str
        What error messages call the history.

    Returns
    -------
    curves : dict of str to ndarray of shape (n_epochs,), float64

    Raises
    ------
    TypeError
        If `history` is not a mapping.
    ValueError
        If a required metric is missing, there is no epoch, or the metrics differ in length.
    """
    if not isinstance(history, Mapping):
        raise TypeError(
            f"{name} must be a dict of one list per metric, as {{'loss': [0.5, 0.3]}}, "
            f"got {type(history).__name__}."
        )
    missing = [metric for metric in required if metric not in history]
    if missing:
        raise ValueError(f"{name} has no {missing[0]!r}; it has {sorted(history)}.")
    wanted = [*required, *(metric for metric in optional if metric in history)]
    curves = {metric: np.array(history[metric], dtype=np.float64) for metric in wanted}
    for metric, curve in curves.items():
        if curve.ndim != 1 or curve.size == 0:
            raise ValueError(
                f"{name}[{metric!r}] must hold one number per epoch and at least one epoch, "
                f"got an array of shape {curve.shape}."
            )
    n_epochs = {metric: len(curve) for metric, curve in curves.items()}
    if len(set(n_epochs.values())) > 1:
        raise ValueError(f"The metrics of {name} differ in their numbers of epochs: {n_epochs}.")
    return curves


def check_histories(
    histories: Mapping[Any, Any], metrics: Iterable[str]
) -> dict[Any, list[dict[str, Curve]]]:
    """Take the wanted metrics of one history or a list of them per key, as lists per key.

    Raises
    ------
    TypeError
        If `histories` is not a mapping, or a history is not one.
    ValueError
        If there is no history, or one of them lacks a metric (see `check_history`).
    """
    if not isinstance(histories, Mapping):
        raise TypeError(
            "histories must be a dict with a history or a list of histories per entry, "
            f"got {type(histories).__name__}."
        )
    if not histories:
        raise ValueError("histories must hold at least one history, got an empty dict.")
    checked = {}
    for key, value in histories.items():
        runs = _as_list(value)
        if not runs:
            raise ValueError(f"histories[{key!r}] must hold at least one history, got none.")
        checked[key] = [
            check_history(run, metrics, name=f"history {number} of {key!r}")
            for number, run in enumerate(runs)
        ]
    return checked


def last_step(estimator: Any) -> Any:
    """Return the fitted estimator that keeps the history: itself, or a pipeline's last step.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If `estimator` is not fitted.
    TypeError
        If it is not an estimator, or the last step has no `history_`.
    """
    check_is_fitted(estimator)
    while isinstance(estimator, Pipeline):
        estimator = estimator[-1]
    if not hasattr(estimator, "history_"):
        raise TypeError(
            "The estimator, or the last step of the pipeline, must keep its training history in "
            f"`history_`, as DenseSentimentClassifier does; {type(estimator).__name__} has none."
        )
    return estimator


def histories_of(estimators: Mapping[Any, Any]) -> dict[Any, list[History]]:
    """Return the histories of one fitted estimator or a list of them per key, as lists per key.

    Raises
    ------
    TypeError
        If `estimators` is not a mapping, or one of them has no history.
    sklearn.exceptions.NotFittedError
        If one of them is not fitted.
    """
    if not isinstance(estimators, Mapping):
        raise TypeError(
            "estimators must be a dict with a fitted estimator or a list of them per entry, "
            f"got {type(estimators).__name__}."
        )
    return {
        key: [last_step(estimator).history_ for estimator in _as_list(value)]
        for key, value in estimators.items()
    }


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
