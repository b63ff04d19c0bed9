"""Every kind of file from `fit` to `predict` and `explain`, and what is said about it."""

import csv
import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skimdb
from skimdb.cli import main
from tests.cli.common import LABELS, TEXTS, fails
from tests.datasets.files.common import delimited, write

ROWS = list(zip(TEXTS, LABELS, strict=True))
NEW = ["a good, good film", 'dull, with a "poor"\nplot', "unheard of"]


def run(capsys, *arguments):
    """Run a command that succeeds, and return what it printed."""
    capsys.readouterr()
    status = main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    assert status == 0, printed.err
    return printed


def predicted(capsys, model, path, *options):
    printed = run(capsys, "predict", model, path, "--format", "jsonl", *options)
    return [json.loads(line)["label"] for line in printed.out.splitlines()]


@pytest.mark.parametrize(
    "suffix",
    [
        "csv",
        "tsv.gz",
        "jsonl.bz2",
        "ndjson.zst",
        "json.xz",
        "parquet",
        "feather",
        "arrow",
        "xlsx",
        "parquet.gz",
        "arrow.zst",
    ],
)
def test_every_format_from_fit_to_predict_and_explain(model, tmp_path, capsys, suffix):
    data = write(tmp_path / f"reviews.{suffix}", ["text", "label"], ROWS)
    new = write(tmp_path / f"new.{suffix}", ["text"], [(text,) for text in NEW])
    fitted = tmp_path / "model"
    assert run(capsys, "fit", data, "-o", fitted, "--no-check").err == ""
    assert fitted.read_bytes() == model.read_bytes()
    labels = skimdb.load(model).predict(NEW).tolist()
    assert predicted(capsys, fitted, new) == labels
    expected = run(capsys, "explain", model, NEW[1]).out
    assert run(capsys, "explain", fitted, "--file", new, "--row", "2").out == expected


def as_stdin(monkeypatch, content):
    stdin = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8")
    monkeypatch.setattr("sys.stdin", stdin)


@pytest.mark.parametrize("suffix", ["csv", "jsonl.gz", "parquet", "xlsx"])
def test_standard_input_of_any_format(model, tmp_path, capsys, monkeypatch, suffix):
    content = write(tmp_path / f"r.{suffix}", ["text", "label"], ROWS).read_bytes()
    as_stdin(monkeypatch, content)
    fitted = tmp_path / "model"
    run(capsys, "fit", "-", "--input-format", suffix, "-o", fitted, "--no-check")
    assert fitted.read_bytes() == model.read_bytes()
    as_stdin(monkeypatch, content)
    labels = predicted(capsys, fitted, "-", "--input-format", suffix)
    assert labels == skimdb.load(model).predict(TEXTS).tolist()


def test_standard_input_needs_a_format_to_fit_to(tmp_path, capsys, monkeypatch):
    as_stdin(monkeypatch, b"text,label\n")
    message = "standard input needs --input-format, such as csv"
    fails(["fit", "-", "-o", tmp_path / "model"], message, capsys)


@pytest.mark.parametrize(
    ("content", "options", "note"),
    [
        (
            delimited(["text", "label"], ROWS, delimiter=";"),
            [],
            "fields separated by semicolon (--",
        ),
        (delimited(["text", "label"], ROWS, delimiter="^"), ["--sep", "^"], None),
        (
            delimited(["review", "stars"], ROWS),
            [],
            "the texts are in column 'review', the labels a",
        ),
        (delimited([], ROWS), ["--no-header", "--text", "1", "--label", "2"], None),
        (
            delimited(["text", "label"], [*ROWS, ("", "pos"), ("x", " ")]),
            ["--missing", "drop"],
            "of 1,202 rows, 'text' is missing or blank in 1 and 'label' in 1; these rows are left",
        ),
        (
            "text,label\n" + "".join(f'"{text}",{label}\n' for text, label in ROWS),
            ["--escape", "backslash"],
            None,
        ),
        (delimited(["text", "label"], ROWS).encode("utf-16"), [], None),
        (delimited(["text", "label"], ROWS).encode("cp037"), ["--encoding", "cp037"], None),
    ],
)
def test_what_is_found_out_is_said_in_one_line(model, tmp_path, capsys, content, options, note):
    path = tmp_path / "r.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    printed = run(capsys, "fit", path, "-o", tmp_path / "model", "--no-check", *options)
    if note is None:
        assert printed.err == ""
    else:
        assert printed.err.startswith(f"skimdb: {path}: {note}")
        assert printed.err.count("\n") == 1
    assert (tmp_path / "model").read_bytes() == model.read_bytes()


