"""Separators, quotes, headers and errors of files of fields."""

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.datasets.files.common import delimited, read, read_bytes

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
ROWS = [("A good, long film", "pos"), ('He said "no"', "neg"), ("two\nlines; and | more", "pos")]
HEADER = ["text", "label"]


@pytest.mark.parametrize("name", ["r.csv", "r.tsv"])
@pytest.mark.parametrize(
    ("sep", "word"), [(",", "comma"), ("\t", "tab"), (";", "semicolon"), ("|", "pipe")]
)
def test_separator_is_found_and_said_where_it_is_not_the_usual_one(tmp_path, name, sep, word):
    content = delimited(HEADER, ROWS, delimiter=sep)
    names, rows, notes = read_bytes(content, name, tmp_path)
    assert (names, rows) == (HEADER, ROWS)
    is_usual = (name, word) in [("r.csv", "comma"), ("r.tsv", "tab")]
    note = f"fields separated by {word} (--sep can say otherwise)"
    assert notes == ([] if is_usual else [note])


@pytest.mark.parametrize("sep", ["^", "tab", "\\t", ";"])
def test_separator_can_be_given(tmp_path, sep):
    character = {"tab": "\t", "\\t": "\t"}.get(sep, sep)
    content = delimited(["a,b", "c"], [("1,2", "3")], delimiter=character)
    assert read_bytes(content, "r.csv", tmp_path, sep=sep) == (["a,b", "c"], [("1,2", "3")], [])


def test_plain_text_with_a_separator_has_columns(tmp_path):
    content = "Great phone.\t1\nDead after a week.\t0\n"
    names, rows, _ = read_bytes(content, "r.txt", tmp_path, sep="tab", header=False)
    assert names == ["1", "2"]
    assert rows == [("Great phone.", "1"), ("Dead after a week.", "0")]


def test_separators_within_texts_do_not_mislead(tmp_path):
    rows = [("a; b; c | d | e", "pos"), ("f; g", "neg")] * 20
    assert read_bytes(delimited(HEADER, rows), "r.csv", tmp_path)[1] == rows


def test_one_column_needs_no_separator(tmp_path):
    assert read_bytes('text\na good film\n"well, well"\n', "r.csv", tmp_path)[1] == [
        ("a good film",),
        ("well, well",),
    ]


def test_escaped_quotes_are_found_and_said(tmp_path):
    content = 'text,label\n"He said \\"no\\", twice",neg\n"C:\\new\\table",pos\n"two\nlines",pos\n'
    names, rows, notes = read_bytes(content, "r.csv", tmp_path)
    assert names == HEADER
    assert rows == [
        ('He said "no", twice', "neg"),
        ("C:\\new\\table", "pos"),
        ("two\nlines", "pos"),
    ]
    assert notes == ["quotes escaped by a backslash (--escape can say otherwise)"]


def test_windows_path_before_a_closing_quote_stays_what_it_is(tmp_path):
    rows = [("C:\\new\\", "pos"), ("D:\\", "neg"), ("C:\\a, b\\", "pos")]
    content = delimited(HEADER, rows, quoting=csv.QUOTE_ALL)
    assert '\\"' in content
    assert read_bytes(content, "r.csv", tmp_path) == (HEADER, rows, [])


def test_quotes_that_are_never_closed_are_usual_characters(tmp_path):
    content = 'text\tlabel\n"Great" film\tpos\n"never closed\tneg\nplain\tpos\n'
    _, rows, notes = read_bytes(content, "r.tsv", tmp_path)
    assert rows == [('"Great" film', "pos"), ('"never closed', "neg"), ("plain", "pos")]
    assert notes == ["quotes as usual characters (--escape can say otherwise)"]


@pytest.mark.parametrize(
    ("escape", "expected"),
    [("double", 'a\\"'), ("backslash", 'a"')],
)
def test_escape_can_be_given(tmp_path, escape, expected):
    content = 'text,label\n"a\\""",pos\n' if escape == "double" else 'text,label\n"a\\"",pos\n'
    assert read_bytes(content, "r.csv", tmp_path, escape=escape)[1:] == ([(expected, "pos")], [])


def test_unknown_way_of_escaping_after_the_beginning_is_an_error(tmp_path):
    rows = [(f"text {i}", "pos") for i in range(100_000)]
    content = delimited(HEADER, rows) + '"He said \\"no\\"",neg\n'
    message = (
        r"line 100002 of .*r\.csv is not CSV: .* \(fields separated by comma, quotes doubled\)"
    )
    with pytest.raises(ValueError, match=message):
        read_bytes(content, "r.csv", tmp_path)


