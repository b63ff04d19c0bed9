from fractions import Fraction
from math import inf, sqrt

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import integrate, special
from scipy.stats import binomtest, ttest_rel

from skimdb.model_selection._paired_tests import (
    corrected_resampled_t_test,
    holm_adjust,
    mcnemar_test,
)

differences_lists = st.lists(
    st.integers(-1000, 1000).map(lambda i: i / 1000), min_size=2, max_size=30
)
pvalue_lists = st.lists(st.integers(0, 256).map(lambda i: i / 256), max_size=12)


def student_density(t, df):
    scale = special.gamma((df + 1) / 2) / (sqrt(df * np.pi) * special.gamma(df / 2))
    return scale * (1 + t**2 / df) ** (-(df + 1) / 2)


@given(differences_lists, st.floats(0, 2))
def test_t_statistic_is_nadeau_and_bengios(differences, test_train_ratio):
    k = len(differences)
    mean = sum(differences) / k
    variance = sum((d - mean) ** 2 for d in differences) / (k - 1)
    assume(variance > 1e-9)
    expected = mean / sqrt((1 / k + test_train_ratio) * variance)

    result = corrected_resampled_t_test(differences, test_train_ratio)

    assert result.statistic == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_t_pvalue_is_both_tails_with_one_degree_of_freedom_less_than_folds():
    result = corrected_resampled_t_test([0.01, -0.02, 0.03, 0.04, 0.02], 1 / 4)

    between, _ = integrate.quad(student_density, -result.statistic, result.statistic, args=(4,))
    assert result.pvalue == pytest.approx(1 - between, rel=1e-6)


@pytest.mark.parametrize("confidence_level", [0.5, 0.95, 0.99])
def test_without_correction_it_is_the_paired_t_test(confidence_level):
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 8))
    expected = ttest_rel(first, second)
    interval = expected.confidence_interval(confidence_level)

    result = corrected_resampled_t_test(first - second, 0.0, confidence_level=confidence_level)

    np.testing.assert_allclose(
        result, [expected.statistic, expected.pvalue, interval.low, interval.high]
    )


def test_the_correction_widens_the_interval_by_its_factor():
    differences = [0.01, -0.02, 0.03, 0.04, 0.02]
    plain = corrected_resampled_t_test(differences, 0.0)
    corrected = corrected_resampled_t_test(differences, 1 / 4)

    ratio = (corrected.ci_high - corrected.ci_low) / (plain.ci_high - plain.ci_low)

    assert ratio == pytest.approx(sqrt((1 / 5 + 1 / 4) / (1 / 5)))


@given(differences_lists, st.floats(0, 2), st.floats(0.01, 0.99))
def test_the_interval_excludes_zero_where_the_test_rejects(differences, ratio, level):
    result = corrected_resampled_t_test(differences, ratio, confidence_level=level)
    assume(abs(result.pvalue - (1 - level)) > 1e-6)

    assert (result.ci_low > 0 or result.ci_high < 0) == (result.pvalue < 1 - level)


def test_no_difference_at_all_is_no_evidence():
    assert corrected_resampled_t_test(np.zeros(5), 0.25) == (0.0, 1.0, 0.0, 0.0)


@pytest.mark.parametrize("difference", [0.1, -0.1])
@pytest.mark.parametrize("n_folds", [2, 3, 5, 7])
def test_the_same_difference_on_all_folds_is_infinite_evidence(difference, n_folds):
    result = corrected_resampled_t_test(np.full(n_folds, difference), 0.25)

    assert result.statistic == np.sign(difference) * inf
    assert result.pvalue == 0
    assert result.ci_low == result.ci_high == pytest.approx(difference)


def test_a_single_fold_has_no_t_test():
    assert np.isnan(corrected_resampled_t_test([0.1], 0.25)).all()


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 5), st.integers(0, 5))
def test_mcnemar_is_the_binomial_test_on_discordant_counts(only_first, only_second, both, none):
    assume(only_first + only_second > 0)
    first_right = np.repeat([1, 0, 1, 0], [only_first, only_second, both, none])
    second_right = np.repeat([0, 1, 1, 0], [only_first, only_second, both, none])
    expected = binomtest(only_first, only_first + only_second, 0.5).pvalue

    pvalue = mcnemar_test(np.ones_like(first_right), first_right, second_right)

    assert pvalue == pytest.approx(expected, rel=1e-9)


def test_mcnemar_without_discordant_samples_is_one():
    y_true = np.array([0, 1, 1])
    y_pred = np.array([0, 1, 0])

    assert mcnemar_test(y_true, y_pred, y_pred) == 1


def test_mcnemar_ignores_samples_that_both_get_wrong_with_different_labels():
    y_true = np.array(["a", "a", "a"], dtype=object)

    assert mcnemar_test(y_true, np.array(["b"] * 3), np.array(["c"] * 3)) == 1


def test_mcnemar_rejects_equal_error_rates_at_most_as_often_as_its_level():
    rng = np.random.default_rng(0)
    n_trials = 1000
    y_true = np.ones(100, dtype=int)
    pvalues = np.array(
        [mcnemar_test(y_true, *rng.binomial(1, 0.8, size=(2, 100))) for _ in range(n_trials)]
    )

    for level in (0.01, 0.05, 0.2, 0.5):
        two_standard_errors = 2 * sqrt(level * (1 - level) / n_trials)
        assert (pvalues < level).mean() <= level + two_standard_errors


@given(pvalue_lists)
def test_holm_is_the_literal_step_down_loop(pvalues):
    expected = [0.0] * len(pvalues)
    largest = 0.0
    for step, i in enumerate(sorted(range(len(pvalues)), key=pvalues.__getitem__)):
        largest = max(largest, (len(pvalues) - step) * pvalues[i])
        expected[i] = min(1.0, largest)

    assert holm_adjust(pvalues).tolist() == expected


@given(pvalue_lists, st.integers(1, 255).map(lambda i: i / 256))
def test_holm_rejects_what_the_sequential_procedure_rejects(pvalues, alpha):
    rejected = []
    for step, p in enumerate(sorted(pvalues)):
        if Fraction(p) > Fraction(alpha) / (len(pvalues) - step):
            break
        rejected.append(p)

    assert sorted(np.array(pvalues)[holm_adjust(pvalues) <= alpha]) == rejected


@given(arrays(np.float64, st.integers(1, 20), elements=st.floats(0, 1)))
def test_holm_keeps_the_order_and_never_lowers_a_pvalue(pvalues):
    adjusted = holm_adjust(pvalues)

    assert (np.diff(adjusted[np.argsort(pvalues)]) >= 0).all()
    assert (adjusted >= pvalues).all()
    assert (adjusted <= 1).all()


def test_holm_leaves_a_single_pvalue_alone():
    assert holm_adjust([0.04]) == [0.04]


@given(pvalue_lists, st.data())
def test_holm_leaves_undefined_pvalues_out(pvalues, data):
    undefined = data.draw(st.lists(st.integers(0, len(pvalues)), max_size=3))
    adjusted = holm_adjust(np.insert(pvalues, undefined, np.nan))

    assert np.count_nonzero(np.isnan(adjusted)) == len(undefined)
    assert adjusted[~np.isnan(adjusted)].tolist() == holm_adjust(pvalues).tolist()
