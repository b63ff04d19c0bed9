"""Writers and readers of files for the tests of `skimdb.datasets._files`."""

import bz2
import csv
import gzip
import io
import json
import lzma

import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import zstandard

from skimdb.datasets._files import FileOptions, open_table

COMPRESS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor().compress,
}


def delimited(header, rows, **kwargs):
    file = io.StringIO(newline="")
    csv.writer(file, **kwargs).writerows([*([header] if header else []), *rows])
    return file.getvalue()


def as_records(header, rows):
    return [dict(zip(header, row, strict=True)) for row in rows]


def as_table(header, rows):
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in header]
    return pa.table(dict(zip(header, columns, strict=True)))


def as_parquet(header, rows):
    file = io.BytesIO()
    pq.write_table(as_table(header, rows), file)
    return file.getvalue()


def as_feather(header, rows):
    file = io.BytesIO()
    pyarrow.feather.write_feather(as_table(header, rows), file)
    return file.getvalue()


def as_stream(header, rows):
    file = io.BytesIO()
    table = as_table(header, rows)
    with pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    return file.getvalue()


def as_xlsx(header, rows):
    file = io.BytesIO()
    pd.DataFrame(rows, columns=header).to_excel(file, index=False)
    return file.getvalue()


# Each makes the bytes of a file of a header and rows.
WRITERS = {
    "csv": lambda header, rows: delimited(header, rows).encode(),
    "tsv": lambda header, rows: delimited(header, rows, delimiter="\t").encode(),
    "jsonl": lambda header, rows: "".join(
        json.dumps(record, ensure_ascii=False) + "\n" for record in as_records(header, rows)
    ).encode(),
    "ndjson": lambda header, rows: "\r\n".join(map(json.dumps, as_records(header, rows))).encode(),
    "json": lambda header, rows: json.dumps(as_records(header, rows), indent=2).encode(),
    "parquet": as_parquet,
    "feather": as_feather,
    "arrow": as_stream,
    "xlsx": as_xlsx,
}
WRITERS.update(
    {
        f"{name}.{compression}": lambda header, rows, write=WRITERS[name], compress=compress: (
            compress(write(header, rows))
        )
        for name in ("csv", "tsv", "jsonl", "ndjson", "json", "parquet", "feather", "arrow")
        for compression, compress in COMPRESS.items()
    }
)


def write(path, header, rows):
    """Write a file in the format that its name ends with."""
    suffix = path.name.lower().partition(".")[2]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(WRITERS[suffix](header, rows))
    return path


def read(path, columns=None, *, n_rows=1000, **options):
    """Return the column names of a file, its rows, and the notes on it."""
    with open_table(path, FileOptions(**options)) as table:
        names = table.column_names if columns is None else columns
        rows = []
        for arrays, _ in table.batches(names, n_rows):
            lists = (a if isinstance(a, list) else a.to_pylist() for a in arrays)
            rows += zip(*lists, strict=True)
        return table.column_names, rows, table.notes


def read_bytes(content, name, tmp_path, **options):
    """Write bytes to a file, and return its rows."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(path, **options)
