import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks.scale import _rates, _rows
from benchmarks.streaming import streams
from skimdb.datasets import make_reviews


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streams")
    assert len(list(streams.make_files(folder, 400))) == streams.N_STEPS
    return folder


def test_files_are_sorted_by_label(folder):
    assert (pq.read_table(folder / "parquet")["label"].to_numpy() == np.repeat([0, 1], 200)).all()
    assert (pq.read_table(folder / "fewer")["label"].to_numpy() == np.repeat([0, 1], 20)).all()


def test_reviews_have_the_labels_that_they_were_generated_with(folder):
    reviews, y = make_reviews(40, num_words=streams.NUM_WORDS, random_state=19)
    written = pq.read_table(folder / "parquet" / "019.parquet")["words"].to_pylist()
    assert written == [review.tolist() for review in reviews[y == 1]]


@pytest.mark.parametrize("name", streams.TRAINING)
def test_each_way_of_training_sees_all_reviews(folder, name):
    measured = streams.measure_training(folder, name, seed=0)
    assert measured["reviews"] == (400 if name.startswith("words") else 40)
    assert measured["seconds"] > 0
    assert 0.4 < measured["accuracy"] < 1


def test_a_stopped_prediction_is_taken_up(folder):
    resumed = streams.measure_resuming(folder)
    assert resumed == {"stopped_after": streams.N_STEPS // 2, "then_written": 10}


def test_hours_of_a_billion_reviews():
    def runs(seconds):
        return [{"seconds": seconds, "peak_mb": 300.0}] * 3

    sizes = {"reviews": 1000, "parquet_mb": 0.5}
    results = {
        "training": {"sizes": sizes, "runs": {name: runs(2) for name in streams.TRAINING}},
        "prediction": {"sizes": sizes, "runs": {name: runs(1) for name in streams.PREDICTION}},
        "cluster": {"seconds": {"0": [30, 30], "1": [33, 33], "2": [20, 20]}},
    }
    rates = _rates(results)
    assert rates["train"] == 500
    assert rates["predict"] == 1000
    assert rates["parquet bytes"] == 500
    assert rates["speedup"] == 1.5
    hours = {what: [float(h.replace(",", "")) for h in hours] for what, *hours in _rows(rates)}
    assert hours["one network, 4 passes"] == [2222] * 3
    assert hours["prediction of all"] == [278, 28, 2.8]
    assert hours["search of 60 fits on all"] == pytest.approx(
        [60 * 2222 / 1.5, 6 * 2222 / 1.5, 2222], rel=1e-3
    )
    assert hours["search of 60 fits on a sample of 1,000,000"][1] == pytest.approx(8.9)
