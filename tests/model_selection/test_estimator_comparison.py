import pickle
import sys
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from scipy.stats import binomtest

from skimdb.model_selection import EstimatorComparison

ACCURACY = {
    "plain": [0.80, 0.82, 0.78, 0.81],
    "best": [0.90, 0.88, 0.91, 0.90],
    "middle": [0.85, 0.80, 0.84, 0.86],
}
LOG_LOSS = {
    "plain": [-0.5, -0.4, -0.6, -0.5],
    "best": [-0.6, -0.7, -0.5, -0.6],
    "middle": [-0.4, -0.4, -0.3, -0.4],
}


@pytest.fixture
def comparison():
    rng = np.random.default_rng(0)
    y_true = rng.integers(0, 2, 40)
    error_rate = {"plain": 0.5, "best": 0.0, "middle": 0.2}
    return EstimatorComparison(
        scores={
            name: {"accuracy": np.array(ACCURACY[name]), "neg_log_loss": np.array(LOG_LOSS[name])}
            for name in ACCURACY
        },
        scoring=["accuracy", "neg_log_loss"],
        fit_times={name: np.array([1.0, 2.0, 3.0, 4.0]) for name in ACCURACY},
        score_times={name: np.array([0.1, 0.1, 0.1, 0.3]) for name in ACCURACY},
        n_train=np.array([30, 30, 30, 30]),
        n_test=np.array([10, 10, 10, 10]),
        test_indices=np.arange(40),
        y_true=y_true,
        predictions={
            name: np.where(rng.random(40) < rate, 1 - y_true, y_true)
            for name, rate in error_rate.items()
        },
    )


def first_fold(comparison):
    """Return the comparison on the first fold alone."""

    def cut(times):
        return {name: values[:1] for name, values in times.items()}

    return replace(
        comparison,
        scores={name: cut(scores) for name, scores in comparison.scores.items()},
        fit_times=cut(comparison.fit_times),
        score_times=cut(comparison.score_times),
        n_train=comparison.n_train[:1],
        n_test=comparison.n_test[:1],
    )


def test_frame_has_the_best_estimator_first(comparison):
    frame = comparison.to_frame()

    assert frame.index.name == "estimator"
    assert frame.index.tolist() == ["best", "middle", "plain"]


def test_frame_holds_mean_and_sample_standard_deviation_of_each_metric(comparison):
    frame = comparison.to_frame()

    assert frame.columns.tolist() == [
        "mean_accuracy",
        "std_accuracy",
        "mean_neg_log_loss",
        "std_neg_log_loss",
        "mean_fit_time",
        "mean_score_time",
    ]
    for metric, scores in {"accuracy": ACCURACY, "neg_log_loss": LOG_LOSS}.items():
        for name, values in scores.items():
            mean = sum(values) / 4
            std = sqrt(sum((value - mean) ** 2 for value in values) / 3)
            assert frame.loc[name, f"mean_{metric}"] == pytest.approx(mean)
            assert frame.loc[name, f"std_{metric}"] == pytest.approx(std)
    np.testing.assert_allclose(frame["mean_fit_time"], 2.5)
    np.testing.assert_allclose(frame["mean_score_time"], 0.15)


def test_frame_of_one_fold_has_no_standard_deviation(comparison):
    frame = first_fold(comparison).to_frame()

    assert frame["std_accuracy"].isna().all()
    assert frame.loc["best", "mean_accuracy"] == 0.90


def test_frame_without_pandas_says_what_to_install(comparison, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)

    with pytest.raises(ImportError, match=r"to_frame needs pandas, .*pip install 'pandas'"):
        comparison.to_frame()


def test_an_estimator_with_nan_score_comes_last(comparison):
    comparison.scores["best"]["accuracy"][0] = np.nan

    assert comparison.to_frame().index.tolist() == ["middle", "plain", "best"]


def test_repr_is_an_aligned_table_without_pandas(comparison, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)

    assert repr(comparison).splitlines() == [
        "EstimatorComparison (n_folds=4, mean ± standard deviation)",
        "estimator         accuracy      neg_log_loss  fit time (s)  score time (s)",
        "best       0.8975 ± 0.0126  -0.6000 ± 0.0816    2.5 ± 1.29      0.15 ± 0.1",
        "middle     0.8375 ± 0.0263  -0.3750 ± 0.0500    2.5 ± 1.29      0.15 ± 0.1",
        "plain      0.8025 ± 0.0171  -0.5000 ± 0.0816    2.5 ± 1.29      0.15 ± 0.1",
    ]


