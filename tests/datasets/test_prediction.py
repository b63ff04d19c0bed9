import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skimdb.datasets import make_reviews
from skimdb.datasets._prediction import predict_files, predict_frame
from skimdb.datasets._prediction_task import (
    Cancellation,
    PredictionTask,
    hash_model,
    predict_file,
    predict_places,
)
from skimdb.feature_extraction import MultiHotVectorizer, WordIndexEncoder

WORDS = np.array(["good", "fine", "great", "bad", "dull", "poor", "the", "film", "plot", "cast"])


def make_texts(n_texts, seed=0):
    rng = np.random.default_rng(seed)
    return [" ".join(row) for row in rng.choice(WORDS, (n_texts, 6))]


def fit_text_model(labels=("neg", "pos")):
    texts = make_texts(300)
    y = [labels[sum(text.count(word) for word in WORDS[:3]) > 1] for text in texts]
    return make_pipeline(CountVectorizer(), MultinomialNB()).fit(texts, y)


@pytest.fixture(scope="module")
def model():
    return fit_text_model()


def write_files(folder, lengths, row_group_size=None):
    """Write a file of texts with an identifier for each name, and return the texts of each."""
    texts = {}
    for seed, (name, n_rows) in enumerate(lengths.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        texts[name] = make_texts(n_rows, seed)
        table = pa.table({"id": pa.array(range(n_rows), pa.int16()), "text": texts[name]})
        pq.write_table(table, path, row_group_size=row_group_size)
    return texts


@pytest.fixture
def source(tmp_path):
    write_files(tmp_path / "in", {"a.parquet": 30, "b.parquet": 20, "c.parquet": 10})
    return tmp_path / "in"


def expected_columns(model, X):
    """Return labels and probabilities of all rows at once."""
    labels = model.predict(X)
    columns = [model.classes_.tolist().index(label) for label in labels]
    probabilities = [row[column] for row, column in zip(model.predict_proba(X), columns)]  # noqa: B905
    return labels.tolist(), np.array(probabilities)


def check_result(path, model, X):
    table = pq.read_table(path)
    labels, probabilities = expected_columns(model, X)
    assert table["label"].to_pylist() == labels
    assert table["probability"].type == pa.float32()
    np.testing.assert_allclose(table["probability"].to_numpy(), probabilities, rtol=1e-6)


# What is written


def test_results_are_the_predictions_for_each_file_of_a_folder(model, tmp_path):
    names = {"b.parquet": 25, "a.parquet": 40, "sub/deep/a.PARQUET": 12, "sub/b.parquet": 0}
    texts = write_files(tmp_path / "in", names, row_group_size=9)
    results = predict_files(model, tmp_path / "in", tmp_path / "out", batch_size=7)
    expected = ["a.parquet", "b.parquet", "sub/b.parquet", "sub/deep/a.PARQUET"]
    assert results == [tmp_path / "out" / name for name in expected]
    for name in names:
        assert pq.read_schema(tmp_path / "out" / name).names == ["label", "probability"]
        if texts[name]:
            check_result(tmp_path / "out" / name, model, texts[name])
    assert pq.read_metadata(tmp_path / "out/sub/b.parquet").num_rows == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(n_rows=st.integers(0, 40), row_group_size=st.integers(1, 50), batch_size=st.integers(1, 50))
def test_rows_keep_their_order_whatever_the_batches_and_row_groups(
    model, tmp_path_factory, n_rows, row_group_size, batch_size
):
    folder = tmp_path_factory.mktemp("rows")
    texts = write_files(folder, {"a.parquet": n_rows}, row_group_size)["a.parquet"]
    (result,) = predict_files(
        model, folder / "a.parquet", folder / "out", keep=["id", "text"], batch_size=batch_size
    )
    table = pq.read_table(result)
    assert table["id"].to_pylist() == list(range(n_rows))
    assert table["text"].to_pylist() == texts
    labels = model.predict(texts).tolist() if texts else []
    assert table["label"].to_pylist() == labels


def test_kept_columns_come_first_as_they_are_named_and_with_their_types(model, tmp_path):
    table = pa.table(
        {
            "score": pa.array([1.5, None], pa.float32()),
            "tags": pa.array([["x"], []], pa.list_(pa.string())),
            "text": ["good", "bad"],
            "kind": pa.array(["film", None]).dictionary_encode(),
            "info": pa.array([{"a": 1}, {"a": 2}]),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    keep = ["kind", "text", "tags", "info"]
    (path,) = predict_files(model, tmp_path / "a.parquet", tmp_path / "out", keep=keep)
    result = pq.read_table(path)
    assert result.column_names == [*keep, "label", "probability"]
    assert result.select(keep).equals(table.select(keep))
    assert result.schema.field("kind").type == table.schema.field("kind").type


@pytest.mark.parametrize("names", [["b.parquet"], ["c.parquet", "a.parquet"]])
def test_files_can_be_listed(model, source, tmp_path, names):
    results = predict_files(model, [source / name for name in names], str(tmp_path / "out"))
    assert results == [tmp_path / "out" / name for name in names]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(names)


def test_hidden_and_other_files_are_left_out(model, source, tmp_path):
    others = [".a.parquet", ".hidden/a.parquet", "_notes/a.parquet", "_a.parquet", "notes.txt"]
    for name in others:
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text("no data")
    (source / "folder.parquet").mkdir()
    results = predict_files(model, str(source), tmp_path / "out")
    assert [path.name for path in results] == ["a.parquet", "b.parquet", "c.parquet"]


def test_links_are_followed_but_not_back(model, source, tmp_path):
    write_files(tmp_path / "more", {"d.parquet": 3})
    (source / "link").symlink_to(tmp_path / "more")
    (tmp_path / "more" / "back").symlink_to(source)
    results = predict_files(model, source, tmp_path / "out")
    names = [str(path.relative_to(tmp_path / "out")) for path in results]
    assert names == ["a.parquet", "b.parquet", "c.parquet", "link/d.parquet"]


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())],
    ids=str,
)
def test_texts_of_any_arrow_type_are_read(model, tmp_path, kind):
    texts = make_texts(20)
    try:
        pq.write_table(pa.table({"x": pa.array(texts).cast(kind)}), tmp_path / "a.parquet")
    except pa.ArrowNotImplementedError:
        pytest.skip(f"pyarrow {pa.__version__} does not write {kind}")
    (result,) = predict_files(model, tmp_path / "a.parquet", tmp_path / "out", column="x")
    check_result(result, model, texts)


