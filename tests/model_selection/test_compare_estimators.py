import re

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import coo_matrix, csr_matrix
from scipy.stats import ttest_rel
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    PredefinedSplit,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.naive_bayes import BernoulliNB, GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skimdb.model_selection import compare_estimators

ESTIMATORS = {
    "dummy": DummyClassifier(),
    "naive Bayes": GaussianNB(),
    "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
    "search": GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2]}, cv=2),
}
NAIVE_BAYES = {"naive Bayes": GaussianNB()}
TWO = {"dummy": DummyClassifier(), "naive Bayes": GaussianNB()}


@pytest.fixture(scope="module")
def data():
    return make_classification(n_samples=120, n_features=8, flip_y=0.2, random_state=0)


def wrong_share(estimator, X, y):
    return -np.mean(estimator.predict(X) != y)


def identity(words):
    return words


class Failing(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        raise OverflowError("the weights are infinite")


class Recording(GaussianNB):
    """Records the calls of its methods, for all clones together."""

    calls: list[str] = []  # noqa: RUF012 - shared on purpose

    def fit(self, X, y):
        self.calls.append("fit")
        return super().fit(X, y)

    def predict(self, X):
        self.calls.append("predict")
        return super().predict(X)


class RefusesSeenGroups(DummyClassifier):
    """Fails if a group, the only feature, is in both training and test samples."""

    def fit(self, X, y):
        self.groups_ = set(X.ravel())
        return super().fit(X, y)

    def predict(self, X):
        assert self.groups_.isdisjoint(X.ravel())
        return super().predict(X)


class NearestMean(ClassifierMixin, BaseEstimator):
    """A quick classifier for simulations: the label with the nearer mean of some columns."""

    def __init__(self, columns):
        self.columns = columns

    def fit(self, X, y):
        self.classes_ = np.array([0, 1])
        self.means_ = np.array([X[y == label][:, self.columns].mean(axis=0) for label in (0, 1)])
        return self

    def predict(self, X):
        distances = np.linalg.norm(X[:, np.newaxis, self.columns] - self.means_, axis=2)
        return distances.argmin(axis=1)


@pytest.mark.parametrize(
    "scoring",
    ["accuracy", "roc_auc", make_scorer(accuracy_score), wrong_share],
    ids=["name", "threshold", "scorer", "function"],
)
def test_scores_are_those_of_cross_val_score(data, scoring):
    X, y = data
    cv = StratifiedKFold(4, shuffle=True, random_state=3)

    comparison = compare_estimators(ESTIMATORS, X, y, cv=cv, scoring=scoring)

    assert list(comparison.scores) == list(ESTIMATORS)
    metric = scoring if isinstance(scoring, str) else "score"
    assert comparison.scoring == [metric]
    for name, estimator in ESTIMATORS.items():
        expected = cross_val_score(estimator, X, y, cv=cv, scoring=scoring)
        np.testing.assert_array_equal(comparison.scores[name][metric], expected)


@pytest.mark.parametrize(
    "scoring",
    [
        ["neg_log_loss", "accuracy", "f1"],
        ("neg_log_loss", "accuracy", "f1"),
        {"loss": "neg_log_loss", "right": make_scorer(accuracy_score), "wrong": wrong_share},
    ],
    ids=["list", "tuple", "dict"],
)
def test_several_metrics_are_those_of_cross_validate(data, scoring):
    X, y = data
    cv = StratifiedKFold(3, shuffle=True, random_state=0)

    comparison = compare_estimators(ESTIMATORS, X, y, cv=cv, scoring=scoring)

    assert comparison.scoring == list(scoring)
    for name, estimator in ESTIMATORS.items():
        expected = cross_validate(estimator, X, y, cv=cv, scoring=scoring)
        assert list(comparison.scores[name]) == list(scoring)
        for metric in scoring:
            np.testing.assert_array_equal(
                comparison.scores[name][metric], expected[f"test_{metric}"]
            )


def test_accuracy_is_the_default_metric(data):
    comparison = compare_estimators(NAIVE_BAYES, *data, random_state=0)
    named = compare_estimators(NAIVE_BAYES, *data, random_state=0, scoring="accuracy")

    assert comparison.scoring == ["accuracy"]
    np.testing.assert_array_equal(
        comparison.scores["naive Bayes"]["accuracy"], named.scores["naive Bayes"]["accuracy"]
    )


@pytest.mark.parametrize("backend", ["loky", "threading"])
@pytest.mark.parametrize("progress", [None, lambda n_finished, n_fits: None])
def test_parallel_fits_give_the_serial_results(data, backend, progress):
    X, y = data
    scoring = ["accuracy", "roc_auc"]
    one = compare_estimators(ESTIMATORS, X, y, cv=3, scoring=scoring, n_jobs=1, random_state=0)

    with joblib.parallel_config(backend=backend):
        two = compare_estimators(
            ESTIMATORS, X, y, cv=3, scoring=scoring, n_jobs=2, random_state=0, progress=progress
        )

    for name in ESTIMATORS:
        for metric in scoring:
            np.testing.assert_array_equal(one.scores[name][metric], two.scores[name][metric])
        np.testing.assert_array_equal(one.predictions[name], two.predictions[name])


@pytest.mark.parametrize(("cv", "n_splits"), [(None, 5), (3, 3), (np.int64(4), 4)])
def test_integer_cv_is_stratified_and_shuffled(data, cv, n_splits):
    X, y = data
    order = np.argsort(y, kind="stable")
    X, y = X[order], y[order]
    folds = StratifiedKFold(n_splits, shuffle=True, random_state=7)

    comparison = compare_estimators(NAIVE_BAYES, X, y, cv=cv, random_state=7)

    np.testing.assert_array_equal(
        comparison.scores["naive Bayes"]["accuracy"], cross_val_score(GaussianNB(), X, y, cv=folds)
    )


def test_random_splitter_is_called_once(data):
    cv = ShuffleSplit(10, test_size=0.3)

    comparison = compare_estimators({"a": GaussianNB(), "b": GaussianNB()}, *data, cv=cv)

    np.testing.assert_array_equal(
        comparison.scores["a"]["accuracy"], comparison.scores["b"]["accuracy"]
    )


def test_an_iterable_of_splits_is_used_as_it_is(data):
    X, y = data
    splits = list(KFold(3).split(X))
    masks = [(np.isin(range(120), train), np.isin(range(120), test)) for train, test in splits]
    expected = cross_val_score(GaussianNB(), X, y, cv=splits)

    for cv in (splits, iter(splits), masks, [(list(train), list(test)) for train, test in splits]):
        comparison = compare_estimators(NAIVE_BAYES, X, y, cv=cv)

        np.testing.assert_array_equal(comparison.scores["naive Bayes"]["accuracy"], expected)
        np.testing.assert_array_equal(comparison.n_train, [80, 80, 80])
        np.testing.assert_array_equal(comparison.n_test, [40, 40, 40])


@pytest.mark.parametrize("cv", [GroupKFold(3), StratifiedGroupKFold(3)])
def test_groups_reach_the_splitter(data, cv):
    X, y = data
    groups = np.arange(120) // 7

    comparison = compare_estimators(NAIVE_BAYES, X, y, cv=cv, groups=groups)

    expected = cross_val_score(GaussianNB(), X, y, cv=cv, groups=groups)
    np.testing.assert_array_equal(comparison.scores["naive Bayes"]["accuracy"], expected)


@pytest.mark.parametrize("cv", [None, 3])
def test_integer_cv_keeps_groups_together(cv):
    groups = np.random.default_rng(0).integers(0, 30, 120)
    X = groups[:, np.newaxis]
    y = np.arange(120) % 2
    estimators = {"refuses": RefusesSeenGroups()}

    compare_estimators(estimators, X, y, cv=cv, groups=groups, random_state=0)

    with pytest.raises(AssertionError):
        compare_estimators(estimators, X, y, cv=cv, random_state=0)


def test_predictions_are_those_of_cross_val_predict(data):
    X, y = data
    cv = StratifiedKFold(4, shuffle=True, random_state=0)

    comparison = compare_estimators(ESTIMATORS, X, y, cv=cv)

    np.testing.assert_array_equal(comparison.test_indices, range(120))
    np.testing.assert_array_equal(comparison.y_true, y)
    for name, estimator in ESTIMATORS.items():
        expected = cross_val_predict(estimator, X, y, cv=cv)
        np.testing.assert_array_equal(comparison.predictions[name], expected)


def test_repeated_folds_keep_the_first_prediction_of_each_sample(data):
    X, y = data
    repeated = RepeatedStratifiedKFold(n_splits=3, n_repeats=4, random_state=0)
    first_repeat = list(repeated.split(X, y))[:3]

    comparison = compare_estimators(NAIVE_BAYES, X, y, cv=repeated)

    expected = cross_val_predict(GaussianNB(), X, y, cv=first_repeat)
    np.testing.assert_array_equal(comparison.predictions["naive Bayes"], expected)
    assert len(comparison.scores["naive Bayes"]["accuracy"]) == 12


def test_untested_samples_have_no_prediction(data):
    X, y = data
    fold = np.repeat([0, -1, 1], 40)

    comparison = compare_estimators(NAIVE_BAYES, X, y, cv=PredefinedSplit(fold))

    tested = np.r_[0:40, 80:120]
    expected = np.r_[
        GaussianNB().fit(X[40:], y[40:]).predict(X[:40]),
        GaussianNB().fit(X[:80], y[:80]).predict(X[80:]),
    ]
    np.testing.assert_array_equal(comparison.test_indices, tested)
    np.testing.assert_array_equal(comparison.y_true, y[tested])
    np.testing.assert_array_equal(comparison.predictions["naive Bayes"], expected)


def test_labels_may_be_strings(data):
    X, y = data
    names = np.array(["bad", "wonderful"], dtype=object)[y]

    named = compare_estimators(TWO, X, names, random_state=0)
    numbered = compare_estimators(TWO, X, y, random_state=0)

    assert named.pairwise() == numbered.pairwise()
    assert set(named.predictions["naive Bayes"]) == {"bad", "wonderful"}


@pytest.mark.parametrize("make", [list, pd.Series, pl.Series])
def test_y_may_be_any_sequence(data, make):
    X, y = data
    expected = compare_estimators(TWO, X, y, random_state=0)

    assert compare_estimators(TWO, X, make(y), random_state=0).pairwise() == expected.pairwise()


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, csr_matrix, coo_matrix])
def test_X_may_be_a_frame_or_sparse(data, make):
    X, y = data
    estimators = {"dummy": DummyClassifier(), "Bernoulli": BernoulliNB()}
    if make is pl.DataFrame:
        frame = pl.DataFrame(X, schema=[f"x{i}" for i in range(8)], orient="row")
    else:
        frame = make(X)
    expected = compare_estimators(estimators, X, y, random_state=0)

    assert compare_estimators(estimators, frame, y, random_state=0).pairwise() == (
        expected.pairwise()
    )


