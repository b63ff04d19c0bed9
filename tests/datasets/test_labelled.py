"""Labelled texts from files of every format and from folders."""

import os
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow.feather import write_feather
from sklearn.datasets import load_files

from skimdb.datasets._files import FileOptions
from skimdb.datasets._labelled import load_labelled_texts
from tests.datasets.files.common import WRITERS, write

TEXTS = ["A good film", 'He said "dull", twice', "two\nlines", "naïve, 电影 🎬", "fine"]
LABELS = ["pos", "neg", "neg", "pos", "pos"]
every_format = pytest.mark.parametrize("suffix", WRITERS)


def write_texts(path, texts=TEXTS, labels=LABELS, names=("text", "label")):
    return write(path, list(names), list(zip(texts, labels, strict=True)))


@every_format
def test_texts_and_labels_are_read_from_the_given_columns(tmp_path, suffix):
    rows = list(zip(LABELS, "abcde", TEXTS, strict=True))
    path = write(tmp_path / f"reviews.{suffix}", ["kind", "id", "words"], rows)
    assert load_labelled_texts(path, text="words", label="kind") == (TEXTS, LABELS, [])


@every_format
def test_columns_are_called_text_and_label_by_default(tmp_path, suffix):
    path = write_texts(tmp_path / f"reviews.{suffix}")
    assert load_labelled_texts(path) == (TEXTS, LABELS, [])


def test_standard_input_is_read(tmp_path):
    path = write_texts(tmp_path / "reviews.csv")
    with path.open("rb") as file:
        options = FileOptions(input_format="csv")
        found = load_labelled_texts(Path("-"), file=file, options=options)
    assert found == (TEXTS, LABELS, [])


# Columns


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("review", "sentiment"),
        ("sentence", "target"),
        ("content", "stars"),
        ("tweet", "airline_sentiment"),
        ("verified_reviews", "rating"),
        ("Text", "LABEL"),
    ],
)
def test_only_columns_with_usual_names_are_chosen_and_said(tmp_path, text, label):
    path = write_texts(tmp_path / "r.csv", names=(text, label))
    texts, labels, notes = load_labelled_texts(path)
    assert (texts, labels) == (TEXTS, LABELS)
    assert notes == [
        f"{path}: the texts are in column {text!r}, the labels are in column {label!r}"
    ]


def test_a_column_called_text_comes_before_the_usual_names(tmp_path):
    rows = [("a", "b", "pos"), ("c", "d", "neg")]
    path = write(tmp_path / "r.csv", ["review", "text", "label"], rows)
    assert load_labelled_texts(path) == (["b", "d"], ["pos", "neg"], [])


@every_format
def test_unknown_columns_are_listed_with_an_example_each(tmp_path, suffix):
    path = write_texts(tmp_path / f"r.{suffix}", names=("opinion", "mark"))
    message = (
        rf"r\.{suffix} has no column 'text': name one with --text; its columns: "
        r"'opinion' \('A good film'\), 'mark' \('pos'\)"
    )
    with pytest.raises(ValueError, match=message):
        load_labelled_texts(path)


def test_missing_header_is_thought_of(tmp_path):
    (tmp_path / "r.csv").write_text("a good film,pos\na bad film,neg\n")
    with pytest.raises(
        ValueError, match=r"\(with --no-header, if the first row has no names, they"
    ):
        load_labelled_texts(tmp_path / "r.csv")
    options = FileOptions(header=False)
    found = load_labelled_texts(tmp_path / "r.csv", text="1", label="2", options=options)
    assert found == (["a good film", "a bad film"], ["pos", "neg"], [])


def test_several_usual_names_are_an_error_that_names_them(tmp_path):
    path = write(tmp_path / "r.csv", ["review", "content", "label"], [("a", "b", "pos")])
    message = "no column 'text', and several that may hold the texts, 'review', 'content': name one"
    with pytest.raises(ValueError, match=message):
        load_labelled_texts(path)


def test_many_columns_are_not_all_listed(tmp_path):
    names = [f"column {i}" for i in range(99)]
    path = write(tmp_path / "r.csv", names, [["x"] * 99])
    with pytest.raises(ValueError, match=r"'column 29' \('x'\), \.\.\. \(with --no-header"):
        load_labelled_texts(path)


def test_text_and_label_must_be_different_columns(tmp_path):
    path = write_texts(tmp_path / "r.csv")
    with pytest.raises(ValueError, match="must be different columns, got 'label' for both"):
        load_labelled_texts(path, text="label")