def test_files_of_polars_are_read(model, tmp_path):
    texts = make_texts(20)
    pl.DataFrame({"text": texts}).write_parquet(tmp_path / "a.parquet")
    (result,) = predict_files(model, tmp_path / "a.parquet", tmp_path / "out")
    check_result(result, model, texts)


def fit_review_model():
    X, y = make_reviews(300, num_words=500, random_state=0)
    return make_pipeline(MultiHotVectorizer(500), LogisticRegression(C=0.05)).fit(X, y)


@pytest.mark.parametrize("make_type", [pa.list_, pa.large_list, lambda item: pa.list_(item, 11)])
def test_lists_of_word_indices_are_read(tmp_path, make_type):
    model = fit_review_model()
    X, _ = make_reviews(50, num_words=500, random_state=1)
    X = [review[:11].tolist() for review in X]
    table = pa.table({"x": pa.array(X, make_type(pa.int32()))})
    pq.write_table(table, tmp_path / "a.parquet")
    (result,) = predict_files(
        model, tmp_path / "a.parquet", tmp_path / "out", column="x", batch_size=20
    )
    check_result(result, model, X)


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        ([0, 1], pa.int64()),
        (np.array([1, 5], np.int8), pa.int8()),
        ([False, True], pa.bool_()),
        ([-1.0, 2.0], pa.float64()),
        (np.array(["no", "yes"], object), pa.string()),
    ],
)
def test_labels_keep_their_type(tmp_path, labels, kind):
    write_files(tmp_path / "in", {"a.parquet": 20, "none.parquet": 0})
    texts = pq.read_table(tmp_path / "in/a.parquet")["text"].to_pylist()
    rng = np.random.default_rng(0)
    y = np.array(labels)[rng.integers(2, size=20)]
    model = make_pipeline(CountVectorizer(), MultinomialNB()).fit(texts, y)
    some, none = predict_files(model, tmp_path / "in", tmp_path / "out")
    assert pq.read_schema(some).field("label").type == kind
    assert pq.read_schema(none).field("label").type == kind
    check_result(some, model, texts)


