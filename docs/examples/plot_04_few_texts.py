"""
Are 200 texts enough?
=====================

Labels are expensive, and most projects begin with a few hundred of them. A learning curve tells
how much is gained by labelling more. `make_text_classifier` needs no setting for small data:
the number of gradient steps does not shrink with the number of texts, and the number of epochs is
chosen by validation.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from texts import make_texts

from skimdb import make_text_classifier

X_test, y_test = make_texts(1000, random_state=100)
classifiers = {
    "make_text_classifier()": make_text_classifier(random_state=0),
    "tf-idf and logistic regression": make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=10)
    ),
}

# %%
# Small samples differ, so that each size is drawn twice.

sizes = [50, 100, 200, 400]
figure, ax = plt.subplots(layout="constrained")
for name, classifier in classifiers.items():
    accuracies = np.array(
        [
            [
                classifier.fit(*make_texts(size, random_state=draw)).score(X_test, y_test)
                for draw in range(2)
            ]
            for size in sizes
        ]
    )
    ax.plot(sizes, accuracies.mean(axis=1), "o-", label=name)
    ax.fill_between(sizes, accuracies.min(axis=1), accuracies.max(axis=1), alpha=0.2)
    print(name, accuracies.mean(axis=1).round(3))
ax.set(xscale="log", xticks=sizes, xticklabels=sizes)
ax.minorticks_off()
ax.set(xlabel="Labelled texts", ylabel="Accuracy on 1,000 other texts")
ax.legend()

# %%
# With so few texts, any single accuracy is uncertain as well. On a test part of 40 texts its
# standard error is 5 to 7 points; cross-validation on all texts is the better use of them.
