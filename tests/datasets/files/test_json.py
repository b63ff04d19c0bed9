"""JSON lines, and arrays of objects that are read piece by piece."""

import json
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skimdb.datasets._files import FileOptions, open_table
from tests.datasets.files.common import read, read_bytes

UNICODE = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | UNICODE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(UNICODE, inner, max_size=3),
    max_leaves=5,
)
RECORDS = st.lists(st.fixed_dictionaries({"text": UNICODE, "other": VALUES}), max_size=20)


@given(RECORDS, st.booleans())
def test_lines_are_read_as_the_json_module_writes_them(tmp_path_factory, records, ensure_ascii):
    path = tmp_path_factory.mktemp("json") / "r.jsonl"
    lines = [json.dumps(record, ensure_ascii=ensure_ascii) + "\n" for record in records]
    path.write_text("".join(lines), encoding="utf-8")
    assert read(path, ["other", "text"])[1] == [(r["other"], r["text"]) for r in records]


@given(RECORDS, st.booleans(), st.sampled_from([None, 0, 2]))
def test_arrays_are_read_as_the_json_module_writes_them(
    tmp_path_factory, records, ensure_ascii, indent
):
    path = tmp_path_factory.mktemp("json") / "r.json"
    path.write_text(json.dumps(records, ensure_ascii=ensure_ascii, indent=indent), encoding="utf-8")
    assert read(path, ["other", "text"])[1] == [(r["other"], r["text"]) for r in records]


@given(st.lists(st.integers(0, 200_000), min_size=1, max_size=6))
def test_objects_of_an_array_can_be_cut_anywhere_while_reading(tmp_path_factory, lengths):
    records = [{"text": 'é"\\\n' * length, "number": 10**9 + length} for length in lengths]
    path = tmp_path_factory.mktemp("json") / "r.json"
    path.write_text(json.dumps(records))
    found = read(path, ["text", "number"])[1]
    assert found == [(record["text"], record["number"]) for record in records]


def test_lines_may_be_in_a_file_that_is_called_json(tmp_path):
    assert read_bytes('{"text": "a"}\n{"text": "b"}\n', "r.json", tmp_path)[1] == [("a",), ("b",)]


def test_an_array_may_be_in_a_file_that_is_called_jsonl(tmp_path):
    assert read_bytes('\n [{"text": "a"}]', "r.jsonl", tmp_path)[1] == [("a",)]


def test_empty_lines_are_skipped(tmp_path):
    content = '\n{"text": "a"}\n\n \r\n{"text": "b"}'
    assert read_bytes(content, "r.jsonl", tmp_path)[1] == [("a",), ("b",)]


def test_columns_are_the_keys_of_the_first_records(tmp_path):
    names, rows, _ = read_bytes('{"a": 1}\n{"b": 2, "a": 3}\n{"c": 4}', "r.jsonl", tmp_path)
    assert names == ["a", "b", "c"]
    assert rows == [(1, None, None), (3, 2, None), (None, None, 4)]


def test_numbers_are_those_of_the_lines_on_which_objects_begin(tmp_path):
    path = Path(tmp_path, "r.json")
    path.write_text('[\n{"text":\n"a"},\n\n{"text": "b"}, {"text": "c"}]\n')
    with open_table(path) as table:
        (batch,) = table.batches(["text"], 10)
    assert list(batch.numbers) == [2, 5, 5]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "r.jsonl",
            '{"a": 1}\n\n"fine"\n',
            r"^line 3 of .*r\.jsonl must be a JSON object, got 'fi",
        ),
        (
            "r.jsonl",
            "{",
            r"^line 1 of .*r\.jsonl is not JSON: .* The file must have an object on e",
        ),
        (
            "r.jsonl",
            '{"a": 1}\n{"a": 1\n',
            r"^line 2 of .*r\.jsonl is not JSON: Expecting ',' delimiter at character 8\. The file",
        ),
        ("r.jsonl", "fine", r"^line 1 of .*r\.jsonl is not JSON: "),
        ("r.jsonl", "9" * 5000, r"^line 1 of .*r\.jsonl (is not JSON: |must be a JSON object)"),
        ("r.jsonl", '{"a":' * 100_000, r"^line 1 of .*r\.jsonl is not JSON: "),
        ("r.json", '{\n"data": []}', r"^line 1 of .*r\.json is not JSON: .* or be an array of obj"),
        ("r.json", "[" * 100_000, r"^line 1 of .*r\.json (is not JSON: |must be a JSON object)"),
        (
            "r.json",
            '[\n{"a": 1},\n{"a" 2}]',
            r"^line 3 of .*r\.json is not JSON: Expecting ':' del",
        ),
        (
            "r.json",
            '[\n{"a": 1}\n{"a": 2}]',
            r"line 3 of .* is not JSON: expected ',' or '\]', got",
        ),
        ("r.json", '[{"a": 1},\n', r"line 2 of .*: expected an object, got the end of the file$"),
        ("r.json", '[{"a": 1}\n', r"line 2 of .*: expected ',' or '\]', got the end of the file$"),
        ("r.json", '[\n{"a": "1', r"line 2 of .*r\.json is not JSON: Unterminated string"),
        ("r.json", "[1]", r"line 1 of .*r\.json must be a JSON object, got 1$"),
        (
            "r.json",
            "[" + "9" * 5000 + "]",
            r"line 1 of .*r\.json (is not JSON|must be a JSON object)",
        ),
        ("r.json", "[] []", r"line 1 .*: expected the end of the file after the array, got '\['$"),
        ("r.json", '[{"a": 1},]', r"line 1 of .*r\.json is not JSON: Expecting value"),
    ],
    ids=lambda value: value[:20],
)
def test_error_names_the_line_on_which_the_object_begins(tmp_path, name, content, message):
    with pytest.raises(ValueError, match=message):
        read_bytes(content, name, tmp_path)


def test_an_error_in_a_large_array_is_found_without_reading_the_rest():
    content = '[{"a": nothing},' + '{"a": 1},' * 200_000
    file = BytesIO(content.encode())
    options = FileOptions(input_format="json")
    message = r"line 1 of standard input is not JSON: Expecting value"
    with pytest.raises(ValueError, match=message), open_table(Path("-"), options, file=file):
        pass
    assert file.tell() < len(content) / 2
