"""Text and Excel files in `iter_batches` and `predict_files`."""

from collections import Counter
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from skimdb.datasets import iter_batches, predict_files
from tests.datasets.files.common import WRITERS, write

TEXT_WRITERS = [suffix for suffix in WRITERS if suffix not in ("parquet", "feather", "arrow")]
every_format = pytest.mark.parametrize("suffix", TEXT_WRITERS)


def rows_of(batches):
    lists = ([array.tolist() for array in batch] for batch in batches)
    return list(chain.from_iterable(zip(*columns, strict=True) for columns in lists))


def numbered(n_rows, start=0):
    return [(f"text {i}", str(i)) for i in range(start, start + n_rows)]


@every_format
@pytest.mark.parametrize("shuffle_buffer", [None, 7])
def test_batches_have_each_row_once(tmp_path, suffix, shuffle_buffer):
    for number in range(3):
        write(tmp_path / f"{number}.{suffix}", ["text", "id"], numbered(10, 10 * number))
    batches = list(iter_batches(tmp_path, 4, shuffle_buffer=shuffle_buffer))
    assert [len(batch[0]) for batch in batches] == [4] * 7 + [2]
    assert all(batch[0].type == pa.string() for batch in batches)
    found = rows_of(batches)
    assert Counter(found) == Counter(numbered(30))
    assert (found == numbered(30)) == (shuffle_buffer is None)


def test_shuffled_files_that_are_sorted_by_label_are_mixed(tmp_path):
    for number in range(10):
        rows = [("some text", "neg" if number < 5 else "pos")] * 400
        write(tmp_path / f"{number}.csv.gz", ["text", "label"], rows)
    for _, labels in iter_batches(tmp_path, 200, shuffle_buffer=1000, random_state=0):
        assert 0.3 < np.mean(np.array(labels.tolist()) == "pos") < 0.7


def test_numbers_of_json_come_as_numpy(tmp_path):
    rows = [("a", 1, 0.5, True, [1, 2]), ("b", 2, 1.5, False, [])]
    path = write(tmp_path / "r.jsonl", ["text", "int", "float", "bool", "list"], rows)
    (batch,) = iter_batches(path)
    assert [array.dtype.kind for array in batch[1:4]] == ["i", "f", "b"]
    assert rows_of([batch]) == rows


