"""The JSON of a file."""

import importlib.metadata
import json
from pathlib import Path
from typing import Any

import skimdb
from skimdb.persistence._archive import Bytes, naming_file
from skimdb.persistence._plain import take_member

CONTENTS = "skimdb.json"
# 2 has tables of n-grams, words as members, half precision, and may lack an optimizer's state.
_FORMAT = 2
_LIBRARIES = ("keras", "numpy", "scikit-learn", "skops", "tensorflow")


def write_contents(info: dict[str, Any], estimator: dict[str, Any]) -> bytes:
    """Return the JSON of a file that has this estimator."""
    contents = {
        "format": _FORMAT,
        "versions": _versions(),
        "info": info,
        "estimator": estimator,
    }
    return json.dumps(contents, allow_nan=False).encode()


def read_contents(path: Path, members: dict[str, Bytes]) -> dict[str, Any]:
    """Take the JSON out of the members of a file.

    Raises
    ------
    ValueError
        If it is not what `write_contents` returns, or is newer than this version.
    """
    with naming_file(path):
        contents = json.loads(take_member(members, CONTENTS).tobytes().decode())
        match contents:
            case {
                "format": int(file_format),
                "versions": {"skimdb": str(version), **versions},
                "estimator": _,
            } if all(isinstance(other, str) for other in versions.values()):
                pass
            case _:
                raise ValueError(f"its {CONTENTS} is not what skimdb.save writes")
        if file_format > _FORMAT:
            raise ValueError(
                f"it was written in format {file_format} by skimdb {version}; skimdb "
                f"{skimdb.__version__} reads formats up to {_FORMAT}. Install a newer one"
            )
    return dict(contents)


def _versions() -> dict[str, str]:
    versions = {"skimdb": skimdb.__version__}
    for library in _LIBRARIES:
        try:
            versions[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue  # skops may be absent, and TensorFlow has several names
    return versions
