"""
Three classes, one of them rare: weights or a threshold?
========================================================

A hotel wants to answer its unhappy guests. Negative reviews are one in eight, beside neutral and
positive ones, and a classifier that is right most often will miss many of them. There are two
remedies: class weights, which change what the network learns, and a threshold, which changes only
what is made of its probabilities.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay, classification_report, precision_recall_curve
from sklearn.model_selection import cross_val_predict
from texts import make_texts

from skimdb import make_text_classifier

weights = (0.12, 0.28, 0.6)
X_train, y_train = make_texts(1000, weights=weights, random_state=0)
X_test, y_test = make_texts(1000, weights=weights, random_state=1)

# %%
# Class weights
# -------------
#
# The labels are text, and more than two of them need nothing special.

plain = make_text_classifier(ngram_range=(1, 2), char_ngram_range=None, random_state=0)
balanced = make_text_classifier(
    ngram_range=(1, 2), char_ngram_range=None, class_weight="balanced", random_state=0
)
figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for classifier, title, ax in zip(
    [plain, balanced], ["as they come", "class_weight='balanced'"], axes, strict=True
):
    predicted = classifier.fit(X_train, y_train).predict(X_test)
    ConfusionMatrixDisplay.from_predictions(
        y_test, predicted, normalize="true", values_format=".2f", ax=ax, colorbar=False
    )
    ax.set_title(title)

# %%
# Accuracy is the wrong figure to look at here. The macro average counts all classes alike.

print(classification_report(y_test, balanced.predict(X_test), digits=3))

# %%
# A threshold
# -----------
#
# The probabilities of the unweighted classifier stay honest estimates. Which of them is an alarm is
# decided afterwards, on the training reviews, by cross-validation: here, the highest threshold
# that finds nine in ten negative reviews. On other reviews it finds about as many.

column = list(plain.classes_).index("negative")
held_out = cross_val_predict(plain, X_train, y_train, cv=3, method="predict_proba")[:, column]
precision, recall, thresholds = precision_recall_curve(y_train == "negative", held_out)
threshold = thresholds[np.flatnonzero(recall[:-1] >= 0.9)[-1]]

alarm = plain.predict_proba(X_test)[:, column] >= threshold
is_negative = y_test == "negative"
print(f"threshold {threshold:.3f}: {alarm[is_negative].mean():.0%} of the negative reviews found")
print(f"{is_negative[alarm].mean():.0%} of {alarm.sum()} alarms are right")

# %%
# The whole curve shows what another choice would cost.

figure, ax = plt.subplots(layout="constrained")
ax.plot(thresholds, precision[:-1], label="alarms that are right (precision)")
ax.plot(thresholds, recall[:-1], "--", label="negative reviews found (recall)")
ax.axvline(threshold, color="grey", linestyle=":", label="chosen")
ax.set(xlabel="Threshold of the probability of 'negative'", ylim=(0, 1.02))
ax.legend()