@pytest.mark.parametrize("suffix", ["csv", "tsv.gz", "jsonl", "json.bz2"])
def test_text_files_need_no_optional_package(model, tmp_path, capsys, monkeypatch, suffix):
    optional = {"charset_normalizer", "openpyxl", "pandas", "pyarrow", "zstandard"}

    class NotInstalled:
        def find_spec(self, name, path=None, target=None):
            if name.split(".")[0] in optional:
                raise ModuleNotFoundError(f"No module named {name!r}")

    for name in list(sys.modules):
        if name.split(".")[0] in optional:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [NotInstalled(), *sys.meta_path])
    path = write(tmp_path / f"r.{suffix}", ["text", "label"], ROWS)
    run(capsys, "fit", path, "-o", tmp_path / "model", "--no-check")
    assert (tmp_path / "model").read_bytes() == model.read_bytes()
    options = ["--keep", "text", "-o", tmp_path / "out.csv"]
    assert run(capsys, "predict", model, path, *options).err == ""
    assert len(read_output(tmp_path / "out.csv")) == len(ROWS)


@pytest.mark.parametrize("options", [["--keep", "all"], ["--keep", "text", "--keep", "label"]])
def test_all_columns_of_the_files_of_a_folder_are_kept(model, tmp_path, capsys, options):
    for name in ("1.csv", "2.parquet"):
        write(tmp_path / "in" / name, ["text", "label"], ROWS[:3])
    run(capsys, "predict", model, tmp_path / "in", "-o", tmp_path / "out", *options)
    for name in ("1.csv.parquet", "2.parquet"):
        table = pq.read_table(tmp_path / "out" / name)
        assert table.column_names == ["text", "label", "predicted_label", "probability"]
        assert table.select(["text", "label"]).to_pydict() == {
            "text": TEXTS[:3],
            "label": LABELS[:3],
        }
        assert (
            table["predicted_label"].to_pylist() == skimdb.load(model).predict(TEXTS[:3]).tolist()
        )


