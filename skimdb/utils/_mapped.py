"""Sparse matrices whose arrays are memory-mapped files."""

import mmap
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

_CHUNKS_BETWEEN_RELEASES = 16
# Where joblib puts arrays that it shares with its processes, and that are in memory.
_SHARED_BY_JOBLIB = "joblib_memmapping_folder"


def is_mapped(X: Any) -> bool:
    """Whether arrays of a CSR matrix are in files that are mapped to be read only.

    Those that joblib makes of arrays to share them with other processes do not count: results
    must not depend on the number of jobs.
    """
    return any(True for _ in _read_only_maps(X))


def release_pages(X: Any) -> None:
    """Give back the memory that the pages of a mapped CSR matrix take in this process.

    Pages that were read stay in the process's resident set until the kernel runs short of
    memory: going through a file looks like having loaded it, and is counted so where memory is
    limited. What is read again comes out of the kernel's cache, or out of the file.

    Maps that may be written to are left as they are: of a private one ("c") the changes would
    be lost. On systems without ``madvise``, and with a matrix in memory, nothing happens.

    Parameters
    ----------
    X : {ndarray, sparse matrix}
    """
    if hasattr(mmap, "MADV_DONTNEED"):
        for file_map in _read_only_maps(X):
            file_map.madvise(mmap.MADV_DONTNEED)


def view_rows(X: Any, rows: slice) -> Any:
    """Return ``X[rows]`` without the copy that scipy makes.

    Parameters
    ----------
    X : {ndarray, CSR matrix}
    rows : slice
        With a start and an end within the matrix.
    """
    if not sp.issparse(X):
        return X[rows]
    indptr = X.indptr[rows.start : rows.stop + 1]
    entries = slice(indptr[0], indptr[-1])
    return _csr_of(X, X.data[entries], X.indices[entries], indptr - indptr[0])


def copy_rows(X: Any, rows: NDArray[np.integer[Any]], chunk_size: int) -> Any:
    """Return ``X[rows]``, reading the files once and in order.

    Parameters
    ----------
    X : CSR matrix
        Mapped.
    rows : ndarray of int of shape (n_rows,)
        Ascending.
    chunk_size : int
        Pages are released after a few chunks of so many consecutive rows. For each place that
        is read the kernel may map much more than the rows there.
    """
    n_entries = X.indptr[rows + 1] - X.indptr[rows]
    indptr = np.zeros(len(rows) + 1, X.indptr.dtype)
    np.cumsum(n_entries, out=indptr[1:])
    data = np.empty(indptr[-1], X.data.dtype)
    indices = np.empty(indptr[-1], X.indices.dtype)
    ends = np.flatnonzero((np.diff(rows) != 1) | (rows[1:] % chunk_size == 0)) + 1
    n_chunks = 0
    for start, end in pairwise([0, *ends.tolist(), len(rows)]):
        source = slice(X.indptr[rows[start]], X.indptr[rows[end - 1] + 1])
        target = slice(indptr[start], indptr[end])
        data[target], indices[target] = X.data[source], X.indices[source]
        if end == len(rows) or rows[end] // chunk_size != rows[start] // chunk_size:
            n_chunks += 1
            if n_chunks % _CHUNKS_BETWEEN_RELEASES == 0:
                release_pages(X)
    release_pages(X)
    return _csr_of(X, data, indices, indptr)


def _csr_of(X: Any, data: NDArray[Any], indices: NDArray[Any], indptr: NDArray[Any]) -> Any:
    """Return a matrix of the type of `X`; the constructor would copy views of large arrays."""
    matrix = type(X)((len(indptr) - 1, X.shape[1]), dtype=X.dtype)
    matrix.data, matrix.indices, matrix.indptr = data, indices, indptr
    return matrix


def _read_only_maps(X: Any) -> Iterator[mmap.mmap]:
    if not (sp.issparse(X) and X.format == "csr"):
        return
    for array in (X.data, X.indices, X.indptr):
        base, mode, name = array, None, ""
        while isinstance(base, np.ndarray):
            mode, name = getattr(base, "mode", mode), str(getattr(base, "filename", name))
            base = base.base
        if mode == "r" and isinstance(base, mmap.mmap) and _SHARED_BY_JOBLIB not in name:
            yield base
