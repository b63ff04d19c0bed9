"""The steps of pipelines."""

from collections.abc import Iterator
from typing import Any

from sklearn.pipeline import Pipeline


def flat_steps(estimator: Any) -> Iterator[Any]:
    """Yield the steps of nested pipelines, except None and "passthrough"."""
    if isinstance(estimator, Pipeline):
        for _, step in estimator.steps:
            yield from flat_steps(step)
    elif estimator is not None and estimator != "passthrough":
        yield estimator
