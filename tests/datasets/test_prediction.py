import os
import re
import signal
import subprocess
import sys
import threading
import time

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skimdb.datasets import make_reviews, predict_files, predict_frame
from skimdb.feature_extraction import MultiHotVectorizer, WordIndexEncoder
from skimdb.utils._files import atomic_file
from tests.datasets.common import file_names, peak_memory

WORDS = np.array(["good", "fine", "great", "bad", "dull", "poor", "the", "film", "plot", "cast"])


def make_texts(n_texts, seed=0):
    rng = np.random.default_rng(seed)
    return [" ".join(row) for row in rng.choice(WORDS, (n_texts, 6))]


def fit_text_model(labels=("neg", "pos")):
    texts = make_texts(300)
    y = [labels[sum(text.count(word) for word in WORDS[:3]) > 1] for text in texts]
    return make_pipeline(CountVectorizer(), MultinomialNB()).fit(texts, y)


def fit_review_model():
    X, y = make_reviews(300, num_words=500, random_state=0)
    return make_pipeline(MultiHotVectorizer(500), LogisticRegression(C=0.05)).fit(X, y)


@pytest.fixture(scope="module")
def model():
    return fit_text_model()


class Refusing(ClassifierMixin, BaseEstimator):
    """Classifier that raises an error if a text matches a pattern."""

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


def write_files(folder, lengths, row_group_size=None):
    """Write files of ids and texts with the given numbers of rows, and return their texts."""
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


def predict_table(model, table, folder, **kwargs):
    """Write a table to a file and return the predictions for it."""
    pq.write_table(pa.table(table), folder / "a.parquet")
    (result,) = predict_files(model, folder / "a.parquet", folder / "out", **kwargs)
    return pq.read_table(result)


def expected_columns(model, X):
    labels = model.predict(X)
    columns = [model.classes_.tolist().index(label) for label in labels]
    probabilities = [row[i] for row, i in zip(model.predict_proba(X), columns, strict=True)]
    return labels.tolist(), np.array(probabilities)


def check_predictions(table, model, X):
    labels, probabilities = expected_columns(model, X)
    assert table["label"].to_pylist() == labels
    assert table["probability"].type == pa.float32()
    np.testing.assert_allclose(table["probability"].to_numpy(), probabilities, rtol=1e-6)


# Results


def test_each_file_of_a_folder_gets_its_predictions(model, tmp_path):
    lengths = {"b.parquet": 25, "a.parquet": 40, "sub/deep/a.PARQUET": 12, "sub/b.parquet": 0}
    texts = write_files(tmp_path / "in", lengths, row_group_size=9)
    results = predict_files(model, tmp_path / "in", tmp_path / "out", batch_size=7)
    expected = ["a.parquet", "b.parquet", "sub/b.parquet", "sub/deep/a.PARQUET"]
    assert results == [tmp_path / "out" / name for name in expected]
    for name, n_rows in lengths.items():
        table = pq.read_table(tmp_path / "out" / name)
        assert table.column_names == ["label", "probability"]
        assert len(table) == n_rows
        if n_rows:
            check_predictions(table, model, texts[name])


