import csv
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

import skimdb
from skimdb import DenseSentimentClassifier, MultiHotVectorizer
from skimdb.__main__ import main
from skimdb._command_apply import _batches
from skimdb._command_fit import text_pipeline
from skimdb.feature_extraction import WordIndexEncoder
from skimdb.inspection import explain_reviews


def make_texts(n_texts=1200):
    """Return texts of negative and then of positive words, a third of them of both."""
    rng = np.random.default_rng(0)
    words = {"neg": ["bad", "dull", "poor", "awful"], "pos": ["good", "fine", "great", "lovely"]}
    common = ["the", "film", "a", "plot", "with", "cast", "and"]
    labels = ["neg"] * (n_texts // 2) + ["pos"] * (n_texts // 2)
    texts = []
    for label in labels:
        told = rng.choice(words[label], 3).tolist()
        if rng.random() < 0.3:
            told += rng.choice(words["neg"] + words["pos"], 3).tolist()
        texts.append(" ".join(rng.permutation(told + rng.choice(common, 5).tolist())))
    return texts, labels


TEXTS, LABELS = make_texts()
NEW_TEXTS = ["a good, good film", "dull, with a poor plot", "", "unheard of"]


def write_csv(path, header, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "reviews.csv"
    return write_csv(path, ["text", "label"], zip(TEXTS, LABELS, strict=True))


@pytest.fixture(scope="module")
def model(data):
    path = data.with_name("reviews.skimdb")
    assert main(["fit", str(data), "-o", str(path), "--no-check"]) == 0
    return path


@pytest.fixture
def stdin(tmp_path, monkeypatch):
    """Return a function that sets what is read from standard input."""

    def set_stdin(text):
        path = tmp_path / "stdin"
        path.write_text(text, encoding="utf-8")
        monkeypatch.setattr("sys.stdin", stack.append(path.open(encoding="utf-8")) or stack[-1])

    stack = []
    yield set_stdin
    for file in stack:
        file.close()


def fails(arguments, message, capsys):
    """Check that arguments give status 2 and one line on standard error."""
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert re.fullmatch(rf"skimdb: error: .*{message}.*\n", error), error


# fit


def test_fit_keeps_the_text_pipeline_fitted_to_all_texts(model):
    expected = text_pipeline(0).fit(TEXTS, LABELS)
    kept = skimdb.load(model)
    np.testing.assert_array_equal(kept.classes_, ["neg", "pos"])
    np.testing.assert_array_equal(kept.predict_proba(NEW_TEXTS), expected.predict_proba(NEW_TEXTS))


def test_fit_prints_accuracy_on_a_stratified_tenth_that_is_held_out(tmp_path, capsys):
    is_wrong = np.random.default_rng(0).random(len(LABELS)) < 0.2
    labels = np.where(is_wrong, "neg", LABELS)
    data = write_csv(tmp_path / "r.csv", ["text", "label"], zip(TEXTS, labels, strict=True))
    assert main(["fit", str(data), "-o", str(tmp_path / "model"), "--seed", "5"]) == 0
    printed = capsys.readouterr().out
    train, test, y_train, y_test = train_test_split(
        TEXTS, labels, test_size=120, stratify=labels, random_state=5
    )
    n_right = sum(text_pipeline(5).fit(train, y_train).predict(test) == y_test)
    assert n_right < 120
    standard_error = np.std([1] * n_right + [0] * (120 - n_right)) / np.sqrt(120)
    assert re.search(
        rf"^Accuracy on 120 held out \(± SE\) +{n_right / 120:.4f} ± {standard_error:.4f}$",
        printed,
        re.M,
    )
    share = max(np.mean(y_test == "neg"), np.mean(y_test == "pos"))
    assert share > 0.55
    assert re.search(rf"^The same of the commoner label +{share:.4f}$", printed, re.M)


def test_fit_prints_counts_features_and_file(data, tmp_path, capsys):
    path = tmp_path / "model"
    assert main(["fit", str(data), "-o", str(path), "--no-check"]) == 0
    printed = capsys.readouterr().out
    assert re.match(rf"Model of +{data}\n", printed)
    assert re.search(r"^Texts labelled neg +600\nTexts labelled pos +600$", printed, re.M)
    n_features = len(skimdb.load(path)[1].get_feature_names_out())
    assert re.search(rf"^Features +{n_features:,}$", printed, re.M)
    size = path.stat().st_size / 1e6
    assert printed.endswith(f"\nWritten: {path} ({size:.1f} MB)\n")


def test_fit_without_check_keeps_the_same_model(data, model, tmp_path, capsys):
    assert main(["fit", str(data), "-o", str(tmp_path / "model")]) == 0
    assert "held out" in capsys.readouterr().out
    assert (tmp_path / "model").read_bytes() == model.read_bytes()
    assert main(["fit", str(data), "-o", str(tmp_path / "model"), "--no-check"]) == 0
    assert "held out" not in capsys.readouterr().out


def test_fit_to_any_type_of_file_gives_the_same_model(model, tmp_path):
    rows = list(zip(LABELS, TEXTS, strict=True))
    folder = tmp_path / "folder"
    for i, (label, text) in enumerate(rows):
        (folder / label).mkdir(parents=True, exist_ok=True)
        (folder / label / f"{i:04}.txt").write_text(text)
    jsonl, parquet = tmp_path / "r.jsonl", tmp_path / "r.parquet"
    jsonl.write_text("".join(json.dumps({"y": y, "x": x}) + "\n" for y, x in rows))
    pq.write_table(pa.table({"y": LABELS, "x": TEXTS}), parquet)
    columns = ["--text", "x", "--label", "y"]
    for arguments in ([folder], [jsonl, *columns], [parquet, *columns]):
        output = tmp_path / "model"
        assert main(["fit", *map(str, arguments), "-o", str(output), "--no-check"]) == 0
        assert output.read_bytes() == model.read_bytes()


def test_fit_options_set_n_grams_and_seed(data, tmp_path):
    path = tmp_path / "model"
    arguments = ["fit", str(data), "-o", str(path), "--no-check"]
    assert main([*arguments, "--ngrams", "2", "--seed", "7"]) == 0
    expected = text_pipeline(7, max_n=2).fit(TEXTS, LABELS)
    assert skimdb.load(path)[1].ngram_range == (1, 2)
    np.testing.assert_array_equal(
        skimdb.load(path).predict_proba(NEW_TEXTS), expected.predict_proba(NEW_TEXTS)
    )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", "pos"), ("b", "pos")], r"reviews\.csv must have two labels, has 1: 'pos'"),
        (
            [("a", str(i)) for i in range(6)],
            r"must have two labels, has 6: '0', '1', '2', '3', '4', \.\.\.",
        ),
        (
            [("a", "x" * 99), ("b", "y"), ("b", "z")],
            rf"must have two labels, has 3: '{'x' * 39}\.\.\., 'y', 'z'",
        ),
        (
            [("a", "pos"), ("b", "neg"), ("c", "pos")],
            "must have two texts or more for each label, has one for 'neg'",
        ),
        ([("a", "pos"), ("b", "")], r"line 3 of .*reviews\.csv: 'label' is missing"),
        ([(f"word{i}", "np"[i % 2]) for i in range(8)], "min_df=2"),
    ],
)
def test_fit_to_unfit_data_gives_one_line_and_status_2(tmp_path, capsys, rows, message):
    path = write_csv(tmp_path / "reviews.csv", ["text", "label"], rows)
    fails(["fit", path, "-o", tmp_path / "model"], message, capsys)
    assert list(tmp_path.iterdir()) == [path]


