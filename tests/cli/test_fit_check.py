"""Scores on held-out texts, and what is found in texts, against scikit-learn and plain loops."""

import re

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from skimdb.cli._fit_check import Check, check_on_held_out, training_notes
from skimdb.cli._texts_found import found_notes, found_table, text_key
from tests.cli.common import LABELS, TEXTS

PIPELINE = make_pipeline(CountVectorizer(), LogisticRegression())
# It knows the texts that it was fitted to, and predicts "neg" for others.
BY_HEART = make_pipeline(
    CountVectorizer(analyzer=lambda text: [" ".join(text.casefold().split())]),
    KNeighborsClassifier(1),
)


def keys_of(texts):
    return list(map(text_key, texts))


def rows_of(table):
    return {row[0]: row[1:] for row in table.rows}


def test_all_of_few_texts_are_held_out_in_turn():
    check = check_on_held_out(PIPELINE, TEXTS, keys_of(TEXTS), LABELS, 0)
    scores, recalls = check.tables()
    assert scores.header[0] == "Check on all 1,200 texts, in 5 parts held out in turn"
    assert check.classes[check.y].tolist() == LABELS
    accuracy = accuracy_score(check.y, check.predicted)
    assert 0.9 < accuracy < 1
    error = np.sqrt(accuracy * (1 - accuracy) / 1200)
    rows = rows_of(scores)
    assert rows["Accuracy"] == [f"{accuracy:.4f} ± {error:.4f}"]
    assert rows["Always the most frequent label"] == ["0.5000"]
    f1 = f1_score(check.y, check.predicted, average="macro")
    auc = roc_auc_score(check.y, check.probabilities[:, 1])
    for name, score in (("Macro F1", f1), ("ROC AUC", auc)):
        value, found_error = map(float, rows[name][0].split(" ± "))
        assert value == pytest.approx(score, abs=1e-4)
        assert 0.05 * error < found_error < 2 * error
    for label, row in enumerate(recalls.rows):
        predicted = check.predicted[check.y == label]
        recall = np.mean(predicted == label)
        assert row == [
            ["neg", "pos"][label],
            *(f"{n}" for n in np.bincount(predicted, minlength=2)),
            f"{recall:.4f} ± {np.sqrt(recall * (1 - recall) / 600):.4f}",
        ]


def test_one_tenth_of_many_texts_is_held_out():
    texts = [f"{text} {i}" for i, text in enumerate(TEXTS * 2)]
    check = check_on_held_out(PIPELINE, texts, keys_of(texts), LABELS * 2, 3)
    assert check.where == "240 texts held out"
    assert np.bincount(check.y).tolist() == [120, 120]
    other = check_on_held_out(PIPELINE, texts, keys_of(texts), LABELS * 2, 4)
    assert not np.array_equal(check.probabilities, other.probabilities)