@given(n_rows=st.integers(0, 40), row_group_size=st.integers(1, 50), batch_size=st.integers(1, 50))
def test_rows_keep_their_order_for_any_batches_and_row_groups(
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
    assert table["label"].to_pylist() == (model.predict(texts).tolist() if texts else [])


def test_kept_columns_come_first_in_the_given_order_with_their_types(model, tmp_path):
    table = pa.table(
        {
            "score": pa.array([1.5, None], pa.float32()),
            "tags": pa.array([["x"], []], pa.list_(pa.string())),
            "text": ["good", "bad"],
            "kind": pa.array(["film", None]).dictionary_encode(),
            "info": pa.array([{"a": 1}, {"a": 2}]),
        }
    )
    keep = ["kind", "text", "tags", "info"]
    result = predict_table(model, table, tmp_path, keep=keep)
    assert result.column_names == [*keep, "label", "probability"]
    assert result.select(keep).equals(table.select(keep))
    assert result.schema.field("kind").type == table.schema.field("kind").type


@pytest.mark.parametrize("names", [["b.parquet"], ["c.parquet", "a.parquet"]])
def test_source_can_be_a_list_of_files(model, source, tmp_path, names):
    results = predict_files(model, [source / name for name in names], str(tmp_path / "out"))
    assert results == [tmp_path / "out" / name for name in names]
    assert file_names(tmp_path / "out") == sorted(names)


def test_hidden_and_other_files_are_skipped(model, source, tmp_path):
    others = [".a.parquet", ".hidden/a.parquet", "_notes/a.parquet", "_a.parquet", "notes.txt"]
    for name in others:
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text("no data")
    (source / "folder.parquet").mkdir()
    with pytest.warns(UserWarning, match=r": _a\.parquet, _notes/a\.parquet, notes\.txt$"):
        results = predict_files(model, str(source), tmp_path / "out")
    assert [path.name for path in results] == ["a.parquet", "b.parquet", "c.parquet"]


def test_links_are_followed_but_not_in_circles(model, source, tmp_path):
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
def test_texts_can_have_any_arrow_type(model, tmp_path, kind):
    texts = make_texts(20)
    try:
        result = predict_table(model, {"x": pa.array(texts).cast(kind)}, tmp_path, column="x")
    except pa.ArrowNotImplementedError:
        pytest.skip(f"pyarrow {pa.__version__} does not write {kind}")
    check_predictions(result, model, texts)


def test_files_written_by_polars_can_be_read(model, tmp_path):
    texts = make_texts(20)
    pl.DataFrame({"text": texts}).write_parquet(tmp_path / "a.parquet")
    (result,) = predict_files(model, tmp_path / "a.parquet", tmp_path / "out")
    check_predictions(pq.read_table(result), model, texts)


@pytest.mark.parametrize(
    "make_type",
    [pa.list_, pa.large_list, pa.list_view, pa.large_list_view, lambda item: pa.list_(item, 11)],
)
def test_lists_of_word_indices_can_be_read(tmp_path, make_type):
    model = fit_review_model()
    X, _ = make_reviews(50, num_words=500, random_state=1)
    X = [review[:11].tolist() for review in X]
    table = {"x": pa.array(X, make_type(pa.int32()))}
    try:
        result = predict_table(model, table, tmp_path, column="x", batch_size=20)
    except pa.ArrowNotImplementedError:
        pytest.skip(f"pyarrow {pa.__version__} does not write {table['x'].type}")
    check_predictions(result, model, X)


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        ([0, 1], pa.int64()),
        (np.array([1, 5], np.int8), pa.int8()),
        ([False, True], pa.bool_()),
        ([-1.0, 2.0], pa.float64()),
        (np.array(["no", "yes"], object), pa.string()),
        (["bad", "good", "poor"], pa.string()),
    ],
)
def test_labels_keep_their_type(tmp_path, labels, kind):
    write_files(tmp_path / "in", {"a.parquet": 20, "none.parquet": 0})
    texts = pq.read_table(tmp_path / "in/a.parquet")["text"].to_pylist()
    y = np.array(labels)[np.arange(20) % len(labels)]
    model = make_pipeline(CountVectorizer(), MultinomialNB()).fit(texts, y)
    some, none = map(pq.read_table, predict_files(model, tmp_path / "in", tmp_path / "out"))
    assert some["label"].type == none["label"].type == kind
    assert set(some["label"].to_pylist()) == set(np.array(labels).tolist())
    check_predictions(some, model, texts)


@pytest.mark.parametrize("is_pipeline", [True, False])
def test_label_is_the_predicted_one_even_if_another_is_more_probable(tmp_path, is_pipeline):
    texts, steps = make_texts(60), fit_text_model()
    threshold = {"threshold": 0.9, "pos_label": "pos"}
    if is_pipeline:
        classifier = FixedThresholdClassifier(MultinomialNB(), **threshold)
        model = make_pipeline(CountVectorizer(), classifier)
    else:
        model = FixedThresholdClassifier(steps, **threshold)
    model.fit(texts, steps.predict(texts))
    result = predict_table(model, {"text": texts}, tmp_path)
    check_predictions(result, model, texts)
    assert min(result["probability"].to_pylist()) < 0.5


