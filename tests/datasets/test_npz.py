import io
import os
import pickle
import tracemalloc
import warnings
import zipfile
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skimdb.datasets._npz import open_npz, read_integers, read_sequences
from tests.datasets.common import object_array


def object_npy(pickled, n=1):
    """Return an npy file of an object array with any pickle."""
    return npy((n,), pickled, "|O")


def npy(shape, data, descr="<i8"):
    file = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + data


@pytest.fixture
def npz(tmp_path):
    """Write an npz file whose members are given as bytes or arrays."""

    def write(compression=zipfile.ZIP_DEFLATED, **members):
        path = tmp_path / "file.npz"
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, member in members.items():
                if isinstance(member, np.ndarray):
                    file = io.BytesIO()
                    np.save(file, member)
                    content = file.getvalue()
                else:
                    content = member
                archive.writestr(f"{name}.npy", content)
        return path

    return write


def sequences_of(path):
    with open_npz(path) as archive:
        return read_sequences(archive, "x")


def integers_of(path):
    with open_npz(path) as archive:
        return read_integers(archive, "y")


def assert_sequences(path, expected):
    indices, lengths = sequences_of(path)
    assert indices.dtype == np.int32
    assert indices.tolist() == [index for sequence in expected for index in sequence]
    assert lengths.tolist() == [len(sequence) for sequence in expected]


SEQUENCES = [[1, 5, 300], [], [70_000, 2], [2**31 - 4]]


@given(st.lists(st.lists(st.integers(0, 2**31 - 4))))
@settings(max_examples=50)
def test_lists_are_read_as_saved(tmp_path_factory, sequences):
    path = tmp_path_factory.mktemp("npz") / "file.npz"
    np.savez(path, x=object_array(sequences))
    assert_sequences(path, sequences)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("dtype", [None, "<i4", ">i8", "u2", "u1"])
def test_lists_and_arrays_are_read_from_every_pickle_protocol(npz, protocol, dtype):
    sequences = [[1, 5, 200], [7], [2, 255]]
    items = [sequence if dtype is None else np.array(sequence, dtype) for sequence in sequences]
    pickled = pickle.dumps(object_array(items), protocol=protocol)
    assert_sequences(npz(x=object_npy(pickled, n=3)), sequences)


@pytest.mark.parametrize("module", [b"numpy.core.multiarray", b"numpy._core.multiarray"])
def test_pickles_of_numpy_1_and_2_are_read(npz, module):
    pickled = pickle.dumps(object_array(SEQUENCES), protocol=3)
    pickled = pickled.replace(b"numpy._core.multiarray", module)
    assert_sequences(npz(x=object_npy(pickled, n=4)), SEQUENCES)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_npy_version_is_read(npz, version):
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about the use of a newer version
        np.lib.format.write_array(file, object_array(SEQUENCES), version=version)
    assert_sequences(npz(x=file.getvalue()), SEQUENCES)


@pytest.mark.parametrize("dtype", ["i1", "<i8", ">u4"])
def test_integers_are_read_as_saved_and_are_writable(npz, dtype):
    saved = np.array([0, 1, 1, 0], dtype)
    integers = integers_of(npz(y=saved))
    np.testing.assert_array_equal(integers, saved)
    integers[0] = 1


class Reduced:
    """Object whose pickle calls a function."""

    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


@pytest.mark.parametrize(
    "function",
    [os.system, eval, exec, getattr, np.load, np.frombuffer, np.testing.runstring, open, bytearray],
)
def test_pickle_that_calls_a_function_is_refused_and_not_run(npz, function, tmp_path):
    target = tmp_path / "run"
    argument = f"touch {target}" if function is os.system else f"open({str(target)!r}, 'w')"
    arguments = (argument, {}) if function is np.testing.runstring else (argument,)
    if function is open:
        arguments = (str(target), "w")
    for hostile in ([Reduced(function, arguments)], Reduced(function, arguments)):
        pickled = pickle.dumps(hostile)
        with pytest.raises(ValueError, match=r"file\.npz cannot be read: .*calls .* not allowed"):
            sequences_of(npz(x=object_npy(pickled)))
    assert not target.exists()


def test_attribute_of_an_allowed_name_is_refused(npz):
    # Protocol 4 allows dots in names.
    pickled = b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93."
    with pytest.raises(ValueError, match=r"calls numpy\.ndarray\.tofile, which is not allowed"):
        sequences_of(npz(x=object_npy(pickled)))


