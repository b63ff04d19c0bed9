"""The recommended pipeline for raw text."""

import string

from numpy.random import RandomState
from sklearn.pipeline import Pipeline, make_pipeline

from skimdb.feature_extraction import LogCountRatioScaler, MultiHotVectorizer, WordIndexEncoder

# An apostrophe belongs to its word.
_PUNCTUATION = string.punctuation.replace("'", "")


def make_text_classifier(
    *, ngram_range: tuple[int, int] = (1, 3), random_state: int | RandomState | None = None
) -> Pipeline:
    """Make the recommended pipeline for raw text.

    A dense network on the words and punctuation marks, their pairs and their triples, each scaled
    by its log-count ratio.

    Parameters
    ----------
    ngram_range : tuple (min_n, max_n), default=(1, 3)
        The lengths of the n-grams, in words. Shorter ones make a smaller and faster model.
    random_state : int, RandomState instance or None, default=None
        Seed of the network. Pass an int for the same results in each call of `fit`.

    Returns
    -------
    pipeline : sklearn.pipeline.Pipeline
        `WordIndexEncoder`, `MultiHotVectorizer`, `LogCountRatioScaler` and
        `DenseSentimentClassifier`, not fitted. It is fitted to an array-like of shape
        (n_samples,) of str, and two classes.

    See Also
    --------
    sklearn.pipeline.make_pipeline : Makes other pipelines of the same steps.

    References
    ----------
    .. [1] S. Wang and C. D. Manning, "Baselines and bigrams: simple, good sentiment and topic
       classification", ACL 2012.

    Examples
    --------
    >>> from skimdb import make_text_classifier
    >>> texts = ["A good film, and good fun!", "A bad film.", "Good fun!", "Bad, not fun."] * 20
    >>> labels = ["positive", "negative", "positive", "negative"] * 20
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
