"""Excel files."""

import random
from datetime import datetime, timedelta
from io import BytesIO

import openpyxl
import pytest

from tests.datasets.files.common import read, read_bytes


def save(path, *sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets, start=1):
        sheet = book.create_sheet(f"Sheet{number}")
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_cells_are_texts(tmp_path):
    rows = [
        ["text", "label"],
        ["a", 1],
        ["NA", 2.5],
        [10, "x"],
        ["=1+1", 3.0],
        ["d", datetime(2020, 1, 2)],
        ["#N/A", 1],
    ]
    names, found, _ = read(save(tmp_path / "r.xlsx", rows))
    assert names == ["text", "label"]
    assert found == [
        ("a", "1"), ("NA", "2.5"), ("10", "x"), ("", "3"), ("d", "2020-01-02 00:00:00"),
        ("", "1"),
    ]  # fmt: skip


def test_durations_are_not_blank(tmp_path):
    # Older versions of openpyxl read them as dates.
    path = save(tmp_path / "r.xlsx", [["text", "took"], ["a", timedelta(hours=25)]])
    assert read(path)[1][0][1].endswith("1:00:00")


def test_empty_rows_are_skipped_and_empty_cells_are_blank(tmp_path):
    rows = [["text", "label"], [None, None], ["a", None], [None, 1]]
    assert read(save(tmp_path / "r.xlsx", rows))[1] == [("a", ""), ("", "1")]


def test_without_a_header_columns_are_numbered(tmp_path):
    path = save(tmp_path / "r.xlsx", [["a", 1], ["b", 0]])
    assert read(path, header=False)[:2] == (["1", "2"], [("a", "1"), ("b", "0")])


def test_only_the_first_sheet_is_read_and_that_is_said(tmp_path):
    path = save(tmp_path / "r.xlsx", [["text"], ["a"]], [["text"], ["b"]], [])
    _, rows, notes = read(path)
    assert rows == [("a",)]
    assert notes == ["the first sheet, 'Sheet1', is read, not 'Sheet2', 'Sheet3'"]


def test_empty_sheet_has_no_rows(tmp_path):
    assert read(save(tmp_path / "r.xlsx", []))[:2] == ([], [])


@pytest.mark.parametrize("seed", range(30))
def test_damaged_file_is_named(tmp_path, seed):
    file = BytesIO()
    save(file, [["text", "label"], *([f"text {i}", i] for i in range(50))])
    content = bytearray(file.getvalue())
    rng = random.Random(seed)
    if seed % 3:
        start = rng.randrange(len(content))
        content[start : start + 200] = rng.randbytes(200)
    else:
        del content[rng.randrange(len(content) - 50) :]
    error = None
    try:  # what is damaged may be of no importance
        read_bytes(bytes(content), "r.xlsx", tmp_path)
    except ValueError as raised:
        error = raised
    assert error is None or "r.xlsx is not a valid .xlsx file: " in str(error)
