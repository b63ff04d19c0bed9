"""Optional dependencies."""

import importlib
from typing import Any


def import_optional(module: str, *, needed_by: str, install: str) -> Any:
    """Import a module, or say what to install.

    Parameters
    ----------
    module : str
        Such as ``"pyarrow.parquet"``.
    needed_by : str
        Beginning of the message, such as ``"to_onnx"``.
    install : str
        What ``pip install`` is given.

    Raises
    ------
    ImportError
        If the module's package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(
            f"{needed_by} needs {package}, which is not installed: pip install '{install}'"
        ) from error