def test_more_than_two_labels(tmp_path):
    texts = write_files(tmp_path / "in", {"a.parquet": 60})["a.parquet"]
    y = [max("good", "bad", "film", key=text.count) for text in texts]
    model = make_pipeline(CountVectorizer(), MultinomialNB()).fit(texts, y)
    (result,) = predict_files(model, tmp_path / "in", tmp_path / "out")
    check_result(result, model, texts)
    assert set(pq.read_table(result)["label"].to_pylist()) == {"good", "bad", "film"}


@pytest.mark.parametrize("is_pipeline", [True, False])
def test_label_is_the_predicted_one_also_where_another_is_more_probable(tmp_path, is_pipeline):
    texts = write_files(tmp_path / "in", {"a.parquet": 60})["a.parquet"]
    steps = fit_text_model()
    if is_pipeline:
        classifier = FixedThresholdClassifier(MultinomialNB(), threshold=0.9, pos_label="pos")
        model = make_pipeline(CountVectorizer(), classifier).fit(texts, steps.predict(texts))
    else:
        model = FixedThresholdClassifier(steps, threshold=0.9, pos_label="pos")
        model.fit(texts, steps.predict(texts))
    (result,) = predict_files(model, tmp_path / "in", tmp_path / "out")
    check_result(result, model, texts)
    assert min(pq.read_table(result)["probability"].to_pylist()) < 0.5


def test_texts_are_vectorized_once():
    n_rows = []
    counting = FunctionTransformer(lambda X: n_rows.append(len(X)) or X)
    model = make_pipeline(counting, CountVectorizer(), MultinomialNB())
    model.fit(make_texts(20), [0, 1] * 10)
    n_rows.clear()
    predict_places(model, make_texts(7))
    assert n_rows == [7]


def test_model_is_not_asked_about_nothing(tmp_path):
    write_files(tmp_path / "in", {"a.parquet": 0})
    model = Refusing(r".").fit()
    (result,) = predict_files(model, tmp_path / "in", tmp_path / "out")
    assert pq.read_metadata(result).num_rows == 0


class Refusing(ClassifierMixin, BaseEstimator):
    """Classifier of texts that raises an error at one that it does not like."""

    def __init__(self, pattern="refused", error=RuntimeError):
        self.pattern = pattern
        self.error = error

    def fit(self, X=None, y=None):
        self.classes_ = np.array(["no", "yes"])
        return self

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def predict_proba(self, X):
        if any(re.search(self.pattern, text) for text in X):
            raise self.error("refused")
        share = np.array([text.count("o") / max(len(text), 1) for text in X])
        return np.column_stack([share, 1 - share])


# Going on


def states(results):
    return {path.name: (path.stat().st_mtime_ns, path.stat().st_ino) for path in results}


def write_refused(path):
    pq.write_table(pa.table({"id": [1, 2], "text": ["good", "refused"]}), path)


def test_work_goes_on_after_the_files_that_are_done(source, tmp_path):
    write_refused(source / "c.parquet")
    out = tmp_path / "out"
    with pytest.raises(RuntimeError, match=r"raised by model on rows 2 to 2 of .*c\.parquet"):
        predict_files(Refusing().fit(), source, out, batch_size=1)
    assert sorted(path.name for path in out.iterdir()) == ["a.parquet", "b.parquet"]
    before = states(out.iterdir())
    write_files(source, {"c.parquet": 5, "d.parquet": 5})
    calls = []
    results = predict_files(
        Refusing().fit(), source, out, progress=lambda *args: calls.append(args)
    )
    assert [path.name for path in results] == ["a.parquet", "b.parquet", "c.parquet", "d.parquet"]
    assert calls == [(3, 4), (4, 4)]
    after = states(results)
    assert {name: after[name] for name in before} == before


def test_work_that_is_done_is_not_done_again(model, source, tmp_path):
    first = predict_files(model, source, tmp_path / "out", keep=["id"], batch_size=9)
    before = states(first)
    calls = []
    again = predict_files(
        model, source, tmp_path / "out", keep=["id"], progress=lambda *args: calls.append(args)
    )
    assert (again, states(again), calls) == (first, before, [])


