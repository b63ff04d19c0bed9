"""Learning curves from training histories and fitted estimators."""

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
    """Return the required metrics of a history, and those optional ones that it has.

    Error messages call the history `name`.
    """
    if not isinstance(history, Mapping):
        raise TypeError(
            f"{name} must be a dict of one list per metric, such as {{'loss': [0.5, 0.3]}}, "
            f"got {type(history).__name__}."
        )
    missing = [metric for metric in required if metric not in history]
    if missing:
        raise ValueError(f"{name} has no {missing[0]!r}; it has {sorted(history)}.")
    wanted = [*required, *(metric for metric in optional if metric in history)]
    curves = {metric: _as_curve(history[metric], f"{name}[{metric!r}]") for metric in wanted}
    n_epochs = {metric: len(curve) for metric, curve in curves.items()}
    if len(set(n_epochs.values())) > 1:
        raise ValueError(f"metrics of {name} must have the same number of epochs, got {n_epochs}.")
    return curves


def _as_curve(values: ArrayLike, name: str) -> Curve:
    try:
        curve = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be a list of one number per epoch: {error}") from error
    if curve.ndim != 1 or curve.size == 0:
        raise ValueError(
            f"{name} must be a list of one number per epoch and not empty, got an array of shape "
            f"{curve.shape}."
        )
    return curve


def check_histories(
    histories: Mapping[Any, Any], metrics: Iterable[str]
) -> dict[Any, list[dict[str, Curve]]]:
    """Return the metrics of all histories under each key, which may be one or a list."""
    if not isinstance(histories, Mapping):
        raise TypeError(
            "histories must be a dict whose values are histories or lists of histories, "
            f"got {type(histories).__name__}."
        )
    if not histories:
        raise ValueError("histories must contain at least one history, got an empty dict.")
    checked = {}
    for key, value in histories.items():
        runs = _as_list(value)
        if not runs:
            raise ValueError(f"histories[{key!r}] must contain at least one history, got none.")
        checked[key] = [
            check_history(run, metrics, name=f"history {number} of {key!r}")
            for number, run in enumerate(runs)
        ]
    return checked


def last_step(estimator: Any) -> Any:
    """Return the fitted estimator with `history_`: itself, or the last step of a pipeline."""
    check_is_fitted(estimator)
    while isinstance(estimator, Pipeline):
        estimator = estimator[-1]
    if not hasattr(estimator, "history_"):
        raise TypeError(
            "The estimator, or the last step of the pipeline, must have a training history "
            f"`history_`, as DenseSentimentClassifier has; {type(estimator).__name__} has none."
        )
    return estimator


def histories_of(estimators: Mapping[Any, Any]) -> dict[Any, list[History]]:
    """Return the histories of all estimators under each key, which may be one or a list."""
    if not isinstance(estimators, Mapping):
        raise TypeError(
            "estimators must be a dict whose values are fitted estimators or lists of them, "
            f"got {type(estimators).__name__}."
        )
    if not estimators:
        raise ValueError("estimators must contain at least one estimator, got an empty dict.")
    try:
        return {
            key: [last_step(estimator).history_ for estimator in _as_list(value)]
            for key, value in estimators.items()
        }
    except TypeError as error:
        raise TypeError(f"estimators must have fitted estimators: {error}") from error


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
