"""Relative links in the Markdown files lead to files."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGES.md"])
def test_links(name):
    missing = [
        link for link in LINK.findall((ROOT / name).read_text()) if not (ROOT / link).exists()
    ]
    assert not missing


def test_readme_has_links():
    assert len(LINK.findall((ROOT / "README.md").read_text())) > 10


def test_headings_that_the_readme_links_to():
    text = (ROOT / "README.md").read_text()
    headings = {each.lower().replace(" ", "-") for each in re.findall(r"^#+ (.+)$", text, re.M)}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings
