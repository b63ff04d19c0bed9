import json

import matplotlib.pyplot as plt
import numpy as np
import pytest

from benchmarks.notebooks import __main__ as notebooks
from benchmarks.notebooks.experiments import Variant
from benchmarks.notebooks.far_figures import FarFigure, calmed, drops, far_blocks, far_figures
from skimdb.datasets import make_reviews
from skimdb.utils._report import Heading, Plot


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def experiment(*val_accuracy, test=None):
    found = {"published_history": {"val_accuracy": list(val_accuracy)}} if val_accuracy else {}
    if test:
        found["published_test"] = {"accuracy": test}
    return Variant({"id": "X1", "data": "15000 train", **found}, "", {})


def fit(*val_accuracy, test=0.5):
    return {"history": {"val_accuracy": list(val_accuracy)}, "test": {"accuracy": test}}


def test_far_is_more_than_a_point_and_a_half_from_the_median():
    fits = {"X1": [fit(0.1, 0.80), fit(0.1, 0.82), fit(0.1, 0.99)]}
    assert far_figures([experiment(0.1, 0.834)], fits) == []
    assert far_figures([experiment(0.1, 0.806)], fits) == []
    case = experiment(0.1, 0.836)
    assert far_figures([case], fits) == [FarFigure(case, "final val_accuracy", 0.836)]
    tested = experiment(0.1, 0.82, test=0.52)
    assert far_figures([tested], fits) == [FarFigure(tested, "test accuracy", 0.52)]
    assert far_figures([experiment()], fits) == []


def test_drops_are_below_the_median_of_the_last_ten_epochs():
    last = [0.8, 0.82, 0.8, 0.84, 0.8, 0.8, 0.8, 0.82, 0.82, 0.7]
    history = {"val_accuracy": [*[0.1] * 12, *last]}
    np.testing.assert_allclose(drops(history), [0.8 - x for x in last], atol=1e-12)


def test_drops_of_a_short_fit_leave_out_its_first_half():
    history = {"val_accuracy": [0.1, 0.2, 0.3, 0.7, 0.8, 0.9]}
    np.testing.assert_allclose(drops(history), [0.1, 0.0, -0.1], atol=1e-12)


def blocks_of(variant, fits, calm_fits):
    far = [FarFigure(variant, "final val_accuracy", variant.published["val_accuracy"][-1])]
    return far_blocks(far, {"X1": fits, calmed(variant).name: calm_fits})


def test_dip_is_found_and_said():
    start = [0.5] * 10
    fits = [
        fit(*start, *[0.87] * 4, 0.83, *[0.87] * 5),
        fit(*start, *[0.88] * 9, 0.80),
        fit(*start, *[0.86] * 10),
    ]
    calm = [fit(*start, *[level] * 10) for level in (0.87, 0.88, 0.86)]
    heading, intro, text, plot = blocks_of(experiment(*start, *[0.87] * 9, 0.83), fits, calm)
    assert heading == Heading("Where the published figure is not ours")
    assert "more than 1.5 points" in intro
    assert "0.8300 was published. Of 3 seeds 1 went as far out" in text
    assert "2 of 30 validation accuracies (6.7%) lie 3 points or more below" in text
    assert "1 of them in the last epoch; 2 of 3 fits have such dips" in text
    assert "the published curve has 1 in 10 epochs" in text
    assert "0.8700 as published, 0.8700 with us, and 0.8800 in the fit that ends nearest" in text
    assert "standard deviation of 0.0100 instead of 0.0379" in text
    assert text.endswith("The published figure is a dip, 4.0 points below its own curve.")
    assert isinstance(plot, Plot)
    rows = [label.get_text() for label in plot.figure.axes[0].get_yticklabels()]
    assert rows[0] == "Last epoch"
    lines = plot.figure.axes[0].lines
    np.testing.assert_allclose(lines[0].get_xdata(), [0.80, 0.86, 0.87])
    np.testing.assert_allclose(lines[1].get_xdata(), [0.86, 0.87, 0.88])
    assert len(lines[2].get_xdata()) == 30


def test_lower_curve_is_told_from_a_dip():
    fits = [fit(*[0.88] * 6), fit(*[0.86] * 6), fit(*[0.89] * 6)]
    *_, text, _ = blocks_of(experiment(*[0.86] * 6), fits, fits)
    assert "0.8600 as published, 0.8800 with us, and 0.8600 in the fit that ends" in text
    assert "no dip (0.0 points below its own curve): that fit is lower as a whole" in text


def test_test_accuracy_has_no_dips():
    variant = experiment(test=0.9)
    fits = [fit(test=0.8), fit(test=0.81)]
    far = [FarFigure(variant, "test accuracy", 0.9)]
    *_, text, plot = far_blocks(far, {"X1": fits, calmed(variant).name: fits})
    assert "epochs" not in text
    assert "0.9000 was published. Of 2 seeds 0 went" in text
    assert len(plot.figure.axes[0].get_yticks()) == 2


def test_nothing_is_said_where_nothing_is_far():
    assert far_blocks([], {}) == []


def test_last_epoch_alone_takes_smaller_steps(monkeypatch, tmp_path):
    sets = {"train": make_reviews(300, random_state=0), "test": make_reviews(100, random_state=1)}
    monkeypatch.setattr(notebooks, "load_imdb", lambda subset: sets[subset])
    monkeypatch.setattr(notebooks, "N_VALIDATION", 100)
    [a4] = notebooks.variants_of(next(e for e in notebooks.EXPERIMENTS if e["id"] == "A4"))
    calm = calmed(a4)
    fits = notebooks.run_all([a4, calm], 1, n_jobs=1, directory=tmp_path)
    usual, calmly = (fits[variant.name][0]["history"] for variant in (a4, calm))
    assert calmly["val_loss"][:-1] == usual["val_loss"][:-1]
    assert calmly["val_loss"][-1] != usual["val_loss"][-1]
    np.testing.assert_allclose(calmly["learning_rate"], [0.001] * 19 + [0.0001])
    kept = json.loads((tmp_path / "A4-last_rate=0.1-seed0.json").read_text())
    assert kept["outcome"]["params"] == {**a4.params, "last_rate": 0.1}
