"""The contract that every public estimator keeps.

Scikit-learn's own checks run where they can. They skip estimators whose input is not a 2-D array,
so the vectorizers have a list of checks here.
"""

import copy
import importlib
import inspect
import pickle
import pkgutil
import re

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import estimator_checks, estimator_html_repr
from sklearn.utils.estimator_checks import check_param_validation, parametrize_with_checks

import skimdb
from skimdb import DenseSentimentClassifier, MultiHotVectorizer
from skimdb.feature_extraction import CharacterEncoder, LogCountRatioScaler, WordIndexEncoder
from skimdb.neural_network import DenseSentimentPredictor

SEQUENCES = [[1, 14, 20, 14], [1, 5], [1, 14, 20, 5, 22], [], [1, 20, 14, 20]]
TEXTS = ["A good film, good fun!", "bad", "a GOOD film", "", "film\tfilm good"]
WORD_INDEX = {"good": 1, "film": 2, "a": 3, "bad": 4}

ARRAY_ESTIMATORS = [
    DenseSentimentClassifier(),
    DenseSentimentClassifier(feature_scaling="log_count_ratio"),
    LogCountRatioScaler(),
]
VECTORIZERS = {
    "MultiHotVectorizer": (MultiHotVectorizer(50), SEQUENCES),
    "MultiHotVectorizer, dense": (MultiHotVectorizer(50, sparse_output=False), SEQUENCES),
    "MultiHotVectorizer, learned width": (MultiHotVectorizer(None), SEQUENCES),
    "MultiHotVectorizer, n-grams": (MultiHotVectorizer(ngram_range=(1, 2), min_df=2), SEQUENCES),
    "CharacterEncoder": (CharacterEncoder(), TEXTS),
    "WordIndexEncoder": (WordIndexEncoder(), TEXTS),
    "WordIndexEncoder, given words": (WordIndexEncoder(word_index=WORD_INDEX), TEXTS),
}

# An unexpected success of one of these fails the test.
EXPECTED_FAILED_CHECKS = {
    "DenseSentimentClassifier": {
        "check_estimator_tags_renamed": "scikeras defines _more_tags without __sklearn_tags__",
        "check_mixin_order": "scikeras' KerasClassifier has BaseEstimator before ClassifierMixin",
    },
}
EXPECTED_WITH_FEATURE_SCALING = {
    "check_fit_score_takes_y": "partial_fit does not scale features",
    "check_n_features_in_after_fitting": "partial_fit does not scale features",
    "check_estimators_partial_fit_n_features": "partial_fit does not scale features",
    "check_class_weight_classifiers": "gives negative features whatever the tags are",
    "check_decision_proba_consistency": "gives negative features whatever the tags are",
}


def expected_failed_checks(estimator):
    checks = EXPECTED_FAILED_CHECKS.get(type(estimator).__name__, {})
    is_scaled = getattr(estimator, "feature_scaling", None) is not None
    return checks | EXPECTED_WITH_FEATURE_SCALING if is_scaled else checks


def public_estimators():
    """Find all estimators among the public names."""
    modules = [skimdb]
    for info in pkgutil.iter_modules(skimdb.__path__, "skimdb."):
        if not info.name.endswith("__main__"):
            modules.append(importlib.import_module(info.name))
    public = {getattr(module, name) for module in modules for name in getattr(module, "__all__", [])
              if not name.startswith("_")}  # fmt: skip
    found = {each for each in public if inspect.isclass(each) and issubclass(each, BaseEstimator)}
    return sorted(found, key=lambda each: each.__name__)


def test_every_public_estimator_is_checked():
    checked = {type(estimator) for estimator in ARRAY_ESTIMATORS}
    checked |= {type(estimator) for estimator, _ in VECTORIZERS.values()}
    # A predictor cannot be fitted; its own tests compare it with the classifier.
    assert checked == set(public_estimators()) - {DenseSentimentPredictor}


