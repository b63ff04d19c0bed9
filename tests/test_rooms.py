"""Which sub-packages may import which."""

import ast
import re
import sys
from pathlib import Path

import pytest

import skimdb
from skimdb.utils import _fixes

ROOT = Path(skimdb.__file__).parent
# Each imports only from those before it.
ROOMS = [
    "utils",
    "datasets",
    "feature_extraction",
    "neural_network",
    "model_selection",
    "inspection",
    "persistence",
    "pipelines",
    "cli",
]
MODULES = sorted(set(ROOT.rglob("*.py")) - {ROOT / "__init__.py", ROOT / "__main__.py"})


def imported_rooms(path):
    for node in ast.walk(ast.parse(path.read_text())):
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        for module in modules:
            if module == "skimdb" and isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    found = getattr(skimdb, alias.name)
                    yield getattr(found, "__module__", f"skimdb.{alias.name}").split(".")[1]
            elif module.startswith("skimdb."):
                yield module.split(".")[1]


def test_the_arithmetic_of_networks_knows_nothing_of_keras():
    for path in (ROOT / "neural_network" / "arrays").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert not any(
                    "keras" in name.name or "tensorf" in name.name for name in node.names
                )
            if isinstance(node, ast.ImportFrom):
                module = node.module or ""
                allowed = ("skimdb.neural_network.arrays", "skimdb.utils", "numpy", "scipy")
                assert module.startswith(allowed) or module.split(".")[0] in sys.stdlib_module_names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_only_from_rooms_below(path):
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    allowed = ROOMS[: ROOMS.index(room) + 1]
    assert set(imported_rooms(path)) <= set(allowed)


def test_the_list_of_work_arounds_names_modules_that_exist():
    listed = re.findall(r"`((?:\w+\.)+_\w+)`", _fixes.__doc__)
    assert len(listed) > 10
    paths = [ROOT.joinpath(*name.split(".")).with_suffix(".py") for name in listed]
    assert [path for path in paths if not path.exists()] == []
