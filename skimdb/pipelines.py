"""The recommended pipeline for raw text."""

import string

from numpy.random import RandomState
from sklearn.pipeline import Pipeline, make_pipeline

from skimdb.feature_extraction import LogCountRatioScaler, MultiHotVectorizer, WordIndexEncoder

# Apostrophes stay within words.
_PUNCTUATION = string.punctuation.replace("'", "")


def make_text_classifier(
    *, ngram_range: tuple[int, int] = (1, 3), random_state: int | RandomState | None = None
) -> Pipeline:
    """Make the recommended pipeline for raw text.

    By default, a dense network classifies texts by their words, punctuation marks, pairs and
    triples of these. Each feature is scaled by its log-count ratio.

    Parameters
    ----------
    ngram_range : tuple (min_n, max_n), default=(1, 3)
        Smallest and largest number of words in an n-gram. A smaller `max_n` makes a smaller and
        faster model.
    random_state : int, RandomState instance or None, default=None
        Seed of the network. Pass an int for reproducible results across calls of `fit`.

    Returns
    -------
    pipeline : sklearn.pipeline.Pipeline
        `WordIndexEncoder`, `MultiHotVectorizer`, `LogCountRatioScaler` and
        `DenseSentimentClassifier`, not fitted. Fit it to an array-like of str of shape
        (n_samples,) and labels with two classes.

    See Also
    --------
    sklearn.pipeline.make_pipeline : Make other pipelines of the same steps.

    References
    ----------
    .. [1] S. Wang and C. D. Manning, "Baselines and bigrams: simple, good sentiment and topic
       classification", ACL 2012.

    Examples
    --------
    >>> from skimdb import make_text_classifier
    >>> texts = ["A good film, and good fun!", "A bad film.", "Good fun!", "Bad, not fun."] * 500
    >>> labels = ["positive", "negative", "positive", "negative"] * 500
    >>> classifier = make_text_classifier(random_state=0).fit(texts, labels)
    >>> classifier.predict(["Bad film!"])
    array(['negative'], dtype='<U8')
    """
    from skimdb.neural_network import DenseSentimentClassifier  # noqa: PLC0415 (loads TensorFlow)

    return make_pipeline(
        WordIndexEncoder(punctuation=_PUNCTUATION),
        MultiHotVectorizer(None, ngram_range=ngram_range, min_df=2),
        LogCountRatioScaler(),
        DenseSentimentClassifier(
            units=32, layers=1, optimizer="adam", epochs=2, random_state=random_state
        ),
    )