def test_repr_of_one_fold_shows_no_standard_deviation(comparison):
    assert repr(first_fold(comparison)).splitlines()[2].split() == [
        "best",
        "0.9000",
        "-0.6000",
        "1",
        "0.1",
    ]


def test_pairs_are_in_the_order_of_the_estimators(comparison):
    pairs = [(pair.first, pair.second) for pair in comparison.pairwise()]

    assert pairs == [("plain", "best"), ("plain", "middle"), ("best", "middle")]


@pytest.mark.parametrize(("metric", "scores"), [("accuracy", ACCURACY), ("neg_log_loss", LOG_LOSS)])
def test_pairwise_is_the_corrected_t_test_of_the_metric(comparison, metric, scores):
    for pair in comparison.pairwise(metric):
        differences = [a - b for a, b in zip(scores[pair.first], scores[pair.second], strict=True)]
        mean = sum(differences) / 4
        variance = sum((d - mean) ** 2 for d in differences) / 3
        assert pair.mean_difference == pytest.approx(mean)
        assert pair.t_statistic == pytest.approx(mean / sqrt((1 / 4 + 10 / 30) * variance))


def test_pairwise_takes_the_main_metric_by_default(comparison):
    assert comparison.pairwise() == comparison.pairwise("accuracy")
    assert comparison.pairwise() != comparison.pairwise("neg_log_loss")


def test_mcnemar_pairs_the_held_out_predictions(comparison):
    for pair in comparison.pairwise():
        right = {
            name: comparison.predictions[name] == comparison.y_true
            for name in (pair.first, pair.second)
        }
        only_first = sum(right[pair.first] & ~right[pair.second])
        only_second = sum(right[pair.second] & ~right[pair.first])
        expected = binomtest(only_first, only_first + only_second).pvalue
        assert pair.mcnemar_pvalue == pytest.approx(expected)


@pytest.mark.parametrize("test", ["t", "mcnemar"])
def test_pvalues_are_adjusted_over_all_pairs(comparison, test):
    pairs = comparison.pairwise()
    raw = sorted(getattr(pair, f"{test}_pvalue") for pair in pairs)
    adjusted = sorted(getattr(pair, f"{test}_pvalue_holm") for pair in pairs)

    stepped = [3 * raw[0], max(3 * raw[0], 2 * raw[1]), max(3 * raw[0], 2 * raw[1], raw[2])]

    assert adjusted == pytest.approx([min(1, p) for p in stepped])
    assert adjusted != pytest.approx(raw)


def test_a_higher_confidence_level_widens_the_interval(comparison):
    narrow = comparison.pairwise(confidence_level=0.5)
    default = comparison.pairwise()
    wide = comparison.pairwise(confidence_level=0.99)

    assert default == comparison.pairwise(confidence_level=0.95)
    for a, b, c in zip(narrow, default, wide, strict=True):
        assert c.ci_low < b.ci_low < a.ci_low < a.mean_difference
        assert a.mean_difference < a.ci_high < b.ci_high < c.ci_high


def test_one_fold_has_mcnemars_test_only(comparison):
    for pair in first_fold(comparison).pairwise():
        assert np.isnan([pair.t_statistic, pair.t_pvalue, pair.ci_low, pair.ci_high]).all()
        assert 0 <= pair.mcnemar_pvalue <= pair.mcnemar_pvalue_holm <= 1
        assert np.isfinite(pair.mean_difference)


def test_pairwise_rejects_an_unknown_metric(comparison):
    message = r"metric must be one of \['accuracy', 'neg_log_loss'\], got 'roc_auc'"
    with pytest.raises(ValueError, match=message):
        comparison.pairwise("roc_auc")


@pytest.mark.parametrize("level", [0, 1, 95, -0.5, float("nan")])
def test_pairwise_rejects_an_impossible_confidence_level(comparison, level):
    with pytest.raises(ValueError, match="confidence_level must be greater than 0 and less"):
        comparison.pairwise(confidence_level=level)


def test_it_is_immutable(comparison):
    with pytest.raises(AttributeError, match="cannot assign to field 'scoring'"):
        comparison.scoring = ["roc_auc"]


def test_it_pickles(comparison):
    copy = pickle.loads(pickle.dumps(comparison))

    assert repr(copy) == repr(comparison)
    assert copy.pairwise() == comparison.pairwise()