def test_files_of_a_folder_count_or_are_named(model, tmp_path, capsys):
    folder = tmp_path / "in"
    write(folder / "a" / "1.csv", ["text", "label"], ROWS[:400])
    write(folder / "a" / "2.jsonl.gz", ["text", "label"], ROWS[400:500])
    write(folder / "b.parquet", ["text", "label"], ROWS[500:])
    (folder / "README.md").write_text("about")
    (folder / "_SUCCESS").write_text("")
    write(folder / "_old" / "3.csv", ["text", "label"], ROWS)
    printed = run(capsys, "fit", folder, "-o", tmp_path / "model", "--no-check")
    assert printed.err == f"skimdb: files in {folder} that are left out: README.md, _old/3.csv\n"
    assert (tmp_path / "model").read_bytes() == model.read_bytes()
    printed = run(capsys, "predict", model, folder, "-o", tmp_path / "out")
    assert printed.err == f"skimdb: files in {folder} that are left out: README.md, _old/3.csv\n"
    assert printed.out == f"Files in {tmp_path / 'out'}: 3 written, 0 skipped\n"
    names = [path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*.parquet")]
    assert sorted(map(str, names)) == ["a/1.csv.parquet", "a/2.jsonl.gz.parquet", "b.parquet"]


# What predict writes


def read_output(path):
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            return list(csv.DictReader(file))
        return list(map(json.loads, file))


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("source", ["csv", "jsonl", "parquet"])
def test_predict_writes_the_format_that_the_name_tells(model, tmp_path, capsys, source, suffix):
    rows = [(text, str(i), "A") for i, text in enumerate(NEW)]
    path = write(tmp_path / f"new.{source}", ["text", "id", "label"], rows)
    output = tmp_path / f"out.{suffix}"
    printed = run(capsys, "predict", model, path, "-o", output, "--keep", "all", "--proba")
    assert printed.out == f"Written: {output}\n"
    found = read_output(output)
    fitted = skimdb.load(model)
    names = ["row", "predicted_label", "probability", "probability_neg", "probability_pos"]
    assert list(found[0]) == [*names, "text", "id", "label"]
    assert [(row["text"], row["id"], row["label"]) for row in found] == rows
    assert [int(row["row"]) for row in found] == [1, 2, 3]
    assert [row["predicted_label"] for row in found] == fitted.predict(NEW).tolist()
    probabilities = fitted.predict_proba(NEW)
    for i, name in enumerate(names[-2:]):
        values = [float(row[name]) for row in found]
        np.testing.assert_allclose(values, probabilities[:, i], atol=1e-6)
    chosen = [float(row["probability"]) for row in found]
    np.testing.assert_allclose(chosen, probabilities.max(axis=1), atol=1e-6)


@pytest.mark.parametrize("output_format", ["csv", "jsonl", "parquet"])
def test_format_counts_more_than_the_name(model, tmp_path, capsys, output_format):
    path = write(tmp_path / "new.csv", ["text"], [(text,) for text in NEW])
    run(capsys, "predict", model, path, "-o", tmp_path / "out", "--format", output_format)
    found = read_output((tmp_path / "out").rename(tmp_path / f"out.{output_format}"))
    assert [row["label"] for row in found] == skimdb.load(model).predict(NEW).tolist()


def test_csv_can_be_printed(model, tmp_path, capsys):
    path = write(tmp_path / "new.csv", ["text"], [(text,) for text in NEW])
    printed = run(capsys, "predict", model, path, "--format", "csv", "--keep", "text").out
    rows = list(csv.DictReader(io.StringIO(printed, newline="")))
    assert [row["text"] for row in rows] == NEW


def test_table_shows_the_beginning_of_kept_texts(model, tmp_path, capsys):
    rows = [("good\nfilm " * 20, "1")]
    path = write(tmp_path / "new.csv", ["text", "id"], rows)
    printed = run(capsys, "predict", model, path, "--keep", "id", "--keep", "text").out
    header, row = printed.splitlines()
    assert header.split() == ["row", "label", "probability", "id", "text"]
    assert row.endswith("  1  " + ("good film " * 20)[:57] + "...")


@pytest.mark.parametrize("output_format", ["table", "csv"])
def test_names_of_columns_are_escaped_where_they_cannot_be_printed(
    tmp_path, capsys, monkeypatch, output_format
):
    rows = [(text, {"pos": "positif", "neg": "négatif"}[label]) for text, label in ROWS]
    data, model = write(tmp_path / "r.csv", ["text", "label"], rows), tmp_path / "model"
    run(capsys, "fit", data, "-o", model, "--no-check")
    new = write(tmp_path / "new.csv", ["text"], [("dull",)])
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", stdout)
    assert main(["predict", str(model), str(new), "--proba", "--format", output_format]) == 0
    assert "probability_n\\xe9gatif" in stdout.buffer.getvalue().decode("ascii").splitlines()[0]


def test_json_lines_have_null_for_what_json_lacks(model, tmp_path, capsys):
    table = pa.table({"text": NEW, "score": [0.5, float("nan"), float("inf")]})
    pq.write_table(table, tmp_path / "new.parquet")
    options = ["--keep", "score", "--format", "jsonl"]
    printed = run(capsys, "predict", model, tmp_path / "new.parquet", *options).out
    assert '"score": null' in printed
    assert [json.loads(line)["score"] for line in printed.splitlines()] == [0.5, None, None]


@pytest.mark.parametrize("option", ["-o", "--html"])
def test_no_command_replaces_what_it_reads(model, tmp_path, capsys, option):
    path = write(tmp_path / "new.csv", ["text"], [("good",)])
    model_bytes, path_bytes = model.read_bytes(), path.read_bytes()
    command = {
        "-o": ["predict", model, path, "--format", "csv"],
        "--html": ["explain", model, "--file", path],
    }[option]
    for output in [model, path]:
        fails([*command, option, output], "is a file that is read, and must not be repl", capsys)
    assert (model.read_bytes(), path.read_bytes()) == (model_bytes, path_bytes)


def test_half_a_surrogate_pair_is_written_as_an_escape(model, tmp_path, capsys):
    path = tmp_path / "new.jsonl"
    path.write_text('{"text": "good \\ud83d"}\n')
    for options in ([], ["--format", "csv"], ["--format", "jsonl"]):
        printed = run(capsys, "predict", model, path, "--keep", "text", *options).out
        assert "good \\ud83d" in printed
    message = r"column 'text' has half of a surrogate pair: "
    options = ["--keep", "text", "-o", tmp_path / "out.parquet"]
    fails(["predict", model, path, *options], message, capsys)
    assert not (tmp_path / "out.parquet").exists()


def test_kept_columns_of_parquet_keep_their_types(model, tmp_path, capsys):
    table = pa.table(
        {
            "text": NEW,
            "id": pa.array([1, None, 3], pa.int16()),
            "kind": pa.array(["a", "b", "a"]).dictionary_encode(),
            "tags": [["x"], [], None],
        }
    )
    pq.write_table(table, tmp_path / "new.parquet")
    output = tmp_path / "out.parquet"
    run(capsys, "predict", model, tmp_path / "new.parquet", "-o", output, "--keep", "all")
    found = pq.read_table(output)
    for name in ("text", "id", "tags"):
        assert found[name].equals(table[name])
    assert found["kind"].to_pylist() == ["a", "b", "a"]


def test_rows_that_are_dropped_are_counted_and_leave_a_gap(model, tmp_path, capsys):
    path = write(tmp_path / "new.csv", ["text", "id"], [("good", 1), (" ", 2), ("bad", 3)])
    printed = run(capsys, "predict", model, path, "--missing", "drop", "--format", "jsonl")
    assert [json.loads(line)["row"] for line in printed.out.splitlines()] == [1, 3]
    message = "of 3 rows, 'text' is missing or blank in 1; these rows are left out"
    assert printed.err == f"skimdb: {path}: {message}\n"


@pytest.mark.parametrize("options", [[], ["--format", "csv"], ["--format", "jsonl"]])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "text\n \n",
            r"line 2 of .*new\.csv: 'text' is missing or blank; leave such rows out with",
        ),
        ('text\n"well, well"\n"a', r"line 3 of .*new\.csv is not CSV"),
        ("review,content\na,b\n", r"several that may hold the texts, 'review', 'content'"),
    ],
)
def test_nothing_is_printed_before_a_row_can_be_read(
    model, tmp_path, capsys, content, message, options
):
    (tmp_path / "new.csv").write_text(content)
    capsys.readouterr()
    assert main(["predict", str(model), str(tmp_path / "new.csv"), *options]) == 2
    assert capsys.readouterr().out == ""
    fails(["predict", model, tmp_path / "new.csv", *options], message, capsys)