class Signalling(Refusing):
    """Classifier that sends its process one signal, at 10 texts, if there is a file."""

    def __init__(self, path, number):
        self.path = path
        self.number = number

    def predict_proba(self, X):
        if len(X) == 10 and self.path.exists():
            self.path.unlink()
            os.kill(os.getpid(), self.number)
            time.sleep(1)  # another thread may have to deal with it
        return np.tile([0.25, 0.75], (len(X), 1))


@pytest.mark.parametrize(
    ("number", "n_jobs", "n_parts"),
    [(signal.SIGKILL, 1, 1), (signal.SIGINT, 1, 0), (signal.SIGINT, 2, 0)],
)
def test_work_goes_on_after_the_process_was_ended(source, tmp_path, number, n_jobs, n_parts):
    model = Signalling(tmp_path / "flag", number).fit()
    model.path.touch()
    joblib.dump(model, tmp_path / "model")
    program = (
        "import sys, joblib\n"
        "from skimdb.datasets._prediction import predict_files\n"
        "model = joblib.load(sys.argv[1])\n"
        "with joblib.parallel_config('threading', n_jobs=int(sys.argv[4])):\n"
        "    predict_files(model, sys.argv[2], sys.argv[3])\n"
    )
    out = tmp_path / "out"
    command = [sys.executable, "-c", program, tmp_path / "model", source, out, str(n_jobs)]
    ended = subprocess.run(command, check=False, capture_output=True)
    assert ended.returncode == -number, ended.stderr
    done = set(out.glob("*.parquet"))
    assert n_jobs > 1 or done == {out / "a.parquet", out / "b.parquet"}
    assert len(set(out.iterdir()) - done) == n_parts
    others = {out / "d.parquet.1-ab.part", out / "...part"}
    for path in others:
        path.touch()
    before = states(done)
    results = predict_files(model, source, out)
    assert set(out.iterdir()) == {*results, *others}
    assert {name: state for name, state in states(results).items() if name in before} == before
    assert pq.read_table(out / "c.parquet")["label"].to_pylist() == ["yes"] * 10


def test_error_of_progress_ends_the_work(source, tmp_path):
    def stop(n_done, n_files):
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        predict_files(Refusing().fit(), source, tmp_path / "out", progress=stop)
    assert list((tmp_path / "out").iterdir()) == [tmp_path / "out/a.parquet"]


IS_STARTED, IS_ENDED = threading.Event(), threading.Event()


class Waiting(Refusing):
    """Classifier that raises an error at 10 texts when it is busy with 30, in another thread."""

    def predict_proba(self, X):
        if len(X) == 10:
            IS_STARTED.wait()
            raise RuntimeError("refused")
        IS_STARTED.set()
        time.sleep(0.5)  # long enough for the error to be raised
        IS_ENDED.set()
        return super().predict_proba(X)


def test_nothing_runs_on_after_an_error(source, tmp_path):
    (source / "b.parquet").unlink()
    with joblib.parallel_config("threading", n_jobs=2), pytest.raises(RuntimeError):
        predict_files(Waiting().fit(), source, tmp_path / "out")
    assert IS_ENDED.is_set()


def make_task(source, tmp_path):
    result = tmp_path / "out/a.parquet"
    return PredictionTask(source / "a.parquet", result, "hash", "text", (), batch_size=1)


def is_cancelled(cancellation):
    try:
        cancellation.check()
    except CancelledError:
        return True
    return False


def test_cancelled_task_does_not_begin(model, source, tmp_path):
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(CancelledError):
        predict_file(model, make_task(source, tmp_path), cancellation)
    assert not (tmp_path / "out").exists()


def test_cancelling_ends_a_task_after_its_batch_and_waits_for_that(source, tmp_path):
    cancellation = Cancellation()
    canceller = threading.Thread(target=cancellation.cancel)
    n_batches = []

    class Cancelling(Refusing):
        def predict_proba(self, X):
            n_batches.append(1)
            canceller.start()
            while not is_cancelled(cancellation):
                pass
            assert canceller.is_alive()
            return super().predict_proba(X)

        def predict(self, X):
            return ["yes"] * len(X)

    with pytest.raises(CancelledError):
        predict_file(Cancelling().fit(), make_task(source, tmp_path), cancellation)
    canceller.join()
    assert n_batches == [1]
    assert list((tmp_path / "out").iterdir()) == []


