import io
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skimdb.persistence._archive import (
    array_to_npy,
    npy_to_array,
    read_archive,
    stored_members,
    write_archive,
)
from tests.persistence.common import as_bytes, npy, seal

DTYPES = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(),
    hnp.unsigned_integer_dtypes(),
    hnp.floating_dtypes(sizes=(16, 32, 64)),
    hnp.unicode_string_dtypes(min_len=1, max_len=5),
    hnp.byte_string_dtypes(min_len=1, max_len=5),
)


@given(hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0)))
def test_arrays_come_back(array):
    back = npy_to_array(as_bytes(array_to_npy(array)))
    assert back.dtype == array.dtype.newbyteorder("=")
    assert back.shape == array.shape
    np.testing.assert_array_equal(back, array)
    assert back.flags.writeable


@pytest.mark.parametrize("order", ["C", "F"])
def test_numpy_reads_and_writes_the_same_bytes(order):
    array = np.asarray(np.arange(6, dtype=np.float32).reshape(2, 3), order=order)
    assert array_to_npy(array) == npy(array)
    np.testing.assert_array_equal(np.load(io.BytesIO(array_to_npy(array))), array)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(2, complex),
        np.zeros(2, "datetime64[s]"),
        np.zeros(2, [("a", "i4")]),
        np.zeros(2, np.dtypes.StringDType()),
        np.zeros(2, np.longdouble),
        np.zeros(2, object),
    ],
)
def test_other_arrays_are_refused(array):
    with pytest.raises(TypeError, match=r"an array of dtype .* cannot be kept"):
        array_to_npy(array)


HEADER = npy(np.zeros(3, "<f4"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"(3,)", b"(4,)", r"shape \(4,\) and dtype float32 has 12 bytes"),
        (b"(3,), ", b"(9999,)", "header that is not plain"),
        (b"(3,), }" + b" " * 11, b"(3, 1000000000), }", "has 12 bytes"),
        (b"<f4", b">f4", "header that is not plain"),
        (b"<f4", b"|O8", "header that is not plain"),
        (b"NUMPY", b"NUMPI", "header that is not plain"),
        (b"\x01\x00", b"\x02\x00", "header that is not plain"),
        (b"'shape': (3,)", b"'shape': [3,]", "header that is not plain"),
        (b"False", b"0    ", "header that is not plain"),
    ],
)
def test_wrong_headers_are_refused(old, new, message):
    assert old in HEADER
    with pytest.raises(ValueError, match=message):
        npy_to_array(as_bytes(HEADER.replace(old, new, 1)))


def test_header_beyond_the_end_is_refused():
    with pytest.raises(ValueError, match="header that is not plain"):
        npy_to_array(as_bytes(HEADER[:8] + b"\xff\xff" + HEADER[10:]))


@given(st.integers(0, len(HEADER) - 1))
def test_truncated_arrays_are_refused(size):
    with pytest.raises(ValueError, match=r"header that is not plain|bytes"):
        npy_to_array(as_bytes(HEADER[:size]))


def test_invalid_characters_are_refused():
    data = npy(np.array(["a"]))[:-4] + b"\xff\xff\xff\x7f"
    with pytest.raises(ValueError, match="an invalid character"):
        npy_to_array(as_bytes(data))


def test_booleans_are_zero_or_one():
    with pytest.raises(ValueError, match="array of booleans holds something else"):
        npy_to_array(as_bytes(npy(np.array([True]))[:-1] + b"\x02"))


def test_archive_is_a_reproducible_zip_file_without_compression():
    members = {"a": b"1" * 100, "b": b""}
    data = write_archive(members)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
    assert members_of(data) == members
    assert write_archive(members) == data


def test_any_flipped_bit_is_found(tmp_path):
    data = write_archive({"a": b"1"})
    path = tmp_path / "file"
    for position in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[position] ^= 1 << bit
            path.write_bytes(flipped)
            with pytest.raises(ValueError, match="file cannot be loaded: it is damaged"):
                read_archive(path)


def members_of(data):
    members = stored_members(io.BytesIO(data), as_bytes(data))
    return {name: content.tobytes() for name, content in members.items()}


def zip_of(*members, compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
        archive.comment = b"0" * 64
    return seal(buffer.getvalue())


def test_compressed_members_are_refused(tmp_path):
    bomb = zip_of(("bomb", b"0" * 10**6), compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 2000
    (tmp_path / "file").write_bytes(bomb)
    with pytest.raises(ValueError, match="its member 'bomb' is compressed"):
        read_archive(tmp_path / "file")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_the_same_name_are_refused():
    with pytest.raises(ValueError, match="two members of the same name"):
        members_of(zip_of(("a", b"1"), ("a", b"2")))


def test_overlapping_members_are_refused():
    data = zip_of(("a", b"0" * 1000), ("b", b""))
    directory = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", directory + 1)
    tampered = bytearray(data)
    # The second entry of the directory gets the sizes and the position of the first.
    tampered[second : second + 46] = data[directory : directory + 46]
    with pytest.raises(ValueError, match="declare more bytes than it has"):
        members_of(bytes(tampered))


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip file at all" * 10])
def test_other_content_with_a_correct_checksum_is_refused(tmp_path, content):
    (tmp_path / "file").write_bytes(seal(content + b"0" * 64))
    with pytest.raises(ValueError, match="file cannot be loaded"):
        read_archive(tmp_path / "file")
