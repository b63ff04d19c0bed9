"""The command line, ``skimdb`` or ``python -m skimdb``.

A command is a module of this package with `HELP`, `add_arguments` and `run`, named in `COMMANDS`.
"""

import os
import sys
from collections.abc import Sequence

COMMANDS = ["report", "fit", "predict", "explain", "info"]
DEFAULT = "report"
# Those that a user can do something about; they are printed in one line.
SHOWN_ERRORS = (ImportError, MemoryError, OSError, TypeError, ValueError)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 2 after an error, 130 after an interrupt."""
    # TensorFlow reads this when it is loaded. Its notes about the processor would be shown.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        # Imported here, as all that takes long, so that an interrupt during imports is handled too.
        from skimdb.cli._run_command import run_command  # noqa: PLC0415

        run_command(sys.argv[1:] if argv is None else list(argv))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has closed the pipe. Python flushes standard output once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except SHOWN_ERRORS as error:
        if _is_interrupt(error):
            return _interrupted()
        from skimdb.cli.console import print_error  # noqa: PLC0415

        print_error(error)
        return 2
    except KeyboardInterrupt:
        return _interrupted()
    return 0


def _interrupted() -> int:
    print("skimdb: interrupted", file=sys.stderr)
    return 130


def _is_interrupt(error: BaseException | None) -> bool:
    """Tell whether an interrupt caused an error, such as an ImportError of a module in C++."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None
