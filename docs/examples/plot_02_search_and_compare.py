"""
Is the network better than logistic regression?
===============================================

A single accuracy on a single split cannot tell: the difference between two good classifiers is
often smaller than the difference between two splits. Here the hyper-parameters are searched
first, then both classifiers are cross-validated on the same folds of *other* reviews, so that the
search does not favour the network.
"""

from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skimdb import DenseSentimentClassifier, MultiHotVectorizer
from skimdb.datasets import make_reviews
from skimdb.feature_extraction import LogCountRatioScaler
from skimdb.inspection import (
    ComparisonDisplay,
    HistoryComparisonDisplay,
    HyperparameterDisplay,
)
from skimdb.model_selection import compare_estimators

X, y = make_reviews(4000, num_words=5000, random_state=0)
X_search, y_search = X[:1500], y[:1500]
X_compare, y_compare = X[1500:], y[1500:]

# %%
# Search
# ------
#
# Names of parameters are those of the step, two underscores, and those of the estimator.

network = make_pipeline(
    MultiHotVectorizer(num_words=5000),
    LogCountRatioScaler(),
    DenseSentimentClassifier(layers=1, optimizer="adam", random_state=0),
)
search = GridSearchCV(
    network,
    {
        "densesentimentclassifier__epochs": [1, 3, 6],
        "densesentimentclassifier__units": [4, 16, 64],
    },
    cv=3,
)
search.fit(X_search, y_search)
HyperparameterDisplay.from_cv_results(search, "densesentimentclassifier__epochs")
print(search.best_params_)

# %%
# The search of logistic regression has one parameter.

logistic = make_pipeline(MultiHotVectorizer(num_words=5000), LogisticRegression(max_iter=1000))
logistic_search = GridSearchCV(logistic, {"logisticregression__C": [0.003, 0.03, 0.3]}, cv=3)
logistic_search.fit(X_search, y_search)
print(logistic_search.best_params_)

# %%
# Compare
# -------
#
# Both are fitted on the same five folds.

comparison = compare_estimators(
    {
        "dense network": search.best_estimator_,
        "logistic regression": logistic_search.best_estimator_,
    },
    X_compare,
    y_compare,
    cv=5,
    random_state=0,
)
ComparisonDisplay.from_comparison(comparison)

# %%
# The tests are paired. The interval of the mean difference takes into account that the training
# parts of the folds overlap. Where it contains 0, as with the few reviews and the single words
# here, it cannot be told which classifier is better. On n-grams of more reviews, it can
# (:doc:`/benchmarks/index`).

for difference in comparison.pairwise():
    print(
        f"{difference.first} - {difference.second}: {difference.mean_difference:+.4f} "
        f"({difference.ci_low:+.4f} to {difference.ci_high:+.4f}), p = {difference.t_pvalue:.3f}"
    )

# %%
# What more epochs would do
# -------------------------
#
# Larger networks overfit sooner. `fit` evaluates validation data that it is given after each epoch.

histories = {}
features = search.best_estimator_[:-1]
X_train, X_val = features.transform(X_search), features.transform(X_compare)
for units in [4, 16, 64]:
    classifier = DenseSentimentClassifier(units, 1, optimizer="adam", epochs=15, random_state=0)
    classifier.fit(X_train, y_search, X_val=X_val, y_val=y_compare)
    histories[f"{units} units"] = classifier.history_
HistoryComparisonDisplay.from_histories(histories, metric="val_loss")