def test_fit_that_fails_leaves_the_old_model(data, tmp_path, capsys):
    path = tmp_path / "model"
    path.write_text("old")
    fails(["fit", data, "--text", "review", "-o", path], "no column 'review'", capsys)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_fit_names_the_data_that_is_not_there(tmp_path, capsys):
    fails(["fit", tmp_path / "no.csv", "-o", tmp_path / "model"], r"No such file.*no\.csv", capsys)


@pytest.mark.parametrize(
    ("output", "message"),
    [(".", "must be a file, and is a folder"), ("no/model", "there is no folder .*no")],
)
def test_fit_checks_where_to_write_before_it_reads(tmp_path, capsys, output, message):
    fails(["fit", tmp_path / "no.csv", "-o", tmp_path / output], message, capsys)


@pytest.mark.parametrize("step", ["load_labelled_texts", "text_pipeline", "skimdb.save"])
def test_interrupted_fit_gives_status_130_and_no_model(data, tmp_path, monkeypatch, capsys, step):
    monkeypatch.setattr(f"skimdb._command_fit.{step}", interrupt)
    assert main(["fit", str(data), "--no-check", "-o", str(tmp_path / "model")]) == 130
    assert capsys.readouterr().err == "skimdb: interrupted.\n"
    assert not list(tmp_path.iterdir())


