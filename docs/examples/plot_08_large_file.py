"""
A file that does not fit into memory
====================================

Files of any size are read in batches and shuffled in a buffer of limited size. `partial_fit` trains
on each batch. How does memory grow with the number of reviews?
"""

import gzip
import json
import resource
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
from sklearn.pipeline import make_pipeline

from skimdb import DenseSentimentClassifier, MultiHotVectorizer
from skimdb.datasets import iter_batches, make_reviews, predict_files

# %%
# Three compressed files of 10,000 reviews each stand for a large data set. The formats that are
# read are those of :func:`~skimdb.datasets.iter_batches`: .csv, .jsonl, Parquet and others.

folder = tempfile.TemporaryDirectory()
reviews = Path(folder.name, "reviews")
reviews.mkdir()
for part in range(3):
    X, y = make_reviews(10_000, random_state=part)
    with gzip.open(reviews / f"part-{part}.jsonl.gz", "wt", compresslevel=1) as file:
        for words, label in zip(X, y, strict=True):
            file.write(json.dumps({"words": words.tolist(), "label": int(label)}) + "\n")
X_test, y_test = make_reviews(2_000, random_state=100)

# %%
# The vectorizer of 10,000 words needs no fitting, since its columns are the word indices. Learnt
# n-grams would be fitted on one file that is a fair sample.

vectorizer = MultiHotVectorizer(num_words=10_000)
classifier = DenseSentimentClassifier(random_state=0)
features_test = vectorizer.transform(X_test)

n_seen, accuracies, megabytes = [0], [0.5], []


def peak_megabytes():
    """Return the most memory that the process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


start = peak_megabytes()
megabytes.append(0.0)
for X, y in iter_batches(
    reviews, 1_000, columns=["words", "label"], shuffle_buffer=5_000, random_state=0
):
    classifier.partial_fit(vectorizer.transform(X), y, classes=[0, 1])
    n_seen.append(n_seen[-1] + len(y))
    accuracies.append(classifier.score(features_test, y_test))
    megabytes.append(peak_megabytes() - start)

# %%
# Memory is that of the buffer and of one batch. It does not grow any more once they are full.

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
left.plot(n_seen, accuracies)
left.set(ylabel="Accuracy on other reviews", ylim=(0.48, 1))
right.plot(n_seen, megabytes)
right.set(ylabel="Peak memory since the start, MB", ylim=(0, None))
for ax in (left, right):
    ax.set(xlabel="Reviews seen", xticks=range(0, 30_001, 10_000))

# %%
# Predicting
# ----------
#
# `predict_files` goes through the same files, writes a file of labels and probabilities for each,
# and continues where it was interrupted if it is called again.

pipeline = make_pipeline(vectorizer, classifier)
results = predict_files(pipeline, reviews, Path(folder.name, "labels"), column="words")
print(*[path.name for path in results], sep="\n")
folder.cleanup()
