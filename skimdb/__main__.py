"""Run a command: ``python -m skimdb`` is the same as ``skimdb``."""

import sys

from skimdb.cli import main

sys.exit(main())
