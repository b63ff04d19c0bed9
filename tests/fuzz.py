"""Damaged models, damaged data files and wrong arguments at random: ``python -m tests.fuzz``.

Each case either works or raises a clear error: one of the built-in kinds below, which names the
file or the parameter. Everything else is printed with the number of its case, which
``--case NUMBER`` runs again. A case that kills the process, or takes longer than a minute, counts
too: the cases run in a process of their own, which is started anew after that.
"""

import argparse
import contextlib
import faulthandler
import random
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from itertools import count
from pathlib import Path

import numpy as np
from sklearn.pipeline import make_pipeline

import skimdb
from skimdb.datasets import iter_batches
from skimdb.feature_extraction import LogCountRatioScaler
from tests.arguments import CALLS, LABELS, REVIEWS, X, small_classifier
from tests.datasets.files.common import WRITERS
from tests.persistence.common import seal

CLEAR = (TypeError, ValueError, OSError, MemoryError)
SECONDS_PER_CASE = 60
HEADER, ROWS = ["text", "label"], [["a good film", "1"], ["a bad film", "0"], ["größer", "1"]] * 4


def damaged(data, rng):
    """Return bytes of which some are changed, lost or repeated."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5])):
        start = rng.randrange(len(data))
        stop = start + rng.choice([1, 1, 4, 50])
        kind = rng.randrange(5)
        if kind < 3:
            data[start] = rng.choice([0, 255, rng.randrange(256)])
        elif kind == 3:
            del data[start:stop]
        else:
            data[start:start] = data[start:stop]
        data = data or bytearray(b"\0")
    return bytes(data)


class Fuzzer:
    """Runs cases by their numbers; what a case does depends on its number alone."""

    def __init__(self, folder):
        self.folder = folder
        path = folder / "model.skimdb"
        model = make_pipeline(
            skimdb.MultiHotVectorizer(50), LogCountRatioScaler(), small_classifier()
        )
        skimdb.save(model.fit(REVIEWS, LABELS), path)
        self.model = path.read_bytes()
        self.tables = {name: write(HEADER, ROWS) for name, write in WRITERS.items()}

    def run(self, number):
        """Return the kind of a case, what came of it, and a remark."""
        rng = random.Random(number)
        kind = ("model", "file", "arguments")[number % 3]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                expected = getattr(self, f"run_{kind}")(rng)
        except CLEAR as error:
            if re.search(self.name, str(error)):
                return kind, "clear error", ""
            return kind, "error without a name", f"{self.what}: {type(error).__name__}: {error}"
        except Exception as error:
            return kind, "other error", f"{self.what}: {type(error).__name__}: {error}"
        return kind, "works" if expected else "silent", "" if expected else self.what

    def run_model(self, rng):
        path = self.folder / "damaged.skimdb"
        data = damaged(self.model[:-64], rng) + self.model[-64:]
        path.write_bytes(seal(data) if rng.random() < 0.9 else data)
        self.what, self.name = "load", re.escape(path.name)
        model = skimdb.load(path)
        self.what, self.name = "predict", r"\bX\b"
        return bool(np.isfinite(model.predict_proba(REVIEWS)).all())

    def run_file(self, rng):
        name = rng.choice(list(self.tables))
        path = self.folder / f"damaged.{name}"
        path.write_bytes(damaged(self.tables[name], rng))
        self.what, self.name = name, re.escape(path.name)
        try:
            buffer = rng.choice([None, 6])
            for batch in iter_batches(path, 5, shuffle_buffer=buffer, random_state=buffer and 0):
                for column in batch:
                    column.tolist()
        finally:
            path.unlink()
        return True

    def run_arguments(self, rng):
        call = CALLS[rng.choice(list(CALLS))]
        parameter = rng.choice(list(call.wrong))
        pool = call.wrong[rng.choice(list(call.wrong))]
        if parameter == "n_jobs":
            pool = call.wrong["n_jobs"]  # numbers would start processes
        value = rng.choice(pool)
        if call is CALLS["decode_review"] and value is None:
            return True  # would download the words
        # With another value than the table's, the next parameter may be what is wrong.
        self.what = f"{parameter}={value!r}"
        self.name = rf"\b({'|'.join([*call.wrong, *call.valid])})\b"
        for name in value if isinstance(value, list) else [value]:
            if isinstance(name, str) and name:  # may be the name of a file
                self.name += f"|{re.escape(name)}"
        with contextlib.chdir(self.folder):
            result = call.function(**call.valid | {parameter: value})
        if hasattr(result, "predict_proba") and hasattr(result, "n_features_in_"):
            return bool(np.isfinite(result.predict_proba(X)).all())
        return True


def work(first, until):
    """Run cases from a number on, and print a line before and after each."""
    with tempfile.TemporaryDirectory() as folder:
        fuzzer = Fuzzer(Path(folder))
        for number in count(first):
            if time.time() > until:
                break
            print(number, flush=True)
            faulthandler.dump_traceback_later(SECONDS_PER_CASE, exit=True)
            print(*fuzzer.run(number), sep="\t", flush=True)
            faulthandler.cancel_dump_traceback_later()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--case", type=int, help="run this case alone")
    parser.add_argument("--until", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.until:
        work(arguments.first, arguments.until)
        return
    if arguments.case is not None:
        with tempfile.TemporaryDirectory() as folder:
            print(*Fuzzer(Path(folder)).run(arguments.case), sep="\t")
        return
    counts, number = Counter(), arguments.first
    until = time.time() + 60 * arguments.minutes
    while time.time() < until:
        command = [
            sys.executable,
            "-m",
            "tests.fuzz",
            "--first",
            str(number),
            "--until",
            str(until),
        ]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, errors="replace"
        ) as child:
            is_running = False
            for line in child.stdout:
                if line.strip().isdigit():
                    number, is_running = int(line), True
                elif line.count("\t") >= 2:
                    kind, outcome, remark = line.rstrip("\n").split("\t", 2)
                    counts[kind, outcome] += 1
                    is_running = False
                    if outcome not in ("works", "clear error"):
                        print(f"case {number}: {kind}: {outcome}: {remark}", flush=True)
        if is_running:
            counts["any", "process ended"] += 1
            print(f"case {number}: the process ended with {child.returncode}", flush=True)
        elif child.returncode:
            raise SystemExit("The process could not be started.")
        number += 1
    for (kind, outcome), n_cases in sorted(counts.items()):
        print(f"{kind}: {outcome}: {n_cases:,}")
    if any(outcome not in ("works", "clear error") for _, outcome in counts):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
