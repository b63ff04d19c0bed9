import csv
import errno
import json
import math
import os
import re
import sys
from datetime import date
from io import BytesIO, StringIO
from itertools import islice
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_files

from skimdb.datasets._text_files import iter_texts, load_labelled_texts

TEXTS = ["A good film", 'He said "dull", twice', "two\nlines", "naïve, 电影 🎬", ""]
LABELS = ["pos", "neg", "neg", "pos", "pos"]
UNICODE = st.text(st.characters(exclude_categories=["Cs"]))


def write_csv(path, header, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def write_jsonl(path, header, rows):
    lines = [json.dumps(dict(zip(header, row, strict=True))) + "\n" for row in rows]
    path.write_text("".join(lines), encoding="utf-8")


def write_parquet(path, header, rows):
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in header]
    pq.write_table(pa.table(dict(zip(header, columns, strict=True))), path)


WRITERS = {"csv": write_csv, "jsonl": write_jsonl, "parquet": write_parquet}
every_format = pytest.mark.parametrize("suffix", WRITERS)


def write(path, header, rows):
    WRITERS[path.suffix[1:].lower()](path, header, rows)
    return path


def read(content, name, **kwargs):
    return list(iter_texts(BytesIO(content), name, **kwargs))


@every_format
def test_texts_and_labels_are_read_from_the_given_columns(tmp_path, suffix):
    rows = list(zip(LABELS, range(5), TEXTS, strict=True))
    path = write(tmp_path / f"reviews.{suffix}", ["sentiment", "id", "review"], rows)
    assert load_labelled_texts(path, text="review", label="sentiment") == (TEXTS, LABELS)
    with path.open("rb") as file:
        assert list(iter_texts(file, str(path), text="review")) == TEXTS


@every_format
def test_columns_are_called_text_and_label_by_default(tmp_path, suffix):
    rows = list(zip(TEXTS, LABELS, strict=True))
    path = write(tmp_path / f"reviews.{suffix}", ["text", "label"], rows)
    assert load_labelled_texts(path) == (TEXTS, LABELS)
    assert read(path.read_bytes(), path.name) == TEXTS


def test_case_of_suffix_does_not_matter(tmp_path):
    path = write(tmp_path / "REVIEWS.CSV", ["text", "label"], [("fine", "pos")])
    assert load_labelled_texts(path) == (["fine"], ["pos"])


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
@pytest.mark.parametrize("labels", [[0, 1], [False, True], [-1.5, 1.0], ["no", "yes"]])
def test_labels_keep_their_type(tmp_path, suffix, labels):
    rows = list(zip(["a", "b"], labels, strict=True))
    _, found = load_labelled_texts(write(tmp_path / f"r.{suffix}", ["text", "label"], rows))
    assert found == labels
    assert [type(label) for label in found] == [type(label) for label in labels]


@given(st.lists(st.tuples(UNICODE, st.text("ab", min_size=1)), min_size=1))
def test_csv_is_read_as_csv_module_writes_it(rows):
    file = StringIO(newline="")
    csv.writer(file).writerows([["text", "label"], *rows])
    assert read(file.getvalue().encode(), "r.csv") == [text for text, _ in rows]


@given(st.lists(UNICODE))
def test_jsonl_is_read_as_json_module_writes_it(texts):
    lines = [json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts]
    assert read("".join(lines).encode(), "r.jsonl") == texts


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"))))
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_each_plain_line_is_a_text(end, texts):
    content = "".join(text + end for text in texts).encode()
    # A byte order mark at the start is not part of the text.
    expected = [text.removeprefix("\ufeff") if i == 0 else text for i, text in enumerate(texts)]
    assert read(content, "-") == expected
    assert read(content, "r.txt") == expected


def test_last_line_of_plain_text_needs_no_end():
    assert read(b"one\n\ntwo", "-") == ["one", "", "two"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("r.csv", "text\nfine\n"), ("r.jsonl", '{"text": "fine"}\n'), ("r.txt", "fine\n")],
)
def test_byte_order_mark_is_skipped(name, content):
    assert read(content.encode("utf-8-sig"), name) == ["fine"]