def test_plain_text_has_no_labels(tmp_path):
    (tmp_path / "r.txt").write_text("a good film\tpos\n")
    with pytest.raises(ValueError, match=r"r\.txt is plain text, which has no labels; .*--sep tab"):
        load_labelled_texts(tmp_path / "r.txt")


# Labels are text


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([0, 1], ["0", "1"]),
        ([1.0, 2.5], ["1", "2.5"]),
        ([True, False], ["True", "False"]),
        ([" pos ", "neg\t"], ["pos", "neg"]),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json", "parquet", "feather", "xlsx"])
def test_labels_are_the_same_text_in_every_format(tmp_path, suffix, labels, expected):
    if labels == [1.0, 2.5] and suffix == "csv":
        labels = [1, 2.5]
    path = write_texts(tmp_path / f"r.{suffix}", ["a", "b"], labels)
    assert load_labelled_texts(path)[:2] == (["a", "b"], expected)


def test_other_labels_of_arrow_files_are_text(tmp_path):
    labels = {
        "day": pa.array([date(2020, 1, 2)]),
        "decimal": pa.array([Decimal("1.00")]),
        "large decimal": pa.array([Decimal(10) ** 30], pa.decimal128(38, 0)),
        "category": pa.array(["pos"]).dictionary_encode(),
        "view": pa.array(["pos"], pa.string_view()),
    }
    found = []
    for array in labels.values():
        write_feather(pa.table({"text": ["a"], "label": array}), tmp_path / "r.feather")
        found += load_labelled_texts(tmp_path / "r.feather").labels
    assert found == ["2020-01-02", "1", str(10**30), "pos", "pos"]


def test_labels_of_records_may_have_several_types(tmp_path):
    path = write_texts(tmp_path / "r.jsonl", ["a", "b", "c"], [1, "1", 1.0])
    assert load_labelled_texts(path).labels == ["1", "1", "1"]


def test_labels_that_differ_only_by_case_are_pointed_out(tmp_path):
    path = write_texts(tmp_path / "r.csv", "abcd", ["Pos", "pos", "neg", "pos"])
    _, labels, notes = load_labelled_texts(path)
    assert labels == ["Pos", "pos", "neg", "pos"]
    assert notes == [f"{path}: labels that differ only by case: 'Pos' (1), 'pos' (2)"]


@pytest.mark.parametrize(("value", "shown"), [(5, "5"), (["a"] * 99, f"{['a'] * 99}"[:40] + "...")])
def test_text_must_be_text(tmp_path, value, shown):
    path = write_texts(tmp_path / "r.jsonl", ["a", value], ["pos", "neg"])
    message = rf"^line 2 of .*r\.jsonl: 'text' must be text, got {re.escape(shown)}$"
    with pytest.raises(ValueError, match=message):
        load_labelled_texts(path)


def test_text_must_not_be_bytes(tmp_path):
    path = write_texts(tmp_path / "r.parquet", [b"caf\xe9"], ["pos"])
    with pytest.raises(ValueError, match=r"^row 1 of .*: 'text' must be text, got b'caf\\xe9'"):
        load_labelled_texts(path)


def test_label_must_not_be_a_list(tmp_path):
    path = write_texts(tmp_path / "r.jsonl", ["a"], [["pos"]])
    message = r"^line 1 of .*: 'label' must be text, a number, a boolean or a date, got \['pos'\]$"
    with pytest.raises(ValueError, match=message):
        load_labelled_texts(path)


# Missing and blank values

INCOMPLETE = [("", "pos"), (" \u00a0\n", "pos"), ("c", ""), ("d", "  ")]
COUNTS = r"of 6 rows, 'text' is missing or blank in 2 and 'label' in 2"


def write_incomplete(path):
    rows = [("a", "pos"), ("b", "neg"), *INCOMPLETE]
    if "csv" not in path.suffixes and "tsv" not in path.suffixes:
        rows = [tuple(value or None for value in row) for row in rows]
    return write(path, ["text", "label"], rows)


@every_format
def test_rows_with_missing_or_blank_values_are_an_error_with_counts(tmp_path, suffix):
    path = write_incomplete(tmp_path / f"r.{suffix}")
    message = rf"^{COUNTS}; the first is (line|row) \d+ of .*r\.{suffix}; leave such rows out with "
    with pytest.raises(ValueError, match=message):
        load_labelled_texts(path)


