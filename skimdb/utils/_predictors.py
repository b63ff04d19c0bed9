"""Estimators whose classifiers are replaced by what predicts the same with less."""

from typing import Any

from skimdb.utils._nested import replace_nested


def with_predictors(estimator: Any) -> Any:
    """Return an estimator with `to_predictor()` in place of each estimator that has this method.

    They are looked for in parameters and attributes, such as the steps of a Pipeline. The others
    are copied where they hold one, and shared where they do not.
    """
    return replace_nested(
        estimator,
        lambda value: value.to_predictor() if hasattr(value, "to_predictor") else value,
    )