def test_empty_lines_of_csv_and_jsonl_are_skipped():
    assert read(b"text\n\na\n\n", "r.csv") == ["a"]
    assert read(b'{"text": "a"}\n\n \n{"text": "b"}\n', "r.jsonl") == ["a", "b"]


def test_parquet_is_read_from_all_row_groups_and_string_types(tmp_path):
    texts = [f"text {i}" for i in range(5000)]
    array = pa.array(texts).dictionary_encode()
    path = tmp_path / "r.parquet"
    pq.write_table(pa.table({"text": array}), path, row_group_size=1500)
    assert read(path.read_bytes(), "r.parquet") == texts
    pl.DataFrame({"text": texts}).write_parquet(path)
    assert read(path.read_bytes(), "r.parquet") == texts


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "txt"])
def test_texts_are_yielded_before_the_whole_file_is_read(suffix):
    class Endless(BytesIO):
        def __iter__(self):
            yield {"csv": b"text\n", "jsonl": b"\n", "txt": b"first\n"}[suffix]
            while True:
                yield {"csv": b"a\n", "jsonl": b'{"text": "a"}\n', "txt": b"a\n"}[suffix]

    assert list(islice(iter_texts(Endless(), f"r.{suffix}"), 3))[-1] == "a"


def make_folder(path):
    for name, content in {
        "pos/1.txt": "A good film",
        "pos/2.txt": "naïve\n电影",
        "neg/1.txt": "dull",
    }.items():
        (path / name).parent.mkdir(exist_ok=True, parents=True)
        (path / name).write_text(content, encoding="utf-8")
    return path


def test_folder_is_read_as_load_files_does(tmp_path):
    folder = make_folder(tmp_path)
    expected = load_files(folder, encoding="utf-8", shuffle=False)
    texts, labels = load_labelled_texts(folder)
    assert texts == expected.data
    assert labels == [expected.target_names[i] for i in expected.target]


def test_hidden_loose_and_deeper_files_are_not_texts(tmp_path):
    folder = make_folder(tmp_path)
    expected = load_labelled_texts(folder)
    (folder / "README").write_text("loose")
    (folder / "pos" / ".DS_Store").write_bytes(b"\xff")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "1.txt").write_text("hidden")
    (folder / "neg" / "more").mkdir()
    (folder / "neg" / "more" / "1.txt").write_text("deeper")
    assert load_labelled_texts(folder) == expected


def test_folder_error_names_the_file_that_is_not_utf_8(tmp_path):
    folder = make_folder(tmp_path)
    (folder / "neg" / "2.txt").write_bytes(b"caf\xe9!")
    with pytest.raises(ValueError, match=r"neg/2\.txt is not UTF-8: .* at byte 3$"):
        load_labelled_texts(folder)


def test_folder_without_texts_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="must have a sub-folder of texts for each label, but has"):
        load_labelled_texts(tmp_path)


@pytest.mark.parametrize("column", ["text", "label"])
def test_columns_cannot_be_given_for_a_folder(tmp_path, column):
    with pytest.raises(ValueError, match=r"text and label must not be given, since .* is a folder"):
        load_labelled_texts(make_folder(tmp_path), **{column: "text"})


def test_column_cannot_be_given_for_plain_text():
    with pytest.raises(ValueError, match="text must not be given, since plain text has no columns"):
        read(b"a\n", "-", text="review")


@pytest.mark.parametrize("name", ["r.xlsx", "r", "r.txt", "r.csv.gz"])
def test_other_formats_are_refused(tmp_path, name):
    path = tmp_path / name
    path.touch()
    with pytest.raises(ValueError, match=r"must be \.parquet, \.csv, \.jsonl or a folder$"):
        load_labelled_texts(path)
    if name != "r.txt":
        with pytest.raises(ValueError, match=r"must be \.parquet, \.csv, \.jsonl or \.txt$"):
            read(b"", name)


