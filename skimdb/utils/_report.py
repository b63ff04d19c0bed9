"""A page of text, tables and figures, written as Markdown and as self-contained HTML."""

import base64
import io
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TypeAlias

from matplotlib.figure import Figure

from skimdb.utils._files import atomic_file
from skimdb.utils._tables import Table, markdown_table

_STYLE = """
body { font-family: system-ui, sans-serif; line-height: 1.5; max-width: 60rem;
       margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .25rem .75rem; border-bottom: 1px solid #ccc; text-align: right; }
th:first-child, td:first-child { text-align: left; }
img { max-width: 100%; }
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


Block: TypeAlias = str | Heading | Table | Plot


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
            f"{name}.html": self._html(images).encode(),
            **{f"{image_name}.png": image for image_name, image in images.items()},
        }
        for file_name, content in contents.items():
            with atomic_file(directory / file_name) as file:
                file.write(content)
        return [directory / file_name for file_name in contents]

    def _markdown(self) -> str:
        return "\n\n".join([f"# {self.title}", *map(_block_markdown, self.blocks)]) + "\n"

    def _html(self, images: dict[str, bytes]) -> str:
        body = "\n".join(_block_html(block, images) for block in self.blocks)
        title = escape(self.title)
        return (
            f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
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


def _block_markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"## {block.text}"
    if isinstance(block, Table):
        return markdown_table(block)
    if isinstance(block, Plot):
        return f"![{block.description}]({block.name}.png)"
    return block


def _block_html(block: Block, images: dict[str, bytes]) -> str:
    if isinstance(block, Heading):
        return f"<h2>{escape(block.text)}</h2>"
    if isinstance(block, Table):
        header = "".join(f"<th>{escape(cell)}</th>" for cell in block.header)
        rows = "\n".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in block.rows
        )
        return f"<table>\n<tr>{header}</tr>\n{rows}\n</table>"
    if isinstance(block, Plot):
        data = base64.b64encode(images[block.name]).decode()
        return f'<img alt="{escape(block.description)}" src="data:image/png;base64,{data}">'
    return f"<p>{escape(block)}</p>"
