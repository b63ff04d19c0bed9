import json
import math
from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skimdb.persistence._plain import decode, encode
from tests.persistence.common import as_bytes

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text())
KEYS = st.one_of(st.booleans(), st.integers(), st.text())
VALUES = st.recursive(
    SCALARS,
    lambda values: st.one_of(
        st.lists(values),
        st.lists(values).map(tuple),
        st.dictionaries(KEYS, values),
    ),
)


def through_json(value):
    members = {}
    text = json.dumps(encode(value, "value", members), allow_nan=False)
    members = {name: as_bytes(content) for name, content in members.items()}
    back = decode(json.loads(text), members)
    assert not members
    return back


def as_repr(value):
    return f"{type(value).__name__} {value!r}"


@given(VALUES)
def test_values_come_back_with_their_types(value):
    assert as_repr(through_json(value)) == as_repr(value)


def test_nan_comes_back():
    assert math.isnan(through_json([float("nan")])[0])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.1), float(np.float32(0.1))),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
    ],
)
def test_scalars_of_numpy_become_those_of_python(value, expected):
    assert as_repr(through_json(value)) == as_repr(expected)


@pytest.mark.parametrize("dtype", [np.float32, np.dtype("<i2"), np.dtype(bool), np.uint8])
def test_types_of_numbers_come_back(dtype):
    assert through_json(dtype) == dtype
    assert type(through_json(dtype)) is type(dtype)


@pytest.mark.parametrize("dtype", [float, int, bool, np.float64, np.int64, np.bool_])
def test_types_of_python_stay_types_of_python(dtype):
    assert through_json(dtype) is dtype


@pytest.mark.parametrize(
    "array",
    [np.arange(6.0).reshape(2, 3), np.array(["a", "bc"]), np.array(["a", "bc"], dtype=object)],
)
def test_arrays_come_back(array):
    back = through_json({"key": array})["key"]
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize("n_drawn", [0, 1, 1000])
def test_random_state_continues(n_drawn):
    random_state = np.random.RandomState(3)
    random_state.normal(size=n_drawn)  # after an odd number, the state holds a spare value
    back = through_json(random_state)
    np.testing.assert_array_equal(back.normal(size=700), random_state.normal(size=700))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (len, r"X.p is or holds a builtins.builtin_function_or_method, which cannot be kept"),
        ([object()], r"X.p is or holds a builtins.object, which cannot be kept as plain data"),
        ({(1, 2): 3}, r"X.p holds \(1, 2\); only strings and finite numbers"),
        ({math.nan: 3}, r"X.p holds nan; only strings and finite numbers"),
        (np.array([None]), r"X.p holds None; only strings and finite numbers"),
        (np.array([["a"]], dtype=object), r"X.p: an array of objects of shape \(1, 1\)"),
        (np.zeros(1, complex), r"X.p: an array of dtype complex128 cannot be kept"),
        (np.ma.zeros(1), "X.p is or holds a numpy.ma.*MaskedArray"),
        (np.dtype("U3"), "X.p is or holds a numpy.*"),
        (np.random.RandomState(np.random.PCG64(0)), "X.p is a RandomState on PCG64"),
        (np.floating, "X.p is or holds the type numpy.floating; only bool, int, float and NumPy's"),
        (np.unsignedinteger, "X.p is or holds the type numpy.unsignedinteger"),
        ([str], "X.p is or holds the type builtins.str"),
        (1j, "X.p is or holds a builtins.complex"),
        ({1, 2}, "X.p is or holds a builtins.set"),
    ],
)
def test_unsupported_values_are_named(value, message):
    with pytest.raises(TypeError, match=message):
        encode(value, "X.p", {})


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({}, "not a value that skimdb.save writes"),
        ({"module": "os", "class_name": "system"}, "not a value that skimdb.save writes"),
        ({"tuple": [], "dict": []}, "not a value that skimdb.save writes"),
        ({"tuple": 3}, "not a value that skimdb.save writes"),
        ({"float": "1"}, "not a value that skimdb.save writes"),
        ({"dict": [[[1], 2]]}, r"a dict has the key \[1\]"),
        ({"dict": [["a", 1], ["a", 2]]}, "a dict has the key a, or has it twice"),
        ({"dict": [["a"]]}, "not enough values"),
        ({"array": "0.npy"}, "its member '0.npy' is missing, or used twice"),
        ({"array": ["0.npy"]}, "is missing"),
        ({"objects": [None]}, "an array of strings and numbers holds None"),
        ({"dtype": "O"}, "'O' is not a number type"),
        ({"scalar_type": "U3"}, "'U3' is not a number type"),
    ],
)
def test_invalid_values_are_refused(plain, message):
    with pytest.raises(ValueError, match=message):
        decode(plain, {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("position", 625),
        ("position", -1),
        ("position", True),
        ("has_gauss", 2),
        ("gauss", "0"),
        ("key", [0] * 624),
    ],
)
def test_invalid_random_state_is_refused(name, value):
    members = {}
    plain = encode(np.random.RandomState(0), "X.p", members)
    plain["random_state"][name] = value
    members = {name: as_bytes(content) for name, content in members.items()}
    with pytest.raises(ValueError, match="a RandomState has an invalid state"):
        decode(plain, members)


RANKINGS = st.lists(st.text(), unique=True).map(lambda words: dict(zip(words, count(1))))


@given(RANKINGS)
def test_vocabulary_comes_back_in_its_order(ranking):
    back = through_json(ranking)
    assert list(back.items()) == list(ranking.items())
    assert set(map(type, back.values())) <= {int}


def test_vocabulary_is_a_member_of_its_own():
    members = {}
    assert encode({"a": 1, "\u00e9": 2, "\ud800": 3}, "X.p", members) == {"ranking": "0.json"}
    assert members["0.json"] == '["a", "\u00e9", "\ud800"]'.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("words", ['["a", "a"]', '["a", 1]', '"ab"', "3", '{"a": 1}', "[", "[]"])
def test_invalid_vocabularies_are_refused(words):
    with pytest.raises((ValueError, TypeError)):
        decode({"ranking": "0.json"}, {"0.json": as_bytes(words.encode())})
