"""What all commands share: arguments, help, models, and the whole way on real reviews."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.pipeline import make_pipeline

import skimdb
from skimdb import DenseSentimentClassifier, MultiHotVectorizer
from skimdb.cli import COMMANDS, main
from skimdb.feature_extraction import WordIndexEncoder
from tests.cli.common import fails


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit"], "the following arguments are required: DATA, -o/--output"),
        (["fit", "r.csv"], "the following arguments are required: -o/--output"),
        (["fit", "r.csv", "-o", "m", "--ngrams", "4"], r"argument --ngrams: invalid choice: 4"),
        (["fit", "r.csv", "-o", "m", "--seed", "-1"], "argument --seed: must be at least 0"),
        (["fit", "r.csv", "-o", "m", "--quick"], "unrecognized arguments: --quick"),
        (["fit", "", "-o", "m"], "argument DATA: must not be empty"),
        (["fit", "r.csv", "-o", ""], "argument -o/--output: must not be empty"),
        (["predict", "m", ""], "argument FILE: must not be empty"),
        (["explain", "m", "--file", ""], "argument --file: must not be empty"),
        (["info", ""], "argument MODEL: must not be empty"),
        (["--output", ""], "argument -o/--output: must not be empty"),
        (["predict"], "the following arguments are required: MODEL"),
        (["predict", "m", "--n-jobs", "0"], "argument --n-jobs: must be at least 1, got 0"),
        (["predict", "m", "--format", "xml"], "argument --format: invalid choice: 'xml'"),
        (["predict", "m", "--escape", "x"], "argument --escape: invalid choice: 'x'"),
        (["predict", "m", "--missing", "x"], "argument --missing: invalid choice: 'x'"),
        (["explain"], "the following arguments are required: MODEL"),
        (["explain", "m", "good", "--n", "0"], "argument --n: must be at least 1, got 0"),
        (["--quick", "fit"], "unrecognized arguments: fit"),
        (["--n-jobs", "0"], "argument --n-jobs: must be at least 1, got 0"),
        (["report", "--seed", "-1"], "argument --seed: must be at least 0, got -1"),
        (["--seed", str(2**32)], "argument --seed: must be at most 4294967294, got 4294967296"),
        (["--seed", "one"], "argument --seed: invalid integer value: 'one'"),
        (["--dataset", "yelp"], "argument --dataset: invalid choice: 'yelp'"),
        (["--fast"], "unrecognized arguments: --fast"),
    ],
)
def test_bad_arguments_give_one_line_and_status_2(arguments, message, capsys):
    with pytest.raises(SystemExit) as exit_info:
        main(arguments)
    assert exit_info.value.code == 2
    assert re.fullmatch(rf"skimdb: error: {message}.*\n", capsys.readouterr().err)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as exit_info:
        main([command, "--help"])
    assert exit_info.value.code == 0
    assert f"usage: skimdb {command} " in capsys.readouterr().out


def test_an_error_without_a_message_has_a_name(monkeypatch, capsys):
    def run(args):
        raise MemoryError

    monkeypatch.setattr("skimdb.cli.info.run", run)
    assert main(["info", "m"]) == 2
    assert capsys.readouterr().err == "skimdb: error: MemoryError\n"


def test_help_names_the_commands(capsys):
    with pytest.raises(SystemExit) as exit_info:
        main(["--help"])
    assert exit_info.value.code == 0
    printed = capsys.readouterr().out
    assert all(re.search(rf"^  {command}  ", printed, re.M) for command in COMMANDS)
    assert "Without a command, report is run." in printed


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("fitt", r"unknown command 'fitt', did you mean 'fit'\? Commands: report, fit, predict, "),
        ("train", r"unknown command 'train'\. Commands: report, fit, predict, explain"),
        ("reviews.csv", r"unknown command 'reviews\.csv'\. Commands: report, fit"),
    ],
)
def test_unknown_command_names_the_known_ones(command, message, capsys):
    fails([command], message, capsys)


def test_version(capsys):
    with pytest.raises(SystemExit) as exit_info:
        main(["--version"])
    assert exit_info.value.code == 0
    assert capsys.readouterr().out == f"skimdb {skimdb.__version__}\n"


def test_module_and_script_are_the_same(capsys):
    run = [sys.executable, "-m", "skimdb", "--version"]
    assert subprocess.check_output(run, text=True) == f"skimdb {skimdb.__version__}\n"
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    script = importlib.metadata.EntryPoint("skimdb", project["scripts"]["skimdb"], "scripts")
    assert script.load() is main


INTERRUPTED_IMPORT = """
import sys
from skimdb.cli import main

