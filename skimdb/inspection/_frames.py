"""Tables for pandas, which is optional."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def data_frame(columns: Mapping[str, Any], owner: object) -> "pd.DataFrame":
    """Return a pandas.DataFrame of the columns, or say that `owner` cannot make one."""
    try:
        import pandas as pd  # noqa: PLC0415 - optional dependency
    except ImportError as error:
        raise ImportError(
            f"{type(owner).__name__}.to_frame needs pandas: install it with `pip install pandas`"
        ) from error
    return pd.DataFrame(columns)
