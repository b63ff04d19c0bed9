"""Predictions for files on a local Dask cluster with two worker processes."""

import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skimdb.datasets import predict_files
from tests.model_selection.common import kill_worker_in_fifth_call, killed_process

pytest.importorskip("distributed")


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in "abcd":
        texts = [" ".join(row) for row in rng.choice(["good", "bad", "film"], (40, 5))]
        pq.write_table(pa.table({"text": texts}), folder / f"{name}.parquet")
    return folder


def fit_model(*steps):
    texts = ["good film", "bad film", "good good", "bad bad"]
    return make_pipeline(*steps, CountVectorizer(), MultinomialNB()).fit(texts, [1, 0, 1, 0])


def contents(paths):
    return [path.read_bytes() for path in paths]


def test_workers_write_the_same_bytes(on_dask, source, tmp_path):
    model = fit_model()
    parallel = predict_files(model, source, tmp_path / "parallel", n_jobs=2)
    serial = predict_files(model, source, tmp_path / "serial", n_jobs=1)
    assert contents(parallel) == contents(serial)


def test_all_files_are_complete_after_a_worker_was_killed(on_dask, client, source, tmp_path):
    before = set(client.run(os.getpid).values())
    (tmp_path / "notes").mkdir()
    killing = FunctionTransformer(kill_worker_in_fifth_call, kw_args={"folder": tmp_path / "notes"})
    # The first call is in fit.
    model = fit_model(killing)
    out = tmp_path / "parallel"
    calls, parts = [], set()

    def progress(*args):
        calls.append(args)
        parts.update(path.name for path in out.iterdir() if path.suffix == ".part")

    parallel = predict_files(model, source, out, batch_size=10, n_jobs=2, progress=progress)
    killed = killed_process(tmp_path / "notes")
    assert killed in before
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]
    # The file that the killed worker had begun was there, and has been removed.
    assert parts
    assert sorted(out.iterdir()) == parallel
    # The model kills only once.
    serial = predict_files(model, source, tmp_path / "serial", batch_size=10, n_jobs=1)
    assert contents(parallel) == contents(serial)