def test_allowed_functions_are_not_called(npz):
    function, _, state = object_array(SEQUENCES).__reduce__()
    pickled = pickle.dumps(Reduced(function, ("arguments that it would refuse",), state))
    assert_sequences(npz(x=object_npy(pickled, n=4)), SEQUENCES)


def test_pickle_cannot_change_how_later_files_are_read(npz):
    # BUILD sets an attribute of the stand-in for numpy.ndarray.
    pickled = b"\x80\x02cnumpy\nndarray\n}(X\x04\x00\x00\x00nameX\x05\x00\x00\x00dtypeu\x86b."
    with pytest.raises(ValueError, match="cannot be read"):
        sequences_of(npz(x=object_npy(pickled)))
    assert_sequences(npz(x=object_array(SEQUENCES)), SEQUENCES)


@pytest.mark.parametrize("sequence", [[1] * 1000, np.ones(1000, np.int32)])
def test_many_references_to_one_sequence_are_refused(npz, sequence):
    sequences = [sequence] * 1000
    with pytest.raises(ValueError, match=r"'x' holds more than \d+ indices in \d+ bytes"):
        sequences_of(npz(x=object_array(sequences)))


@pytest.mark.parametrize(
    ("sequences", "message"),
    [
        ([[1, 2.0]], "'x' holds float, expected only integers"),
        ([[1, True], ["word"]], "'x' holds bool, str, expected only integers"),
        ([[1, None]], "'x' holds NoneType"),
        ([[[1]]], "'x' holds list, expected"),
        ([[1, -1]], "'x' holds indices outside 0 to 2147483644"),
        ([[2**31 - 3]], "'x' holds indices outside"),
        ([[2**100]], "'x' holds indices outside"),
        (["word"], "'x' holds objects other than lists and arrays of integers"),
        ([(1, 2)], "objects other than lists"),
        ([np.array([[1]])], "objects other than lists"),
        ([np.array([1.0])], "'x' holds arrays of other dtypes than integers"),
        ([np.array([True])], "'x' holds arrays of other dtypes"),
        ([np.array([-1])], "'x' holds indices outside"),
        ([np.array([2**63], "u8")], "'x' holds indices outside"),
    ],
)
def test_sequences_must_consist_of_indices(npz, sequences, message):
    with pytest.raises(ValueError, match=message):
        sequences_of(npz(x=object_array(sequences)))


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (np.array([[1, 2]], dtype=object), r"'x' has shape \(1, 2\), expected one dimension"),
        (np.array([1, 2]), "'x' has dtype int64, expected object"),
        (object_npy(pickle.dumps(object_array([[1]])), n=10**15), "'x' declares 10{15} seq.* 1$"),
        (object_npy(pickle.dumps([[1]])), "'x' is not an array of sequences"),
        (
            object_npy(
                pickle.dumps(object_array([np.array([1, 2], "u1")]), protocol=3).replace(
                    b"K\x02\x85", b"K\x63\x85"
                )
            ),
            "'x' declares an array of 99 integers but holds 2",
        ),
        (object_npy(b""), "cannot be read: its pickle ends too early"),
        (object_npy(pickle.dumps(object_array([[1, 2, 3]]))[:-9]), "cannot be read"),
        (b"text", "cannot be read"),
    ],
)
def test_damaged_object_array_is_refused(npz, member, message):
    with pytest.raises(ValueError, match=message):
        sequences_of(npz(x=member))


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (np.array([0.0]), "'y' has dtype float64, expected integers"),
        (np.array([None]), "'y' has dtype object, expected integers"),
        (np.array(3), r"'y' has shape \(\), expected one dimension"),
        (npy((10**15,), b"\0" * 8), "'y' declares 1000000000000000 integers but holds 8"),
        (npy((2,), b"\0" * 8), "'y' declares 2 integers but holds 8 bytes"),
    ],
)
def test_integers_must_be_a_one_dimensional_array(npz, member, message):
    with pytest.raises(ValueError, match=message):
        integers_of(npz(y=member))


def test_missing_array_is_named(npz):
    with pytest.raises(ValueError, match=r"file\.npz cannot be read: it has no array 'x'"):
        sequences_of(npz(y=np.array([1])))


