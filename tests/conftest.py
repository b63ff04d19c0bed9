import os
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import pytest
from hypothesis import settings

mpl.use("Agg")

# Nothing is timed in a test, also where the machine is busy.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def _data_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the tests' cache out of the data directory."""
    data_home = os.environ.get("SKIMDB_DATA")
    if not data_home:
        yield
        return
    linked = tmp_path_factory.mktemp("data")
    for path in Path(data_home).resolve().iterdir():
        if "cache" not in path.name:
            (linked / path.name).symlink_to(path)
    os.environ["SKIMDB_DATA"] = str(linked)
    yield
    os.environ["SKIMDB_DATA"] = data_home


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    data_home = os.environ.get("SKIMDB_DATA")
    if data_home and (Path(data_home) / "imdb.npz").is_file():
        return
    skip = pytest.mark.skip(reason="SKIMDB_DATA names no directory with imdb.npz")
    for item in items:
        if item.get_closest_marker("real_data"):
            item.add_marker(skip)
