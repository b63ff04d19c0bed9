"""A page of text, tables and figures, written as Markdown and as self-contained HTML."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TypeAlias

import matplotlib as mpl
from matplotlib.figure import Figure

from skimdb.utils._files import atomic_file
from skimdb.utils._tables import Table, markdown_table

# Text and background are the browser's, light or dark. Black in a figure is the colour of text.
_STYLE = """
:root { color-scheme: light dark; --line: rgba(128, 128, 128, .4); }
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 52rem; margin: 0 auto;
       padding: 1rem 1rem 3rem; overflow-wrap: break-word; }
h1 { font-size: 1.8rem; line-height: 1.2; }
h2 { font-size: 1.25rem; margin-top: 2.5rem; padding-top: .75rem;
     border-top: 1px solid var(--line); }
.table { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
td:not(:first-child) { white-space: nowrap; }
figure { margin: 1rem 0; }
img, svg { max-width: 100%; height: auto; }
svg { fill: currentColor; }
svg [style*="stroke: #000000"] { stroke: currentColor !important; }
svg [style*="fill: #000000"] { fill: currentColor !important; }
@media (max-width: 40rem) {
  table { font-size: .8rem; }
  th, td { padding: .35rem; }
}
@media print {
  :root { color-scheme: light; }
  body { font-size: 10pt; max-width: none; padding: 0; }
  h1, h2, h3 { break-after: avoid; }
  figure, tr, .whole { break-inside: avoid; }
  * { print-color-adjust: exact; }
  @page { margin: 2cm; }
}
"""


@dataclass(frozen=True)
class Heading:
    """A heading of the second level."""

    text: str


@dataclass(frozen=True)
class Plot:
    """A figure or its PNG, with the name of its file and an alternative text."""

    figure: Figure | bytes
    name: str
    description: str


@dataclass(frozen=True)
class Formatted:
    """A block that stays on one page, as Markdown and as HTML."""

    markdown: str
    html: str


Block: TypeAlias = str | Heading | Table | Plot | Formatted


@dataclass
class Report:
    """A page of blocks; a string is a paragraph."""

    title: str
    blocks: list[Block] = field(default_factory=list)

    def add(self, *blocks: Block) -> None:
        """Append blocks to the page."""
        self.blocks.extend(blocks)

    def write(self, directory: Path, name: str) -> list[Path]:
        """Write and return ``name.md``, ``name.html``, and the PNG files of the Markdown page."""
        images = {block.name: png_of(block) for block in self.blocks if isinstance(block, Plot)}
        contents = {
            f"{name}.md": self._markdown().encode(),
            f"{name}.html": self._html().encode(),
            **{f"{image_name}.png": image for image_name, image in images.items()},
        }
        for file_name, content in contents.items():
            with atomic_file(directory / file_name) as file:
                file.write(content)
        return [directory / file_name for file_name in contents]

    def _markdown(self) -> str:
        return "\n\n".join([f"# {self.title}", *map(_block_markdown, self.blocks)]) + "\n"

    def _html(self) -> str:
        body = "\n".join(map(_block_html, self.blocks))
        title = escape(self.title)
        return (
            f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
            f"<h1>{title}</h1>\n{body}\n</body>\n</html>\n"
        )


def png_of(plot: Plot) -> bytes:
    """Return the PNG of a plot; the same figure gives the same bytes."""
    if isinstance(plot.figure, bytes):
        return plot.figure
    buffer = io.BytesIO()
    plot.figure.savefig(
        buffer, format="png", dpi=75, bbox_inches="tight", metadata={"Software": None}
    )
    return buffer.getvalue()


def _svg_of(figure: Figure) -> str:
    """Return a figure without background as an element of HTML."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "skimdb"}):
        figure.savefig(
            buffer, format="svg", bbox_inches="tight", transparent=True, metadata={"Date": None}
        )
    svg = buffer.getvalue()
    return svg[svg.index("<svg") :]


def _block_markdown(block: Block) -> str:
    match block:
        case Heading(text):
            return f"## {text}"
        case Table():
            return markdown_table(block)
        case Plot(_, name, description):
            return f"![{description}]({name}.png)"
        case Formatted(markdown):
            return markdown
        case _:
            return block


def _block_html(block: Block) -> str:
    match block:
        case Heading(text):
            return f"<h2>{escape(text)}</h2>"
        case Table(header, rows):
            return f'<div class="table"><table>\n{_table_html(header, rows)}\n</table></div>'
        case Plot():
            return f"<figure>{_plot_html(block)}</figure>"
        case Formatted(_, html):
            return f'<div class="whole">{html}</div>'
        case _:
            return f"<p>{escape(block)}</p>"


def _plot_html(plot: Plot) -> str:
    description = escape(plot.description)
    if isinstance(plot.figure, bytes):
        data = base64.b64encode(plot.figure).decode()
        return f'<img alt="{description}" src="data:image/png;base64,{data}">'
    return _svg_of(plot.figure).replace("<svg", f'<svg role="img" aria-label="{description}"', 1)


def _table_html(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [_row_html("th", header), *(_row_html("td", row) for row in rows)]
    return "\n".join(lines)


def _row_html(tag: str, cells: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"
