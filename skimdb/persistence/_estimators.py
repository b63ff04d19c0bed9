"""Estimators as JSON, with arrays as members of the archive."""

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from sklearn.base import BaseEstimator

from skimdb.persistence._archive import Bytes
from skimdb.persistence._checks import (
    check_attributes,
    check_characters,
    check_classifier,
    check_encoder,
    check_scaler,
    check_steps,
    check_vectorizer,
)
from skimdb.persistence._network_arrays import SaveOptions
from skimdb.persistence._ngrams import ngrams_of_table, table_of_ngrams
from skimdb.persistence._plain import add_member, decode, encode, take_member
from skimdb.persistence._predictor import decode_predictor
from skimdb.persistence._skops import dump_with_skops, load_with_skops

# What a step may be instead of an estimator.
_NO_ESTIMATOR = (None, "passthrough", "drop")


@dataclass(frozen=True)
class _Kind:
    """A class whose estimators can be kept.

    Attributes
    ----------
    module : str
        Where the class is imported from; only when it is needed, since TensorFlow takes seconds.
    check : callable or None
        Raises if an estimator is not as the class would make it.
    private : tuple of str
        Attributes to keep besides those that end with an underscore.
    keys : tuple of str
        Of the JSON object, besides those that all estimators have.
    children : str or None
        The parameter that holds the steps, pairs of a name and an estimator.
    lacking : dict
        Parameters that files of older versions lack, with the values that do what those did.
    simplify : callable or None
        Replaces attributes that are not plain data in a dict of attributes.
    restore : callable or None
        Makes them again, before the estimator is checked.
    """

    module: str
    check: Callable[[Any], None] | None = None
    private: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    children: str | None = None
    lacking: dict[str, Any] = field(default_factory=dict)
    simplify: Callable[[dict[str, Any]], None] | None = None
    restore: Callable[[Any], None] | None = None


_KINDS = {
    "DenseSentimentClassifier": _Kind(
        "skimdb.neural_network",
        check_classifier,
        private=("_seed",),
        keys=("optimizer", "network"),
    ),
    "CharacterEncoder": _Kind("skimdb.feature_extraction", check_characters),
    "LogCountRatioScaler": _Kind("skimdb.feature_extraction", check_scaler),
    "MultiHotVectorizer": _Kind(
        "skimdb.feature_extraction",
        check_vectorizer,
        lacking={"ensure_min_features": 1},
        simplify=ngrams_of_table,
        restore=table_of_ngrams,
    ),
    "WordIndexEncoder": _Kind(
        "skimdb.feature_extraction", check_encoder, lacking={"normalize": False}
    ),
    "FeatureUnion": _Kind(
        "sklearn.pipeline", check_steps, keys=("children",), children="transformer_list"
    ),
    "Pipeline": _Kind("sklearn.pipeline", check_steps, keys=("children",), children="steps"),
    # What a fitted FeatureUnion has for "passthrough".
    "FunctionTransformer": _Kind("sklearn.preprocessing"),
}
_KEYS = {"class", "parameters", "attributes", "requests", "output"}
_CLASSIFIER = "DenseSentimentClassifier"
_ROUTED_METHODS = ("fit", "partial_fit", "score")
_LEARNED = re.compile("[a-z][a-z0-9_]*[a-z0-9]_")
_CONTAINERS = ("default", "pandas", "polars")


def encode_estimator(
    estimator: Any, members: dict[str, bytes], options: SaveOptions
) -> dict[str, Any]:
    """Return an estimator as JSON.

    Parameters
    ----------
    estimator : estimator
        Of this package, a Pipeline or FeatureUnion, or another estimator of scikit-learn.
    members : dict of str to bytes
        Takes the arrays.
    options : SaveOptions

    Raises
    ------
    TypeError, ValueError
        If it cannot be kept, as a whole or for a parameter that is named.
    """
    name = type(estimator).__name__
    if not _has_own_format(estimator):
        data, parts = dump_with_skops(estimator, _has_own_format)
        return {
            "skops": add_member(members, data, "skops"),
            "parts": [encode_estimator(part, members, options) for part in parts],
        }
    kind = _KINDS[name]
    _check(estimator, kind)
    parameters = estimator.get_params(deep=False)
    attributes = {key: value for key, value in vars(estimator).items() if key not in parameters}
    plain: dict[str, Any] = {"class": name}
    if "_metadata_request" in attributes:
        plain["requests"] = _encode_requests(estimator)
        del attributes["_metadata_request"]
    if "_sklearn_output_config" in attributes:
        plain["output"] = attributes.pop("_sklearn_output_config").get("transform", "default")
    if kind.children:
        plain["children"] = [
            [child_name, _encode_child(child, members, options)]
            for child_name, child in parameters.pop(kind.children)
        ]
    if name == _CLASSIFIER:
        plain["optimizer"] = _network().encode_optimizer_parameter(parameters.pop("optimizer"))
        if (state := attributes.pop("_state", None)) is not None:
            plain["network"] = _network().encode_network(estimator, members, options)
            attributes["_seed"] = state.seed
    if kind.simplify:
        kind.simplify(attributes)
    _check_names(attributes, name, kind)
    plain["parameters"] = _encode_all(parameters, name, members)
    plain["attributes"] = _encode_all(attributes, name, members)
    return plain


