"""
What does the network look at?
==============================

A network of n-grams can be asked directly: what would the prediction be if this word were not in
the text? The difference in log-odds is the word's contribution.
"""

import matplotlib.pyplot as plt
from texts import make_texts

from skimdb import make_text_classifier
from skimdb.inspection import (
    ReviewTextDisplay,
    WordContributionDisplay,
    explain_reviews,
    top_words,
)

X_train, y_train = make_texts(1500, subject="films", random_state=0)
X_test, y_test = make_texts(300, subject="films", random_state=1)
classifier = make_text_classifier(char_ngram_range=None, random_state=0).fit(X_train, y_train)
print(f"accuracy {classifier.score(X_test, y_test):.3f}")

# %%
# One review
# ----------
#
# In a notebook, an explanation is shown as the text with its words shaded: blue with a solid line
# for the second class, "positive", orange with a dotted line for the first.

review = "The plot was not bad, the cast is wonderful, but the ending seemed tedious."
explain_reviews(classifier, [review])[0]

# %%
# "bad" alone speaks for a negative review. The pair "not bad" is a feature too and takes that
# back.

WordContributionDisplay.from_estimator(classifier, review, n=10)

# %%
# Mistakes
# --------
#
# The mistakes of which the classifier is most certain are worth reading. Wrong labels, negations
# and words of few training texts are typical.

probability = classifier.predict_proba(X_test).max(axis=1)
is_wrong = classifier.predict(X_test) != y_test
worst = sorted(is_wrong.nonzero()[0], key=lambda i: -probability[i])[:3]

figure, axes = plt.subplots(len(worst), figsize=(8, 4.5), layout="constrained")
for i, ax in zip(worst, axes, strict=True):
    ReviewTextDisplay.from_estimator(classifier, X_test[i], ax=ax)

# %%
# All reviews
# -----------
#
# Words are ranked by how much their contributions vary over the reviews, so that neither rare words
# nor words without effect come first.

figure, ax = plt.subplots(figsize=(8, 5), layout="constrained")
WordContributionDisplay.from_top_words(top_words(classifier, X_test, n=20), ax=ax)