@pytest.mark.parametrize("sep", [",", "\t", ";", "|"])
@given(rows=st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=8))
def test_csv_is_read_as_the_csv_module_writes_it(tmp_path_factory, rows, sep):
    content = delimited(["a", "b", "c"], rows, delimiter=sep)
    path = tmp_path_factory.mktemp("csv") / "r.csv"
    path.write_text(content, encoding="utf-8", newline="")
    assert read(path, sep=sep, escape="double")[1] == rows


@given(rows=st.lists(st.tuples(TEXTS, TEXTS), max_size=8))
def test_escaped_csv_is_read_as_the_csv_module_writes_it(tmp_path_factory, rows):
    kwargs = {"doublequote": False, "escapechar": "\\", "quoting": csv.QUOTE_ALL}
    content = delimited(["a", "b"], rows, **kwargs)
    path = tmp_path_factory.mktemp("csv") / "r.csv"
    path.write_text(content, encoding="utf-8", newline="")
    assert read(path, sep=",", escape="backslash")[1] == rows


@given(
    rows=st.lists(
        st.tuples(st.text('abc ,;|\t"\n\\', max_size=12), st.text("xy", min_size=1)), min_size=3
    ),
    sep=st.sampled_from(",\t;|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_rows_are_those_of_the_csv_module_if_anything_was_found(
    tmp_path_factory, rows, sep, quoting
):
    content = delimited(HEADER, rows, delimiter=sep, quoting=quoting)
    path = tmp_path_factory.mktemp("csv") / "r.csv"
    path.write_text(content, encoding="utf-8", newline="")
    assert read(path)[:2] == (HEADER, rows)


def test_without_a_header_columns_are_numbered(tmp_path):
    content = '"0","1467810369","NO_QUERY","@user it\'s off"\n"4","1467810672","NO_QUERY","fun"\n'
    names, rows, _ = read_bytes(content, "r.csv", tmp_path, header=False)
    assert names == ["1", "2", "3", "4"]
    assert [row[3] for row in rows] == ["@user it's off", "fun"]


def test_fields_can_have_any_length(tmp_path):
    long = "word " * 100_000
    limit = csv.field_size_limit()
    content = delimited(HEADER, [(long, "pos"), ("short", "neg")])
    assert read_bytes(content, "r.csv", tmp_path)[1] == [(long, "pos"), ("short", "neg")]
    assert csv.field_size_limit() == limit


def test_the_limit_of_fields_is_one_that_windows_takes(tmp_path, monkeypatch):
    limits = []
    monkeypatch.setattr(csv, "field_size_limit", lambda limit: limits.append(limit) or 131_072)
    read_bytes(delimited(HEADER, [("good", "pos")]), "r.csv", tmp_path)
    assert max(limits) == 2**31 - 1


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_can_end_in_any_way(tmp_path, end):
    content = f"text,label{end}a,pos{end}b,neg".encode()
    assert read_bytes(content, "r.csv", tmp_path)[1] == [("a", "pos"), ("b", "neg")]


def test_blank_lines_and_blanks_around_names_are_skipped(tmp_path):
    assert read_bytes("\n text , label\n\na,pos\n\n", "r.csv", tmp_path)[:2] == (
        HEADER,
        [("a", "pos")],
    )


def test_header_can_be_read_by_a_plain_reader(tmp_path):
    content = delimited(HEADER, ROWS)
    expected = list(csv.reader(StringIO(content)))
    names, rows, _ = read_bytes(content, "r.csv", tmp_path)
    assert [names, *map(list, rows)] == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            'text,label\n"two\nlines",pos\nwell, well,pos\n',
            r"line 4 of .*r\.csv has 3 fields, but the first line has 2 \(fields separated by c",
        ),
        ("text,label\na\n", r"line 2 of .*r\.csv has 1 fields, but the first line has 2"),
        # The record begins on line 3, the file ends on line 5.
        (
            'text,label\n"a, b",pos\n"c\nd\n',
            r"line 3 of .*r\.csv is not CSV: unexpected end of data \(fields separated by comma, q",
        ),
        ('text,label\n"a, b",pos\n"c" d,neg\n', r"line 3 of .*r\.csv is not CSV: ',' expected aft"),
    ],
)
def test_error_names_the_line_on_which_the_record_begins(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        read_bytes(content, "r.csv", tmp_path)
