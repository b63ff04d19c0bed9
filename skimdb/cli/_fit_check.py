"""How well a pipeline predicts texts that it was not fitted to."""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.utils import resample

from skimdb.datasets._prediction_task import predict_all
from skimdb.utils._tables import Table

# Below so many texts all are held out in turn, otherwise only one part.
FEW_TEXTS = 2000
_N_FOLDS, _N_PARTS = 5, 10
# Accuracy on the training texts is that on so many of them.
_MAX_TRAINING_TEXTS = 2000
_N_RESAMPLES = 200
_MAX_CONFUSION = 10
# A larger difference between accuracies on training texts shows that the trainings differ.
_GAP = 0.05


@dataclass(frozen=True)
class Check:
    """Predictions of texts that were held out.

    Attributes
    ----------
    where : str
        What was held out.
    classes : ndarray of shape (n_classes,)
    y : ndarray of int of shape (n_texts,)
        The positions of the true labels in `classes`.
    predicted : ndarray of int of shape (n_texts,)
    probabilities : ndarray of shape (n_texts, n_classes)
    training_accuracy : float or None
        Accuracy on texts that the models were fitted to, if they were fitted for the check.
    """

    where: str
    classes: NDArray[Any]
    y: NDArray[np.intp]
    predicted: NDArray[np.intp]
    probabilities: NDArray[np.float32]
    training_accuracy: float | None = None

    def tables(self) -> Iterator[Table]:
        """Yield the scores, and how often each label was predicted for each."""
        present = np.unique(self.y)
        n_texts = len(self.y)
        accuracy = accuracy_score(self.y, self.predicted)
        f1_parameters = {"labels": present, "average": "macro", "zero_division": 0}
        f1 = self._with_error(lambda i: f1_score(self.y[i], self.predicted[i], **f1_parameters))
        rows = [
            ["Accuracy", _proportion(accuracy, n_texts)],
            ["Always the most frequent label", f"{np.bincount(self.y).max() / n_texts:.4f}"],
            ["Macro F1", f1],
        ]
        if len(self.classes) == len(present) == 2:
            second = self.probabilities[:, 1]
            rows.append(
                ["ROC AUC", self._with_error(lambda i: roc_auc_score(self.y[i], second[i]))]
            )
        yield Table([f"Check on {self.where}", "± standard error"], rows)
        counts = np.bincount(self.y, minlength=len(self.classes))
        recalls = recall_score(
            self.y, self.predicted, labels=range(len(counts)), average=None, zero_division=0
        )
        columns = [
            ["-" if count == 0 else _proportion(recall, count)]
            for recall, count in zip(recalls, counts, strict=True)
        ]
        header = ["Label", "recall"]
        if len(counts) <= _MAX_CONFUSION:
            header[1:] = [*(f"as {label}" for label in self.classes), "recall"]
            matrix = confusion_matrix(self.y, self.predicted, labels=range(len(counts)))
            columns = [
                [*(f"{count:,}" for count in row), *recall]
                for row, recall in zip(matrix, columns, strict=True)
            ]
        yield Table(
            header,
            [[str(label), *row] for label, row in zip(self.classes, columns, strict=True)],
        )

    def _with_error(self, score: Callable[[Any], float]) -> str:
        """Return a score of all texts, and its standard error by the bootstrap."""
        rows = np.arange(len(self.y))
        random_state = np.random.RandomState(0)
        scores = [
            score(resample(rows, stratify=self.y, random_state=random_state))
            for _ in range(_N_RESAMPLES)
        ]
        return f"{score(rows):.4f} ± {np.std(scores):.4f}"


