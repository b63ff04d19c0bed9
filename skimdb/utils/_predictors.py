"""Estimators whose classifiers are replaced by what predicts the same with less."""

import copy
from collections.abc import Callable, Iterable
from typing import Any

from sklearn.base import BaseEstimator


def with_predictors(value: Any) -> Any:
    """Return an estimator with `to_predictor()` in place of each estimator that has this method.

    They are looked for in parameters and attributes, such as the steps of a Pipeline. The others
    are copied where they hold one, and shared where they do not.
    """
    if hasattr(value, "to_predictor"):
        return value.to_predictor()
    if type(value) in (list, tuple):
        items = [with_predictors(item) for item in value]
        return value if _are_same(items, value) else type(value)(items)
    if isinstance(value, dict):
        return _with_items(value, value, dict.update)
    # The parts of a CalibratedClassifierCV are no estimators.
    if isinstance(value, BaseEstimator) or type(value).__module__.startswith("sklearn."):
        return _with_items(
            value, getattr(value, "__dict__", {}), lambda other, new: vars(other).update(new)
        )
    return value


def _with_items(value: Any, items: dict[Any, Any], update: Callable[[Any, Any], None]) -> Any:
    replaced = {key: with_predictors(item) for key, item in items.items()}
    if _are_same(replaced.values(), items.values()):
        return value
    other = copy.copy(value)
    update(other, replaced)
    return other


def _are_same(items: Iterable[Any], others: Iterable[Any]) -> bool:
    return all(item is other for item, other in zip(items, others, strict=True))