def interrupt(*args, **kwargs):
    raise KeyboardInterrupt


# predict


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


def test_predict_gives_the_same_whatever_the_batches(model, tmp_path, monkeypatch, capsys):
    path = tmp_path / "new.txt"
    path.write_text("\n".join(TEXTS[:20]))
    assert main(["predict", str(model), str(path)]) == 0
    expected = capsys.readouterr().out
    monkeypatch.setattr("skimdb._command_apply._MAX_TEXTS", 7)
    assert main(["predict", str(model), str(path)]) == 0
    assert capsys.readouterr().out == expected


@given(st.lists(st.text("ab", max_size=9)), st.integers(1, 5), st.integers(1, 20))
def test_batches_are_bounded_in_texts_and_characters(texts, max_texts, max_characters):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skimdb._command_apply._MAX_TEXTS", max_texts)
        patch.setattr("skimdb._command_apply._MAX_CHARACTERS", max_characters)
        batches = list(_batches(texts))
    assert [text for batch in batches for text in batch] == texts
    assert all(1 <= len(batch) <= max_texts for batch in batches)
    assert all(sum(map(len, batch[:-1])) < max_characters for batch in batches)
    for batch in batches[:-1]:  # none is cut short
        assert len(batch) == max_texts or sum(map(len, batch)) >= max_characters


def test_batch_is_made_before_the_texts_after_it_are_read(monkeypatch):
    monkeypatch.setattr("skimdb._command_apply._MAX_TEXTS", 3)
    texts = iter("abcdefgh")
    assert next(_batches(texts)) == ["a", "b", "c"]
    assert list(texts) == ["d", "e", "f", "g", "h"]


def test_predict_prints_what_comes_before_an_error(model, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("skimdb._command_apply._MAX_TEXTS", 2)
    path = tmp_path / "new.jsonl"
    path.write_text('{"text": "a"}\n{"text": "b"}\n{"text": null}\n')
    assert main(["predict", str(model), str(path), "--format", "jsonl"]) == 2
    printed = capsys.readouterr()
    assert [json.loads(line)["row"] for line in printed.out.splitlines()] == [1, 2]
    assert printed.err == f"skimdb: error: line 3 of {path}: 'text' is missing\n"


def test_labels_of_any_type_are_json(tmp_path, stdin, capsys):
    data, model = tmp_path / "r.jsonl", tmp_path / "model"
    rows = [{"text": x, "label": y == "pos"} for x, y in zip(TEXTS, LABELS, strict=True)]
    data.write_text("\n".join(map(json.dumps, rows)))
    assert main(["fit", str(data), "-o", str(model), "--no-check"]) == 0
    stdin("good great fine\nbad dull awful")
    capsys.readouterr()
    assert main(["predict", str(model), "--format", "jsonl"]) == 0
    printed = [json.loads(line)["label"] for line in capsys.readouterr().out.splitlines()]
    assert printed == [True, False]


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


def test_interrupted_prediction_gives_status_130(model, stdin, monkeypatch, capsys):
    stdin("good\n")
    monkeypatch.setattr("skimdb._command_apply.iter_texts", interrupt)
    assert main(["predict", str(model)]) == 130
    assert capsys.readouterr().err == "skimdb: interrupted.\n"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no.csv", r"No such file or directory: .*no\.csv"),
        ("new.tsv", r"new\.tsv must be \.parquet, \.csv, \.jsonl or \.txt"),
        ("new.csv", r"new\.csv has no column 'text'; its columns: 'review'"),
        (".", "is a folder: say with -o where to write its predictions"),
    ],
)
def test_predict_of_unfit_data_gives_one_line_and_status_2(model, tmp_path, capsys, name, message):
    (tmp_path / "new.tsv").touch()
    write_csv(tmp_path / "new.csv", ["review"], [["fine"]])
    fails(["predict", model, tmp_path / name], message, capsys)