def check_on_held_out(
    pipeline: Pipeline, texts: Sequence[str], keys: Sequence[str], labels: Sequence[str], seed: int
) -> Check:
    """Fit copies of a pipeline to parts of the texts, and predict the others.

    Texts with the same key stay together.
    """
    classes, y = np.unique(labels, return_inverse=True)
    splits = list(_splits(keys, y, seed))
    probabilities = np.zeros((len(y), len(classes)), dtype=np.float32)
    predicted = np.zeros(len(y), dtype=np.intp)
    accuracies = []
    for train, test in splits:
        model = clone(pipeline).fit([texts[i] for i in train], classes[y[train]])
        found, found_probabilities = predict_all(model, [texts[i] for i in test])
        columns = np.searchsorted(classes, model.classes_)
        predicted[test] = columns[found]
        probabilities[np.ix_(test, columns)] = found_probabilities
        accuracies.append(
            training_accuracy(
                model,
                [texts[i] for i in train],
                classes[y[train]],
                n_texts=_MAX_TRAINING_TEXTS // len(splits),
            )
        )
    tested = np.sort(np.concatenate([test for _, test in splits]))
    where = f"{len(tested):,} texts held out"
    if len(splits) > 1:
        where = f"all {len(tested):,} texts, in {len(splits)} parts held out in turn"
    return Check(
        where,
        classes,
        y[tested],
        predicted[tested],
        probabilities[tested],
        float(np.mean(accuracies)),
    )


def check_on_file(model: Pipeline, texts: Sequence[str], labels: Sequence[str], name: str) -> Check:
    """Predict the texts of another file."""
    classes = model.classes_
    predicted, probabilities = predict_all(model, texts)
    y = np.searchsorted(classes, labels)
    return Check(f"{len(texts):,} texts of {name}", classes, y, predicted, probabilities)


def training_accuracy(
    model: Pipeline,
    texts: Sequence[str],
    labels: NDArray[Any],
    n_texts: int = _MAX_TRAINING_TEXTS,
) -> float:
    """Return the accuracy of a fitted pipeline on its own training texts, at most `n_texts`."""
    rows = np.random.default_rng(0).permutation(len(texts))[:n_texts]
    predicted, _ = predict_all(model, [texts[i] for i in rows])
    return float(accuracy_score(labels[rows], model.classes_[predicted]))


def training_notes(accuracy: float, check: Check | None, share: float) -> Iterator[str]:
    """Yield warnings about the model that is kept, given its accuracy on its training texts.

    `share` is that of the most frequent label.
    """
    if accuracy <= share:
        yield (
            f"the model gets {accuracy:.1%} of its training texts right, no more than the share of "
            "the most frequent label: it has learned nothing; --epochs may help"
        )
    if check is not None and check.training_accuracy is not None:
        difference = abs(accuracy - check.training_accuracy)
        if difference > _GAP:
            yield (
                f"the model that is kept gets {accuracy:.1%} of its training texts right, those of "
                f"the check {check.training_accuracy:.1%} of theirs: they were not trained to the "
                "same degree, so the check may not hold for the model; try another --seed, or "
                "--epochs"
            )


def _splits(
    keys: Sequence[str], y: NDArray[np.intp], seed: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield the rows to fit to and those to predict."""
    _, first, groups = np.unique(
        np.array(keys, dtype=object), return_index=True, return_inverse=True
    )
    n_splits = _N_FOLDS if len(keys) < FEW_TEXTS else _N_PARTS
    n_splits = max(2, min(n_splits, int(np.bincount(y[first]).max())))
    folds = StratifiedKFold(n_splits, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # The user has been told of labels with few texts.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        splits = list(folds.split(first, y[first]))
    for _, held_out in splits if len(keys) < FEW_TEXTS else splits[:1]:
        is_test = np.isin(groups, held_out)
        yield np.flatnonzero(~is_test), np.flatnonzero(is_test)


def _proportion(share: float, n: int) -> str:
    """Return a share of `n` texts with its standard error.

    Shares of 0 and 1 have that of Laplace's estimate: a few texts without an error do not show
    that there never is one.
    """
    estimate = share if 0 < share < 1 else (share * n + 1) / (n + 2)
    return f"{share:.4f} ± {math.sqrt(estimate * (1 - estimate) / n):.4f}"