@every_format
def test_rows_with_missing_or_blank_values_can_be_dropped(tmp_path, suffix):
    path = write_incomplete(tmp_path / f"r.{suffix}")
    texts, labels, notes = load_labelled_texts(path, missing="drop")
    assert (texts, labels) == (["a", "b"], ["pos", "neg"])
    (note,) = notes
    assert re.fullmatch(rf"{re.escape(str(path))}: {COUNTS}; these rows are left out", note)


def test_numbers_that_are_not_a_number_are_missing(tmp_path):
    path = write_texts(tmp_path / "r.parquet", ["a", "b"], [1.0, float("nan")])
    assert load_labelled_texts(path, missing="drop")[:2] == (["a"], ["1"])


def test_values_that_records_leave_out_are_missing(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text('{"text": "a", "label": 1}\n{"label": 2}\n{"text": "c", "label": 3}\n')
    with pytest.raises(ValueError, match=r"of 3 rows, 'text' is missing .* is line 2 of"):
        load_labelled_texts(path)


@every_format
def test_file_without_texts_is_refused(tmp_path, suffix):
    path = write(tmp_path / f"r.{suffix}", ["text", "label"], [])
    with pytest.raises(ValueError, match=r"has no texts$|is empty: it has no columns$"):
        load_labelled_texts(path)


def test_file_with_nothing_but_blanks_has_no_texts(tmp_path):
    path = write_texts(tmp_path / "r.csv", [" "], ["pos"])
    with pytest.raises(ValueError, match=r"r\.csv has no texts$"):
        load_labelled_texts(path, missing="drop")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", " ", "a", "B\nb", '"c"', "1"]),
            st.sampled_from(["", " ", "x", " y", "2"]),
        ),
        max_size=10,
    ),
    st.sampled_from([*WRITERS]),
)
def test_every_format_keeps_the_same_rows(tmp_path_factory, rows, suffix):
    rows = [("first", "x"), *rows]
    path = write(tmp_path_factory.mktemp("rows") / f"r.{suffix}", ["text", "label"], rows)
    complete = [(text, label.strip()) for text, label in rows if text.strip() and label.strip()]
    texts, labels, _ = load_labelled_texts(path, missing="drop")
    assert list(zip(texts, labels, strict=True)) == complete


# Folders


def test_files_with_columns_below_a_folder_are_read_as_one(tmp_path):
    write_texts(tmp_path / "b.csv", ["d"], ["neg"])
    write_texts(tmp_path / "a" / "more" / "1.jsonl.gz", ["a"], ["pos"])
    write_texts(tmp_path / "a" / "2.parquet", ["b"], ["neg"])
    write_texts(tmp_path / "a" / "3.tsv", ["c"], ["pos"])
    for name in ["README.md", "a/notes.txt", "_SUCCESS", ".hidden.csv"]:
        (tmp_path / name).write_text("about")
    texts, labels, notes = load_labelled_texts(tmp_path)
    assert (texts, labels) == (["b", "c", "a", "d"], ["neg", "pos", "pos", "neg"])
    assert notes == [f"files in {tmp_path} that are left out: README.md, a/notes.txt"]


def test_all_files_below_a_folder_can_have_one_format(tmp_path):
    for number, name in enumerate(["part-00000", "part-00001", "_SUCCESS"]):
        write_texts(tmp_path / "r.csv", [f"text {number}"], ["pos"]).rename(tmp_path / name)
    options = FileOptions(input_format="csv")
    assert load_labelled_texts(tmp_path, options=options).texts == ["text 0", "text 1"]


def test_only_some_of_many_files_that_are_left_out_are_named(tmp_path):
    write_texts(tmp_path / "r.csv")
    for i in range(12):
        (tmp_path / f"{i:02}.md").touch()
    (note,) = load_labelled_texts(tmp_path).notes
    assert note.endswith("left out: 00.md, 01.md, 02.md, 03.md, 04.md, 7 more")


def test_columns_are_those_of_the_first_file(tmp_path):
    write_texts(tmp_path / "a.csv", names=("review", "label"))
    write_texts(tmp_path / "b.csv", names=("text", "label"))
    with pytest.raises(ValueError, match=r"b\.csv has no column 'review'; its columns: 'text'"):
        load_labelled_texts(tmp_path)


def make_folder(path):
    for name, content in {
        "pos/1.txt": "A good film",
        "pos/2.txt": "naïve\n电影",
        "neg/1.txt": "dull",
    }.items():
        (path / name).parent.mkdir(exist_ok=True, parents=True)
        (path / name).write_text(content, encoding="utf-8")
    return path