def test_X_may_be_reviews_of_different_lengths():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    reviews = [list(rng.integers(0, 30, rng.integers(1, 20)) + 5 * label) for label in y]
    as_array = np.empty(60, dtype=object)
    as_array[:] = [np.array(review) for review in reviews]
    estimators = {
        "words": make_pipeline(CountVectorizer(analyzer=identity), BernoulliNB()),
        "dummy": make_pipeline(CountVectorizer(analyzer=identity), DummyClassifier()),
    }
    bags = np.array([[word in review for word in range(35)] for review in reviews])
    expected = cross_val_score(
        BernoulliNB(), bags, y, cv=StratifiedKFold(5, shuffle=True, random_state=0)
    )

    for X in (reviews, as_array, pd.Series(reviews), pl.Series(reviews)):
        comparison = compare_estimators(estimators, X, y, random_state=0)

        np.testing.assert_array_equal(comparison.scores["words"]["accuracy"], expected)


def test_times_are_kept_for_each_fold(data):
    comparison = compare_estimators(TWO, *data, cv=3)

    for times in (comparison.fit_times, comparison.score_times):
        assert list(times) == ["dummy", "naive Bayes"]
        for values in times.values():
            assert values.shape == (3,)
            assert (values > 0).all()


def test_it_predicts_once_for_all_metrics_and_the_held_out_labels(data):
    Recording.calls.clear()

    compare_estimators({"recording": Recording()}, *data, cv=3, scoring=["accuracy", "f1"])

    assert Recording.calls == ["fit", "predict"] * 3