# predict, of files


def write_parts(folder, sizes=(5, 3, 4)):
    """Write texts to numbered files."""
    texts = iter(TEXTS[::50])
    for number, size in enumerate(sizes):
        path = folder / f"{number}.parquet"
        path.parent.mkdir(exist_ok=True)
        part = [next(texts) for _ in range(size)]
        pq.write_table(pa.table({"id": range(size), "place": "a" * size, "x": part}), path)
    return folder


@pytest.mark.parametrize("options", [[], ["--jobs", "1"]])
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
    assert re.search("Predicting .*3/3", sys.stderr.getvalue())


def test_interrupted_prediction_leaves_whole_files(model, tmp_path, monkeypatch, capsys):
    folder, output = write_parts(tmp_path / "in"), tmp_path / "out"

    def predict_until_size_3(model, texts):
        return interrupt() if len(texts) == 3 else (np.zeros(5, int), np.zeros(5, np.float32))

    monkeypatch.setattr(
        "skimdb.datasets._prediction_task.predict_class_indices", predict_until_size_3
    )
    options = ["-o", str(output), "--text", "x", "--jobs", "1"]
    assert main(["predict", str(model), str(folder), *options]) == 130
    assert capsys.readouterr().err == "skimdb: interrupted.\n"
    assert list(output.iterdir()) == [output / "0.parquet"]


