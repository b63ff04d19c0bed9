"""From arguments to commands."""

import difflib
import importlib
from types import ModuleType

import skimdb
from skimdb.cli import COMMANDS, DEFAULT
from skimdb.cli.console import OneLineParser


def run_command(argv: list[str]) -> None:
    """Run the command that the arguments name."""
    if argv and argv[0] in ("-h", "--help", "--version"):
        _main_parser().parse_args(argv)
    name = DEFAULT if not argv or argv[0].startswith("-") else argv.pop(0)
    command = _load(name)
    parser = OneLineParser(prog=f"skimdb {name}", description=command.HELP)
    command.add_arguments(parser)
    command.run(parser.parse_args(argv))


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
        "commands", f"Without a command, {DEFAULT} is run. Each command has its own --help."
    )
    for name in COMMANDS:
        commands.add_argument(name, nargs="?", help=_load(name).HELP)
    return parser
