import numpy as np
import pytest
from matplotlib.colors import to_rgb
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skimdb.inspection import TrainingHistoryDisplay
from tests.inspection.common import HistoryClassifier, X, legend_texts, make_history, y

METRICS = ["loss", "accuracy", "val_loss", "val_accuracy"]
HISTORY = {
    "loss": [0.5, 0.3, 0.2, 0.1],
    "accuracy": [0.7, 0.8, 0.9, 0.95],
    "val_loss": [0.4, 0.35, 0.31, 0.36],
    "val_accuracy": [0.8, 0.86, 0.85, 0.84],
}


def test_curves_are_the_history_over_epochs_from_1() -> None:
    display = TrainingHistoryDisplay.from_history(HISTORY)
    assert sorted(display.lines_) == sorted(METRICS)
    for metric, line in display.lines_.items():
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3, 4])
        np.testing.assert_array_equal(line.get_ydata(), HISTORY[metric])


def test_loss_is_in_the_first_panel_and_accuracy_in_the_second() -> None:
    display = TrainingHistoryDisplay.from_history(HISTORY)
    panels = {metric: line.axes for metric, line in display.lines_.items()}
    loss, accuracy = display.axes_
    assert panels == dict(zip(METRICS, [loss, accuracy, loss, accuracy], strict=True))
    assert [ax.get_ylabel() for ax in display.axes_] == ["Loss", "Accuracy"]
    assert accuracy.get_xlabel() == "Epoch"


def test_training_is_dots_and_validation_a_line() -> None:
    lines = TrainingHistoryDisplay.from_history(HISTORY).lines_
    for metric in ["loss", "accuracy"]:
        assert (lines[metric].get_marker(), lines[metric].get_linestyle()) == ("o", "None")
        validation = lines[f"val_{metric}"]
        assert (validation.get_marker(), validation.get_linestyle()) == ("None", "-")


def test_best_epoch_has_the_lowest_validation_loss() -> None:
    display = TrainingHistoryDisplay.from_history(HISTORY)
    assert display.best_epoch == 3
    assert [line.get_xdata()[0] for line in display.best_epoch_lines_] == [3, 3]
    assert [line.axes for line in display.best_epoch_lines_] == display.axes_.tolist()
    assert legend_texts(display.axes_[0]) == ["Training", "Validation", "Best epoch (3)"]


def test_best_epoch_ignores_diverged_epochs() -> None:
    history = HISTORY | {"val_loss": [np.nan, 0.4, 0.3, np.nan]}
    assert TrainingHistoryDisplay.from_history(history).best_epoch == 3


def test_fit_with_only_diverged_epochs_has_no_best_epoch() -> None:
    history = HISTORY | {"val_loss": [np.nan] * 4}
    display = TrainingHistoryDisplay.from_history(history)
    assert display.best_epoch is None
    assert display.best_epoch_lines_ == []


def test_without_validation_only_training_is_drawn() -> None:
    display = TrainingHistoryDisplay.from_history(make_history(validation=False))
    assert sorted(display.lines_) == ["accuracy", "loss"]
    assert display.best_epoch is None
    assert display.best_epoch_lines_ == []
    assert legend_texts(display.axes_[0]) == ["Training"]


def test_reference_is_drawn_in_grey_behind_the_history() -> None:
    reference = make_history(7)
    display = TrainingHistoryDisplay.from_history(
        HISTORY, reference=reference, reference_name="Published"
    )
    assert sorted(display.reference_lines_) == sorted(METRICS)
    for metric, line in display.reference_lines_.items():
        np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 8))
        np.testing.assert_array_equal(line.get_ydata(), reference[metric])
        assert len(set(to_rgb(line.get_color()))) == 1
        assert line.get_zorder() < display.lines_[metric].get_zorder()
        assert line.axes is display.lines_[metric].axes
    assert legend_texts(display.axes_[0]) == [
        "Training",
        "Validation",
        "Best epoch (3)",
        "Published, training",
        "Published, validation",
    ]


def test_reference_can_be_told_apart_without_colour() -> None:
    display = TrainingHistoryDisplay.from_history(HISTORY, reference=HISTORY)
    for metric in ["loss", "accuracy"]:
        line, reference = display.lines_[metric], display.reference_lines_[metric]
        assert (line.get_fillstyle(), reference.get_fillstyle()) == ("full", "none")
        line, reference = display.lines_[f"val_{metric}"], display.reference_lines_[f"val_{metric}"]
        assert (line.get_linestyle(), reference.get_linestyle()) == ("-", "--")


def test_reference_may_lack_validation() -> None:
    display = TrainingHistoryDisplay.from_history(HISTORY, reference=make_history(validation=False))
    assert sorted(display.reference_lines_) == ["accuracy", "loss"]


