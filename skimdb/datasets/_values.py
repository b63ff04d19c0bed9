"""Values from files: which are missing, and what they are as text."""

import datetime
import decimal
import math
from typing import Any


def is_missing(value: Any) -> bool:
    """Whether a value is None, not a number, or blank."""
    if isinstance(value, str):
        return not value or value.isspace()
    return value is None or (isinstance(value, float) and value != value)  # noqa: PLR0124 (NaN)


def as_text(value: Any) -> str | None:
    """Return a string, number, boolean or date as text, the same for all formats, or None.

    Whole numbers have no decimals, so that 1.0 from one file is the 1 of another.
    """
    if isinstance(value, str):
        return value
    is_fractional = isinstance(value, float | decimal.Decimal)
    if is_fractional and math.isfinite(value) and value == int(value):
        return str(int(value))
    if isinstance(value, bool | int | float | decimal.Decimal | datetime.date | datetime.time):
        return str(value)
    return None


def short_repr(value: Any) -> str:
    """Return the `repr` of a value, truncated to 40 characters."""
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{shown[:40]}..."