def test_pipeline_transforms_texts_only_once():
    n_rows = []
    counting = FunctionTransformer(lambda X: n_rows.append(len(X)) or X)
    model = make_pipeline(counting, CountVectorizer(), MultinomialNB())
    model.fit(make_texts(20), [0, 1] * 10)
    n_rows.clear()
    predict_frame(pd.DataFrame({"text": make_texts(7)}), model)
    assert n_rows == [7]


def test_model_is_not_called_without_rows(tmp_path):
    table = {"text": pa.array([], pa.string())}
    assert len(predict_table(Refusing("").fit(), table, tmp_path)) == 0


@pytest.mark.parametrize("n_rows", [30, 0])
def test_probabilities_of_all_labels_can_be_written(model, tmp_path, n_rows):
    texts = make_texts(n_rows)
    table = {"text": pa.array(texts, pa.string())}
    result = predict_table(model, table, tmp_path, proba=True, batch_size=7)
    names = ["label", "probability", "probability_neg", "probability_pos"]
    assert result.column_names == names
    if n_rows:
        check_predictions(result, model, texts)
        found = np.column_stack([result[name].to_numpy() for name in names[2:]])
        np.testing.assert_allclose(found, model.predict_proba(texts), rtol=1e-6)


# Continuing after an interruption


def states(paths):
    return {path.name: (path.stat().st_mtime_ns, path.stat().st_ino) for path in paths}


def write_refused(path):
    pq.write_table(pa.table({"id": [1, 2], "text": ["good", "refused"]}), path)


def test_work_continues_after_the_finished_files(source, tmp_path):
    write_refused(source / "c.parquet")
    out = tmp_path / "out"
    with pytest.raises(RuntimeError, match="refused") as error:
        predict_files(Refusing().fit(), source, out, batch_size=1)
    assert error.value.__notes__ == [f"raised by model on rows 2 to 2 of {source / 'c.parquet'}"]
    assert file_names(out) == ["a.parquet", "b.parquet"]
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


def test_finished_work_is_not_repeated(model, source, tmp_path):
    first = predict_files(model, source, tmp_path / "out", keep=["id"], batch_size=9)
    before = states(first)
    calls = []
    again = predict_files(
        model, source, tmp_path / "out", keep=["id"], progress=lambda *args: calls.append(args)
    )
    assert (again, states(again), calls) == (first, before, [])


class Signalling(Refusing):
    """Classifier that sends a signal to its process once, for 10 texts, if a file exists."""

    def __init__(self, path, number):
        self.path = path
        self.number = number

    def predict_proba(self, X):
        if len(X) == 10 and self.path.exists():
            self.path.unlink()
            os.kill(os.getpid(), self.number)
            time.sleep(1)  # another thread may have to handle it
        return np.tile([0.25, 0.75], (len(X), 1))


