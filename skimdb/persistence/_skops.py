"""scikit-learn's own estimators, through skops."""

from typing import Any

from sklearn.base import BaseEstimator

from skimdb.persistence._archive import MALFORMED, check_npy, describe, stored_members
from skimdb.utils._optional import import_optional


def dump_with_skops(estimator: BaseEstimator) -> bytes:
    """Return an estimator in the format of skops.

    Raises
    ------
    ImportError
        If skops is not installed.
    ValueError
        If it holds a type that skops does not trust by default, such as a sparse matrix.
    """
    skops_io = _import_skops()
    try:
        data: bytes = skops_io.dumps(estimator)
        _check(data, skops_io)
    except MALFORMED as error:
        hint = " Save its best_estimator_." if hasattr(estimator, "best_estimator_") else ""
        raise ValueError(
            f"a {type(estimator).__name__} cannot be kept: {describe(error)}.{hint}"
        ) from error
    return data


def load_with_skops(data: bytes) -> BaseEstimator:
    """Return the estimator that `dump_with_skops` was given; nothing untrusted is loaded.

    Raises
    ------
    ImportError
        If skops is not installed.
    ValueError
        If the data are damaged, or hold anything but an estimator of scikit-learn made of types
        that skops trusts by default.
    """
    skops_io = _import_skops()
    try:
        _check(data, skops_io)
        estimator = skops_io.loads(data)
    except MALFORMED as error:
        raise ValueError(f"in one of scikit-learn's estimators, {describe(error)}") from error
    if not isinstance(estimator, BaseEstimator):
        raise ValueError(f"expected an estimator, found a {type(estimator).__name__}")
    return estimator


def _import_skops() -> Any:
    return import_optional(
        "skops.io",
        needed_by="Saving or loading one of scikit-learn's own estimators",
        install="skimdb[persistence]",
    )


def _check(data: bytes, skops_io: Any) -> None:
    members = stored_members(data)
    untrusted = skops_io.get_untrusted_types(data=data)
    if untrusted:
        raise ValueError(f"it holds types that are not trusted: {', '.join(untrusted)}")
    for name, content in members.items():
        if name != "schema.json":
            # Before NumPy does, which allocates what a header says and unpacks archives.
            check_npy(content)
