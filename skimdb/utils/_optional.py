"""Optional dependencies."""

import importlib
from typing import Any


def import_optional(module: str, *, needed_by: str, install: str) -> Any:
    """Import a module, or raise an ImportError that says who needs it and what to install."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(
            f"{needed_by} needs {package}, which is not installed: pip install '{install}'"
        ) from error
