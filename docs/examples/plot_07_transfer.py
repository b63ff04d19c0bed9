"""
Labels from another subject: how far do they carry?
===================================================

There are many labelled reviews of hotels, but the question is about films. How many labelled film
reviews does it take until those of hotels no longer help?
"""

import matplotlib.pyplot as plt
import numpy as np
from texts import make_texts

from skimdb import make_text_classifier

hotels, hotel_labels = make_texts(1000, subject="hotels", random_state=0)
films, film_labels = make_texts(400, subject="films", random_state=1)
X_test, y_test = make_texts(1000, subject="films", random_state=2)


def accuracy(texts, labels, sample_weight=None):
    """Train on some texts, and return the accuracy on films."""
    classifier = make_text_classifier(ngram_range=(1, 2), char_ngram_range=None, random_state=0)
    classifier.fit(texts, labels, classifier__sample_weight=sample_weight)
    return classifier.score(X_test, y_test)


# %%
# Hotels alone are the starting point. With films among them, each film review gets a weight of
# five, because it is worth more than a hotel review.

only_hotels = accuracy(hotels, hotel_labels)
sizes = [25, 50, 100, 200, 400]
only_films, both = [], []
for n in sizes:
    only_films.append(accuracy(films[:n], film_labels[:n]))
    both.append(
        accuracy(
            hotels + films[:n],
            np.concatenate([hotel_labels, film_labels[:n]]),
            sample_weight=np.repeat([1.0, 5.0], [len(hotels), n]),
        )
    )

figure, ax = plt.subplots(layout="constrained")
ax.axhline(only_hotels, color="grey", linestyle=":", label="1,000 hotel reviews")
ax.plot(sizes, only_films, "o--", label="film reviews")
ax.plot(sizes, both, "s-", label="1,000 hotel reviews and film reviews")
ax.set(xscale="log", xticks=sizes, xticklabels=sizes)
ax.minorticks_off()
ax.set(xlabel="Labelled film reviews", ylabel="Accuracy on other film reviews")
ax.legend()

# %%
# On real data, check the decision threshold too: classifiers that are used on another subject often
# call too many texts positive, although they rank them well. :doc:`/notebooks` has figures of
# networks that were trained on films and used on products and restaurants.