@pytest.mark.parametrize("n_texts", [300, 2400])
def test_texts_that_differ_in_case_and_blanks_stay_together(n_texts):
    texts = [f"text {i // 3}" for i in range(n_texts)]
    texts[1::3] = [text.upper() for text in texts[1::3]]
    texts[2::3] = [f" {text.replace(' ', '  ')}" for text in texts[2::3]]
    labels = ["neg" if i // 3 % 2 else "pos" for i in range(n_texts)]
    check = check_on_held_out(BY_HEART, texts, keys_of(texts), labels, 0)
    # All but one of the distances are the same, so that the first text of all decides.
    assert accuracy_score(check.y, check.predicted) == pytest.approx(0.5, abs=0.1)
    assert check.training_accuracy == 1
    assert len(check.y) == pytest.approx(n_texts if n_texts < 2000 else n_texts / 10, abs=3)


def test_rare_label_is_in_all_parts_to_fit_to():
    texts, labels = [*TEXTS[:60], "so so", "So, so."], [*LABELS[:30], *["pos"] * 30, "so", "so"]
    check = check_on_held_out(PIPELINE, texts, keys_of(texts), labels, 0)
    assert (check.probabilities > 0).all()


def test_labels_that_are_not_held_out_have_no_recall():
    y = np.array([0, 0, 1, 1])
    check = Check("4 texts", np.array(["a", "b", "c"]), y, np.array([0, 1, 1, 2]), np.eye(4, 3))
    scores, recalls = check.tables()
    assert recalls.header == ["Label", "as a", "as b", "as c", "recall"]
    assert recalls.rows[2] == ["c", "0", "0", "0", "-"]
    f1 = rows_of(scores)["Macro F1"][0]
    assert f1.startswith(f"{(2 / 3 + 1 / 2) / 2:.4f} ± ")
    assert "ROC AUC" not in rows_of(scores)


@pytest.mark.parametrize("share", [0, 1])
def test_share_of_0_or_1_in_few_texts_is_not_certain(share):
    check = Check("", np.array(["a", "b"]), np.zeros(8, int), np.full(8, 1 - share), np.eye(8, 2))
    # Of 8 texts and one more that is right and one that is wrong, nine tenths are alike.
    expected = f"{share:.4f} ± {np.sqrt(0.9 * 0.1 / 8):.4f}"
    scores, recalls = check.tables()
    assert rows_of(scores)["Accuracy"] == [expected]
    assert recalls.rows[0][-1] == expected


def test_many_labels_have_no_confusion_table():
    y = np.arange(22) // 2
    check = Check("22 texts", np.arange(11), y, y, np.eye(22, 11))
    _, recalls = check.tables()
    assert recalls.header == ["Label", "recall"]
    assert recalls.rows[0] == ["0", "1.0000 ± 0.3062"]


@pytest.mark.parametrize(
    ("accuracy", "message"),
    [
        (0.97, None),
        (0.4, "the model that is kept gets 40.0% of its training texts right, those of the check"),
        (0.3, "the model gets 30.0% of its training texts right, no more than the share of the "),
    ],
)
def test_trainings_that_differ_are_said(accuracy, message):
    check = check_on_held_out(PIPELINE, TEXTS, keys_of(TEXTS), LABELS, 0)
    assert check.training_accuracy == pytest.approx(
        PIPELINE.fit(TEXTS, LABELS).score(TEXTS, LABELS), abs=0.02
    )
    notes = list(training_notes(accuracy, check, 0.35))
    assert (notes[0].startswith(message)) if message else notes == []


def test_training_accuracy_counts_without_a_check():
    assert list(training_notes(0.6, None, 0.5)) == []
    assert re.match("the model gets 50.0% of", next(training_notes(0.5, None, 0.5)))


# What is found


@pytest.mark.parametrize(
    ("texts", "scripts"),
    [
        (["good", "Žižek, 123 !!"], None),
        (["很好 ok", "不好"], "Chinese 67%, Latin 33%"),
        (["хорошо", "плохо"], "Cyrillic 100%"),
        (["جيد", "سيئ"], "Arabic 100%"),
        (["1", "2"], None),
        (["a" * 1000 + "好", "b"], None),
    ],
)
def test_scripts_are_named_if_not_latin(texts, scripts):
    rows = rows_of(found_table(texts, keys_of(texts), ["a", "b"], "file"))
    assert rows.get("Scripts", [None]) == [scripts]


def test_words_are_counted_where_blanks_are_between_them():
    for texts, length in (
        (["a b", "a b"], "2 words, 3 characters"),
        (["很好", "不好"], "2 characters"),
        (["这部电影很好看,推荐 大家都去看一看吧,真的很不错"], "25 characters"),
    ):
        rows = rows_of(found_table(texts, keys_of(texts), ["a", "b"], "file"))
        assert rows["Median length"] == [length]


def test_twenty_labels_are_shown():
    labels = [str(i % 23) for i in range(80)]
    rows = found_table(TEXTS[:80], keys_of(TEXTS[:80]), labels, "file").rows
    assert rows[1] == ["  labelled 0", "4 (5.0%)"]
    assert [row[0] for row in rows[1:22]][-1] == "  and 3 more labels"


@pytest.mark.parametrize(
    ("counts", "is_balanced", "expected"),
    [
        ((100, 10), False, []),
        (
            (101, 10),
            False,
            ["the most frequent label has more than 10 times the texts of the rare"],
        ),
        ((101, 10), True, []),
        ((20, 9), False, ["fewer than 10 texts are labelled b (9)"]),
    ],
)
def test_rare_labels_and_imbalance_are_said(counts, is_balanced, expected):
    labels = [*["a"] * counts[0], *["b"] * counts[1]]
    notes = found_notes(list(map(str, range(len(labels)))), labels, is_balanced=is_balanced)
    assert [note[:68] for note in notes] == [note[:68] for note in expected]


def test_repeated_and_contradictory_texts_are_said():
    texts = [*map(str, range(20)), "0", "1"]
    labels = ["a", "b"] * 11
    assert list(found_notes(keys_of(texts), labels, is_balanced=False)) == []
    assert list(found_notes(keys_of([*texts, " 2 "]), [*labels, "b"], is_balanced=False)) == [
        "3 of 23 texts repeat another one, and count again each time",
        "texts that occur with several labels: 1",
    ]