def test_copy_in_another_process_cannot_be_cancelled():
    cancellation = Cancellation()
    cancellation.cancel()
    assert is_cancelled(cancellation)
    assert not is_cancelled(pickle.loads(pickle.dumps(cancellation)))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_error_leaves_only_whole_files(source, tmp_path, error, n_jobs):
    write_refused(source / "b.parquet")
    with joblib.parallel_config("threading"), pytest.raises(error, match="refused"):
        predict_files(
            Refusing(error=error).fit(), source, tmp_path / "out", batch_size=1, n_jobs=n_jobs
        )
    assert not (tmp_path / "out/b.parquet").exists()
    for path in (tmp_path / "out").glob("*.parquet"):
        assert pq.read_metadata(path).num_rows in (30, 10)


@pytest.mark.parametrize(
    ("change", "other"),
    [
        (lambda source, args: args.update(model=fit_text_model(("bad", "good"))), "model"),
        (lambda source, args: args.update(column="text2"), "column"),
        (lambda source, args: args.update(keep=["text"]), "columns to keep"),
        (lambda source, args: args.update(keep=["text", "id"]), "columns to keep"),
        (lambda source, args: os.utime(source / "b.parquet", ns=(5, 5)), "input file"),
        (lambda source, args: write_files(source, {"b.parquet": 21}), "input file"),
        (
            lambda source, args: args.update(column="text2", keep=None),
            "column and columns to keep",
        ),
    ],
)
def test_result_of_something_else_is_neither_taken_nor_replaced(
    model, source, tmp_path, change, other
):
    args = {"model": model, "keep": ["id", "text"], "column": "text"}
    out = tmp_path / "out"
    predict_files(source=source / "b.parquet", destination=out, **args)
    before = states(out.iterdir())
    change(source, args)
    message = rf"out/b\.parquet was not made from the same {other}: remove it or choose another d"
    with pytest.raises(ValueError, match=message):
        predict_files(source=source, destination=out, **args)
    assert states(out.iterdir()) == before


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: path.write_text("mine"), r"out/b\.parquet is no intact Parquet file"),
        (
            lambda path: pq.write_table(pa.table({"x": [1]}), path),
            r"out/b\.parquet is no result of predict_files: remove it",
        ),
    ],
)
def test_foreign_file_is_not_replaced(model, source, tmp_path, write, message):
    out = tmp_path / "out"
    out.mkdir()
    write(out / "b.parquet")
    content = (out / "b.parquet").read_bytes()
    with pytest.raises(ValueError, match=message):
        predict_files(model, source, out)
    assert list(out.iterdir()) == [out / "b.parquet"]
    assert (out / "b.parquet").read_bytes() == content


def test_model_that_was_loaded_counts_as_the_same(model, source, tmp_path):
    results = predict_files(model, source, tmp_path / "out")
    before = states(results)
    assert states(predict_files(pickle.loads(pickle.dumps(model)), source, tmp_path / "out")) == (
        before
    )


