"""The commands in the README and the documentation run as they are written."""

import io
import re
import shlex
from pathlib import Path

import pytest

from skimdb.cli import main
from tests.cli.common import LABELS, TEXTS, write_csv

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.rst")),
         *sorted((ROOT / "docs" / "user_guide").glob("*.rst"))]  # fmt: skip
COMMAND = re.compile(r'^ *(?:echo "(?P<text>.*)" \| )?skimdb (?P<arguments>(?!report).+)$', re.M)


def commands_of(path):
    """Return each command of a page, with the text that is piped into it."""
    blocks = re.findall(
        r"^```sh\n(.*?)^```|^\.\. code-block:: sh\n\n((?:   .*\n|\n)+)",
        path.read_text(),
        re.M | re.S,
    )
    found = COMMAND.finditer("".join("".join(block) for block in blocks))
    return [(each["text"], shlex.split(each["arguments"])) for each in found]


PAGES = [path for path in PAGES if commands_of(path)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with the files that the commands read."""
    folder = tmp_path_factory.mktemp("files")
    rows = list(zip(TEXTS, LABELS, strict=True))
    write_csv(folder / "reviews.csv", ["review", "sentiment"], rows[::20])
    write_csv(folder / "new.csv", ["review"], [[text] for text in TEXTS[:5]])
    return folder


def test_pages_have_commands():
    assert {"README.md", "command_line.rst", "getting_started.rst"} <= {path.name for path in PAGES}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_commands_run(path, folder, monkeypatch):
    monkeypatch.chdir(folder)
    for text, arguments in commands_of(path):
        if text is not None:
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{text}\n".encode())))
        assert main(arguments) == 0
