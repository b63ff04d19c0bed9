"""What estimators hold in their parameters and attributes."""

import copy
from collections.abc import Callable, Iterable
from typing import Any

from sklearn.base import BaseEstimator

_SCALARS = (str, int, float, type(None))


def replace_nested(value: Any, replace: Callable[[Any], Any]) -> Any:
    """Return an estimator with what `replace` returns in place of each object that it holds.

    `replace` gets the estimator itself and everything in the parameters and attributes of
    scikit-learn's objects, and returns another object, or the same to look into it. What holds no
    replaced object is shared, and what holds one is copied once.
    """
    return _Replacement(replace)(value)


def nesting_depth(value: Any) -> int:
    """Return how many estimators are within each other, counting the outermost."""
    depths: dict[int, int] = {}

    def depth(value: Any) -> int:
        if isinstance(value, _SCALARS):
            return 0
        if id(value) not in depths:
            depths[id(value)] = isinstance(value, BaseEstimator)  # if it holds itself
            depths[id(value)] += max(map(depth, _items(value)), default=0)
        return depths[id(value)]

    return depth(value)


class _Replacement:
    def __init__(self, replace: Callable[[Any], Any]) -> None:
        self._replace = replace
        self._results: dict[int, tuple[Any, Any]] = {}

    def __call__(self, value: Any) -> Any:
        if isinstance(value, _SCALARS):
            return value
        if id(value) not in self._results:
            # With the value itself, so that no other gets its id.
            self._results[id(value)] = (value, self._replaced(value))
        return self._results[id(value)][1]

    def _replaced(self, value: Any) -> Any:
        replacement = self._replace(value)
        if replacement is not value:
            return replacement
        items = list(_items(value))
        replaced = [self(item) for item in items]
        if _are_same(items, replaced):
            return value
        if type(value) in (list, tuple):
            return type(value)(replaced)
        names = list(value if isinstance(value, dict) else vars(value))
        other = copy.copy(value)
        attributes = other if isinstance(other, dict) else vars(other)
        attributes.update(zip(names, replaced, strict=True))
        return other


def _items(value: Any) -> Iterable[Any]:
    """Return the objects that a list, tuple, dict or object of scikit-learn holds."""
    if type(value) in (list, tuple):
        return list(value)
    if isinstance(value, dict):
        return list(value.values())
    module = type(value).__module__
    # The parts of a CalibratedClassifierCV are no estimators. Those of skimdb hold no others.
    if module.startswith("sklearn.") or (
        isinstance(value, BaseEstimator) and not module.startswith("skimdb.")
    ):
        return list(getattr(value, "__dict__", {}).values())
    return []


def _are_same(items: Iterable[Any], others: Iterable[Any]) -> bool:
    return all(item is other for item, other in zip(items, others, strict=True))