@pytest.mark.parametrize(
    ("number", "n_jobs", "n_parts"),
    [(signal.SIGKILL, 1, 1), (signal.SIGINT, 1, 0), (signal.SIGINT, 2, 0)],
)
def test_work_continues_after_the_process_was_killed(source, tmp_path, number, n_jobs, n_parts):
    model = Signalling(tmp_path / "flag", number).fit()
    model.path.touch()
    joblib.dump(model, tmp_path / "model")
    program = (
        "import sys, joblib\n"
        "from skimdb.datasets import predict_files\n"
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


def test_temporary_files_beside_finished_results_are_removed(model, source, tmp_path):
    out = tmp_path / "out"
    results = predict_files(model, source, out)
    (out / f".{results[0].name}.0.part").touch()  # of a process that was killed meanwhile
    assert predict_files(model, source, out) == results
    assert {*out.iterdir()} == {*results}


def test_folder_of_results_is_read_while_another_is_written(source, tmp_path):
    out = tmp_path / "out"
    results = predict_files(Refusing().fit(), source / "a.parquet", out)
    with atomic_file(out / "b.parquet") as file:
        file.write(b"PAR1")
        file.flush()
        assert pq.read_table(out).num_rows == pq.read_table(results[0]).num_rows


def test_error_in_progress_stops_the_work(source, tmp_path):
    def stop(n_done, n_files):
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        predict_files(Refusing().fit(), source, tmp_path / "out", progress=stop)
    assert file_names(tmp_path / "out") == ["a.parquet"]


IS_STARTED = threading.Event()
STARTED, ENDED = [], []  # module variables, because models are copied


class Waiting(Refusing):
    """Slow classifier that refuses a text as soon as another thread is working."""

    def predict_proba(self, X):
        if "refused" in X:
            IS_STARTED.wait()
        else:
            STARTED.append(1)
            IS_STARTED.set()
            time.sleep(0.02)
            ENDED.append(1)
        return super().predict_proba(X)


def test_error_stops_the_tasks_of_all_threads(tmp_path):
    lengths = {"a.parquet": 1000, "b.parquet": 1, "c.parquet": 1000, "d.parquet": 1000}
    write_files(tmp_path / "in", lengths)
    pq.write_table(pa.table({"text": ["refused"]}), tmp_path / "in/b.parquet")
    threading_backend = joblib.parallel_config("threading", n_jobs=2)
    with threading_backend, pytest.raises(RuntimeError, match="refused"):
        predict_files(Waiting().fit(), tmp_path / "in", tmp_path / "out", batch_size=1)
    n_started = len(STARTED)
    assert len(ENDED) == n_started < 1000
    time.sleep(0.1)
    assert len(STARTED) == n_started
    assert file_names(tmp_path / "out") == []


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_error_leaves_only_complete_files(source, tmp_path, error, n_jobs):
    write_refused(source / "b.parquet")
    with joblib.parallel_config("threading"), pytest.raises(error, match="refused"):
        predict_files(
            Refusing(error=error).fit(), source, tmp_path / "out", batch_size=1, n_jobs=n_jobs
        )
    lengths = {"a.parquet": 30, "c.parquet": 10}
    for path in (tmp_path / "out").iterdir():
        assert pq.read_metadata(path).num_rows == lengths[path.name]


@pytest.mark.parametrize(
    ("change", "different"),
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
def test_result_made_from_something_else_is_neither_used_nor_replaced(
    model, source, tmp_path, change, different
):
    args = {"model": model, "keep": ["id", "text"], "column": "text"}
    out = tmp_path / "out"
    predict_files(source=source / "b.parquet", destination=out, **args)
    before = states(out.iterdir())
    change(source, args)
    message = rf"out/b\.parquet was made from a different {different}: remove it or choose another"
    with pytest.raises(ValueError, match=message):
        predict_files(source=source, destination=out, **args)
    assert states(out.iterdir()) == before


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: path.write_text("mine"), r"out/b\.parquet is not a valid Parquet file"),
        (
            lambda path: pq.write_table(pa.table({"x": [1]}), path),
            r"out/b\.parquet was not written by predict_files: remove it",
        ),
    ],
)
def test_other_file_is_not_replaced(model, source, tmp_path, write, message):
    out = tmp_path / "out"
    out.mkdir()
    write(out / "b.parquet")
    before = states(out.iterdir())
    with pytest.raises(ValueError, match=message):
        predict_files(model, source, out)
    assert states(out.iterdir()) == before


def test_work_continues_with_a_model_that_was_saved_and_used(model, source, tmp_path):
    joblib.dump(model, tmp_path / "model")
    results = predict_files(model, source, tmp_path / "out")
    before = states(results)
    program = (
        "import joblib, sys\n"
        "from skimdb.datasets import predict_files\n"
        "model = joblib.load(sys.argv[1])\n"
        "model.predict(['good'])\n"
        "predict_files(model, *sys.argv[2:])\n"
    )
    command = [sys.executable, "-c", program, tmp_path / "model", source, tmp_path / "out"]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "5"})
    assert states(results) == before