def test_values_that_first_records_leave_out_are_missing(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text('{"text": null}\n' * 150 + '{"text": "a"}\n')
    assert rows_of(iter_batches(path))[149:] == [(None,), ("a",)]


def test_value_of_another_type_is_named(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text('{"id": 1}\n' * 150 + '{"id": "a"}\n')
    message = (
        r"line 1 of .*r\.jsonl and the rows after it: column 'id' must be int64, as in the fir"
    )
    with pytest.raises(ValueError, match=message):
        list(iter_batches(path))
    path.write_text('{"id": 1}\n{"id": "a"}\n')
    with pytest.raises(ValueError, match=r"r\.jsonl: column 'id' must be of one type: "):
        iter_batches(path)


def test_options_of_text_files_are_followed(tmp_path):
    path = tmp_path / "r.csv"
    path.write_bytes('1^"caf\\"é\n2^b'.encode("latin-1"))
    batches = iter_batches(path, encoding="latin-1", sep="^", escape="none", header=False)
    assert rows_of(batches) == [("1", '"caf\\"é'), ("2", "b")]


def test_what_was_found_out_is_a_warning(tmp_path):
    (tmp_path / "r.csv").write_text("text;label\na;pos\n")
    with pytest.warns(UserWarning, match=r"r\.csv: fields separated by semicolon \(--sep can say"):
        assert rows_of(iter_batches(tmp_path / "r.csv")) == [("a", "pos")]


def test_lines_of_plain_text_are_a_column(tmp_path):
    (tmp_path / "r.txt").write_text("one\n\ntwo")
    assert rows_of(iter_batches(tmp_path / "r.txt")) == [("one",), ("",), ("two",)]


# Predictions

WORDS = ["good", "fine", "bad", "dull"]


@pytest.fixture(scope="module")
def model():
    texts = [f"{a} {b}" for a in WORDS for b in WORDS]
    y = ["pos" if text.split()[0] in WORDS[:2] else "neg" for text in texts]
    return make_pipeline(CountVectorizer(), MultinomialNB()).fit(texts, y)


@pytest.mark.parametrize("suffix", WRITERS)
def test_predictions_are_the_same_for_every_format(model, tmp_path, suffix):
    rows = [(f"{word}, a film", str(i)) for i, word in enumerate(WORDS * 3)]
    path = write(tmp_path / "in" / f"r.{suffix}", ["text", "id"], rows)
    (result,) = predict_files(model, path, tmp_path / "out", keep=["id"], batch_size=5)
    assert result.name == ("r.parquet" if suffix == "parquet" else f"r.{suffix}.parquet")
    table = pq.read_table(result)
    assert table["id"].to_pylist() == [number for _, number in rows]
    assert table["label"].to_pylist() == model.predict([text for text, _ in rows]).tolist()


@given(st.lists(st.sampled_from(["good", "bad", "", " \n", None]), min_size=1, max_size=20))
def test_rows_without_a_text_are_dropped_with_a_count(model, tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("missing")
    pq.write_table(
        pa.table({"text": pa.array(texts, pa.string()), "id": range(len(texts))}),
        folder / "r.parquet",
    )
    complete = [i for i, text in enumerate(texts) if text and not text.isspace()]
    n_missing = len(texts) - len(complete)
    arguments = (model, folder / "r.parquet", folder / "out")
    kwargs = {"keep": ["id"], "batch_size": 3, "missing": "drop"}
    if n_missing:
        with pytest.raises(ValueError, match=r"^row \d+ of .*: 'text' is missing or blank; leave"):
            predict_files(*arguments)
        message = (
            rf"of {len(texts)} rows, 'text' is missing or blank in {n_missing}; these rows are"
        )
        with pytest.warns(UserWarning, match=message):
            (result,) = predict_files(*arguments, **kwargs)
    else:
        (result,) = predict_files(*arguments, **kwargs)
    table = pq.read_table(result)
    assert table["id"].to_pylist() == complete
    expected = model.predict([texts[i] for i in complete]).tolist() if complete else []
    assert table["label"].to_pylist() == expected


class Sums:
    """Classifier of lists by whether their sum is odd."""

    classes_ = np.array([0, 1])

    def predict_proba(self, X):
        share = np.array([sum(x) % 2 for x in X.to_pylist()], dtype=float)
        return np.column_stack([1 - share, share])

    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)


def test_missing_lists_of_word_indices_can_be_dropped(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text('{"x": [1, 2]}\n{"x": null}\n{"x": []}\n')
    with pytest.warns(UserWarning, match="of 3 rows, 'x' is missing or blank in 1"):
        (result,) = predict_files(Sums(), path, tmp_path / "out", column="x", missing="drop")
    assert pq.read_table(result)["label"].to_pylist() == [1, 0]


def test_result_that_was_read_otherwise_is_not_taken(model, tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("text\ngood\n")
    predict_files(model, path, tmp_path / "out")
    with pytest.raises(ValueError, match="was made from a different way to read the file"):
        predict_files(model, path, tmp_path / "out", sep=";")
    with pytest.raises(ValueError, match="was made from a different rule for missing texts"):
        predict_files(model, path, tmp_path / "out", missing="drop")


def test_files_whose_results_would_have_one_name_are_refused(model, tmp_path):
    for name in ("r.csv", "r.csv.parquet"):
        write(tmp_path / "in" / "r.csv", ["text"], [("good",)]).rename(tmp_path / "in" / name)
    message = r"whose results have different names, got .*r\.csv and .*r\.csv\.parquet"
    write(tmp_path / "in" / "r.csv", ["text"], [("good",)])
    with pytest.raises(ValueError, match=message):
        predict_files(model, tmp_path / "in", tmp_path / "out")