@parametrize_with_checks(
    ARRAY_ESTIMATORS,
    expected_failed_checks=expected_failed_checks,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", ARRAY_ESTIMATORS, ids=lambda each: type(each).__name__)
def test_parameters_are_validated(estimator):
    check_param_validation(type(estimator).__name__, estimator)


@pytest.mark.parametrize(
    "estimator_class",
    [each for each in public_estimators() if each is not DenseSentimentPredictor],
    ids=lambda each: each.__name__,
)
class TestDocumentation:
    @staticmethod
    def names_in(section, estimator_class):
        """Return the names that a section of the docstring describes, in order."""
        docstring = inspect.cleandoc(estimator_class.__doc__)
        found = re.search(rf"^{section}\n-+\n(.*?)(?=^\S[^\n]*\n---|\Z)", docstring, re.M | re.S)
        lines = re.findall(r"^(\w[\w, ]*) : ", found[1] if found else "", re.M)
        return [name for line in lines for name in line.split(", ")]

    def test_parameters_are_documented_in_order(self, estimator_class):
        parameters = list(inspect.signature(estimator_class).parameters)
        assert self.names_in("Parameters", estimator_class) == parameters

    def test_only_the_first_parameters_are_positional(self, estimator_class):
        kinds = [p.kind for p in inspect.signature(estimator_class).parameters.values()]
        assert set(kinds[2:]) <= {inspect.Parameter.KEYWORD_ONLY}

    def test_sections(self, estimator_class):
        docstring = inspect.cleandoc(estimator_class.__doc__)
        for section in ["See Also", "References", "Examples"]:
            assert re.search(rf"^{section}\n-+$", docstring, re.M)

    def test_fitted_attributes_are_documented(self, estimator_class):
        examples = {type(each): (each, np.eye(4), [0, 1, 0, 1]) for each in ARRAY_ESTIMATORS}
        examples |= {type(each): (each, X, None) for each, X in VECTORIZERS.values()}
        estimator, X, y = examples[estimator_class]
        fitted = clone(estimator).fit(X, y)
        attributes = {name for name in vars(fitted) if re.fullmatch(r"[a-z]\w*_", name)}
        assert attributes <= set(self.names_in("Attributes", estimator_class))


def assert_same_output(output, expected):
    if sp.issparse(expected):
        assert output.dtype == expected.dtype
        output, expected = output.toarray(), expected.toarray()
    assert len(output) == len(expected)
    for row, expected_row in zip(output, expected, strict=True):
        np.testing.assert_array_equal(row, expected_row)


def state_of(estimator):
    """Return what is equal only for estimators with the same parameters and attributes."""
    return {name: joblib.hash(value) for name, value in vars(estimator).items()}


def check_fit_returns_self_and_keeps_parameters(vectorizer, X):
    parameters = vectorizer.get_params()
    assert vectorizer.fit(X, y=[0] * len(X)) is vectorizer
    assert vectorizer.get_params() == parameters


def check_input_is_not_changed(vectorizer, X):
    before = copy.deepcopy(X)
    vectorizer.fit(X).transform(X)
    assert before == X


def check_fit_transform_is_fit_and_transform(vectorizer, X):
    expected = clone(vectorizer).fit(X).transform(X)
    assert_same_output(vectorizer.fit_transform(X), expected)


def check_refit_forgets(vectorizer, X):
    expected = clone(vectorizer).fit(X).transform(X)
    assert_same_output(vectorizer.fit(X[2:]).fit(X).transform(X), expected)


def check_transform_changes_no_state(vectorizer, X):
    before = state_of(vectorizer.fit(X))
    first = vectorizer.transform(X)
    vectorizer.get_feature_names_out()
    assert_same_output(vectorizer.transform(X), first)
    assert state_of(vectorizer) == before


def check_rows_are_independent(vectorizer, X):
    output = vectorizer.fit(X).transform(X)
    for i, x in enumerate(X):
        assert_same_output(vectorizer.transform([x]), output[i : i + 1])
    assert_same_output(vectorizer.transform(X[::-1]), output[::-1])


def check_no_samples(vectorizer, X):
    assert vectorizer.fit(X).transform([]).shape[0] == 0


def check_clone_keeps_parameters_and_drops_state(vectorizer, X):
    copied = clone(vectorizer.fit(X))
    assert copied.get_params() == vectorizer.get_params()
    assert not [name for name in vars(copied) if name.endswith("_")]


def check_copies(vectorizer, X):
    expected = vectorizer.fit(X).transform(X)
    for copied in (pickle.loads(pickle.dumps(vectorizer)), copy.deepcopy(vectorizer)):
        assert_same_output(copied.transform(X), expected)
        assert_same_output(copied.fit(X).transform(X), expected)


def check_not_fitted(vectorizer, X):
    if vectorizer.__sklearn_tags__().requires_fit:
        with pytest.raises(NotFittedError):
            vectorizer.transform(X)
        with pytest.raises(NotFittedError):
            vectorizer.get_feature_names_out()
    else:
        expected = clone(vectorizer).fit(X).transform(X)
        assert_same_output(vectorizer.transform(X), expected)


def check_failed_fit_changes_nothing(vectorizer, X):
    before = state_of(vectorizer.fit(X))
    with pytest.raises((TypeError, ValueError)):
        vectorizer.fit([*X, object()])
    assert state_of(vectorizer) == before


def check_feature_names(vectorizer, X):
    names = vectorizer.fit(X).get_feature_names_out()
    assert names.dtype.kind == ("U" if isinstance(vectorizer, CharacterEncoder) else "O")
    assert len(set(names)) == len(names)
    if isinstance(vectorizer, MultiHotVectorizer):
        assert len(names) == vectorizer.transform(X).shape[1]


def check_single_text_is_refused(vectorizer, X):
    with pytest.raises(TypeError, match="X must be a sequence of"):
        vectorizer.fit("a good film")


def check_tags(vectorizer, X):
    tags = vectorizer.__sklearn_tags__()
    assert not tags.input_tags.two_d_array
    assert tags.input_tags.string == (not isinstance(vectorizer, MultiHotVectorizer))
    assert tags.transformer_tags.preserves_dtype == []
    assert not tags.target_tags.required


def check_no_number_of_features_in(vectorizer, X):
    assert not hasattr(vectorizer.fit(X), "n_features_in_")


def check_representations(vectorizer, X):
    name = type(vectorizer).__name__
    assert repr(vectorizer).startswith(f"{name}(")
    assert name in estimator_html_repr(vectorizer.fit(X))


VECTORIZER_CHECKS = [
    check_fit_returns_self_and_keeps_parameters,
    check_input_is_not_changed,
    check_fit_transform_is_fit_and_transform,
    check_refit_forgets,
    check_transform_changes_no_state,
    check_rows_are_independent,
    check_no_samples,
    check_clone_keeps_parameters_and_drops_state,
    check_copies,
    check_not_fitted,
    check_failed_fit_changes_nothing,
    check_feature_names,
    check_single_text_is_refused,
    check_tags,
    check_no_number_of_features_in,
    check_representations,
]


@pytest.mark.parametrize("check", VECTORIZER_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", VECTORIZERS)
def test_vectorizer(name, check):
    vectorizer, X = VECTORIZERS[name]
    check(clone(vectorizer), X)


@pytest.mark.parametrize(
    "check",
    [
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_estimator_tags_renamed",
        "check_get_params_invariance",
        "check_mixin_order",
        "check_no_attributes_set_in_init",
        "check_param_validation",
        "check_parameters_default_constructible",
        "check_set_params",
        "check_valid_tag_types",
    ],
)
@pytest.mark.parametrize(
    "vectorizer_class", [MultiHotVectorizer, CharacterEncoder, WordIndexEncoder]
)
def test_scikit_learn_checks_that_need_no_data(vectorizer_class, check):
    getattr(estimator_checks, check)(vectorizer_class.__name__, vectorizer_class())