def test_hash_of_a_model_is_the_same_in_each_process(model, tmp_path):
    path = tmp_path / "model.joblib"
    joblib.dump(model, path)
    program = (
        "import joblib, sys\n"
        "from skimdb.datasets._prediction_task import hash_model\n"
        "model = joblib.load(sys.argv[1])\n"
        "model.predict(['good'])\n"
        "print(hash_model(model))\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "5"}
    printed = subprocess.run(
        [sys.executable, "-c", program, path],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    ).stdout
    assert printed.strip() == hash_model(model)


def test_hash_of_a_keras_model_tells_weights_and_not_the_time():
    class Network:
        """What is asked of a keras.Model."""

        def __init__(self, weight, time):
            self.weight, self.time = weight, time

        def get_weights(self):
            return [np.array([self.weight])]

        def to_json(self):
            return "{}"

    assert hash_model(Network(1.0, time=1)) == hash_model(Network(1.0, time=2))
    assert hash_model(Network(1.0, time=1)) != hash_model(Network(2.0, time=1))


# In parallel


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_parallel_work_writes_the_same_bytes(source, tmp_path, backend):
    model = make_pipeline(WordIndexEncoder(), MultiHotVectorizer(50), MultinomialNB())
    model.fit(make_texts(300), fit_text_model().predict(make_texts(300)))
    serial = predict_files(model, source, tmp_path / "serial", keep=["id"])
    calls = []
    with joblib.parallel_config(backend, n_jobs=2):
        parallel = predict_files(
            model,
            source,
            tmp_path / "parallel",
            keep=["id"],
            progress=lambda *args: calls.append(args),
        )
    assert calls == [(1, 3), (2, 3), (3, 3)]
    assert [path.read_bytes() for path in parallel] == [path.read_bytes() for path in serial]


def test_memory_does_not_grow_with_the_row_group(tmp_path):
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("the peak of memory is read from /proc")
    program = (
        "import re, sys\n"
        "from pathlib import Path\n"
        "from tests.datasets.test_prediction import Refusing, predict_files\n"
        "predict_files(Refusing().fit(), sys.argv[1], sys.argv[2], batch_size=1000)\n"
        "print(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])\n"
    )
    letters = np.frombuffer(np.random.default_rng(0).bytes(40_000_000), np.uint8) % 26 + 97
    peaks = []
    for n_rows in (10_000, 40_000):
        offsets = pa.array(range(0, 1000 * n_rows + 1, 1000), pa.int32())
        texts = pa.StringArray.from_buffers(
            n_rows, offsets.buffers()[1], pa.py_buffer(letters[: 1000 * n_rows])
        )
        path = tmp_path / f"{n_rows}.parquet"
        pq.write_table(pa.table({"text": texts}), path, row_group_size=n_rows)
        assert pq.read_metadata(path).num_row_groups == 1
        command = [sys.executable, "-c", program, path, tmp_path / "out"]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        peaks.append(int(printed) / 1024)
    # The row group grows by 30 MB.
    assert peaks[1] - peaks[0] < 15


# Errors


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"x": ["a"]}, r"in/b\.parquet has no column 'text'; its columns: 'x'$"),
        ({"text": ["a"], "x": ["a"]}, r"in/b\.parquet has no column 'id'; its columns: 'text', 'x"),
        (
            {"text": ["a", "b", None], "id": [1, 2, 3]},
            r"^row 3 of .*in/b\.parquet: 'text' is missing$",
        ),
        (
            {"text": pa.array(["a", "b", None, "c"]).dictionary_encode(), "id": [1, 2, 3, 4]},
            r"^row 3 of .*in/b\.parquet: 'text' is missing$",
        ),
        ({"text": [None], "id": [1]}, r"^row 1 of .*in/b\.parquet: 'text' is missing$"),
        (
            {"text": [1.5], "id": [1]},
            r"in/b\.parquet: 'text' must hold texts or lists of word indices, got double$",
        ),
        (
            {"text": pa.array([b"caf\xe9"]).view(pa.string()), "id": [1]},
            r"in/b\.parquet is no intact Parquet file: .*utf-8",
        ),
    ],
)
def test_error_names_the_file_and_leaves_those_that_are_done(
    model, source, tmp_path, table, message
):
    pq.write_table(pa.table(table), source / "b.parquet")
    with pytest.raises(ValueError, match=message):
        predict_files(model, source, tmp_path / "out", keep=["id"], batch_size=2)
    assert list((tmp_path / "out").iterdir()) == [tmp_path / "out/a.parquet"]


@pytest.mark.parametrize("n_bytes", [0, 10, 400])
def test_damaged_file_is_named(model, source, tmp_path, n_bytes):
    content = (source / "b.parquet").read_bytes()
    (source / "b.parquet").write_bytes(content[:n_bytes])
    with pytest.raises(ValueError, match=r"in/b\.parquet is no intact Parquet file: "):
        predict_files(model, source, tmp_path / "out")