def test_the_estimators_stay_unfitted(data):
    estimator = GaussianNB()

    compare_estimators({"naive Bayes": estimator}, *data)

    assert not hasattr(estimator, "classes_")


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_progress_counts_the_finished_fits(data, n_jobs):
    seen = []

    compare_estimators(
        TWO, *data, cv=3, n_jobs=n_jobs, progress=lambda n_finished, n: seen.append((n_finished, n))
    )

    assert seen == [(n_finished, 6) for n_finished in range(1, 7)]


def test_progress_may_interrupt(data):
    def interrupt(n_finished, n_fits):
        raise KeyboardInterrupt

    Recording.calls.clear()
    with pytest.raises(KeyboardInterrupt):
        compare_estimators({"recording": Recording()}, *data, progress=interrupt)

    assert Recording.calls == ["fit", "predict"]


def test_identical_estimators_do_not_differ(data):
    tree = DecisionTreeClassifier(random_state=0)

    (pair,) = compare_estimators({"a": tree, "b": tree}, *data, random_state=0).pairwise()

    assert pair == ("a", "b", 0, 0, 0, 0, 1, 1, 1, 1)


def test_a_single_estimator_has_no_pairs(data):
    assert compare_estimators(NAIVE_BAYES, *data).pairwise() == []


def test_correction_uses_the_sizes_of_the_folds(data):
    X, y = data
    cv = ShuffleSplit(6, train_size=60, test_size=30, random_state=0)

    comparison = compare_estimators(TWO, X, y, cv=cv)

    a, b = (cross_val_score(estimator, X, y, cv=cv) for estimator in TWO.values())
    (pair,) = comparison.pairwise()
    factor = np.sqrt((1 / 6) / (1 / 6 + 30 / 60))
    assert pair.t_statistic == pytest.approx(ttest_rel(a, b).statistic * factor)