def test_output_that_fails_leaves_the_old_file(model, tmp_path, capsys):
    (tmp_path / "new.csv").write_text("text\n" + "good\n" * 3000 + " \n")
    (tmp_path / "out.csv").write_text("old")
    message = r"line 3002 of .*new\.csv: 'text' is missing or blank"
    fails(["predict", model, tmp_path / "new.csv", "-o", tmp_path / "out.csv"], message, capsys)
    assert (tmp_path / "out.csv").read_text() == "old"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "parquet"], "--format parquet requires -o"),
        (["--keep", "stars"], r"new\.csv has no column 'stars'; its columns: 'text' \('good'\)"),
        (
            ["--keep", "text", "--keep", "text"],
            "--keep must name different columns, got text, text",
        ),
        (["-o", "no/out.csv"], "there is no folder no"),
        (["-o", "out.tsv"], r"-o writes \.csv, \.jsonl, \.parquet, got out\.tsv"),
        (["-o", "out.csv.gz"], r"-o writes \.csv, \.jsonl, \.parquet, got out\.csv\.gz"),
        (["-o", "new.csv"], r"new\.csv is a file that is read, and must not be replaced"),
        (
            ["--keep", "label", "--keep", "predicted_label"],
            "--keep must not name both 'label' and 'predicted_label', which is the name th",
        ),
        (["--encoding", "utf-9"], "encoding must be one that Python knows, got 'utf-9'"),
        (["--sep", "ab"], "sep must be one character"),
        (["--input-format", "pdf"], "input format must be one of csv, tsv"),
    ],
)
def test_options_that_do_not_fit_give_one_line_and_status_2(
    model, tmp_path, capsys, monkeypatch, options, message
):
    monkeypatch.chdir(tmp_path)
    names = ["text", "label", "predicted_label"]
    path = write(tmp_path / "new.csv", names, [("good", "pos", "pos")])
    fails(["predict", model, path, *options], message, capsys)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give either TEXT, the text itself, or --file FILE"),
        (["good", "--file", "new.csv"], "give either TEXT, the text itself, or --file FILE"),
        (["--text", "good"], "give either TEXT, the text itself, or --file FILE"),
        (["good", "--row", "1"], "--row requires --file"),
        (["--file", "new.csv", "--row", "4"], r"new\.csv has 3 rows, so there is no row 4"),
        (["--file", "no.csv"], r"No such file or directory: .*no\.csv"),
    ],
)
def test_text_to_explain_must_be_there(model, tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "new.csv", ["text"], [(text,) for text in NEW])
    fails(["explain", model, *arguments], message, capsys)