def test_file_with_damaged_pages_is_named(model, tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": make_texts(50)}), path, use_dictionary=False)
    content = bytearray(path.read_bytes())
    content[4:200] = b"\xff" * 196
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.parquet is no intact Parquet file: "):
        predict_files(model, path, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_column_that_is_there_twice_is_refused(model, tmp_path):
    table = pa.Table.from_arrays([["a"], ["b"]], names=["text", "text"])
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"a\.parquet has 2 columns 'text'"):
        predict_files(model, tmp_path / "a.parquet", tmp_path / "out")


def fails_at_once(tmp_path, error, message, *args, **kwargs):
    with pytest.raises(error, match=message):
        predict_files(*args, **kwargs)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("keep", "error", "message"),
    [
        (["label"], ValueError, "keep must not hold 'label', which the results have of their own"),
        (["id", "probability"], ValueError, "keep must not hold 'probability'"),
        (["id", "id"], ValueError, "keep must hold each name once, got 'id' 2 times"),
        ([1], TypeError, "keep must hold names of columns, got 1"),
        ("id", ValueError, "The 'keep' parameter of predict_files must be"),
    ],
)
def test_columns_to_keep_are_checked(model, source, tmp_path, keep, error, message):
    fails_at_once(tmp_path, error, message, model, source, tmp_path / "out", keep=keep)


@pytest.mark.parametrize(
    ("name", "value"),
    [("batch_size", 0), ("batch_size", 1.5), ("progress", "bar"), ("column", 0), ("source", 5)],
)
def test_parameters_are_checked(model, source, tmp_path, name, value):
    parameters = {"source": source, "destination": tmp_path / "out", name: value}
    message = f"The '{name}' parameter of predict_files must be"
    fails_at_once(tmp_path, ValueError, message, model, **parameters)


def test_source_without_files_is_refused(model, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").touch()
    message = r"source must hold \.parquet files, and .*in has none"
    fails_at_once(tmp_path, ValueError, message, model, tmp_path / "in", tmp_path / "out")
    message = "source must be a folder or one file or more, got an empty list"
    fails_at_once(tmp_path, ValueError, message, model, [], tmp_path / "out")


def test_files_that_are_not_there_or_of_other_types_are_refused(model, tmp_path):
    paths = tmp_path / "a.parquet", tmp_path / "a.csv"
    fails_at_once(
        tmp_path, FileNotFoundError, r"a\.parquet", model, [str(paths[0])], tmp_path / "out"
    )
    message = r"source must be a folder or \.parquet files, got .*a\.csv"
    fails_at_once(tmp_path, ValueError, message, model, paths[1], tmp_path / "out")


def test_files_of_the_same_name_are_refused(model, tmp_path):
    write_files(tmp_path, {"in/a.parquet": 1, "more/a.parquet": 1})
    paths = [tmp_path / "in/a.parquet", tmp_path / "more/a.parquet"]
    message = r"source must be files of different names, got .*in/a\.parquet and .*more/a\.parquet"
    fails_at_once(tmp_path, ValueError, message, model, paths, tmp_path / "out")


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        ("in", "in"),
        ("in", "in/out"),
        ("in", "in/../in"),
        ("in/in", "in"),
        ("in/a.parquet", "in"),
        (["in/a.parquet"], "in"),
        ("in", "link"),
    ],
)
def test_results_are_not_written_among_the_files(model, tmp_path, source, destination):
    write_files(tmp_path, {"in/a.parquet": 1, "in/in/in/b.parquet": 1})
    (tmp_path / "link").symlink_to(tmp_path / "in")
    before = sorted(tmp_path.rglob("*"))
    paths = [tmp_path / path for path in source] if isinstance(source, list) else tmp_path / source
    with pytest.raises(ValueError, match="destination must not lie in source, got "):
        predict_files(model, paths, tmp_path / destination)
    assert sorted(tmp_path.rglob("*")) == before


def test_results_are_not_read_through_a_link(model, source, tmp_path):
    predict_files(model, source, tmp_path / "out", keep=["text"])
    (source / "link").symlink_to(tmp_path / "out")
    with pytest.raises(ValueError, match="destination must not lie in source, got "):
        predict_files(model, source, tmp_path / "out", keep=["text"])


def test_destination_may_hold_the_source(model, source, tmp_path):
    assert predict_files(model, source, tmp_path)[0] == tmp_path / "a.parquet"