def test_folder_of_labels_is_read_as_load_files_does(tmp_path):
    folder = make_folder(tmp_path)
    expected = load_files(folder, encoding="utf-8", shuffle=False)
    texts, labels, notes = load_labelled_texts(folder)
    assert texts == expected.data
    assert labels == [expected.target_names[i] for i in expected.target]
    assert notes == []


def test_deeper_files_count_and_loose_files_are_named(tmp_path):
    folder = make_folder(tmp_path)
    (folder / "README").write_text("loose")
    (folder / "pos" / ".DS_Store").write_bytes(b"\xff")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "1.txt").write_text("hidden")
    (folder / "neg" / "more").mkdir()
    (folder / "neg" / "more" / "1").write_text("deeper")
    texts, labels, notes = load_labelled_texts(folder)
    assert texts == ["dull", "deeper", "A good film", "naïve\n电影"]
    assert labels == ["neg", "neg", "pos", "pos"]
    assert notes == [f"files in {folder} that are left out: README"]


def test_blank_files_are_missing_texts(tmp_path):
    folder = make_folder(tmp_path)
    (folder / "neg" / "2.txt").write_text(" \n")
    with pytest.raises(
        ValueError, match=r"of 4 rows, 'text' is missing or blank in 1; .*neg/2\.txt"
    ):
        load_labelled_texts(folder)
    assert len(load_labelled_texts(folder, missing="drop").texts) == 3


def test_file_of_a_folder_that_is_not_utf_8_is_named(tmp_path):
    folder = make_folder(tmp_path)
    (folder / "neg" / "2.txt").write_bytes(b"caf\xe9!")
    with pytest.raises(ValueError, match=r"line 1 of .*neg/2\.txt is not UTF-8: b'caf\\xe9!'"):
        load_labelled_texts(folder)
    options = FileOptions(encoding="latin-1")
    assert load_labelled_texts(folder, options=options).texts[1] == "café!"


def test_a_separator_makes_tables_of_the_text_files_of_a_folder(tmp_path):
    for i in range(2):
        (tmp_path / f"{i}.txt").write_text(f"text\tlabel\ntext {i}\tlabel {i}\n")
    found = load_labelled_texts(tmp_path, options=FileOptions(sep="tab"))
    assert (found.texts, found.labels) == (["text 0", "text 1"], ["label 0", "label 1"])


def test_text_files_of_any_name_can_be_those_of_a_folder_of_labels(tmp_path):
    folder = make_folder(tmp_path)
    found = load_labelled_texts(folder, options=FileOptions(input_format="txt"))
    assert found.texts == load_labelled_texts(folder).texts


def test_folder_without_texts_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        ValueError, match="must have files with columns, or a sub-folder of texts f"
    ):
        load_labelled_texts(tmp_path)


@pytest.mark.parametrize("column", ["text", "label"])
def test_columns_cannot_be_given_for_folders_of_labels(tmp_path, column):
    with pytest.raises(
        ValueError, match=r"text and label must not be given, since the files below"
    ):
        load_labelled_texts(make_folder(tmp_path), **{column: "text"})


def test_missing_file_is_an_oserror(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.csv"):
        load_labelled_texts(tmp_path / "nothing.csv")


@pytest.mark.real_data
def test_imdb_texts_are_read():
    path = Path(os.environ["SKIMDB_DATA"], "imdb_test.parquet")
    table = pq.read_table(path)
    texts, labels, _ = load_labelled_texts(path)
    assert texts == table["text"].to_pylist()
    assert labels == list(map(str, table["label"].to_pylist()))


REAL = {
    "alexa_bom.tsv": ("verified_reviews", "rating", {}),
    "alexa_macroman.tsv": ("verified_reviews", "feedback", {"encoding": "mac_roman"}),
    "airline_tweets_head.csv": ("text", "airline_sentiment", {}),
    "chinese_hotels.csv": ("review", "label", {}),
}


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_real_files_are_read_as_pandas_does(name):
    path = Path(os.environ["SKIMDB_DATA"], "files", name)
    if not path.exists():
        pytest.skip(f"SKIMDB_DATA has no files/{name}")
    text, label, options = REAL[name]
    encoding = options.get("encoding", "utf-8-sig")
    sep = "\t" if path.suffix == ".tsv" else ","
    frame = pd.read_csv(path, sep=sep, encoding=encoding, dtype=str, keep_default_na=False)
    frame = frame[frame[text].str.strip() != ""]
    # Only the column "feedback" has no usual name.
    given = {"label": label} if label == "feedback" else {}
    found = load_labelled_texts(path, missing="drop", options=FileOptions(**options), **given)
    assert found.texts == frame[text].tolist()
    assert found.labels == frame[label].tolist()
