"""``skimdb explain``: why a model in a file predicts what it does."""

import argparse
from html import escape
from typing import Any

from skimdb.cli._model import add_model, load_model
from skimdb.cli.console import (
    OneLineParser,
    check_writable,
    file_name,
    file_path,
    integer_from,
    status,
)
from skimdb.cli.reading import add_reading, exists, open_input, print_notes
from skimdb.datasets._columns import TEXT, check_text, choose_columns
from skimdb.datasets._files import as_list
from skimdb.inspection import explain_reviews
from skimdb.inspection._contributions import readable_name
from skimdb.inspection._explanation import ReviewExplanation
from skimdb.utils._files import atomic_file
from skimdb.utils._tables import Table, text_table

HELP = "Print the words of a text that contribute most to its prediction."


def add_arguments(parser: OneLineParser) -> None:
    """Declare the arguments."""
    add_model(parser)
    parser.add_argument(
        "text_itself", nargs="?", metavar="TEXT", help="the text, unless --file is given"
    )
    parser.add_argument(
        "--file",
        type=file_name,
        metavar="FILE",
        help="explain a text of this file, or of - (standard input)",
    )
    parser.add_argument(
        "--row",
        type=integer_from(1),
        metavar="N",
        help="the row of --file that has the text (default: 1)",
    )
    parser.add_argument(
        "--class",
        dest="target",
        metavar="LABEL",
        help="the class to explain (default: the second of two, or of more the predicted one)",
    )
    parser.add_argument(
        "--n",
        type=integer_from(1),
        default=15,
        metavar="N",
        help="number of words and n-grams to print (default: 15)",
    )
    parser.add_argument(
        "--html", type=file_path, metavar="FILE", help="write the text with its words highlighted"
    )
    add_reading(parser, with_missing=False)


def run(args: argparse.Namespace) -> None:
    """Print the words and n-grams of a text that contribute most to its prediction."""
    if args.html is not None:
        check_writable(args.html, args.model, args.file)
    if (args.text_itself is None) == (args.file is None):
        raise ValueError("give either TEXT, the text itself, or --file FILE")
    if args.row is not None and args.file is None:
        raise ValueError("--row requires --file")
    if args.text_itself and exists(args.text_itself):
        print_notes([f"{args.text_itself} is read as a text; for a text in a file, use --file"])
    text = _text_in_file(args) if args.text_itself is None else args.text_itself
    model = load_model(args.model)
    target = None if args.target is None else _label(args.target, model.classes_.tolist())
    with status("Explaining"):
        (explanation,) = explain_reviews(model, [text], target=target)
    if not explanation.is_in_words.any():
        print_notes(["the model knows no word of the text, nor any part of one"])
    if args.html is not None:
        with atomic_file(args.html) as file:
            file.write(_html_page(explanation).encode())
    print(_contribution_table(explanation, args.n))
    if args.html is not None:
        print(f"\nWritten: {args.html}")


def _label(name: str, labels: list[Any]) -> Any:
    """Return the label that is written like this."""
    for label in labels:
        if str(label) == name:
            return label
    raise ValueError(f"--class must be one of {', '.join(map(str, labels))}, got {name}")


def _text_in_file(args: argparse.Namespace) -> str:
    with open_input(args) as table:
        (column,), notes = choose_columns(table, {TEXT: args.text})
        print_notes(f"{table.name}: {note}" for note in [*table.notes, *notes])
        wanted, n_rows = args.row or 1, 0
        for (texts,), numbers in table.batches([column], 1000):
            n_rows += len(numbers)
            if wanted <= n_rows:
                i = wanted - n_rows - 1
                return check_text(as_list(texts)[i], column, table.where(numbers[i]))
        raise ValueError(f"{table.name} has {n_rows:,} rows, so there is no row {wanted:,}")


def _contribution_table(explanation: ReviewExplanation, n_rows: int) -> str:
    if len(explanation.names) == 0:
        return explanation.title
    rows = [
        [readable_name(name), f"{contribution:+.3f}"]
        for name, contribution in zip(
            explanation.names[:n_rows], explanation.contributions[:n_rows], strict=True
        )
    ]
    n_more = len(explanation.names) - len(rows)
    more = f"\n... and {n_more:,} more" if n_more else ""
    return f"{explanation.title}\n{text_table(Table(['feature', 'contribution'], rows))}{more}"


def _html_page(explanation: ReviewExplanation) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(explanation.title)}</title></head>\n"
        f'<body style="max-width: 50em; margin: auto; padding: 1em; font-family: sans-serif; '
        'line-height: 1.8">'
        f"\n{explanation._repr_html_()}\n</body>\n</html>\n"
    )
