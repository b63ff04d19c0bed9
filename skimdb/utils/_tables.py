"""Tables of text."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """Rows of text below a header."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def markdown_table(table: Table) -> str:
    """Return a table in Markdown, with all columns but the first right-aligned."""
    rows = [table.header, ["---", *["---:"] * (len(table.header) - 1)], *table.rows]
    return "\n".join(f"| {' | '.join(map(_cell_markdown, row))} |" for row in rows)


def text_table(table: Table) -> str:
    """Return a table in aligned text, with all columns but the first right-aligned."""
    rows = [table.header, *table.rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join(lines)


def _cell_markdown(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")
