"""From a classifier in a file to its predictor, without Keras."""

from typing import Any

from skimdb.neural_network._predictor import DenseSentimentPredictor, make_predictor
from skimdb.persistence._archive import Bytes
from skimdb.persistence._checks import check_attributes
from skimdb.persistence._network_arrays import decode_arrays
from skimdb.persistence._plain import take_member

_ATTRIBUTES = ("classes_", "n_features_in_", "feature_names_in_")


def decode_predictor(
    network: dict[str, Any] | None, attributes: dict[str, Any], members: dict[str, Bytes]
) -> DenseSentimentPredictor:
    """Return the predictor of a classifier, given what the file has of it.

    Raises
    ------
    ValueError, TypeError, LookupError
        If the parts do not fit together, or if Keras alone computes the network.
    """
    predictor = DenseSentimentPredictor()
    for name in _ATTRIBUTES:
        if name in attributes:
            setattr(predictor, name, attributes[name])
    check_attributes(predictor)
    if network is None:
        return predictor
    arrays, _ = decode_arrays(network, predictor, members)
    for array in network.get("optimizer_variables", []):
        take_member(members, array["array"])
    names = attributes.get("feature_names_in_")
    return make_predictor(arrays, attributes["classes_"], names)
