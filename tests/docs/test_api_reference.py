"""The API reference lists all public objects, once each."""

import importlib
import pkgutil
import re
from pathlib import Path

import skimdb

REFERENCE = Path(__file__).parents[2] / "docs" / "api.rst"


def listed_names():
    """Return the full names in the reference."""
    names = []
    for line in REFERENCE.read_text().splitlines():
        if found := re.fullmatch(r"\.\. currentmodule:: (\S+)", line):
            module = found[1]
        elif re.fullmatch(r"   [A-Za-z_]+", line):
            names.append(f"{module}.{line.strip()}")
    return names


def public_names():
    """Return the shortest full name of each public object."""
    modules = [skimdb]
    for info in pkgutil.iter_modules(skimdb.__path__, "skimdb."):
        if not info.name.endswith("__main__"):
            modules.append(importlib.import_module(info.name))
    names = {}
    for module in modules:
        for name in getattr(module, "__all__", []):
            if not name.startswith("_") and module.__name__ != "skimdb.cli":
                names.setdefault(getattr(module, name), f"{module.__name__}.{name}")
    return names


def test_all_public_objects_are_listed_once():
    assert sorted(listed_names()) == sorted(public_names().values())
