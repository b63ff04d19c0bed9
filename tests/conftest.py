import os
from pathlib import Path

import matplotlib as mpl
import pytest

mpl.use("Agg")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    data_home = os.environ.get("SKIMDB_DATA")
    if data_home and (Path(data_home) / "imdb.npz").is_file():
        return
    skip = pytest.mark.skip(reason="SKIMDB_DATA names no directory with imdb.npz")
    for item in items:
        if item.get_closest_marker("real_data"):
            item.add_marker(skip)
