"""Encodings that are recognised, given, or an error that names the likely one."""
# ruff: noqa: RUF001 (texts in many scripts)

import codecs
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.datasets.files.common import read, read_bytes

TEXT = "Naïve “film”, 电影 🎬"
CONTENT = {
    "r.csv": f'text\n"{TEXT}"\n',
    "r.tsv": f"text\n{TEXT}\n",
    "r.jsonl": f'{{"text": "{TEXT}"}}\n',
    "r.json": f'[{{"text": "{TEXT}"}}]\n',
    "r.txt": f"{TEXT}\n",
}
every_name = pytest.mark.parametrize("name", CONTENT)
BY_MARK = {"utf-8-sig": b"", "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE,
           "utf-32-le": codecs.BOM_UTF32_LE, "utf-8": b""}  # fmt: skip


@every_name
@pytest.mark.parametrize("encoding", BY_MARK)
def test_unicode_is_recognised(tmp_path, name, encoding):
    content = BY_MARK[encoding] + CONTENT[name].encode(encoding)
    assert read_bytes(content, name, tmp_path)[:2] == (["text"], [(TEXT,)])


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_of_ascii_needs_no_mark(tmp_path, encoding):
    content = "text,label\r\na good film,pos\r\n".encode(encoding)
    assert read_bytes(content, "r.csv", tmp_path)[1] == [("a good film", "pos")]


@every_name
@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "UTF8"])
def test_encoding_can_be_given(tmp_path, name, encoding):
    content = CONTENT[name].encode(encoding)
    assert read_bytes(content, name, tmp_path, encoding=encoding)[1] == [(TEXT,)]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "“Great” — it’s good, a café"),
        ("mac_roman", "I can’t say I “love” it. It’s good, isn’t it?"),
        ("cp1251", "Это очень хороший фильм, мне понравилось"),
        ("gb18030", "这个酒店很好，服务不错，下次还来，早餐也很丰富"),
        ("shift_jis", "これはとても良い映画でした。面白かったです"),
        ("cp866", "Это очень хороший фильм, мне понравилось"),
        ("koi8_r", "Это очень хороший фильм, мне понравилось"),
    ],
)
@every_name
def test_error_names_the_place_and_the_likely_encoding(tmp_path, name, encoding, text):
    content = CONTENT[name].replace(TEXT, "plain") + CONTENT[name].replace(TEXT, text) * 20
    n_lines = CONTENT[name].count("\n")
    line = n_lines + (2 if name in ("r.csv", "r.tsv") else 1)
    message = (
        rf"^line {line} of .*{name} is not UTF-8: b'.*'\. Give its encoding \(--encoding\); "
        rf"in {encoding} it reads '"
    )
    with pytest.raises(ValueError, match=message):
        read_bytes(content.encode(encoding), name, tmp_path)


def test_error_shows_how_the_word_reads(tmp_path):
    content = "text\n" + "I haven’t, and it’s “fine”\n" * 9
    message = r"in mac_roman it reads 'haven’t', in cp1252 it reads 'havenÕt'$"
    with pytest.raises(ValueError, match=message):
        read_bytes(content.encode("mac_roman"), "r.tsv", tmp_path)


def test_error_needs_no_package_for_guesses(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "charset_normalizer", None)
    message = r"line 2 of .* is not UTF-8: b'caf\\xe9'\. Give its .*; in cp1252 it reads 'café'"
    with pytest.raises(ValueError, match=message):
        read_bytes("text\na café, yes\n".encode("latin-1"), "r.csv", tmp_path)


@given(n_lines=st.integers(0, 3000), end=st.sampled_from(["\n", "\r\n", "\r"]))
@example(n_lines=93, end="\n")  # "c" ends the first piece that is decoded
def test_error_names_the_line_anywhere_in_the_file(tmp_path_factory, n_lines, end):
    path = tmp_path_factory.mktemp("lines") / "r.txt"
    path.write_bytes(f"some words{end}".encode() * n_lines + b"caf\xe9 x")
    with pytest.raises(ValueError, match=rf"^line {n_lines + 1} of .*: b'caf\\xe9'\. "):
        read(path)


def test_encoding_that_does_not_fit_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"line 1 of .*r\.txt is not ascii: b'caf\\xc3\\xa9'"):
        read_bytes("café\n", "r.txt", tmp_path, encoding="ascii")


@pytest.mark.parametrize(("encoding", "given"), [("utf-8-sig", "cp1252"), ("utf-16", "utf-8")])
def test_encoding_must_not_contradict_the_mark(tmp_path, encoding, given):
    message = (
        rf"begins with the byte order mark of {encoding[:5]}\S*, so its encoding cannot be {given}"
    )
    with pytest.raises(ValueError, match=message):
        read_bytes("text\n".encode(encoding), "r.csv", tmp_path, encoding=given)


def test_utf_16_that_is_cut_is_an_error(tmp_path):
    content = "one\ntwo\n".encode("utf-16")[:-1]
    with pytest.raises(ValueError, match=r"line 2 of .*r\.txt is not utf-16: truncated data"):
        read_bytes(content, "r.txt", tmp_path)