def decode_estimator(
    plain: Any, members: dict[str, Bytes], *, with_predictors: bool = False
) -> Any:
    """Return the estimator that `encode_estimator` was given.

    With `with_predictors`, a `DenseSentimentPredictor` takes the place of each classifier.

    Raises
    ------
    ValueError, TypeError, LookupError
        If `plain` is anything else than what `encode_estimator` returns.
    """
    if "skops" in plain:
        parts = [
            decode_estimator(part, members, with_predictors=with_predictors)
            for part in plain.get("parts", [])  # which version 0.1.0 did not have
        ]
        return load_with_skops(take_member(members, plain["skops"]).tobytes(), parts)
    name = plain["class"]
    if name not in _KINDS:
        raise ValueError(f"it holds a {name!r}, which this version of skimdb does not know")
    kind = _KINDS[name]
    unknown = sorted(plain.keys() - _KEYS - set(kind.keys))
    if unknown:
        raise ValueError(f"a {name} has {unknown}, which skimdb.save does not write")
    parameters = kind.lacking | _decode_all(plain["parameters"], members)
    if kind.children:
        parameters[kind.children] = [
            (child_name, _decode_child(child, members, with_predictors))
            for child_name, child in plain["children"]
        ]
    attributes = _decode_all(plain["attributes"], members)
    _check_names(attributes, name, kind)
    if name == _CLASSIFIER and with_predictors:
        return decode_predictor(plain.get("network"), attributes, members)
    if name == _CLASSIFIER:
        parameters["optimizer"] = _network().decode_optimizer_parameter(plain["optimizer"])
    seed = attributes.pop("_seed", None)
    estimator = getattr(importlib.import_module(kind.module), name)(**parameters)
    vars(estimator).update(attributes)
    check_attributes(estimator)
    if "network" in plain:
        state = _network().decode_network(plain["network"], estimator, seed, members)
        state.history = estimator.history_
        estimator._state = state
    if "requests" in plain:
        _decode_requests(plain["requests"], estimator)
    if "output" in plain:
        if plain["output"] not in _CONTAINERS:
            raise ValueError(f"{name} has the output {plain['output']!r}")
        estimator._sklearn_output_config = {"transform": plain["output"]}
    if kind.restore:
        kind.restore(estimator)
    _check(estimator, kind)
    return estimator


def _has_own_format(estimator: Any) -> bool:
    """Tell an estimator to be kept here from one of scikit-learn's for skops."""
    estimator_class = type(estimator)
    module = estimator_class.__module__
    kind = _KINDS.get(estimator_class.__name__)
    if kind is not None and module.startswith(kind.module):
        return estimator_class.__name__ != "FunctionTransformer" or not (
            estimator.func or estimator.inverse_func
        )
    if not (module.startswith("sklearn.") and isinstance(estimator, BaseEstimator)):
        raise TypeError(
            f"estimator is or holds a {module}.{estimator_class.__qualname__}; only estimators "
            "of skimdb and scikit-learn, and Pipelines of them, can be kept."
        )
    return False


def _network() -> ModuleType:
    """Import what loads TensorFlow, for classifiers alone."""
    return importlib.import_module("skimdb.persistence._encoded_network")


def _check(estimator: Any, kind: _Kind) -> None:
    if hasattr(estimator, "_parameter_constraints"):  # a FeatureUnion has none
        estimator._validate_params()
    check_attributes(estimator)
    if kind.check:
        kind.check(estimator)


def _check_names(attributes: dict[str, Any], class_name: str, kind: _Kind) -> None:
    for name in attributes:
        if not _LEARNED.fullmatch(name) and name not in kind.private:
            raise ValueError(
                f"{class_name} has an attribute {name!r} that is not its own and cannot be kept"
            )


def _encode_all(
    values: dict[str, Any], class_name: str, members: dict[str, bytes]
) -> dict[str, Any]:
    return {key: encode(value, f"{class_name}.{key}", members) for key, value in values.items()}


def _decode_all(values: Any, members: dict[str, Bytes]) -> dict[str, Any]:
    return {key: decode(value, members) for key, value in values.items()}


def _encode_child(child: Any, members: dict[str, bytes], options: SaveOptions) -> Any:
    if child in _NO_ESTIMATOR:
        return child
    return encode_estimator(child, members, options)


def _decode_child(child: Any, members: dict[str, Bytes], with_predictors: bool) -> Any:
    if child in _NO_ESTIMATOR:
        return child
    if not isinstance(child, dict):
        raise ValueError(f"a step must be an estimator, got {child!r:.80}")
    return decode_estimator(child, members, with_predictors=with_predictors)


def _encode_requests(estimator: Any) -> dict[str, Any]:
    """Return which metadata the methods have been set to request."""
    request = estimator.get_metadata_routing()
    return {method: dict(getattr(request, method).requests) for method in _ROUTED_METHODS}


def _decode_requests(plain: Any, estimator: Any) -> None:
    request = estimator.get_metadata_routing()
    for method in _ROUTED_METHODS:
        for parameter, alias in plain[method].items():
            if parameter not in getattr(request, method).requests:
                raise ValueError(f"{type(estimator).__name__}.{method} has no {parameter!r}")
            getattr(request, method).add_request(param=parameter, alias=alias)
    estimator._metadata_request = request
