"""Every format, compressed or not, gives the same rows."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skimdb.datasets._files import FileOptions, open_table
from tests.datasets.files.common import COMPRESS, WRITERS, read, read_bytes, write

HEADER = ["id", "review", "stars"]
ROWS = [
    ("1", "A good film", "5"),
    ("2", 'He said "dull", twice; \\o/', "1"),
    ("3", "two\nlines | and\ta tab", "2"),
    ("4", "naïve, 电影 🎬", "5"),
    ("5", "C:\\new\\files\\", "1"),
]
every_format = pytest.mark.parametrize("suffix", WRITERS)


@every_format
def test_rows_of_every_format_are_read(tmp_path, suffix):
    names, rows, notes = read(write(tmp_path / f"r.{suffix}", HEADER, ROWS))
    assert (names, rows, notes) == (HEADER, ROWS, [])


@every_format
def test_columns_come_in_the_requested_order(tmp_path, suffix):
    path = write(tmp_path / f"r.{suffix}", HEADER, ROWS)
    _, rows, _ = read(path, ["stars", "id"], n_rows=2)
    assert rows == [(stars, number) for number, _, stars in ROWS]


@every_format
def test_case_of_the_name_does_not_matter(tmp_path, suffix):
    path = write(tmp_path / f"R.{suffix}", HEADER, ROWS)
    assert read(path.rename(tmp_path / f"R.{suffix.upper()}"))[1] == ROWS


@every_format
def test_input_format_counts_more_than_the_name(tmp_path, suffix):
    path = write(tmp_path / f"r.{suffix}", HEADER, ROWS).rename(tmp_path / "part-00000")
    assert read(path, input_format=suffix)[1] == ROWS


@every_format
def test_standard_input_can_have_any_format(tmp_path, suffix):
    content = write(tmp_path / f"r.{suffix}", HEADER, ROWS).read_bytes()
    options = FileOptions(input_format=suffix)
    with open_table(Path("-"), options, file=io.BytesIO(content)) as table:
        assert table.name == "standard input"
        assert table.column_names == HEADER
        (batch,) = table.batches(["review"], 100)
    texts = batch.columns[0]
    assert (texts if isinstance(texts, list) else texts.to_pylist()) == [row[1] for row in ROWS]


@pytest.mark.parametrize("compression", COMPRESS)
def test_lines_of_compressed_plain_text_are_read(tmp_path, compression):
    content = COMPRESS[compression](b"one\n\ntwo, three")
    names, rows, _ = read_bytes(content, f"r.txt.{compression}", tmp_path)
    assert (names, rows) == (["text"], [("one",), ("",), ("two, three",)])


@pytest.mark.parametrize("compression", COMPRESS)
def test_compressed_files_can_be_joined_end_to_end(tmp_path, compression):
    content = COMPRESS[compression](b"one\n") + COMPRESS[compression](b"two\n")
    assert read_bytes(content, f"r.txt.{compression}", tmp_path)[1] == [("one",), ("two",)]


@pytest.mark.parametrize("compression", COMPRESS)
@pytest.mark.parametrize("damage", ["end", "start", "middle"])
def test_damaged_compressed_file_is_named(tmp_path, compression, damage):
    lines = "\n".join(str(i * i) for i in range(20_000))
    content = bytearray(COMPRESS[compression](lines.encode()))
    if damage == "end":
        del content[-20:]
    elif damage == "start":
        content[:20] = b"no compressed file.."
    else:
        content[5000:5100] = bytes(100)
    message = rf"r\.txt\.{compression} is not a valid \.{compression} file: |not UTF-8"
    with pytest.raises(ValueError, match=message):
        read_bytes(bytes(content), f"r.txt.{compression}", tmp_path)


@pytest.mark.parametrize("name", ["r", "csv", "r.pdf", "r.gz", "r.xlsx.gz", ".csv.txt.zip"])
def test_name_without_a_known_format_is_refused(tmp_path, name):
    message = r"r?\S* must tell its format: \.csv, .*\.xlsx; all but the last also compressed"
    with pytest.raises(ValueError, match=message):
        read_bytes(b"text\na\n", name, tmp_path)


@pytest.mark.parametrize("name", ["r", "r.pdf", "r.csv", "r.parquet", "r.arrow.gz"])
def test_file_that_does_not_exist_is_said_whatever_its_name_tells(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=name):
        read(tmp_path / name)


@pytest.mark.parametrize("compression", COMPRESS)
def test_damaged_compressed_parquet_file_is_named(tmp_path, compression):
    path = write(tmp_path / f"r.parquet.{compression}", HEADER, ROWS)
    path.write_bytes(path.read_bytes()[:-20])
    message = rf"r\.parquet\.{compression} is not a valid \.{compression} file: "
    with pytest.raises(ValueError, match=message):
        read(path)


@pytest.mark.parametrize("suffix", ["csv.gz", "csv.bz2", "csv.xz", "csv.zst", "xlsx", "parquet"])
@pytest.mark.parametrize("name", ["r.csv", "r.jsonl", "r.txt"])
def test_file_with_the_content_of_another_format_is_told_by_its_beginning(tmp_path, name, suffix):
    path = write(tmp_path / f"r.{suffix}", HEADER, ROWS).rename(tmp_path / name)
    kind = suffix.rpartition(".")[2]
    with pytest.raises(
        ValueError, match=rf"{name} begins as a \.{kind} file does: rename it, or s"
    ):
        read(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_format": "pdf"}, "input format must be one of csv, tsv, .*; got 'pdf'"),
        ({"escape": "slash"}, "escape must be one of double, backslash, none, got 'slash'"),
        ({"sep": ",,"}, "sep must be one character, .* got ',,'"),
        ({"sep": '"'}, "sep must be one character, not a quote"),
        ({"sep": ""}, "sep must be one character"),
        ({"encoding": "utf-9"}, "encoding must be one that Python knows, got 'utf-9'"),
        ({"encoding": "base64"}, "encoding must be one that Python knows, got 'base64'"),
    ],
)
def test_invalid_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        FileOptions(**options)


@every_format
def test_file_of_a_header_alone_has_no_rows(tmp_path, suffix):
    names, rows, _ = read(write(tmp_path / f"r.{suffix}", HEADER, []))
    assert rows == []
    if "json" not in suffix:
        assert names == HEADER


@pytest.mark.parametrize("name", ["r.csv", "r.tsv", "r.txt", "r.jsonl", "r.json"])
def test_empty_file_has_no_rows(tmp_path, name):
    assert read_bytes(b"", name, tmp_path)[1] == []


@every_format
def test_column_that_does_not_exist_is_named_beside_the_others(tmp_path, suffix):
    path = write(tmp_path / f"r.{suffix}", HEADER, ROWS)
    message = (
        r"has no column 'text'; its columns: 'id' \('1'\), 'review' \('A good film'\), 'stars'"
    )
    with open_table(path) as table, pytest.raises(ValueError, match=message):
        table.check_columns(["text"])


def test_duplicate_column_is_refused(tmp_path):
    (tmp_path / "r.csv").write_text("text,text\na,b\n")
    arrays = pa.Table.from_arrays([["a"], ["b"]], names=["text", "text"])
    pa.parquet.write_table(arrays, tmp_path / "r.parquet")
    for name in ("r.csv", "r.parquet"):
        message = r"r\.\w+ has 2 columns 'text'; its columns"
        with open_table(tmp_path / name) as table, pytest.raises(ValueError, match=message):
            table.check_columns(["text"])


@given(
    n_rows=st.integers(0, 30), n_per_batch=st.integers(1, 12), suffix=st.sampled_from([*WRITERS])
)
def test_rows_are_the_same_for_any_size_of_batches(tmp_path_factory, n_rows, n_per_batch, suffix):
    rows = [(str(i), "x" * i, "") for i in range(n_rows)]
    path = write(tmp_path_factory.mktemp("rows") / f"r.{suffix}", HEADER, rows)
    if n_rows or "json" not in suffix:
        assert read(path, HEADER, n_rows=n_per_batch)[1] == rows


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("pyarrow", "r.parquet"),
        ("zstandard", "r.csv.zst"),
        ("pandas", "r.xlsx"),
        ("openpyxl", "r.xlsx"),
    ],
)
def test_missing_package_error_tells_what_to_install(tmp_path, monkeypatch, module, name):
    path = write(tmp_path / name, HEADER, ROWS)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"needs {module}, .*: pip install 'skimdb\[files\]'$"):
        read(path)


@pytest.mark.parametrize("suffix", ["csv", "tsv", "txt", "jsonl", "json", "csv.gz", "csv.zst"])
@given(
    content=st.binary(max_size=60)
    | st.text('ab,;\t|"\\\\\n\r[]{}: 1\0', max_size=60).map(str.encode)
)
def test_any_content_gives_rows_of_equal_length_or_an_error_that_names_the_file(
    tmp_path_factory, suffix, content
):
    path = tmp_path_factory.mktemp("any") / f"r.{suffix}"
    path.write_bytes(content)
    error = None
    try:
        names, rows, _ = read(path)
    except ValueError as raised:
        error = raised
    if error is None:
        assert all(len(row) == len(names) for row in rows)
    else:
        assert f"r.{suffix}" in str(error)


@given(
    content=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n")))
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_each_line_of_plain_text_is_a_row(tmp_path_factory, end, content):
    path = tmp_path_factory.mktemp("lines") / "r.txt"
    path.write_bytes("".join(line + end for line in content).encode())
    # A byte order mark at the start is not part of the text.
    expected = [line.removeprefix("\ufeff") if i == 0 else line for i, line in enumerate(content)]
    assert [text for (text,) in read(path, encoding="utf-8")[1]] == expected


_PEAKS_AFTER_EACH = """
import re
import sys
from pathlib import Path
from skimdb.datasets._files import open_table
for path in sys.argv[1:]:
    with open_table(Path(path)) as table:
        n_rows = sum(len(numbers) for _, numbers in table.batches(["text"], 1000))
    peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]
    print(n_rows, int(peak) / 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_file(tmp_path):
    suffixes = ["csv", "tsv.gz", "jsonl", "json", "csv.zst", "parquet"]
    small, large = [], []
    for n_rows, paths in ((2_000, small), (32_000, large)):
        rows = [(f"{i} " + "word " * 200,) for i in range(n_rows)]
        paths += [write(tmp_path / f"{n_rows}.{suffix}", ["text"], rows) for suffix in suffixes]
    command = [sys.executable, "-c", _PEAKS_AFTER_EACH, *map(str, small + large)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    n_rows, peaks = zip(*(line.split() for line in printed.splitlines()), strict=True)
    assert [int(n) for n in n_rows] == [2_000] * 6 + [32_000] * 6
    growth = np.diff(np.array(peaks, dtype=float))[5:]
    # The large files hold 32 MB.
    assert growth.max() < 15, dict(zip(suffixes, growth, strict=True))


@pytest.mark.parametrize("suffix", ["txt", "csv", "jsonl"])
def test_texts_are_read_before_the_file_ends(suffix):
    class Endless(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, buffer):
            line = {"txt": b"a\n", "csv": b"text\n", "jsonl": b'{"text":"a"}\n'}[suffix]
            line *= len(buffer) // len(line)
            buffer[: len(line)] = line
            return len(line)

    options = FileOptions(input_format=suffix)
    with open_table(Path("-"), options, file=io.BufferedReader(Endless())) as table:
        assert len(next(table.batches(["text"], 10)).numbers) == 10