def test_equally_good_estimators_rarely_differ():
    rng = np.random.default_rng(0)
    n_trials = 100
    y = np.arange(60) % 2
    estimators = {"left": NearestMean([0, 1]), "right": NearestMean([2, 3])}
    cv = list(ShuffleSplit(8, test_size=0.25, random_state=0).split(y))
    n_corrected = n_plain = 0
    for _ in range(n_trials):
        X = rng.normal(size=(60, 4)) + 0.7 * y[:, np.newaxis]
        comparison = compare_estimators(estimators, X, y, cv=cv, scoring=wrong_share)
        (pair,) = comparison.pairwise()
        left, right = (comparison.scores[name]["score"] for name in estimators)
        n_corrected += pair.t_pvalue < 0.05
        n_plain += ttest_rel(left, right).pvalue < 0.05

    two_standard_errors = 2 * np.sqrt(n_trials * 0.05 * 0.95)
    assert n_corrected <= n_trials * 0.05 + two_standard_errors
    # Without the correction, the test would fail.
    assert n_plain > n_trials * 0.05 + 3 * two_standard_errors


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_failing_fit_names_the_estimator_and_the_fold(data, n_jobs):
    estimators = {"naive Bayes": GaussianNB(), "broken": Failing()}

    with pytest.raises(OverflowError, match="the weights are infinite") as caught:
        compare_estimators(estimators, *data, n_jobs=n_jobs)

    # joblib adds its own notes, and any fold of several may fail first.
    notes = "\n".join(caught.value.__notes__)
    assert re.search(r"^raised by estimators\['broken'\] on fold \d$", notes, re.MULTILINE)


def test_a_failing_scorer_names_the_estimator(data):
    class Undecided(DummyClassifier):
        predict_proba = property()

    with pytest.raises(AttributeError) as caught:
        compare_estimators({"undecided": Undecided()}, *data, scoring="roc_auc")

    assert caught.value.__notes__ == ["raised by estimators['undecided'] on fold 0"]


@pytest.mark.parametrize("estimators", [[("nb", GaussianNB())], GaussianNB(), None])
def test_estimators_must_be_a_dict(data, estimators):
    kind = type(estimators).__name__
    with pytest.raises(TypeError, match=f"estimators must be a dict of name to .*, got {kind}"):
        compare_estimators(estimators, *data)


def test_estimators_must_not_be_empty(data):
    with pytest.raises(ValueError, match="estimators must contain at least one classifier, got a"):
        compare_estimators({}, *data)