class Interrupt:
    def find_spec(self, name, path, target=None):
        if name == sys.argv[1]:
            try:
                raise KeyboardInterrupt
            except KeyboardInterrupt as error:
                if sys.argv[2] == "as it is":
                    raise
                raise ImportError("initialization failed") from error

sys.meta_path.insert(0, Interrupt())
sys.exit(main(["report"]))
"""


@pytest.mark.parametrize(
    ("module", "how"),
    [("rich", "as it is"), ("matplotlib", "as it is"), ("scipy", "in C++")],
)
def test_interrupt_during_imports_ends_as_any_other(module, how):
    run = [sys.executable, "-c", INTERRUPTED_IMPORT, module, how]
    process = subprocess.run(run, check=False, capture_output=True, text=True)
    assert (process.returncode, process.stderr) == (130, "skimdb: interrupted\n")


def no_text_pipeline(path):
    X = [[1, 4, 5], [1, 6, 7]] * 5
    pipeline = make_pipeline(MultiHotVectorizer(10), DenseSentimentClassifier(epochs=1))
    skimdb.save(pipeline.fit(X, [0, 1] * 5), path)


def unfitted_pipeline(path):
    skimdb.save(make_pipeline(WordIndexEncoder(), DenseSentimentClassifier()), path)


def no_pipeline(path):
    skimdb.save(WordIndexEncoder(), path)


def no_classifier(path):
    skimdb.save(make_pipeline(WordIndexEncoder().fit(["a"])), path)


def foreign_file(path):
    path.write_text("model")


def no_file(path):
    pass


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (no_text_pipeline, "model must hold a fitted pipeline from texts to probabilities: "),
        (unfitted_pipeline, "model must hold a fitted pipeline from texts to probabilities: "),
        (no_classifier, "model must hold a fitted pipeline from texts to probabilities: "),
        (no_pipeline, "model must hold a Pipeline, got a WordIndexEncoder"),
        (foreign_file, "model cannot be loaded: it is damaged, or was not written by skimdb.save"),
        (no_file, "No such file or directory: .*model"),
    ],
)
@pytest.mark.parametrize("command", ["predict", "explain"])
def test_unfit_model_gives_one_line_and_status_2(tmp_path, stdin, capsys, make, message, command):
    path = tmp_path / "model"
    make(path)
    stdin("good\n")
    html = ["a text", "--html", tmp_path / "page.html"] if command == "explain" else []
    fails([command, path, *html], message, capsys)
    assert not (tmp_path / "page.html").exists()


@pytest.mark.real_data
def test_commands_on_imdb(tmp_path, capsys):
    data = Path(os.environ["SKIMDB_DATA"])
    table = pq.read_table(data / "imdb_train.parquet")
    pq.write_table(table.take(list(range(0, 25_000, 50))), tmp_path / "train.parquet")
    test = pq.read_table(data / "imdb_test.parquet").take(list(range(0, 25_000, 50)))
    pq.write_table(test, tmp_path / "test.parquet")
    model = str(tmp_path / "model")
    arguments = [str(tmp_path / "train.parquet"), "-o", model, "--no-check", "--no-chars"]
    assert main(["fit", *arguments]) == 0
    capsys.readouterr()
    assert main(["predict", model, str(tmp_path / "test.parquet"), "--format", "jsonl"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    accuracy = np.mean([int(row["label"]) for row in rows] == test["label"].to_numpy())
    assert 0.75 < accuracy < 0.9
    assert main(["explain", model, "A wonderful film, never boring and not bad at all."]) == 0
    assert "wonderful" in capsys.readouterr().out