def test_destination_must_be_a_folder(model, source, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match=r"destination must be a folder, and .*file is"):
        predict_files(model, source, tmp_path / "file")


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (CountVectorizer(), TypeError, "model must have predict_proba, got a CountVectorizer"),
        (
            make_pipeline(CountVectorizer(), MultinomialNB()),
            NotFittedError,
            "model must be fitted, got a Pipeline without classes_",
        ),
    ],
)
def test_unfit_model_is_refused(source, tmp_path, model, error, message):
    fails_at_once(tmp_path, error, message, model, source, tmp_path / "out")
    with pytest.raises(error, match=message):
        predict_frame(pd.DataFrame({"text": ["a"]}), model)


def test_model_that_cannot_be_pickled_is_refused(source, tmp_path):
    model = Refusing(pattern=lambda: None).fit()
    message = "model must be one that can be pickled, so that its results can be told"
    fails_at_once(tmp_path, TypeError, message, model, source, tmp_path / "out")


def test_missing_pyarrow_says_what_to_install(model, source, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    message = r"pyarrow, which is not installed: pip install 'skimdb\[arrow\]'$"
    fails_at_once(tmp_path, ImportError, message, model, source, tmp_path / "out")


# Frames


@pytest.mark.parametrize("dtype", ["str", "object", "string", "string[pyarrow]", "category"])
def test_frame_has_the_predictions_with_its_index(model, dtype):
    texts = make_texts(30)
    frame = pd.DataFrame({"x": pd.Series(texts, dtype=dtype)})
    frame.index = [f"row {i // 2}" for i in range(30)]
    predictions = predict_frame(frame, model, column="x")
    labels, probabilities = expected_columns(model, texts)
    pd.testing.assert_index_equal(predictions.index, frame.index)
    assert predictions.columns.tolist() == ["label", "probability"]
    assert predictions["label"].tolist() == labels
    assert predictions["probability"].dtype == np.float32
    np.testing.assert_allclose(predictions["probability"], probabilities, rtol=1e-6)


@pytest.mark.parametrize("labels", [("neg", "pos"), (0, 1), (False, True)])
def test_empty_frame_gives_the_types_of_full_ones(labels):
    model = fit_text_model(labels)
    frame = pd.DataFrame({"text": make_texts(5)})
    full, empty = predict_frame(frame, model), predict_frame(frame.head(0), model)
    assert len(empty) == 0
    pd.testing.assert_series_equal(full.dtypes, empty.dtypes)
    pd.testing.assert_index_equal(empty.index, frame.head(0).index)


def test_frame_may_hold_word_indices():
    model = fit_review_model()
    X, _ = make_reviews(20, num_words=500, random_state=1)
    predictions = predict_frame(pd.DataFrame({"text": X}), model)
    assert predictions["label"].tolist() == model.predict(X).tolist()


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_missing_value_in_a_frame_is_refused_with_its_row(model, missing):
    frame = pd.DataFrame({"text": pd.Series(["a", "b", missing], dtype=object)})
    with pytest.raises(ValueError, match=r"^row 3 of frame: 'text' is missing$"):
        predict_frame(frame, model)


def test_frame_without_the_column_is_refused(model):
    with pytest.raises(ValueError, match=r"^frame has no column 'text'; its columns: 'x'$"):
        predict_frame(pd.DataFrame({"x": ["a"]}), model)


# dask 2026.8 with pandas 3.1
@pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame:DeprecationWarning:dask")
def test_dask_maps_partitions(model, source):
    dask = pytest.importorskip("dask")
    dd = pytest.importorskip("dask.dataframe")
    frame = pd.read_parquet(source / "a.parquet")
    with dask.config.set(scheduler="synchronous"):
        partitions = dd.read_parquet(source)
        assert partitions.npartitions > 1
        meta = predict_frame(frame.head(0), model)
        mapped = partitions.map_partitions(predict_frame, model, column="text", meta=meta)
        pd.testing.assert_series_equal(mapped.dtypes, meta.dtypes)
        predictions = mapped.compute()
    texts = [text for name in "abc" for text in pd.read_parquet(source / f"{name}.parquet")["text"]]
    labels, probabilities = expected_columns(model, texts)
    assert predictions["label"].tolist() == labels
    np.testing.assert_allclose(predictions["probability"], probabilities, rtol=1e-6)
