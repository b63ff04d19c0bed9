"""The notebooks' conclusions on validation data, as contrasts between configurations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np

from benchmarks.claims.statistics import (
    ACCURACY_MARGIN,
    EPOCH_MARGIN,
    LOSS_MARGIN,
    RATIO_MARGIN,
    TEST_TRAIN_RATIO,
    Claim,
    FloatArray,
    Greater,
    Part,
    Within,
    resampled_estimate,
)
from benchmarks.claims.studies import EPOCHS_OF_512_UNITS
from benchmarks.notebooks.experiments import History
from skimdb.inspection import HistoryComparisonDisplay
from skimdb.inspection._style import metric_label
from skimdb.utils._report import Plot

N_SPREAD_EPOCHS = 10
LEAST_SPREAD = 1e-5

Histories = Mapping[str, Sequence[History]]


@dataclass(frozen=True)
class Measure:
    """A figure of one fit.

    Those of the unit "ratio" are logarithms, so that differences are ratios.
    """

    unit: str
    form: str
    of: Callable[[History], float]


def _spread(history: History) -> float:
    deviation = float(np.std(history["val_accuracy"][-N_SPREAD_EPOCHS:], ddof=1))
    # A network that learns nothing stays where it is.
    return log(max(deviation, LEAST_SPREAD))


LOSS = Measure("loss", ".3f", lambda history: min(history["val_loss"]))
LOSS_AT_4 = Measure("loss", ".3f", lambda history: history["val_loss"][3])
CROSS_ENTROPY = Measure("loss", ".3f", lambda history: min(history["val_cross_entropy"]))
ACCURACY = Measure("points", ".1f", lambda history: 100 * max(history["val_accuracy"]))
ONSET = Measure("epochs", ".1f", lambda history: float(np.argmin(history["val_loss"]) + 1))
SPREAD = Measure("ratio", ".4f", _spread)

Quantity = tuple[Measure, str]
Mean = Callable[[Measure, str], str]


@dataclass(frozen=True)
class Contrast:
    """The first quantity minus the second, or the first alone."""

    statement: str
    first: Quantity
    second: Quantity | None
    rule: Greater | Within

    def part(self, histories: Histories) -> Part:
        """Estimate and judge it."""
        values = _per_seed(histories, *self.first)
        if self.second:
            values = values - _per_seed(histories, *self.second)
        estimate = resampled_estimate(values, TEST_TRAIN_RATIO)
        unit = self.first[0].unit
        if unit == "ratio":
            estimate = estimate.map(exp)
        return Part(self.statement, unit, estimate, self.rule)


@dataclass(frozen=True)
class NotebookClaim:
    """A conclusion of the notebooks, and how its data are put in words."""

    statement: str
    contrasts: Sequence[Contrast]
    says: Callable[[Mean], str]
    drawn: Mapping[str, str]
    metric: str = "val_loss"

    @property
    def configurations(self) -> set[str]:
        """The names of those it needs."""
        quantities = [pair for c in self.contrasts for pair in (c.first, c.second) if pair]
        return {configuration for _, configuration in quantities}

    def judge(self, number: int, histories: Histories) -> Claim:
        """Estimate and judge all parts."""

        def mean(measure: Measure, configuration: str) -> str:
            value = float(_per_seed(histories, measure, configuration).mean())
            return format(exp(value) if measure.unit == "ratio" else value, measure.form)

        parts = [contrast.part(histories) for contrast in self.contrasts]
        plot = Plot(
            HistoryComparisonDisplay.from_histories(
                {label: histories[name] for label, name in self.drawn.items()}, metric=self.metric
            ).figure_,
            f"claim{number}-{self.metric.replace('_', '-')}",
            f"{metric_label(self.metric)} by epoch",
        )
        return Claim(number, self.statement, self.says(mean), parts, [plot])


def _per_seed(histories: Histories, measure: Measure, configuration: str) -> FloatArray:
    return np.array([measure.of(history) for history in histories[configuration]])


_MORE_LOSS = Greater(0, LOSS_MARGIN)
_MORE_ACCURACY = Greater(0, ACCURACY_MARGIN)
_LATER = Greater(0, EPOCH_MARGIN)
_ONE_LAYER = {4: "B2 units=4", 16: "B2 units=16", 512: "B2 units=512"}
_LAYERS = {1: "B2 units=16", 2: "B3 layers=2", 3: "B3 layers=3", 4: "B3 layers=4"}
_BASE, _DROPOUT, _L1, _L2, _L1_L2 = "B3 layers=2", "B6 dropout=0.5", "B5 l1=0.001", "A3", "A2"
_BATCHES = {256: "A7", 512: "A5", 1024: "A8"}
_RATE, _DOUBLE_RATE = "A5", "A6"


def _better(name: str, good: str, other_name: str, other: str) -> list[Contrast]:
    return [
        Contrast(f"{name}: lower loss than {other_name}", (LOSS, other), (LOSS, good), _MORE_LOSS),
        Contrast(
            f"{name}: higher accuracy than {other_name}",
            (ACCURACY, good),
            (ACCURACY, other),
            _MORE_ACCURACY,
        ),
    ]


def _list(mean: Mean, measure: Measure, configurations: Mapping[int, str], noun: str) -> str:
    *figures, last = (
        f"{mean(measure, configuration)} with {value}"
        for value, configuration in configurations.items()
    )
    return f"{', '.join(figures)} and {last} {noun}"


NOTEBOOK_CLAIMS = {
    1: NotebookClaim(
        "16 units beat 4 and 512; 512 overfits soonest",
        [
            *_better("16 units", _ONE_LAYER[16], "4", _ONE_LAYER[4]),
            *_better("16 units", _ONE_LAYER[16], "512", _ONE_LAYER[512]),
            *(
                Contrast(
                    f"512 units overfit sooner than {units}",
                    (ONSET, _ONE_LAYER[units]),
                    (ONSET, _ONE_LAYER[512]),
                    _LATER,
                )
                for units in (4, 16)
            ),
        ],
        lambda mean: (
            f"Least validation loss {_list(mean, LOSS, _ONE_LAYER, 'units')}, greatest validation "
            f"accuracy in % {_list(mean, ACCURACY, _ONE_LAYER, 'units')}; the loss is least at "
            f"epoch {_list(mean, ONSET, _ONE_LAYER, 'units')} on average. (One hidden layer; 512 "
            f"units are trained for {EPOCHS_OF_512_UNITS} epochs, the others for 20.)"
        ),
        {f"{units} units": name for units, name in _ONE_LAYER.items()},
    ),
    2: NotebookClaim(
        "Two hidden layers are best",
        [
            contrast
            for layers in (1, 3, 4)
            for contrast in _better("2 layers", _LAYERS[2], str(layers), _LAYERS[layers])
        ],
        lambda mean: (
            f"Least validation loss {_list(mean, LOSS, _LAYERS, 'layers')}, greatest validation "
            f"accuracy in % {_list(mean, ACCURACY, _LAYERS, 'layers')}."
        ),
        {f"{layers} hidden": name for layers, name in _LAYERS.items()},
    ),
    3: NotebookClaim(
        "Overfitting starts at epoch 4 to 5; with dropout at about 6",
        [
            Contrast("Without dropout at 4 to 5", (ONSET, _BASE), None, Within(3.5, 5.5)),
            Contrast("With dropout at about 6", (ONSET, _DROPOUT), None, Within(5.0, 7.0)),
            Contrast("Later with dropout", (ONSET, _DROPOUT), (ONSET, _BASE), _LATER),
        ],
        lambda mean: (
            f"The validation loss is least at epoch {mean(ONSET, _BASE)} on average without "
            f"dropout, and at {mean(ONSET, _DROPOUT)} with a rate of 0.5."
        ),
        {"No dropout": _BASE, "Dropout 0.5": _DROPOUT},
    ),
    4: NotebookClaim(
        "L1 and L2 together overfit later than L2 alone",
        [Contrast("Later with L1 and L2", (ONSET, _L1_L2), (ONSET, _L2), _LATER)],
        lambda mean: (
            f"The validation loss is least at epoch {mean(ONSET, _L1_L2)} on average with L1 and "
            f"L2, and at {mean(ONSET, _L2)} with L2 alone, of 20 epochs; but that least loss is "
            f"{mean(LOSS, _L1_L2)} against {mean(LOSS, _L2)}, and the cross-entropy in it "
            f"{mean(CROSS_ENTROPY, _L1_L2)} against {mean(CROSS_ENTROPY, _L2)}."
        ),
        {"L1 and L2": _L1_L2, "L2": _L2},
    ),
    5: NotebookClaim(
        "L1's loss is too high; L2 helps less than stopping at 4 epochs",
        [
            Contrast(f"{name}: {what}", (measure, configuration), (LOSS_AT_4, _BASE), _MORE_LOSS)
            for name, configuration in (("L1", _L1), ("L2", _L2))
            for measure, what in (
                (LOSS, "least loss above that of no regularisation at 4 epochs"),
                (CROSS_ENTROPY, "the same without the penalty in the loss"),
            )
        ],
        lambda mean: (
            f"At 4 epochs without regularisation the validation loss is {mean(LOSS_AT_4, _BASE)}. "
            f"The least in 20 epochs is {mean(LOSS, _L1)} with L1 and {mean(LOSS, _L2)} with L2; "
            "but Keras counts the penalty in. The least cross-entropy alone is "
            f"{mean(CROSS_ENTROPY, _L1)} and {mean(CROSS_ENTROPY, _L2)}, the greatest accuracy "
            f"{mean(ACCURACY, _L1)} and {mean(ACCURACY, _L2)} % "
            f"({mean(ACCURACY, _BASE)} % without)."
        ),
        {"None": _BASE, "L1": _L1, "L2": _L2},
        metric="val_cross_entropy",
    ),
    6: NotebookClaim(
        "The batch size makes a marginal difference",
        [
            Contrast(
                f"{size} as 512, {what}",
                (measure, _BATCHES[size]),
                (measure, _BATCHES[512]),
                Within(-margin, margin),
            )
            for size in (256, 1024)
            for measure, what, margin in (
                (ACCURACY, "accuracy", ACCURACY_MARGIN),
                (LOSS, "loss", LOSS_MARGIN),
            )
        ],
        lambda mean: (
            "Greatest validation accuracy in % "
            f"{_list(mean, ACCURACY, _BATCHES, 'reviews a batch')}, least validation loss "
            f"{_list(mean, LOSS, _BATCHES, 'reviews a batch')}, in 20 epochs of the small "
            "regularised network, in which smaller batches take more steps."
        ),
        {f"{size} a batch": name for size, name in _BATCHES.items()},
    ),
    7: NotebookClaim(
        "A doubled learning rate spreads the results",
        [
            Contrast(
                "Greater spread with the doubled rate",
                (SPREAD, _DOUBLE_RATE),
                (SPREAD, _RATE),
                Greater(1, RATIO_MARGIN),
            )
        ],
        lambda mean: (
            f"The standard deviation of the validation accuracy over the last {N_SPREAD_EPOCHS} "
            f"epochs is {mean(SPREAD, _DOUBLE_RATE)} (geometric mean over the seeds) with a rate "
            f"of 0.002, and {mean(SPREAD, _RATE)} with 0.001."
        ),
        {"Rate 0.001": _RATE, "Rate 0.002": _DOUBLE_RATE},
        metric="val_accuracy",
    ),
}
