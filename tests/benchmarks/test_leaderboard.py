"""The leaderboard's own estimators and figures, and its page on generated reviews."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.svm import LinearSVC

from benchmarks.leaderboard import __main__ as leaderboard
from benchmarks.leaderboard.models import ENTRIES, NBSVM
from skimdb import MultiHotVectorizer
from skimdb.datasets import make_reviews


def test_names_of_lines_are_unique():
    assert len({entry.key for entry in ENTRIES}) == len(ENTRIES)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.key)
def test_values_of_a_grid_are_valid_also_after_having_been_json(entry):
    pipeline = clone(entry.pipeline(0))
    for name, values in entry.grid.items():
        for value in values:
            pipeline.set_params(**leaderboard.as_parameters(json.loads(json.dumps({name: value}))))
            for _, step in pipeline.steps:
                if hasattr(step, "_parameter_constraints"):
                    step._validate_params()


def test_descriptions_tell_of_every_parameter():
    descriptions = {entry.key: entry.description for entry in ENTRIES}
    assert "batch_size=128" in descriptions["notebooks-regularised-network-8-8-10-000-words"]
    assert "max_iter=1000" in descriptions["logisticregression-10-000-words"]
    assert "min_df=2" in descriptions["multinomialnb-1-3-grams"]


def test_calibration_error_equals_a_plain_loop():
    rng = np.random.default_rng(0)
    probability = np.append(rng.random(500), [0.0, 1.0])
    y = (rng.random(502) < probability**2).astype(int)
    expected = 0.0
    for low in np.arange(15) / 15:
        inside = (probability >= low) & ((probability < low + 1 / 15) | (low > 0.93))
        if inside.any():
            gap = abs(y[inside].mean() - probability[inside].mean())
            expected += inside.mean() * gap
    assert_allclose(leaderboard.calibration_error(y, probability), expected)


def test_calibration_error_of_certainty_is_the_error_rate():
    assert leaderboard.calibration_error(np.array([0, 1, 1, 1]), np.array([1.0, 1, 1, 1])) == 0.25


@pytest.mark.parametrize("beta", [0.25, 1.0])
def test_nbsvm_interpolates_with_the_mean_magnitude(beta):
    X, y = make_reviews(200, random_state=0)
    X = MultiHotVectorizer(500).transform(X)
    coef = LinearSVC(C=0.1, random_state=0).fit(X, y).coef_[0]
    expected = X @ (np.abs(coef).mean() * (1 - beta) + beta * coef)
    nbsvm = NBSVM(C=0.1, beta=beta).fit(X, y)
    assert_allclose(nbsvm.decision_function(X) - nbsvm.intercept_, expected)


def _measure_here(module, key, n_seeds, chosen):
    parameters = leaderboard.as_parameters(json.loads(chosen))
    return leaderboard._measure(leaderboard._BY_KEY[key], int(n_seeds), parameters)


@pytest.fixture
def generated(monkeypatch):
    def load(entry, subset):
        return make_reviews(300, random_state=0 if subset == "train" else 1)

    monkeypatch.setattr(leaderboard, "load_reviews", load)
    monkeypatch.setattr(leaderboard, "measure_in_process", _measure_here)


def test_page(generated, tmp_path):
    argv = ["--seeds", "2", "--output", str(tmp_path)]
    leaderboard.main(["--only", "bernoullinb-10-000-words", *argv])
    leaderboard.main(["--only", "multinomialnb-10-000-words", *argv])
    parts = json.loads((tmp_path / "leaderboard.json").read_text())["parts"]
    assert set(parts) == {"multinomialnb-10-000-words", "bernoullinb-10-000-words"}
    result = parts["multinomialnb-10-000-words"]["result"]
    search = result["search"]
    best = max(search["candidates"], key=lambda candidate: candidate["accuracy"])
    assert best["accuracy"] == search["accuracy"]
    [run] = result["test"]["runs"]
    assert 0.5 < run["accuracy"] <= 1
    page = (tmp_path / "leaderboard.md").read_text()
    assert f"{100 * run['accuracy']:.2f}" in page
    assert "Weighted neural bag of n-grams" in page
    summary = (tmp_path / "leaderboard-summary.md").read_text()
    assert summary.count("\n") == 3


def test_what_is_finished_is_not_done_again(generated, tmp_path, monkeypatch):
    argv = ["--only", "multinomialnb-10-000-words", "--output", str(tmp_path)]
    leaderboard.main(argv)
    first = (tmp_path / "leaderboard.json").read_text()
    monkeypatch.setattr(leaderboard, "_search", lambda *_: pytest.fail("again"))
    monkeypatch.setattr(leaderboard, "measure_in_process", lambda *_: pytest.fail("again"))
    leaderboard.main(argv)
    assert (tmp_path / "leaderboard.json").read_text() == first