class Network:
    """The part of a keras.Model that distinguishes models."""

    def __init__(self, weight, time):
        self.weight, self.time = weight, time

    def get_weights(self):
        return [np.array([self.weight])]

    def to_json(self):
        return "{}"


def test_keras_models_are_distinguished_by_their_weights(source, tmp_path):
    model = Refusing().fit()
    model.network = Network(1.0, time=1)
    before = states(predict_files(model, source, tmp_path / "out"))
    model.network = Network(1.0, time=2)
    assert states(predict_files(model, source, tmp_path / "out")) == before
    model.network = Network(2.0, time=2)
    with pytest.raises(ValueError, match="was made from a different model"):
        predict_files(model, source, tmp_path / "out")


# Parallel work and memory


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


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_row_group(tmp_path):
    program = (
        "import sys\n"
        "from tests.datasets.test_prediction import Refusing, predict_files\n"
        "predict_files(Refusing().fit(), sys.argv[1], sys.argv[2], batch_size=1000)\n"
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
        peaks.append(peak_memory(program, path, tmp_path / "out"))
    # The row group grows by 30 MB.
    assert peaks[1] - peaks[0] < 15


# Invalid files


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"x": ["a"]}, r"in/b\.parquet has no column 'text'; its columns: 'x' \('a'\)$"),
        (
            {"text": ["a"], "x": ["b"]},
            r"b\.parquet has no column 'id'; its columns: 'text' \('a'\), 'x",
        ),
        (
            pa.Table.from_arrays([["a"], ["b"]], names=["text", "text"]),
            r"in/b\.parquet has 2 columns 'text'",
        ),
        (
            {"text": ["a", "b", None], "id": [1, 2, 3]},
            r"^row 3 of .*in/b\.parquet: 'text' is missing or blank; leave such rows out",
        ),
        (
            {"text": pa.array(["a", "b", None, "c"]).dictionary_encode(), "id": [1, 2, 3, 4]},
            r"^row 3 of .*in/b\.parquet: 'text' is missing or blank; leave such rows out",
        ),
        ({"text": [None], "id": [1]}, r"^row 1 of .*in/b\.parquet: 'text' is missing or blank"),
        (
            {"text": ["a", " \n"], "id": [1, 2]},
            r"^row 2 of .*in/b\.parquet: 'text' is missing or blank",
        ),
        (
            {"text": [1.5], "id": [1]},
            r"in/b\.parquet: 'text' must hold texts or lists of word indices, got double$",
        ),
        (
            {"text": pa.array([b"caf\xe9"]).view(pa.string()), "id": [1]},
            r"in/b\.parquet is not a valid Parquet file: .*UTF8",
        ),
    ],
)
def test_invalid_file_is_named_and_earlier_results_are_kept(
    model, source, tmp_path, table, message
):
    pq.write_table(pa.table(table), source / "b.parquet")
    with pytest.raises(ValueError, match=message):
        predict_files(model, source, tmp_path / "out", keep=["id"], batch_size=2)
    assert file_names(tmp_path / "out") == ["a.parquet"]


@pytest.mark.parametrize("n_bytes", [0, 10, 400, None])
def test_damaged_file_is_named(model, source, tmp_path, n_bytes):
    path = source / "b.parquet"
    pq.write_table(pa.table({"text": make_texts(50)}), path, use_dictionary=False)
    content = bytearray(path.read_bytes())
    if n_bytes is None:
        content[4:200] = b"\xff" * 196  # within the pages
    path.write_bytes(content[:n_bytes])
    with pytest.raises(ValueError, match=r"in/b\.parquet is not a valid Parquet file: "):
        predict_files(model, source, tmp_path / "out")
    assert file_names(tmp_path / "out") == ["a.parquet"]


# Invalid parameters


@pytest.fixture
def folder(source, tmp_path, monkeypatch):
    """Set the working directory to a folder with more files."""
    write_files(tmp_path / "more", {"a.parquet": 1})
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.csv").touch()
    (tmp_path / "a.md").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


