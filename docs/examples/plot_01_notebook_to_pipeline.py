"""
From a notebook to a pipeline
=============================

Many introductions to Keras classify the IMDB reviews in the same way: a loop writes each review
into a row of a dense matrix of 10,000 columns, two layers of 16 units are trained on it for some
epochs, and a plot of the validation loss tells how many epochs are enough. What is this as a
scikit-learn pipeline?

The reviews are generated here. ``fetch_imdb(return_X_y=True)`` loads the real ones.
"""

from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skimdb import DenseSentimentClassifier, MultiHotVectorizer
from skimdb.datasets import make_reviews
from skimdb.inspection import TrainingHistoryDisplay

X, y = make_reviews(10_000, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)

pipeline = make_pipeline(
    MultiHotVectorizer(num_words=10_000),
    DenseSentimentClassifier(units=16, layers=2, epochs=20, early_stopping=True, random_state=0),
)
pipeline.fit(X_train, y_train)

# %%
# The matrix is sparse from end to end, so that nothing of the size of reviews times words is ever
# made. Early stopping looks at the validation loss, as one does in the notebook, and keeps the
# weights of the best epoch, which the display marks.

TrainingHistoryDisplay.from_estimator(pipeline[-1])

# %%
# The test reviews are looked at once, at the end.

print(f"{pipeline[-1].best_epoch_} epochs, test accuracy {pipeline.score(X_test, y_test):.3f}")

# %%
# The Keras model is there when it is needed.

pipeline[-1].model_.summary()