@every_format
def test_missing_column_error_names_the_columns(tmp_path, suffix):
    path = write(tmp_path / f"r.{suffix}", ["review", "stars"], [("fine", "5")])
    message = r"has no column 'text'; its columns: 'review', 'stars'$"
    with pytest.raises(ValueError, match=message):
        load_labelled_texts(path)
    with pytest.raises(ValueError, match=message):
        read(path.read_bytes(), path.name)


def test_duplicate_column_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"^r\.csv has 2 columns 'text'"):
        read(b"text,text\na,b\n", "r.csv")
    path = tmp_path / "r.parquet"
    pq.write_table(pa.Table.from_arrays([["a"], ["b"]], names=["text", "text"]), path)
    with pytest.raises(ValueError, match=r"^r\.parquet has 2 columns 'text'"):
        read(path.read_bytes(), "r.parquet")


def test_text_and_label_must_be_different_columns(tmp_path):
    with pytest.raises(ValueError, match="must be different columns, got 'label' for both"):
        load_labelled_texts(tmp_path / "r.csv", text="label")


@every_format
def test_file_without_texts_is_refused(tmp_path, suffix):
    path = tmp_path / f"r.{suffix}"
    write(path, ["text", "label"], [])
    with pytest.raises(ValueError, match=r"has no texts$"):
        load_labelled_texts(path)


@pytest.mark.parametrize(
    ("name", "row", "message"),
    [
        ("r.jsonl", (None, "pos"), r"^line 3 of .*r\.jsonl: 'text' is missing$"),
        ("r.jsonl", ("c", None), r"^line 3 of .*r\.jsonl: 'label' is missing$"),
        ("r.parquet", (None, "pos"), r"^row 3 of .*r\.parquet: 'text' is missing$"),
        ("r.parquet", ("c", None), r"^row 3 of .*r\.parquet: 'label' is missing$"),
        ("r.parquet", ("c", math.nan), r"^row 3 of .*r\.parquet: 'label' is missing$"),
        # The first text takes two lines.
        ("r.csv", ("c", ""), r"^line 5 of .*r\.csv: 'label' is missing$"),
    ],
)
def test_missing_value_is_refused_with_its_row(tmp_path, name, row, message):
    labels = [1.0, 2.0] if isinstance(row[1], float) else ["pos", "neg"]
    rows = [("two\nlines", labels[0]), ("b", labels[1]), row]
    with pytest.raises(ValueError, match=message):
        load_labelled_texts(write(tmp_path / name, ["text", "label"], rows))


@pytest.mark.parametrize(("value", "shown"), [(5, "5"), (["a"] * 99, f"{['a'] * 99}"[:40] + "...")])
def test_text_must_be_a_string(tmp_path, value, shown):
    path = write(tmp_path / "r.jsonl", ["text"], [("a",), (value,)])
    message = rf"^line 2 of r\.jsonl: 'text' must be text, got {re.escape(shown)}$"
    with pytest.raises(ValueError, match=message):
        read(path.read_bytes(), "r.jsonl")


def test_text_must_not_be_bytes(tmp_path):
    path = write(tmp_path / "r.parquet", ["text"], [(b"caf\xe9",)])
    with pytest.raises(ValueError, match=r"^row 1 of .*: 'text' must be text, got b'caf\\xe9'"):
        read(path.read_bytes(), "r.parquet")


def test_label_must_be_a_string_number_or_boolean(tmp_path):
    path = write(tmp_path / "r.parquet", ["text", "label"], [("a", date(2020, 1, 2))])
    with pytest.raises(ValueError, match="'label' must be a string, a number or a boolean, got da"):
        load_labelled_texts(path)


