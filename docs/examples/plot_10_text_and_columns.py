"""
Text beside other columns
=========================

Reviews rarely come alone: a table has the country of the guest, the number of nights and more. Do
such columns add anything to the text? The network takes any matrix, sparse or dense, so that
scikit-learn's `ColumnTransformer` can put all columns side by side.
"""

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from texts import make_texts

from skimdb import DenseSentimentClassifier, make_text_classifier
from skimdb.feature_extraction import LogCountRatioScaler
from skimdb.inspection import ComparisonDisplay
from skimdb.model_selection import compare_estimators

# %%
# A table, in which guests of one kind of trip are happier than others.

texts, labels = make_texts(1000, random_state=0)
rng = np.random.default_rng(0)
is_positive = labels == "positive"
table = pd.DataFrame(
    {
        "review": texts,
        "trip": np.where(rng.random(1000) < np.where(is_positive, 0.8, 0.2), "leisure", "business"),
        "nights": rng.poisson(np.where(is_positive, 5, 2)) + 1,
    }
)
table.head()

# %%
# The features of the recommended pipeline are its first step. Its network scales them by their
# log-count ratios, which is done here before the other columns come in.

ngrams = make_text_classifier(ngram_range=(1, 2), char_ngram_range=None)[:-1]
text_features = make_pipeline(ngrams, LogCountRatioScaler())
other_features = [(OneHotEncoder(), ["trip"]), (StandardScaler(), ["nights"])]


def classifier():
    """Return the network of both pipelines."""
    return DenseSentimentClassifier(layers=1, optimizer="adam", random_state=0)


both = make_pipeline(
    make_column_transformer((text_features, "review"), *other_features), classifier()
)
both

# %%
# Three classifiers on the same folds: the review alone, the other columns alone, and both.

comparison = compare_estimators(
    {
        "review": make_pipeline(make_column_transformer((text_features, "review")), classifier()),
        "other columns": make_pipeline(make_column_transformer(*other_features), classifier()),
        "both": both,
    },
    table,
    labels,
    random_state=0,
)
ComparisonDisplay.from_comparison(comparison)
