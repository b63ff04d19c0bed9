"""Python values as JSON, with arrays as members of the archive.

None, booleans, finite numbers, strings and lists are themselves. Everything else is an object
with one key, which names the kind, such as ``{"tuple": [...]}`` or ``{"array": "0.npy"}``.
"""

import json
import math
import operator
import re
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skimdb.persistence._archive import Bytes, array_to_npy, npy_to_array

_MT19937_SIZE = 624
_NUMPY_NUMBERS = (np.bool_, np.integer, np.floating)
_PYTHON_NUMBERS: dict[str, type] = {"bool": bool, "int": int, "float": float}
# Without the abstract ones, such as np.floating.
_NUMPY_TYPES = {
    np.dtype(code).type for code in ("?", *np.typecodes["AllInteger"], *np.typecodes["Float"])
}


def add_member(members: dict[str, bytes], content: bytes, suffix: str) -> str:
    """Add a member under a name of its own, which is returned."""
    name = f"{len(members)}.{suffix}"
    members[name] = content
    return name


def take_member(members: dict[str, Bytes], name: Any) -> Bytes:
    """Remove a member and return its content."""
    if not isinstance(name, str) or name not in members:
        raise ValueError(f"its member {name!r} is missing, or used twice")
    return members.pop(name)


def encode(  # noqa: PLR0911, one for each kind of value
    value: Any, where: str, members: dict[str, bytes]
) -> Any:
    """Return a value as JSON.

    Parameters
    ----------
    value : object
        None, a boolean, number or string, Python's or NumPy's; an array, a type or dtype of
        numbers, a RandomState, or a list, tuple or dict of these. NumPy's scalars become
        Python's.
    where : str
        What the value is of, for messages.
    members : dict of str to bytes
        Takes the arrays.

    Raises
    ------
    TypeError
        For anything else.
    """
    match value:
        case None:
            return None
        case str() | int() | float() | np.bool_() | np.integer() | np.floating():
            return _encode_scalar(value)
        case list():
            return [encode(item, where, members) for item in value]
        case tuple():
            return {"tuple": [encode(item, where, members) for item in value]}
        case dict() if _is_ranking(value):
            words = json.dumps(list(value), ensure_ascii=False)
            name = add_member(members, words.encode("utf-8", "surrogatepass"), "json")
            return {"ranking": name}
        case dict() if type(value) is dict:
            return {
                "dict": [
                    [_encode_label(key, where), encode(item, where, members)]
                    for key, item in value.items()
                ]
            }
        case np.ndarray() if type(value) in (np.ndarray, np.memmap):
            return _encode_array(value, where, members)
        case np.dtype() if value.kind in "biuf":
            return {"dtype": value.str}
        case type() if value in _PYTHON_NUMBERS.values():
            return {"scalar_type": value.__name__}
        case type() if value in _NUMPY_TYPES:
            return {"scalar_type": np.dtype(value).str}
        case type():
            raise TypeError(
                f"{where} is or holds the type {value.__module__}.{value.__qualname__}; only "
                "bool, int, float and NumPy's types of such numbers, as numpy.float32, can be kept."
            )
        case np.random.RandomState():
            return _encode_random_state(value, where, members)
    raise TypeError(
        f"{where} is or holds a {type(value).__module__}.{type(value).__qualname__}, which "
        "cannot be kept as plain data. Replace it before saving."
    )


def decode(  # noqa: PLR0911, one for each kind of value
    plain: Any, members: dict[str, Bytes]
) -> Any:
    """Return the value that `encode` was given.

    Raises
    ------
    ValueError, TypeError
        If `plain` is nothing that `encode` returns.
    """
    match plain:
        case None | bool() | int() | float() | str():
            return plain
        case list():
            return [decode(item, members) for item in plain]
        case {"float": "nan" | "inf" | "-inf" as name, **rest} if not rest:
            return float(name)
        case {"tuple": list(items), **rest} if not rest:
            return tuple(decode(item, members) for item in items)
        case {"dict": list(pairs), **rest} if not rest:
            return _decode_dict(pairs, members)
        case {"ranking": name, **rest} if not rest:
            return _decode_ranking(take_member(members, name))
        case {"array": name, **rest} if not rest:
            return npy_to_array(take_member(members, name))
        case {"objects": list(items), **rest} if not rest:
            return _decode_objects(items)
        case {"dtype": str(name), **rest} if not rest:
            return _number_dtype(name)
        case {"scalar_type": str(name), **rest} if not rest:
            return _PYTHON_NUMBERS.get(name) or _number_dtype(name).type
        case {"random_state": dict(state), **rest} if not rest:
            return _decode_random_state(state, members)
    raise ValueError(f"{str(plain)[:80]} is not a value that skimdb.save writes")