def test_name_is_the_title_of_the_legend() -> None:
    display = TrainingHistoryDisplay.from_history(HISTORY, name="Base network")
    assert display.axes_[0].get_legend().get_title().get_text() == "Base network"


def test_other_metrics_are_ignored() -> None:
    display = TrainingHistoryDisplay.from_history(HISTORY | {"learning_rate": [0.001]})
    assert sorted(display.history) == sorted(METRICS)


def test_display_keeps_its_own_copy_of_the_history() -> None:
    curves = {metric: np.array(curve) for metric, curve in HISTORY.items()}
    display = TrainingHistoryDisplay.from_history(curves)
    curves["loss"][:] = 0
    assert display.history["loss"].tolist() == HISTORY["loss"]


def test_estimator_is_drawn_as_its_history() -> None:
    classifier = HistoryClassifier(HISTORY).fit(X, y)
    display = TrainingHistoryDisplay.from_estimator(
        classifier, reference=make_history(), reference_name="Published"
    )
    assert {metric: curve.tolist() for metric, curve in display.history.items()} == HISTORY
    assert display.best_epoch == 3
    assert display.reference["loss"].tolist() == make_history()["loss"]
    assert display.reference_name == "Published"


def test_best_epoch_of_the_estimator_is_preferred() -> None:
    classifier = HistoryClassifier(HISTORY, best_epoch=2).fit(X, y)
    display = TrainingHistoryDisplay.from_estimator(classifier)
    assert display.best_epoch == 2
    assert [line.get_xdata()[0] for line in display.best_epoch_lines_] == [2, 2]


@pytest.mark.parametrize("depth", [1, 2])
def test_pipeline_is_drawn_as_its_last_step(depth: int) -> None:
    pipeline = HistoryClassifier(HISTORY, best_epoch=4)
    for _ in range(depth):
        pipeline = make_pipeline(StandardScaler(), pipeline)
    display = TrainingHistoryDisplay.from_estimator(pipeline.fit(X, y))
    assert display.history["val_loss"].tolist() == HISTORY["val_loss"]
    assert display.best_epoch == 4
    assert display.name == "HistoryClassifier"


def test_name_can_be_set() -> None:
    classifier = HistoryClassifier(HISTORY).fit(X, y)
    assert TrainingHistoryDisplay.from_estimator(classifier, name="Base").name == "Base"


@pytest.mark.parametrize(
    "estimator", [HistoryClassifier(), make_pipeline(StandardScaler(), HistoryClassifier())]
)
def test_unfitted_estimator_is_refused(estimator: object) -> None:
    with pytest.raises(NotFittedError, match="not fitted yet"):
        TrainingHistoryDisplay.from_estimator(estimator)


@pytest.mark.parametrize(
    "estimator", [LogisticRegression(), make_pipeline(StandardScaler(), LogisticRegression())]
)
def test_estimator_without_a_history_is_refused(estimator: LogisticRegression) -> None:
    with pytest.raises(TypeError, match=r"`history_`.*; LogisticRegression has none"):
        TrainingHistoryDisplay.from_estimator(estimator.fit(X, y))


def test_history_must_be_a_dict() -> None:
    with pytest.raises(TypeError, match=r"history must be a dict of one list.*got list"):
        TrainingHistoryDisplay.from_history([0.5, 0.3])


@pytest.mark.parametrize("metric", ["loss", "accuracy"])
def test_history_without_loss_or_accuracy_is_refused(metric: str) -> None:
    history = {key: curve for key, curve in HISTORY.items() if key != metric}
    with pytest.raises(ValueError, match=f"history has no '{metric}'; it has .*'val_loss'"):
        TrainingHistoryDisplay.from_history(history)


def test_reference_is_checked_like_the_history() -> None:
    with pytest.raises(ValueError, match="reference has no 'accuracy'"):
        TrainingHistoryDisplay.from_history(HISTORY, reference={"loss": [1.0]})
    with pytest.raises(ValueError, match="reference has no 'loss'"):
        TrainingHistoryDisplay.from_estimator(HistoryClassifier(HISTORY).fit(X, y), reference={})


def test_empty_history_is_refused() -> None:
    with pytest.raises(ValueError, match=r"history\['loss'\].*and not empty.*shape \(0,\)"):
        TrainingHistoryDisplay.from_history({"loss": [], "accuracy": []})


def test_history_must_be_one_number_per_epoch() -> None:
    with pytest.raises(ValueError, match=r"history\['loss'\].*one number per epoch.*shape \(1, 2"):
        TrainingHistoryDisplay.from_history({"loss": [[0.5, 0.3]], "accuracy": [0.8]})


def test_metrics_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"must have the same number of epochs, .*'val_loss': 2"):
        TrainingHistoryDisplay.from_history(HISTORY | {"val_loss": [0.4, 0.3]})
