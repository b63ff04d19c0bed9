import json
import os
import re
import subprocess
import sys
from io import BytesIO, StringIO, TextIOWrapper

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.pipeline import make_pipeline

import skimdb
from skimdb import DenseSentimentClassifier, MultiHotVectorizer
from skimdb.cli import main
from skimdb.feature_extraction import WordIndexEncoder
from skimdb.neural_network import DenseSentimentPredictor
from tests.cli.common import LABELS, NEW_TEXTS, TEXTS, fails, interrupt, write_csv


def expected_predictions(model, texts):
    """Return the label of each text and its probability."""
    probabilities = skimdb.load(model).predict_proba(texts)
    return [(["neg", "pos"][int(p[1] > p[0])], max(p)) for p in probabilities]


def test_predict_prints_a_table(model, tmp_path, capsys):
    path = write_csv(tmp_path / "new.csv", ["text"], [[text] for text in NEW_TEXTS])
    assert main(["predict", str(model), str(path)]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["row", "label", "probability"]
    assert {len(row) for row in rows} == {len(header)}
    assert [row.split() for row in rows] == [
        [str(i), label, f"{probability:.4f}"]
        for i, (label, probability) in enumerate(expected_predictions(model, NEW_TEXTS), 1)
    ]


def test_predict_prints_json_lines(model, tmp_path, capsys):
    path = write_csv(tmp_path / "new.csv", ["id", "x"], enumerate(NEW_TEXTS))
    assert main(["predict", str(model), str(path), "--text", "x", "--format", "jsonl"]) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert printed == [
        {"row": i, "label": label, "probability": pytest.approx(probability, abs=1e-6)}
        for i, (label, probability) in enumerate(expected_predictions(model, NEW_TEXTS), 1)
    ]


@pytest.mark.parametrize("file", [[], ["-"]])
def test_predict_reads_lines_of_standard_input(model, stdin, capsys, file):
    stdin("\n".join(NEW_TEXTS) + "\n")
    assert main(["predict", str(model), *file, "--format", "jsonl"]) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    labels = [label for label, _ in expected_predictions(model, NEW_TEXTS)]
    assert [row["label"] for row in printed] == labels


def test_predict_of_no_texts_prints_no_rows(model, stdin, capsys):
    stdin("")
    assert main(["predict", str(model), "--format", "jsonl"]) == 0
    assert capsys.readouterr().out == ""


def test_predictions_of_many_texts_are_those_of_each(model, tmp_path, capsys):
    path = tmp_path / "new.txt"
    path.write_text("\n".join(TEXTS * 10))  # 12,000 texts are more than are predicted at once
    assert main(["predict", str(model), str(path)]) == 0
    rows = [row.split() for row in capsys.readouterr().out.splitlines()[1:]]
    assert [int(row[0]) for row in rows] == list(range(1, 12_001))
    expected = [label for label, _ in expected_predictions(model, TEXTS)] * 10
    assert [row[1] for row in rows] == expected


def test_predict_prints_what_comes_before_an_error(model, tmp_path, capsys):
    path = tmp_path / "new.jsonl"
    long = json.dumps({"text": "good " * 1_000_000})  # long texts are predicted one by one
    path.write_text(f'{long}\n{long}\n{long}\n{long}\n{{"text": null}}\n')
    assert main(["predict", str(model), str(path), "--format", "jsonl"]) == 2
    printed = capsys.readouterr()
    assert [json.loads(line)["row"] for line in printed.out.splitlines()] == [1, 2, 3, 4]
    assert printed.err.startswith(f"skimdb: error: line 5 of {path}: 'text' is missing or")


def test_labels_of_any_type_are_text(tmp_path, stdin, capsys):
    data, model = tmp_path / "r.jsonl", tmp_path / "model"
    rows = [{"text": x, "label": y == "pos"} for x, y in zip(TEXTS, LABELS, strict=True)]
    data.write_text("\n".join(map(json.dumps, rows)))
    assert main(["fit", str(data), "-o", str(model), "--no-check"]) == 0
    stdin("good great fine\nbad dull awful")
    capsys.readouterr()
    assert main(["predict", str(model), "--format", "jsonl"]) == 0
    printed = [json.loads(line)["label"] for line in capsys.readouterr().out.splitlines()]
    assert printed == ["True", "False"]


def test_predict_names_the_probability_of_the_most_probable_of_more_labels(tmp_path, stdin, capsys):
    texts, labels = [*TEXTS, *["odd weird strange"] * 600], [*LABELS, *["odd"] * 600]
    pipeline = make_pipeline(
        WordIndexEncoder(),
        MultiHotVectorizer(100),
        DenseSentimentClassifier(epochs=9, random_state=0),
    ).fit(texts, labels)
    skimdb.save(pipeline, tmp_path / "model")
    stdin("odd weird\nbad dull")
    assert main(["predict", str(tmp_path / "model"), "--format", "jsonl"]) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    probabilities = pipeline.predict_proba(["odd weird", "bad dull"])
    assert [row["label"] for row in printed] == ["odd", "neg"]
    assert [row["probability"] for row in printed] == pytest.approx(
        probabilities.max(axis=1), abs=1e-6
    )


class Terminal(StringIO):
    def isatty(self):
        return True


def test_progress_is_shown_on_a_terminal_apart_from_the_rows(model, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", Terminal())
    path = tmp_path / "new.txt"
    path.write_text("\n".join(TEXTS))
    assert main(["predict", str(model), str(path), "--format", "jsonl"]) == 0
    assert "1,200 texts" in sys.stderr.getvalue()
    assert len(list(map(json.loads, capsys.readouterr().out.splitlines()))) == 1200


def test_progress_is_not_shown_among_rows_on_the_terminal(model, tmp_path, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setattr("sys.stdout", Terminal())
    path = tmp_path / "new.txt"
    path.write_text("\n".join(TEXTS))
    assert main(["predict", str(model), str(path), "--format", "jsonl"]) == 0
    assert "texts" not in sys.stderr.getvalue()
    assert len(list(map(json.loads, sys.stdout.getvalue().splitlines()))) == 1200


def test_progress_needs_no_size_of_standard_input(model, monkeypatch, capsys):
    class Pipe(BytesIO):
        def seekable(self):
            return False

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setattr("sys.stdin", TextIOWrapper(Pipe(b"good\nbad\n")))
    assert main(["predict", str(model)]) == 0
    assert "2 texts" in sys.stderr.getvalue()
    assert capsys.readouterr().out.count("\n") == 3


def test_closed_pipe_ends_quietly(model, tmp_path):
    path = tmp_path / "new.txt"
    path.write_text("good\nbad\n")
    command = [sys.executable, "-m", "skimdb", "predict", str(model), str(path)]
    environment = {**os.environ, "PYTHONUNBUFFERED": ""}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        process.stdout.close()  # before the rows, which Python tries to write again at its end
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_interrupted_prediction_gives_status_130(model, monkeypatch, capsys):
    class Interrupted(BytesIO):
        read = readline = read1 = __next__ = interrupt

        def seekable(self):
            return False

    monkeypatch.setattr("sys.stdin", TextIOWrapper(Interrupted(b"good\n")))
    assert main(["predict", str(model)]) == 130
    assert capsys.readouterr().err == "skimdb: interrupted\n"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no.csv", r"No such file or directory: .*no\.csv"),
        ("new.pdf", r"the name of .*new\.pdf must tell its format: \.csv, \.tsv, \.txt"),
        (
            "new.csv",
            r"new\.csv has no column 'text': name one with --text; its columns: 'x' \('fine'",
        ),
        (
            "what a film",
            r"there is no file '.*what a film'; to predict a text itself: echo TEXT \| ",
        ),
        ("what " * 999, r"there is no file 'what.*echo TEXT \| skimdb predict "),
        (".", "is a folder: predicting a folder requires -o FOLDER"),
    ],
)
def test_predict_of_unfit_data_gives_one_line_and_status_2(model, tmp_path, capsys, name, message):
    (tmp_path / "new.pdf").touch()
    write_csv(tmp_path / "new.csv", ["x"], [["fine"]])
    path = name if len(name) > 255 else tmp_path / name
    fails(["predict", model, path], message, capsys)


def write_parts(folder, sizes=(5, 3, 4)):
    """Write texts to numbered files."""
    texts = iter(TEXTS[::50])
    for number, size in enumerate(sizes):
        path = folder / f"{number}.parquet"
        path.parent.mkdir(exist_ok=True)
        part = [next(texts) for _ in range(size)]
        pq.write_table(pa.table({"id": range(size), "place": "a" * size, "x": part}), path)
    return folder


@pytest.mark.parametrize("options", [[], ["--n-jobs", "1"]])
def test_predict_writes_files_for_those_of_a_folder(model, tmp_path, capsys, options):
    folder, output = write_parts(tmp_path / "in"), tmp_path / "new" / "out"
    columns = ["--text", "x", "--keep", "place", "--keep", "id"]
    assert main(["predict", str(model), str(folder), "-o", str(output), *columns, *options]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"Files in {output}: 3 written, 0 skipped\n"
    assert printed.err == ""
    for path in folder.iterdir():
        table = pq.read_table(path)
        result = pq.read_table(output / path.name)
        assert result.column_names == ["place", "id", "label", "probability"]
        assert result.select(["place", "id"]).equals(table.select(["place", "id"]))
        expected = expected_predictions(model, table["x"].to_pylist())
        assert result["label"].to_pylist() == [label for label, _ in expected]
        np.testing.assert_allclose(
            result["probability"].to_numpy(), [probability for _, probability in expected]
        )


def test_predict_writes_all_probabilities_for_the_files_of_a_folder(model, tmp_path):
    folder, output = write_parts(tmp_path / "in"), tmp_path / "out"
    assert (
        main(["predict", str(model), str(folder), "-o", str(output), "--text", "x", "--proba"]) == 0
    )
    table = pq.read_table(output / "0.parquet")
    assert table.column_names[2:] == ["probability_neg", "probability_pos"]


def test_predict_skips_files_that_are_written(model, tmp_path, capsys):
    folder, output = write_parts(tmp_path / "in"), tmp_path / "out"
    arguments = ["predict", str(model), str(folder), "-o", str(output), "--text", "x"]
    one = ["predict", str(model), str(folder / "1.parquet"), *arguments[3:]]
    assert main(one) == 0
    assert list(output.iterdir()) == [output / "1.parquet"]
    state = (output / "1.parquet").stat()
    capsys.readouterr()
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"Files in {output}: 2 written, 1 skipped\n"
    assert (output / "1.parquet").stat().st_mtime_ns == state.st_mtime_ns
    assert len(list(output.iterdir())) == 3


def test_predict_shows_how_many_files_are_done(model, tmp_path, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", Terminal())
    folder = write_parts(tmp_path / "in")
    arguments = ["predict", str(model), str(folder), "-o", str(tmp_path / "out"), "--text", "x"]
    assert main(arguments) == 0
    assert re.search("Predicting files .*100%", sys.stderr.getvalue())


def test_interrupted_prediction_leaves_whole_files(model, tmp_path, monkeypatch, capsys):
    folder, output = write_parts(tmp_path / "in"), tmp_path / "out"

    predict = DenseSentimentPredictor.predict

    def predict_until_size_3(self, X):
        return interrupt() if X.shape[0] == 3 else predict(self, X)

    monkeypatch.setattr(DenseSentimentPredictor, "predict", predict_until_size_3)
    options = ["-o", str(output), "--text", "x", "--n-jobs", "1"]
    assert main(["predict", str(model), str(folder), *options]) == 130
    assert capsys.readouterr().err == "skimdb: interrupted\n"
    assert list(output.iterdir()) == [output / "0.parquet"]


@pytest.mark.parametrize(
    ("file", "options", "message"),
    [
        (
            "-",
            [],
            r"standard input .* require -o FILE, whose name ends with \.csv, \.jsonl, \.par",
        ),
        ("in", ["--input-format", "csv"], "standard input and --input-format require -o FILE"),
        ("in", ["-o", "one.csv"], "requires -o FOLDER, got -o one.csv, which is a file"),
        ("empty", [], r"empty has no files of a known format: \.csv"),
        ("no", [], r"No such file or directory: .*no"),
        ("no.parquet", [], r"No such file or directory: .*no\.parquet"),
        ("new.csv", ["--format", "table"], "-o writes csv, jsonl, parquet, got --format table"),
        (
            "in",
            [],
            r"0\.parquet has no column 'text': name one with --text; its columns: 'id' \(0\)",
        ),
        ("in", ["--text", ""], r"0\.parquet has no column ''; its columns: 'id' \(0\), 'place' "),
        ("in", ["--text", "id"], "'id' must hold texts or lists of word indices, got int64"),
        ("in", ["--text", "x", "--keep", "y"], r"0\.parquet has no column 'y'; its columns: 'id'"),
        (
            "lists.parquet",
            [],
            r"Row 0 of X must be a text, a str, got .*, raised by model on rows 1 to 2 of .*lists",
        ),
    ],
)
def test_files_that_cannot_be_predicted_give_one_line_and_status_2(
    model, tmp_path, capsys, file, options, message
):
    write_parts(tmp_path / "in")
    (tmp_path / "new.csv").touch()
    (tmp_path / "empty").mkdir()
    pq.write_table(pa.table({"text": [[1], [2]]}), tmp_path / "lists.parquet")
    path = file if file == "-" else tmp_path / file
    output = tmp_path / "out"
    fails(["predict", model, path, "-o", output, "--n-jobs", "1", *options], message, capsys)
    assert not output.exists() or not list(output.iterdir())


def test_number_of_jobs_needs_a_folder(model, tmp_path, capsys):
    (tmp_path / "new.csv").touch()
    message = "--n-jobs requires a folder and -o FOLDER"
    fails(["predict", model, tmp_path / "new.csv", "--n-jobs", "2"], message, capsys)
