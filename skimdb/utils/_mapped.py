"""Sparse matrices in memory-mapped files."""

import mmap
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

_CHUNKS_BETWEEN_RELEASES = 16
# The folder in which joblib puts arrays of this process to share them with its workers.
_SHARED_BY_JOBLIB = "joblib_memmapping_folder"


def is_mapped(X: Any) -> bool:
    """Whether any array of a CSR matrix is memory-mapped read-only.

    Arrays that joblib shares with its workers do not count: results must not depend on `n_jobs`.
    """
    return any(True for _ in _read_only_maps(X))


def release_pages(X: Any) -> None:
    """Remove the pages of a mapped CSR matrix from the memory of this process.

    Otherwise, all pages that were read count as used memory until the kernel reclaims them. Pages
    that are read again come from the kernel's cache or from the file.

    Writable maps are skipped, because private ones ("c") would lose their changes. Nothing happens
    to other matrices, or on systems without ``madvise``.
    """
    if hasattr(mmap, "MADV_DONTNEED"):
        for file_map in _read_only_maps(X):
            file_map.madvise(mmap.MADV_DONTNEED)


def view_rows(X: Any, rows: slice) -> Any:
    """Return ``X[rows]`` without a copy; `rows` must have a start and a stop within the matrix."""
    if not sp.issparse(X):
        return X[rows]
    indptr = X.indptr[rows.start : rows.stop + 1]
    entries = slice(indptr[0], indptr[-1])
    return _csr_of(X, X.data[entries], X.indices[entries], indptr - indptr[0])


def copy_rows(X: Any, rows: NDArray[np.integer[Any]], chunk_size: int) -> Any:
    """Return ``X[rows]`` of a mapped CSR matrix, for ascending `rows`, reading the files in order.

    Pages are released after every few chunks of `chunk_size` rows, because the kernel may map many
    more rows than are read.
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
    """Make a matrix like `X`; the constructor would copy views of large arrays."""
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
