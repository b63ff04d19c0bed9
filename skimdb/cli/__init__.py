"""The command line, ``skimdb`` or ``python -m skimdb``.

A command is a module of this package with `HELP`, `add_arguments` and `run`, named in `COMMANDS`.
"""

import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType

import skimdb
from skimdb.cli.console import SHOWN_ERRORS, OneLineParser, print_error

COMMANDS = ["report", "fit", "predict", "explain"]
_DEFAULT = "report"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 2 after an error, 130 after an interrupt."""
    argv = sys.argv[1:] if argv is None else list(argv)
    # TensorFlow reads this when it is loaded. Its notes about the processor would be shown.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        if argv and argv[0] in ("-h", "--help", "--version"):
            _main_parser().parse_args(argv)
        name = _DEFAULT if not argv or argv[0].startswith("-") else argv.pop(0)
        command = _load(name)
        parser = OneLineParser(prog=f"skimdb {name}", description=command.HELP)
        command.add_arguments(parser)
        command.run(parser.parse_args(argv))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has closed the pipe. Python flushes standard output once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except SHOWN_ERRORS as error:
        print_error(error)
        return 2
    except KeyboardInterrupt:
        print("skimdb: interrupted", file=sys.stderr)
        return 130
    return 0


def _load(name: str) -> ModuleType:
    if name not in COMMANDS:
        likely = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f", did you mean {likely[0]!r}?" if likely else "."
        raise ValueError(f"unknown command {name!r}{hint} Commands: {', '.join(COMMANDS)}")
    return importlib.import_module(f"skimdb.cli.{name}")


def _main_parser() -> OneLineParser:
    parser = OneLineParser(
        prog="skimdb",
        usage="%(prog)s [COMMAND] [ARGUMENTS]",
        description="Sentiment classification of texts.",
    )
    parser.add_argument("--version", action="version", version=f"skimdb {skimdb.__version__}")
    commands = parser.add_argument_group(
        "commands", f"Without a command, {_DEFAULT} is run. Each command has its own --help."
    )
    for name in COMMANDS:
        commands.add_argument(name, nargs="?", help=_load(name).HELP)
    return parser
