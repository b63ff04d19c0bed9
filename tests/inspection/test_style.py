import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb

from skimdb.inspection._style import (
    COLORS,
    GREY,
    label_epochs,
    metric_label,
    plain_text,
    score_label,
    series_style,
)


def contrast_to_white(color: str) -> float:
    """Contrast ratio of the Web Content Accessibility Guidelines 2.1."""
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05))


def test_series_can_be_told_apart_without_colour() -> None:
    styles = [series_style(number) for number in range(32)]
    assert len({(style["marker"], style["linestyle"]) for style in styles}) == 32


def test_neighbouring_series_differ_in_colour_marker_and_line() -> None:
    for number in range(40):
        one, next_one = series_style(number), series_style(number + 1)
        assert one["color"] != next_one["color"]
        assert one["marker"] != next_one["marker"]
        assert one["linestyle"] != next_one["linestyle"]


@pytest.mark.parametrize("color", [*COLORS, GREY])
def test_colours_contrast_with_white(color: str) -> None:
    assert contrast_to_white(color) > 2


@pytest.mark.parametrize(
    ("score", "label"),
    [
        ("accuracy", "Accuracy"),
        ("roc_auc", "ROC AUC"),
        ("neg_log_loss", "Negative log loss"),
        ("mean_test_score", "Mean test score"),
    ],
)
def test_score_label_uses_words(score: str, label: str) -> None:
    assert score_label(score) == label


@pytest.mark.parametrize(
    ("metric", "label"),
    [
        ("loss", "Training loss"),
        ("val_loss", "Validation loss"),
        ("val_accuracy", "Validation accuracy"),
        ("val_auc", "Validation AUC"),
    ],
)
def test_metric_label_says_training_or_validation(metric: str, label: str) -> None:
    assert metric_label(metric) == label


def drawn(text: str, **kwargs: bool) -> np.ndarray:
    figure = plt.figure(figsize=(2, 0.4))
    figure.text(0, 0.2, text, **kwargs)
    figure.canvas.draw()
    pixels = np.array(figure.canvas.buffer_rgba())
    plt.close(figure)
    return pixels


@pytest.mark.parametrize("text", ["$x^2$", "$\\frac$", "5$", r"\$5 and $6", "a_b"])
def test_plain_text_is_drawn_as_it_is(text: str) -> None:
    np.testing.assert_array_equal(drawn(plain_text(text)), drawn(text, parse_math=False))


def test_plain_text_that_begins_with_an_underscore_is_a_label_of_legends() -> None:
    _, ax = plt.subplots()
    ax.plot([1, 2], label=plain_text("_x"))
    assert [text.get_text() for text in ax.legend().get_texts()] == [" _x"]


def visible_ticks(n_epochs: int) -> list[float]:
    figure, ax = plt.subplots()
    ax.plot(np.arange(1, n_epochs + 1), np.zeros(n_epochs))
    label_epochs(np.array([ax]))
    low, high = ax.get_xlim()
    ticks = [tick for tick in ax.get_xticks() if low <= tick <= high]
    plt.close(figure)
    return ticks


@given(st.integers(1, 300))
def test_epoch_ticks_are_few_integers_from_1_on(n_epochs: int) -> None:
    ticks = visible_ticks(n_epochs)
    assert ticks[0] == 1
    assert len(ticks) <= 12
    assert all(tick == int(tick) for tick in ticks)
    assert len(ticks) == n_epochs or len(ticks) >= 3


@pytest.mark.parametrize(
    ("n_epochs", "ticks"),
    [(1, [1]), (4, [1, 2, 3, 4]), (20, [1, 5, 10, 15, 20]), (35, [1, 5, 10, 15, 20, 25, 30, 35])],
)
def test_epoch_ticks_are_all_epochs_or_round_ones(n_epochs: int, ticks: list[int]) -> None:
    assert visible_ticks(n_epochs) == ticks
