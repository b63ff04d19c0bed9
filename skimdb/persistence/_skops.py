"""scikit-learn's own estimators, through skops.

Estimators of this package within them are kept apart, by our own format; a `Part` marks the place
of each.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from io import BytesIO
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from skimdb.persistence._archive import check_npy, describe, stored_members
from skimdb.utils._nested import replace_nested
from skimdb.utils._npy import MALFORMED
from skimdb.utils._optional import import_optional

_METRICS = (
    "_classification.accuracy_score",
    "_classification.balanced_accuracy_score",
    "_classification.brier_score_loss",
    "_classification.cohen_kappa_score",
    "_classification.f1_score",
    "_classification.fbeta_score",
    "_classification.jaccard_score",
    "_classification.log_loss",
    "_classification.matthews_corrcoef",
    "_classification.precision_score",
    "_classification.recall_score",
    "_ranking.average_precision_score",
    "_ranking.roc_auc_score",
)
_SPLITTERS = (
    "GroupKFold",
    "GroupShuffleSplit",
    "KFold",
    "LeaveOneGroupOut",
    "LeaveOneOut",
    "PredefinedSplit",
    "RepeatedKFold",
    "RepeatedStratifiedKFold",
    "ShuffleSplit",
    "StratifiedGroupKFold",
    "StratifiedKFold",
    "StratifiedShuffleSplit",
)
# What skops does not trust by itself. Each holds only what it is given, and its methods do what
# scikit-learn's estimators ask of it. Types whose methods rely on the values of arrays without
# checking them, such as the nodes of trees, must not be added.
TRUSTED = (
    "skimdb.persistence._skops.Part",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.compose._column_transformer._RemainderColsList",
    "sklearn.compose._column_transformer.make_column_selector",
    "sklearn.metrics._scorer._CurveScorer",
    "sklearn.metrics._scorer._PassthroughScorer",
    "sklearn.metrics._scorer._Scorer",
    "sklearn.multiclass._ConstantPredictor",
    "sklearn.utils._bunch.Bunch",
    "sklearn.utils._metadata_requests.MetadataRequest",
    "sklearn.utils._metadata_requests.MethodMetadataRequest",
    *(f"sklearn.metrics.{metric}" for metric in _METRICS),
    *(f"sklearn.model_selection._split.{splitter}" for splitter in _SPLITTERS),
)

_PARTS: ContextVar[Sequence[BaseEstimator]] = ContextVar("parts", default=())


class Part:
    """The place of an estimator that skops does not keep.

    skops restores it by calling the class, which returns the estimator itself.
    """

    def __new__(cls, index: int) -> Any:
        parts = _PARTS.get()
        if type(index) is not int or not 0 <= index < len(parts):
            raise ValueError(f"there is no part {index!r}")
        return parts[index]

    def __reduce__(self) -> tuple[type, tuple[int]]:
        return Part, (self.index,)

    index: int


def dump_with_skops(
    estimator: BaseEstimator, is_part: Callable[[BaseEstimator], bool]
) -> tuple[bytes, list[BaseEstimator]]:
    """Return an estimator in the format of skops, and those within it that are kept apart.

    Parameters
    ----------
    estimator : estimator
        Of scikit-learn.
    is_part : callable
        Tells whether an estimator is to be kept apart.

    Raises
    ------
    ImportError
        If skops is not installed.
    ValueError
        If it holds a type that is not trusted, such as a sparse matrix.
    """
    skops_io = _import_skops()
    parts: list[BaseEstimator] = []

    def to_part(value: Any) -> Any:
        if not (isinstance(value, BaseEstimator) and is_part(value)):
            return value
        part = object.__new__(Part)
        part.index = len(parts)
        parts.append(value)
        return part

    try:
        data: bytes = skops_io.dumps(replace_nested(estimator, to_part))
        _check(data, skops_io)
    except MALFORMED as error:
        raise ValueError(
            f"a {type(estimator).__name__} cannot be kept: {describe(error)}"
        ) from error
    return data, parts


def load_with_skops(data: bytes, parts: Sequence[BaseEstimator]) -> BaseEstimator:
    """Return the estimator that `dump_with_skops` was given; nothing untrusted is loaded.

    Raises
    ------
    ImportError
        If skops is not installed.
    ValueError
        If the data are damaged, or hold anything but an estimator of scikit-learn made of types
        that are trusted.
    """
    skops_io = _import_skops()
    token = _PARTS.set(parts)
    try:
        _check(data, skops_io)
        estimator = skops_io.loads(data, trusted=TRUSTED)
    except MALFORMED as error:
        raise ValueError(f"in one of scikit-learn's estimators, {describe(error)}") from error
    finally:
        _PARTS.reset(token)
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
    members = stored_members(BytesIO(data), np.frombuffer(data, np.uint8))
    untrusted = sorted({*skops_io.get_untrusted_types(data=data)} - {*TRUSTED})
    if untrusted:
        raise ValueError(f"it holds types that are not trusted: {', '.join(untrusted)}")
    for node in _nodes(json.loads(members["schema.json"].tobytes())):
        # The class is called with any arguments.
        called = node.get("__loader__") == "ConstructorFromReduceNode"
        if called and (node.get("__module__"), node.get("__class__")) != _PART:
            raise ValueError(f"it calls {node.get('__module__')}.{node.get('__class__')}")
    for name, content in members.items():
        if name != "schema.json":
            # Before NumPy does, which allocates what a header says and unpacks archives.
            check_npy(content)


_PART = (Part.__module__, Part.__name__)


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield all objects within JSON."""
    if isinstance(schema, dict):
        yield schema
    for item in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(item, (dict, list)):
            yield from _nodes(item)