@pytest.mark.parametrize(("first", "second"), [(1, "1"), (1, True), (1, 1.0)])
def test_labels_must_have_one_type(tmp_path, first, second):
    path = write(tmp_path / "r.jsonl", ["text", "label"], [("a", first), ("b", second)])
    message = f"^line 2 of .*: 'label' must have one type, got {second!r} after {first!r}$"
    with pytest.raises(ValueError, match=message):
        load_labelled_texts(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.csv", b"", r"^r\.csv has no column 'text'; its columns: none$"),
        ("r.csv", b"text\na\n\xff\n", r"^line 3 of r\.csv is not UTF-8: invalid start byte at"),
        (
            "r.csv",
            b"text,label\na,pos\nwell, well,pos\n",
            r"^line 3 of r\.csv has 3 fields, but the header has 2$",
        ),
        ("r.csv", b'text\n"a\nb\n', r"^line 3 of r\.csv is not CSV: unexpected end of data$"),
        ("r.jsonl", b'{"text": "a"}\n{}\n', r"^line 2 of r\.jsonl has no column 'text'; .*: none$"),
        ("r.jsonl", b'{"text": "a"}\n\n"\xff"\n', r"^line 3 of r\.jsonl is not UTF-8: invalid"),
        ("r.jsonl", b'"fine"\n', r"^line 1 of r\.jsonl must be a JSON object, got 'fine'$"),
        ("r.jsonl", b"{", r"^line 1 of r\.jsonl is not JSON: "),
        ("r.jsonl", b"fine", r"^line 1 of r\.jsonl is not JSON: "),
        ("r.jsonl", b"[" * 100_000, r"^line 1 of r\.jsonl (is not JSON: |must be a JSON object)"),
        ("r.jsonl", b"9" * 5000, r"^line 1 of r\.jsonl (is not JSON: |must be a JSON object)"),
        ("-", b"\n\n\xff", "^line 3 of standard input is not UTF-8: invalid start byte at byte 0$"),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else None,
)
def test_malformed_content_is_refused_with_its_line(name, content, message):
    with pytest.raises(ValueError, match=message):
        read(content, name)


@pytest.mark.parametrize("keep", [0, 10, 150])
def test_damaged_parquet_is_refused(tmp_path, keep):
    path = write(tmp_path / "r.parquet", ["text"], [("fine",)])
    with pytest.raises(ValueError, match=r"^r\.parquet is not a valid Parquet file: "):
        read(path.read_bytes()[:keep], "r.parquet")


def test_parquet_text_that_is_not_utf_8_is_refused(tmp_path):
    array = pa.array([b"caf\xe9"]).view(pa.string())
    path = tmp_path / "r.parquet"
    pq.write_table(pa.table({"text": array}), path)
    with pytest.raises(ValueError, match=r"^r\.parquet is not a valid Parquet file: .*utf-8"):
        read(path.read_bytes(), "r.parquet")


class FailingFile(BytesIO):
    """A file whose reading fails."""

    def __init__(self, error):
        super().__init__(bytes(1000))
        self.error = error

    def read(self, size=-1):
        raise self.error


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.EIO, "Input/output error"), r"Input/output error: 'r\.parquet'$"),
        (TimeoutError("no answer from the storage"), "^no answer from the storage$"),
    ],
)
def test_unreadable_parquet_file_is_not_called_damaged(error, message):
    with pytest.raises(OSError, match=message) as raised:
        list(iter_texts(FailingFile(error), "r.parquet"))
    assert type(raised.value) is type(error)


def test_missing_pyarrow_error_tells_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pyarrow, .*: pip install 'skimdb\[arrow\]'$"):
        read(b"", "r.parquet")


def test_missing_file_is_an_oserror(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.csv"):
        load_labelled_texts(tmp_path / "nothing.csv")


@pytest.mark.real_data
def test_imdb_texts_are_read():
    path = Path(os.environ["SKIMDB_DATA"], "imdb_test.parquet")
    table = pq.read_table(path)
    texts, labels = load_labelled_texts(path)
    assert texts == table["text"].to_pylist()
    assert labels == table["label"].to_pylist()