@pytest.mark.parametrize(
    ("file", "options", "message"),
    [
        ("-", [], r"-o is for \.parquet files and folders of them, got -"),
        ("new.csv", [], r"-o is for \.parquet files and folders of them, got .*new\.csv"),
        ("no", [], r"-o is for \.parquet files and folders of them, got .*no"),
        ("no.parquet", [], r"No such file or directory: .*no\.parquet"),
        ("in", ["--format", "table"], "--format must be left out, since -o writes Parquet files"),
        ("in", [], r"0\.parquet has no column 'text'; its columns: 'id', 'place', 'x'"),
        ("in", ["--text", ""], r"0\.parquet has no column ''; its columns: 'id', 'place', 'x'"),
        ("in", ["--text", "id"], "'id' must hold texts or lists of word indices, got int64"),
        ("in", ["--text", "x", "--keep", "label"], "keep must not hold 'label'"),
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
    pq.write_table(pa.table({"text": [[1], [2]]}), tmp_path / "lists.parquet")
    path = file if file == "-" else tmp_path / file
    output = tmp_path / "out"
    fails(["predict", model, path, "-o", output, "--jobs", "1", *options], message, capsys)
    assert not output.exists() or not list(output.iterdir())


@pytest.mark.parametrize("options", [["--keep", "id"], ["--jobs", "2"]])
def test_options_for_files_need_an_output(model, tmp_path, capsys, options):
    message = "--keep and --jobs are for what -o writes, and there is no -o"
    fails(["predict", model, tmp_path / "new.csv", *options], message, capsys)


# Models, of which predict and explain say the same


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


# explain

TEXT = "A good, great film <b>with</b> a dull cast"


def test_explain_prints_the_largest_contributions(model, capsys):
    assert main(["explain", str(model), TEXT, "--n", "3"]) == 0
    title, header, *rows, more = capsys.readouterr().out.splitlines()
    (expected,) = explain_reviews(skimdb.load(model), [TEXT])
    assert title == expected.title
    assert header.split() == ["feature", "contribution"]
    assert [re.split("  +", row) for row in rows] == [
        [name, f"{contribution:+.3f}"]
        for name, contribution in zip(expected.names[:3], expected.contributions[:3], strict=True)
    ]
    assert more == f"... and {len(expected.names) - 3} more"


def test_explain_says_nothing_of_more_where_all_is_shown(model, capsys):
    assert main(["explain", str(model), "good"]) == 0
    title, _, row = capsys.readouterr().out.splitlines()
    assert title.startswith("Predicted ")
    assert row.split()[0] == "good"


def test_explain_of_a_text_without_known_words_has_no_rows(model, capsys):
    assert main(["explain", str(model), ""]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


class PageText(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags, self.text = set(), ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)

    def handle_data(self, data):
        self.text += data


def test_explain_writes_the_highlighted_text_as_a_page(model, tmp_path, capsys):
    path = tmp_path / "page.html"
    assert main(["explain", str(model), TEXT, "--html", str(path)]) == 0
    printed = capsys.readouterr().out
    assert printed.endswith(f"\n\nWritten: {path}\n")
    page = PageText(path.read_text(encoding="utf-8"))
    assert page.text.count(printed.splitlines()[0]) == 2  # the title, and above the text
    assert TEXT in page.text
    assert page.tags == {"html", "head", "meta", "title", "body", "div", "p", "b", "span"}
    assert list(tmp_path.iterdir()) == [path]


def test_page_that_cannot_be_written_gives_one_line_and_status_2(model, tmp_path, capsys):
    fails(["explain", model, TEXT, "--html", tmp_path / "no" / "page"], "there is no fold", capsys)


def test_explain_of_more_than_two_classes_gives_one_line_and_status_2(tmp_path, capsys):
    labels = ["a", "b", "c"] * 400
    pipeline = make_pipeline(
        WordIndexEncoder(), MultiHotVectorizer(50), DenseSentimentClassifier(epochs=1)
    )
    skimdb.save(pipeline.fit(TEXTS, labels), tmp_path / "model")
    fails(["explain", tmp_path / "model", TEXT], "must tell two classes apart", capsys)


# Arguments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit"], "the following arguments are required: DATA, -o/--output"),
        (["fit", "r.csv"], "the following arguments are required: -o/--output"),
        (["fit", "r.csv", "-o", "m", "--ngrams", "4"], r"argument --ngrams: invalid choice: 4"),
        (["fit", "r.csv", "-o", "m", "--seed", "-1"], "argument --seed: must be at least 0"),
        (["fit", "r.csv", "-o", "m", "--quick"], "unrecognized arguments: --quick"),
        (["predict"], "the following arguments are required: MODEL"),
        (["predict", "m", "--jobs", "0"], "argument --jobs: must be at least 1, got 0"),
        (["predict", "m", "--format", "csv"], "argument --format: invalid choice: 'csv'"),
        (["explain", "m"], "the following arguments are required: TEXT"),
        (["explain", "m", "good", "--n", "0"], "argument --n: must be at least 1, got 0"),
        (["--quick", "fit"], "unrecognized arguments: fit"),
    ],
)
def test_bad_arguments_give_one_line_and_status_2(arguments, message, capsys):
    with pytest.raises(SystemExit) as exit_info:
        main(arguments)
    assert exit_info.value.code == 2
    assert re.fullmatch(rf"skimdb: error: {message}.*\n", capsys.readouterr().err)


@pytest.mark.parametrize("command", ["fit", "predict", "explain"])
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as exit_info:
        main([command, "--help"])
    assert exit_info.value.code == 0
    assert f"usage: python -m skimdb {command} " in capsys.readouterr().out


def test_help_of_the_main_job_names_the_commands(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    printed = capsys.readouterr().out
    assert all(f"{command}: " in printed for command in ["fit", "predict", "explain"])


# Real reviews


@pytest.mark.real_data
def test_commands_on_imdb(tmp_path, capsys):
    data = Path(os.environ["SKIMDB_DATA"])
    table = pq.read_table(data / "imdb_train.parquet")
    pq.write_table(table.take(list(range(0, 25_000, 10))), tmp_path / "train.parquet")
    test = pq.read_table(data / "imdb_test.parquet").take(list(range(0, 25_000, 10)))
    pq.write_table(test, tmp_path / "test.parquet")
    model = str(tmp_path / "model")
    assert main(["fit", str(tmp_path / "train.parquet"), "-o", model, "--no-check"]) == 0
    capsys.readouterr()
    assert main(["predict", model, str(tmp_path / "test.parquet"), "--format", "jsonl"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    accuracy = np.mean([row["label"] for row in rows] == test["label"].to_numpy())
    assert 0.84 < accuracy < 0.93
    assert main(["explain", model, "A wonderful film, never boring and not bad at all."]) == 0
    assert "wonderful" in capsys.readouterr().out
