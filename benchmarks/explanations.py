"""Three test reviews, one of them misclassified, with the words that decided.

Run with ``python -m benchmarks.explanations``, with the texts of the IMDB reviews
(``imdb_train.parquet`` and ``imdb_test.parquet``) where `skimdb.datasets.fetch_imdb` finds its
data.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

from benchmarks._data import load_texts
from benchmarks._results import RESULTS
from skimdb import DenseSentimentClassifier, MultiHotVectorizer
from skimdb.feature_extraction import WordIndexEncoder
from skimdb.inspection import ReviewTextDisplay, explain_reviews
from skimdb.utils._files import atomic_file

LABELS = np.array(["negative", "positive"])
# Short enough for the figure.
N_WORDS = range(50, 75)


def main(argv: Sequence[str] | None = None) -> None:
    """Fit, choose the reviews, and draw them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explanations", description=__doc__)
    parser.add_argument("--output", type=Path, default=RESULTS)
    args = parser.parse_args(argv)
    texts, y = load_texts("train")
    test_texts, y_test = load_texts("test")
    pipeline = make_pipeline(
        WordIndexEncoder(), MultiHotVectorizer(), DenseSentimentClassifier(random_state=0)
    )
    pipeline.fit(texts, LABELS[y])
    predicted = pipeline.predict(test_texts)
    is_short = np.array([len(text.split()) in N_WORDS for text in test_texts])
    is_right = predicted == LABELS[y_test]
    chosen = [
        np.flatnonzero(is_short & is_wanted)[0]
        for is_wanted in (
            is_right & (predicted == "positive"),
            is_right & (predicted == "negative"),
            ~is_right,
        )
    ]
    shown = [test_texts[i].replace("<br />", " ") for i in chosen]
    mpl.use("Agg")
    figure, axes = plt.subplots(3, 1, figsize=(8, 5.6), layout="constrained")
    for ax, explanation, i in zip(axes, explain_reviews(pipeline, shown), chosen, strict=True):
        title = f"{explanation.title}; it is {LABELS[y_test[i]]}"
        ReviewTextDisplay.from_explanation(explanation, title=title, ax=ax)
    args.output.mkdir(parents=True, exist_ok=True)
    path = args.output / "explanations.png"
    with atomic_file(path) as file:
        figure.savefig(file, format="png", dpi=figure.dpi)  # as it was laid out
    print(path)


if __name__ == "__main__":
    main()
