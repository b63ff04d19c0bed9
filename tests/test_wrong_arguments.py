"""The message about a wrong argument names the parameter."""

import importlib
import inspect
import pkgutil
import re

import pytest

import skimdb
from tests.arguments import CALLS, NOT_CALLED

CASES = [
    pytest.param(name, parameter, value, id=f"{name}-{parameter}-{index}")
    for name, call in CALLS.items()
    for parameter, values in call.wrong.items()
    for index, value in enumerate(values)
]


def public_functions_and_estimators():
    modules = [skimdb, *(importlib.import_module(info.name) for info in pkgutil.iter_modules(
        skimdb.__path__, "skimdb.") if not info.name.endswith("__main__"))]  # fmt: skip
    public = {name: getattr(module, name) for module in modules
              for name in getattr(module, "__all__", []) if not name.startswith("_")}  # fmt: skip
    return {name: value for name, value in public.items() if callable(value)}


def test_every_public_name_is_in_the_table():
    public = public_functions_and_estimators()
    assert {name for name in CALLS if "." not in name} | NOT_CALLED == set(public) - {"main"}


@pytest.mark.parametrize("name", [name for name in CALLS if "." not in name])
def test_every_parameter_is_in_the_table(name):
    value = public_functions_and_estimators()[name]
    assert set(inspect.signature(value).parameters) <= set(CALLS[name].wrong)


@pytest.mark.parametrize(("name", "parameter", "value"), CASES)
def test_message_names_the_parameter(name, parameter, value):
    call = CALLS[name]
    with pytest.raises((TypeError, ValueError, OSError)) as raised:
        call.function(**call.valid | {parameter: value})
    assert re.search(rf"\b{parameter}\b", str(raised.value)), str(raised.value)