def _is_ranking(value: Any) -> bool:
    """Tell whether a dict maps strings to 1, 2, 3 and so on, as a vocabulary does."""
    return (
        type(value) is dict
        and set(map(type, value)) == {str}
        and set(map(type, value.values())) == {int}
        and all(map(operator.eq, value.values(), count(1)))
    )


def _decode_ranking(member: Bytes) -> dict[str, int]:
    words = json.loads(member.tobytes().decode("utf-8", "surrogatepass"))
    ranking = dict(zip(words, count(1)))
    if not (isinstance(words, list) and _is_ranking(ranking) and len(ranking) == len(words)):
        raise ValueError("the words of a dict are not different strings")
    return ranking


def _encode_scalar(value: Any) -> Any:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    number = float(value)
    return number if math.isfinite(number) else {"float": str(number)}


def _encode_label(label: Any, where: str) -> Any:
    """Encode the key of a dict or the item of an object array, which have no JSON of their own."""
    if isinstance(label, (str, int, float, *_NUMPY_NUMBERS)):
        encoded = _encode_scalar(label)
        if not isinstance(encoded, dict):
            return encoded
    raise TypeError(f"{where} holds {label!r}; only strings and finite numbers can be kept there.")


def _encode_array(array: NDArray[Any], where: str, members: dict[str, bytes]) -> Any:
    if array.dtype != object:
        try:
            return {"array": add_member(members, array_to_npy(array), "npy")}
        except TypeError as error:
            raise TypeError(f"{where}: {error}.") from error
    if array.ndim != 1:
        raise TypeError(f"{where}: an array of objects of shape {array.shape} cannot be kept.")
    return {"objects": [_encode_label(item, where) for item in array]}


def _encode_random_state(
    random_state: np.random.RandomState, where: str, members: dict[str, bytes]
) -> Any:
    state: Any = random_state.get_state(legacy=False)
    if state["bit_generator"] != "MT19937":
        raise TypeError(
            f"{where} is a RandomState on {state['bit_generator']}; only MT19937 can be kept."
        )
    return {
        "random_state": {
            "key": encode(state["state"]["key"], where, members),
            "position": int(state["state"]["pos"]),
            "has_gauss": int(state["has_gauss"]),
            "gauss": float(state["gauss"]),
        }
    }


def _decode_dict(pairs: list[Any], members: dict[str, Bytes]) -> dict[Any, Any]:
    decoded: dict[Any, Any] = {}
    for pair in pairs:
        key, item = pair
        if not isinstance(key, (str, int, float)) or key in decoded:
            raise ValueError(f"a dict has the key {str(key)[:80]}, or has it twice")
        decoded[key] = decode(item, members)
    return decoded


def _decode_objects(items: list[Any]) -> NDArray[np.object_]:
    objects = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        if not isinstance(item, (str, int, float)):
            raise ValueError(f"an array of strings and numbers holds {str(item)[:80]}")
        objects[i] = item
    return objects


def _number_dtype(name: str) -> np.dtype[Any]:
    if not re.fullmatch(r"[<>|]?[biuf]\d{1,2}", name):
        raise ValueError(f"{name!r} is not a number type")
    return np.dtype(name)


def _decode_random_state(state: dict[str, Any], members: dict[str, Bytes]) -> np.random.RandomState:
    key = decode(state["key"], members)
    position, has_gauss, gauss = state["position"], state["has_gauss"], state["gauss"]
    # NumPy checks neither, and reads at that position.
    if not (
        isinstance(key, np.ndarray)
        and key.dtype == np.uint32
        and key.shape == (_MT19937_SIZE,)
        and type(position) is int
        and 0 <= position <= _MT19937_SIZE
        and has_gauss in (0, 1)
        and isinstance(gauss, float)
    ):
        raise ValueError("a RandomState has an invalid state")
    random_state = np.random.RandomState()
    random_state.set_state(("MT19937", key, position, has_gauss, gauss))
    return random_state