def test_names_must_be_strings(data):
    with pytest.raises(TypeError, match="names of estimators must be strings, got 1"):
        compare_estimators({1: GaussianNB()}, *data)


@pytest.mark.parametrize("estimator", [LinearRegression(), StandardScaler(), "nb", None])
def test_estimators_must_be_classifiers(data, estimator):
    with pytest.raises(
        TypeError, match=r"estimators\['x'\] must be a scikit-learn classifier, got"
    ):
        compare_estimators({"x": estimator}, *data)


def test_estimators_must_be_instances(data):
    message = r"estimators\['x'\] must be an instance, got the class GaussianNB"
    with pytest.raises(TypeError, match=message):
        compare_estimators({"x": GaussianNB}, *data)


def test_X_must_be_as_long_as_y(data):
    X, y = data
    with pytest.raises(
        ValueError, match="X and y must have the same number of samples, got 120 and 119"
    ):
        compare_estimators(NAIVE_BAYES, X, y[:-1])


def test_groups_must_be_as_long_as_y(data):
    with pytest.raises(ValueError, match=r"groups and y must have the same number .* 3 and 120"):
        compare_estimators(NAIVE_BAYES, *data, groups=[1, 2, 3])


def test_y_must_be_one_column(data):
    X, y = data
    with pytest.raises(ValueError, match="y should be a 1d array"):
        compare_estimators(NAIVE_BAYES, X, np.c_[y, y])


def test_y_must_contain_classes(data):
    X, y = data
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        compare_estimators(NAIVE_BAYES, X, y + 0.5, cv=KFold())


def test_an_unknown_metric_gets_scikit_learns_message(data):
    with pytest.raises(ValueError, match=r"scoring.*'acuracy'"):
        compare_estimators(NAIVE_BAYES, *data, scoring=["roc_auc", "acuracy"])


def test_a_metric_function_gets_scikit_learns_message(data):
    with pytest.raises(ValueError, match="looks like it is a metric function rather than a scorer"):
        compare_estimators(NAIVE_BAYES, *data, scoring=accuracy_score)


@pytest.mark.parametrize("scoring", [{"accuracy", "f1"}, 3])
def test_scoring_must_be_ordered(data, scoring):
    with pytest.raises(TypeError, match="scoring must be a str, callable, list, tuple, dict or No"):
        compare_estimators(NAIVE_BAYES, *data, scoring=scoring)


@pytest.mark.parametrize("scoring", [[], {}, ()])
def test_scoring_must_not_be_empty(data, scoring):
    with pytest.raises(ValueError, match="scoring must contain at least one metric, got"):
        compare_estimators(NAIVE_BAYES, *data, scoring=scoring)


@pytest.mark.parametrize("scoring", [[wrong_share], {1: "accuracy"}])
def test_names_of_metrics_must_be_strings(data, scoring):
    with pytest.raises(TypeError, match="names of metrics in scoring must be strings, got"):
        compare_estimators(NAIVE_BAYES, *data, scoring=scoring)


def test_metrics_must_be_unique(data):
    with pytest.raises(ValueError, match=r"metrics in scoring must be unique, got \['f1', 'f1'\]"):
        compare_estimators(NAIVE_BAYES, *data, scoring=["f1", "f1"])


def test_a_scorer_must_return_a_number(data):
    with pytest.raises(TypeError, match="scoring must return numbers, got 'good' for 'score'"):
        compare_estimators(NAIVE_BAYES, *data, scoring=lambda estimator, X, y: "good")


def test_cv_must_not_be_empty(data):
    with pytest.raises(ValueError, match=r"cv must yield at least one \(train, test\) split, got"):
        compare_estimators(NAIVE_BAYES, *data, cv=[])


def test_cv_must_be_a_splitter(data):
    with pytest.raises(ValueError, match=r"Expected `?cv`? as an integer, .*Got stratified"):
        compare_estimators(NAIVE_BAYES, *data, cv="stratified")


def test_integer_cv_must_be_at_least_2(data):
    with pytest.raises(ValueError, match="n_splits=2 or more, got n_splits=1"):
        compare_estimators(NAIVE_BAYES, *data, cv=1)


def test_progress_must_be_callable(data):
    with pytest.raises(TypeError, match="progress must be callable or None, got True"):
        compare_estimators(NAIVE_BAYES, *data, progress=True)
