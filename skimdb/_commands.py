"""The commands ``python -m skimdb fit``, ``predict`` and ``explain``."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from skimdb._command_apply import explain, predict
from skimdb._command_fit import fit
from skimdb._command_line import OneLineParser, fail, integer_from

COMMANDS = {
    "fit": "fit a model to labelled texts and keep it in a file",
    "predict": "print the labels and probabilities of texts, or write those of Parquet files",
    "explain": "print which words of a text contribute to its prediction",
}


def run_command(argv: Sequence[str]) -> int:
    """Run one of the commands and return the exit status.

    Parameters
    ----------
    argv : sequence of str
        The name of the command and its arguments.

    Returns
    -------
    status : int
        0, or 2 after an error, or 130 after an interrupt.
    """
    args = _parse_arguments(argv)
    try:
        args.run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has what it wants. Python flushes once more at its end, into nothing then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (ImportError, OSError, ValueError) as error:
        return fail(error)
    except KeyboardInterrupt:
        print("skimdb: interrupted.", file=sys.stderr)
        return 130
    return 0


def _parse_arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = OneLineParser(prog="python -m skimdb")
    commands = parser.add_subparsers(required=True)
    fit_, predict_, explain_ = (
        commands.add_parser(name, description=f"{what[0].upper()}{what[1:]}.")
        for name, what in COMMANDS.items()
    )
    _add_fit_arguments(fit_)
    _add_predict_arguments(predict_)
    _add_explain_arguments(explain_)
    return parser.parse_args(argv)


def _add_fit_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=fit)
    parser.add_argument(
        "data",
        type=Path,
        metavar="DATA",
        help="a .parquet, .csv or .jsonl file, or a folder with a sub-folder of text files for "
        "each label; UTF-8",
    )
    parser.add_argument("--text", metavar="COLUMN", help="where the texts are (default: text)")
    parser.add_argument("--label", metavar="COLUMN", help="where the labels are (default: label)")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="MODEL", help="the file to write"
    )
    parser.add_argument(
        "--ngrams",
        type=int,
        choices=[1, 2, 3],
        default=3,
        help="the longest sequences of words that are features; fewer make a smaller model "
        "(default: 3)",
    )
    parser.add_argument(
        "--no-check",
        dest="check",
        action="store_false",
        help="do not fit a first time without a tenth of the texts to test on them",
    )
    parser.add_argument(
        "--seed", type=integer_from(0, 2**32 - 1), default=0, metavar="N", help="default: 0"
    )


def _add_predict_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=predict)
    _add_model(parser)
    parser.add_argument(
        "file",
        nargs="?",
        default="-",
        metavar="FILE",
        help="a .parquet, .csv, .jsonl or .txt file; - (the default) and .txt have one text on "
        "each line; UTF-8. With -o, a .parquet file or a folder of them",
    )
    parser.add_argument("--text", metavar="COLUMN", help="where the texts are (default: text)")
    parser.add_argument(
        "--format", choices=["table", "jsonl"], help="of what is printed (default: table)"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FOLDER",
        help="print no predictions, but write a .parquet file of them for each file; those that "
        "are there already are skipped",
    )
    parser.add_argument(
        "--keep",
        action="append",
        metavar="COLUMN",
        help="a column to copy to what is written; can be given several times",
    )
    parser.add_argument(
        "--jobs",
        type=integer_from(1),
        metavar="N",
        help="threads, each of which works on a file (default: all processors)",
    )


def _add_explain_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=explain)
    _add_model(parser)
    parser.add_argument("text", metavar="TEXT")
    parser.add_argument(
        "--n",
        type=integer_from(1),
        default=15,
        metavar="N",
        help="how many words and n-grams to print (default: 15)",
    )
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write the text with its words highlighted"
    )


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, metavar="MODEL", help="a file that fit has written")