def test_name_of_a_file_is_explained_as_a_text_and_that_is_said(model, tmp_path, capsys):
    path = write(tmp_path / "good.csv", ["text"], [("bad",)])
    printed = run(capsys, "explain", model, path)
    assert printed.err == f"skimdb: {path} is read as a text; for a text in a file, use --file\n"
    for text in ("good", "good " * 1000):
        assert run(capsys, "explain", model, text).err == ""


# Real files


REAL = {
    "airline_tweets_head.csv": ([], []),
    "alexa_bom.tsv": (["--label", "rating"], ["--missing", "drop"]),
    "alexa_macroman.tsv": (
        ["--label", "feedback"],
        ["--missing", "drop", "--encoding", "mac_roman"],
    ),
    "chinese_hotels.csv": ([], []),
}


@pytest.fixture
def real_files():
    folder = Path(os.environ.get("SKIMDB_DATA", ""), "files")
    if not folder.is_dir():
        pytest.skip("SKIMDB_DATA must name a folder that has files/")
    return folder


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_real_files_from_fit_to_explain(tmp_path, capsys, real_files, name):
    label, options = REAL[name]
    path, model = real_files / name, tmp_path / "model"
    quick = ["--no-check", "--no-chars", "--ngrams", "1", "--epochs", "1"]
    run(capsys, "fit", path, "-o", model, *quick, *label, *options)
    found = predicted(capsys, model, path, *options)
    assert len(found) > 900
    # Each class of a model can be explained.
    for target in sorted(set(found)):
        arguments = ["explain", model, "--file", path, "--class", target, *options[2:]]
        assert f"(probability of {target}: " in run(capsys, *arguments).out
