import pytest

from skimdb.cli import main
from tests.cli.common import LABELS, TEXTS, write_csv


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "reviews.csv"
    return write_csv(path, ["text", "label"], zip(TEXTS, LABELS, strict=True))


@pytest.fixture(scope="session")
def model(data):
    path = data.with_name("reviews.skimdb")
    assert main(["fit", str(data), "-o", str(path), "--no-check"]) == 0
    return path


@pytest.fixture
def stdin(tmp_path, monkeypatch):
    """Return a function that sets what is read from standard input."""

    def set_stdin(text):
        path = tmp_path / "stdin"
        path.write_text(text, encoding="utf-8")
        monkeypatch.setattr("sys.stdin", stack.append(path.open(encoding="utf-8")) or stack[-1])

    stack = []
    yield set_stdin
    for file in stack:
        file.close()