def test_array_of_more_than_half_a_gigabyte_is_refused(npz):
    path = npz(zipfile.ZIP_STORED, y=np.zeros(3, "i8"))
    content = path.read_bytes()
    size = (3 * 8 + 128).to_bytes(4, "little")
    assert content.count(size) >= 2
    path.write_bytes(content.replace(size, (2**29 + 1).to_bytes(4, "little")))
    with pytest.raises(ValueError, match="'y' declares 536870913 bytes, more than 536870912"):
        integers_of(path)


def test_compression_that_numpy_does_not_use_is_refused(npz):
    with pytest.raises(ValueError, match="'y' is compressed by a method that NumPy does not use"):
        integers_of(npz(zipfile.ZIP_BZIP2, y=np.array([1])))


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04" + b"\0" * 100])
def test_file_that_is_not_an_archive_is_named(tmp_path, content):
    path = tmp_path / "imdb.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"imdb\.npz cannot be read: File is not a zip file"):
        sequences_of(path)


def test_missing_file_is_an_oserror(tmp_path):
    with pytest.raises(FileNotFoundError):
        sequences_of(tmp_path / "imdb.npz")


@pytest.mark.parametrize(
    ("opcodes", "message"),
    [
        (b"]r\xff\xff\xff\x1f.", "its pickle refers to an object that is not there yet"),
        (b"]q\x05.", "its pickle refers to an object that is not there yet"),
        (b"\x96" + (2**33).to_bytes(8, "little") + b".", "its pickle ends too early"),
        (b"B" + (2**31).to_bytes(4, "little") + b".", "its pickle ends too early"),
        (b"]2.", "its pickle has the opcode b'2', which arrays do not need"),
        (b"I1\n.", "its pickle has the opcode b'I'"),
    ],
)
def test_pickle_that_would_take_more_memory_than_it_has_bytes_is_refused(npz, opcodes, message):
    tracemalloc.start()
    with pytest.raises(ValueError, match=message):
        sequences_of(npz(x=object_npy(b"\x80\x03" + opcodes)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10**6


def test_lists_that_take_much_more_memory_than_the_file_are_refused(npz):
    bomb = object_npy(b"\x80\x03(" + b"]" * 2 * 10**6 + b"l.")
    with pytest.raises(ValueError, match=r"'x' has 20\d+ bytes in \d+, too many to be sequences"):
        sequences_of(npz(x=bomb))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"(4,), }", b"(4,),  "),
        (b"{'descr'", b"('descr'"),
        (b"(4,)", b"(4 "),
        (b"'|O'", b"'''O"),
        (b"False", b"'\x00'  "),
    ],
)
def test_header_that_is_no_header_is_refused(npz, old, new):
    file = io.BytesIO()
    np.save(file, object_array(SEQUENCES))
    content = file.getvalue()
    assert old in content
    with pytest.raises(ValueError, match="cannot be read: an array has a header that is not plain"):
        sequences_of(npz(x=content.replace(old, new, 1)))


@given(data=st.data(), stored=st.booleans())
@settings(max_examples=300)
def test_damaged_file_is_refused_or_read_correctly(tmp_path_factory, data, stored):
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    (np.savez if stored else np.savez_compressed)(path, x=object_array(SEQUENCES))
    content = bytearray(path.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content = content[:position]
    else:
        content[position] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        indices, lengths = sequences_of(path)
    except ValueError as error:
        assert str(path) in str(error)  # noqa: PT017 (reading it is allowed too)
    else:
        assert indices.tolist() == list(chain.from_iterable(SEQUENCES))
        assert lengths.tolist() == [3, 0, 2, 1]


@given(data=st.data())
@settings(max_examples=300)
def test_changed_pickle_is_refused_or_gives_indices(tmp_path_factory, data):
    pickled = bytearray(pickle.dumps(object_array([[1, 5, 300], np.array([1, 2])]), protocol=3))
    position = data.draw(st.integers(0, len(pickled) - 1))
    pickled[position] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "pickle.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", object_npy(bytes(pickled), n=2))
    try:
        indices, lengths = sequences_of(path)
    except ValueError as error:
        assert str(path) in str(error)  # noqa: PT017 (reading it is allowed too)
    else:
        assert indices.dtype == np.int32
        assert len(indices) == lengths.sum()
        assert (indices >= 0).all()