UNFIT_MODELS = [
    (CountVectorizer(), TypeError, "model must have predict_proba, got a CountVectorizer"),
    (
        make_pipeline(CountVectorizer(), MultinomialNB()),
        NotFittedError,
        "model must be fitted, got a Pipeline without classes_",
    ),
]


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        (
            {"keep": ["label", "predicted_label"]},
            ValueError,
            "keep must not name both 'label' and 'predicted_label', which is the name th",
        ),
        ({"keep": ["id", "id"]}, ValueError, "keep must not hold duplicates, got 'id' 2 times"),
        ({"keep": [1]}, TypeError, "keep must hold names of columns, got 1"),
        *(
            ({name: value}, ValueError, f"The '{name}' parameter of predict_files must be")
            for name, value in [
                ("keep", "id"),
                ("batch_size", 0),
                ("batch_size", 1.5),
                ("progress", "bar"),
                ("column", 0),
                ("source", 5),
                ("destination", 5),
            ]
        ),
        (
            {"source": "empty"},
            ValueError,
            "source must contain files of a known format, but empty has ",
        ),
        ({"source": []}, ValueError, r"source must be a folder or at least one file, got \[\]"),
        ({"source": ""}, ValueError, "source must be a folder or at least one file, got ''"),
        ({"source": ["no.parquet"]}, FileNotFoundError, r"no\.parquet"),
        ({"source": "a.md"}, ValueError, r"the name of a\.md must tell its format: \.csv, \.tsv"),
        (
            {"source": ["in/a.parquet", "more/a.parquet"]},
            ValueError,
            "source must be files whose results have different names, got in/a.parquet and more/a",
        ),
        ({"destination": "a.csv"}, NotADirectoryError, r"must be a folder, but a\.csv is a file"),
        *(({"model": model}, error, message) for model, error, message in UNFIT_MODELS),
        (
            {"model": Refusing(pattern=lambda: None).fit()},
            TypeError,
            "model must be picklable, so that its results can be told from those of other models",
        ),
    ],
)
def test_invalid_parameters(model, folder, parameters, error, message):
    with pytest.raises(error, match=message):
        predict_files(**{"model": model, "source": "in", "destination": "out", **parameters})
    assert not (folder / "out").exists()


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
def test_results_are_not_written_among_the_files(model, folder, source, destination):
    write_files(folder, {"in/a.parquet": 1, "in/in/in/b.parquet": 1})
    (folder / "link").symlink_to("in")
    before = sorted(folder.rglob("*"))
    with pytest.raises(ValueError, match=r"destination must not be inside source=.*, got "):
        predict_files(model, source, destination)
    assert sorted(folder.rglob("*")) == before


def test_results_are_not_read_through_a_link(model, source, tmp_path):
    predict_files(model, source, tmp_path / "out", keep=["text"])
    (source / "link").symlink_to(tmp_path / "out")
    with pytest.raises(ValueError, match="destination must not be inside source="):
        predict_files(model, source, tmp_path / "out", keep=["text"])


def test_source_can_be_inside_destination(model, source, tmp_path):
    assert predict_files(model, source, tmp_path)[0] == tmp_path / "a.parquet"


def test_missing_pyarrow_error_tells_what_to_install(model, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pyarrow, which is .*: pip install 'skimdb\[files\]'$"):
        predict_files(model, "in", "out")


# Frames


@pytest.mark.parametrize("dtype", ["str", "object", "string", "string[pyarrow]", "category"])
def test_frame_gets_predictions_with_its_index(model, dtype):
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
def test_empty_frame_gives_the_same_dtypes_as_others(labels):
    model = fit_text_model(labels)
    frame = pd.DataFrame({"text": make_texts(5)})
    full, empty = predict_frame(frame, model), predict_frame(frame.head(0), model)
    assert len(empty) == 0
    pd.testing.assert_series_equal(full.dtypes, empty.dtypes)
    pd.testing.assert_index_equal(empty.index, frame.head(0).index)


def test_frame_can_have_word_indices():
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


@pytest.mark.parametrize(("model", "error", "message"), UNFIT_MODELS)
def test_unfit_model_is_refused_for_a_frame(model, error, message):
    with pytest.raises(error, match=message):
        predict_frame(pd.DataFrame({"text": ["a"]}), model)


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
