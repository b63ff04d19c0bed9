"""Which sub-packages may import which."""

import ast
from pathlib import Path

import pytest

import skimdb

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
MODULES = sorted(path for path in ROOT.rglob("*.py") if path.parent != ROOT)


def imported_rooms(path):
    for node in ast.walk(ast.parse(path.read_text())):
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        for module in modules:
            if module.startswith("skimdb."):
                yield module.split(".")[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_only_from_rooms_below(path):
    allowed = ROOMS[: ROOMS.index(path.relative_to(ROOT).parts[0]) + 1]
    assert set(imported_rooms(path)) <= set(allowed)
