"""``skimdb info``: what a model file holds, without loading it."""

import argparse
from typing import Any

from skimdb.cli._model import add_model
from skimdb.cli.console import OneLineParser, size_text
from skimdb.persistence import read_info

HELP = "Show what a model file holds: labels, size, accuracy, versions."


def add_arguments(parser: OneLineParser) -> None:
    """Declare the arguments."""
    add_model(parser)


def run(args: argparse.Namespace) -> None:
    """Print a table."""
    info = read_info(args.model)
    rows = [["Model", str(args.model)]]
    if info["steps"]:
        rows.append(["Steps", ", ".join(info["steps"])])
    if info["classes"]:
        rows.append(["Labels", ", ".join(map(str, info["classes"]))])
    if info["n_features"] is not None:
        rows.append(["Features", f"{info['n_features']:,}"])
    rows += [
        ["Size", size_text(info["n_bytes"])],
        ["Written", f"{info['modified']:%Y-%m-%d %H:%M}"],
        ["Versions", ", ".join(f"{name} {of}" for name, of in info["versions"].items())],
        *_metadata_rows(info["metadata"]),
    ]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name.ljust(width)}  {value}")


def _metadata_rows(metadata: dict[str, Any], prefix: str = "") -> list[list[str]]:
    rows = []
    for key, value in metadata.items():
        name = prefix + key
        if isinstance(value, dict):
            rows += _metadata_rows(value, f"{name} ")
        else:
            is_count = isinstance(value, int) and not isinstance(value, bool)
            rows.append([name[:1].upper() + name[1:], f"{value:,}" if is_count else str(value)])
    return rows
