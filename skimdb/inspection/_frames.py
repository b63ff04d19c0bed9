"""Data frames of pandas, which is optional."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from skimdb.utils._optional import import_optional

if TYPE_CHECKING:
    import pandas as pd


def data_frame(columns: Mapping[str, Any], owner: object) -> "pd.DataFrame":
    """Return a pandas.DataFrame for ``owner.to_frame()``."""
    needed_by = f"{type(owner).__name__}.to_frame"
    return import_optional("pandas", needed_by=needed_by, install="pandas").DataFrame(columns)
