import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import matplotlib as mpl
import pytest
from hypothesis import HealthCheck, settings

from skimdb.model_selection import dask_client
from skimdb.utils import _memory

mpl.use("Agg")

# Nothing is timed in a test, so that a busy machine does not matter.
settings.register_profile(
    "untimed", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("untimed")


# Reviews that are too large to be committed; tests marked real_data need all of them.
_REAL_DATA = ["imdb.npz", "imdb_word_index.json", "imdb_train.parquet", "imdb_test.parquet"]


@pytest.fixture(scope="session", autouse=True)
def _data_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the tests' cache out of the data directory."""
    data_home = os.environ.get("SKIMDB_DATA")
    if not data_home:
        yield
        return
    linked = tmp_path_factory.mktemp("data")
    for name in [*_REAL_DATA, "files"]:
        if (path := Path(data_home).resolve() / name).exists():
            (linked / name).symlink_to(path)
    os.environ["SKIMDB_DATA"] = str(linked)
    yield
    os.environ["SKIMDB_DATA"] = data_home


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a machine whose memory is used up."""
    monkeypatch.setattr(_memory, "free_memory", lambda: 0)
    monkeypatch.setattr(_memory, "_SMALL", 0)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Start a Dask cluster of two worker processes."""
    with dask_client(n_workers=2, threads_per_worker=1, dashboard_address=":0") as client:
        yield client


@pytest.fixture
def on_dask(client: Any) -> Iterator[None]:
    """Have joblib work on the cluster, which is whole."""
    client.wait_for_workers(2)
    with joblib.parallel_config(backend="dask"):
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    data_home = Path(os.environ.get("SKIMDB_DATA", ""))
    missing = [name for name in _REAL_DATA if not (data_home / name).is_file()]
    if not missing:
        return
    skip = pytest.mark.skip(reason=f"SKIMDB_DATA must name a folder with {', '.join(missing)}")
    for item in items:
        if item.get_closest_marker("real_data"):
            item.add_marker(skip)
