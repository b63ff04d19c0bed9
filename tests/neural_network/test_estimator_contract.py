"""Scikit-learn's own checks of an estimator."""

from sklearn.utils.estimator_checks import check_param_validation, parametrize_with_checks

from skimdb import DenseSentimentClassifier

# As by default but for the training: scikit-learn's data sets are small.
CLASSIFIER = DenseSentimentClassifier(epochs=50, learning_rate=0.02, random_state=0)

# Both are about scikeras' BaseWrapper, and go with it. An unexpected success fails the test.
EXPECTED_FAILED_CHECKS = {
    "check_estimator_tags_renamed": "scikeras defines _more_tags without __sklearn_tags__",
    "check_mixin_order": "scikeras' KerasClassifier has BaseEstimator before ClassifierMixin",
}


@parametrize_with_checks(
    [CLASSIFIER], expected_failed_checks=lambda estimator: EXPECTED_FAILED_CHECKS
)
def test_check_estimator(estimator, check):
    check(estimator)


def test_param_validation():
    check_param_validation("DenseSentimentClassifier", CLASSIFIER)
