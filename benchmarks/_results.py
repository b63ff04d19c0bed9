"""Result files: what was measured, part by part, each with where and when it was measured.

A run updates the parts that it measures and keeps the others. So a run of one part (``--only``),
or one that is stopped between two parts, never loses what is there.
"""

import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from skimdb.utils._files import atomic_file

RESULTS = Path(__file__).parent / "results"
_ROOT = Path(__file__).parents[1]
_PACKAGES = (
    "distributed",
    "fasttext",
    "joblib",
    "keras",
    "numpy",
    "pyarrow",
    "ray",
    "scikeras",
    "scikit-learn",
    "scipy",
    "skimdb",
    "skorch",
    "tensorflow",
    "torch",
)

Parts = dict[str, dict[str, Any]]


def add_only(parser: ArgumentParser, known: Sequence[str]) -> None:
    """Add the argument ``--only``, which limits a run to some parts."""

    def parts(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            parser.error(
                f"argument --only: unknown part {', '.join(unknown)}; parts: {', '.join(known)}"
            )
        return [name for name in known if name in names]

    parser.add_argument(
        "--only",
        type=parts,
        default=list(known),
        metavar="PART,...",
        help=f"the parts to measure, the others being kept as they are: {', '.join(known)}",
    )


def environment() -> dict[str, Any]:
    """Return the machine, the versions of the packages, the commit and the date."""
    return {
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "commit": commit(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": versions(),
    }


def versions() -> dict[str, str]:
    """Return the versions of the packages that are installed."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """Return the commit that is checked out, with a hash of what was changed since.

    Outside a clone it is "unknown".
    """
    try:
        head = _git("rev-parse", "--short=12", "HEAD").strip()
        change = _git("diff", "HEAD", "--", "*.py")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head}+{sha256(change.encode()).hexdigest()[:8]}" if change else head


def update_parts(path: Path, results: Mapping[str, Any]) -> Parts:
    """Write the results of some parts to a file, and return these and the others in it.

    Parameters
    ----------
    path : Path
        A JSON file, which need not exist.
    results : mapping of str to anything that JSON can hold
        What was measured now, by the names of the parts.

    Returns
    -------
    parts : dict
        For each part, in the order in which they were first measured, "environment" and "result".
    """
    now = environment()
    parts = load_parts(path) | {
        name: {"environment": now, "result": result} for name, result in results.items()
    }
    # A part is a line, which keeps the file small and its changes readable.
    lines = (f"{json.dumps(name)}: {json.dumps(part)}" for name, part in parts.items())
    write_text(path, '{"parts": {\n' + ",\n".join(lines) + "\n}}\n")
    return parts


def load_parts(path: Path) -> Parts:
    """Return the parts in a file, none if there is no file."""
    if not path.exists():
        return {}
    parts: Parts = json.loads(path.read_text())["parts"]
    return parts


def environment_lines(parts: Parts) -> str:
    """Return a sentence for each environment in which parts were measured, for a page."""
    names: dict[str, list[str]] = {}
    for name, part in parts.items():
        names.setdefault(environment_line(part["environment"]), []).append(name)
    if len(names) == 1:
        return f"Measured {next(iter(names))}"
    return "\n".join(f"- {', '.join(group)}: measured {line}" for line, group in names.items())


def environment_line(environment: Mapping[str, Any]) -> str:
    """Return an environment in one line."""
    packages = ", ".join(f"{name} {version}" for name, version in environment["packages"].items())
    return (
        f"on {environment['date']} at commit {environment['commit']}: {environment['processor']}, "
        f"{environment['cores']} cores, {environment['memory_gib']} GiB; {environment['system']}, "
        f"Python {environment['python']}, {packages}."
    )


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file, whole or not at all."""
    write_text(path, json.dumps(content, indent=1) + "\n")


def write_text(path: Path, content: str) -> None:
    """Write a text file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as file:
        file.write(content.encode())


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(_ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
