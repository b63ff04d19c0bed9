"""The recommended pipeline for raw text."""

import string
from typing import Any

from numpy.random import RandomState
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline

from skimdb.feature_extraction import CharacterEncoder, MultiHotVectorizer, WordIndexEncoder
from skimdb.feature_extraction._multi_hot import check_ngram_range

# Apostrophes stay within words.
_PUNCTUATION = string.punctuation.replace("'", "")
# Characters alone would outweigh the words, of which there are fewer.
_CHARACTER_WEIGHT = 0.5
# The most frequent n-grams do as well as all of a million or more. They are chosen without the
# labels, so that the validation texts stay unseen.
_MAX_WORD_FEATURES, _MAX_CHARACTER_FEATURES = 200_000, 120_000
# With words that are as frequent, characters make predictions no better.
MAX_WORD_FREQUENCY = 25


def make_text_classifier(
    *,
    ngram_range: tuple[int, int] = (1, 3),
    char_ngram_range: tuple[int, int] | None = (1, 5),
    class_weight: dict[Any, float] | str | None = None,
    random_state: int | RandomState | None = None,
) -> Pipeline:
    """Make the recommended pipeline for raw text.

    A dense network classifies texts, in any language and any number of classes, by n-grams of
    their words and punctuation marks and by n-grams of the characters within words: the 200,000
    and 120,000 most frequent. Characters are left out where the texts contain each of their words
    more than 25 times on average, as thousands of long reviews do: they would make predictions
    slower and no better. Each feature is scaled by its log-count ratio. A validation split chooses
    the number of epochs; then the network is trained on all texts.

    Parameters
    ----------
    ngram_range : tuple (min_n, max_n), default=(1, 3)
        Smallest and largest number of words in an n-gram. A smaller `max_n` makes a smaller and
        faster model.
    char_ngram_range : tuple (min_n, max_n) or None, default=(1, 5)
        The same for characters. They help with short texts and with spellings of all kinds, and
        languages that put no spaces between words need them. None leaves them out always.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, as in `DenseSentimentClassifier`.
    random_state : int, RandomState instance or None, default=None
        Seed of the network. Pass an int for reproducible results across calls of `fit`.

    Returns
    -------
    pipeline : sklearn.pipeline.Pipeline
        With the steps "features" and "classifier", not fitted. Fit it to an array-like of str of
        shape (n_samples,) and labels. Sample weights are passed as
        ``fit(X, y, classifier__sample_weight=...)``.

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
    >>> texts = ["A good film, and good fun!", "A bad film.", "Good fun!", "Bad, not fun."] * 20
    >>> labels = ["positive", "negative", "positive", "negative"] * 20
    >>> classifier = make_text_classifier(random_state=0).fit(texts, labels)
    >>> classifier.predict(["Bad film!"])
    array(['negative'], dtype='<U8')
    """
    from skimdb.neural_network import DenseSentimentClassifier  # noqa: PLC0415 (loads TensorFlow)

    check_ngram_range(ngram_range)
    if char_ngram_range is not None:
        check_ngram_range(char_ngram_range, "char_ngram_range")
    words = make_pipeline(
        WordIndexEncoder(punctuation=_PUNCTUATION),
        MultiHotVectorizer(
            None,
            ngram_range=ngram_range,
            min_df=2,
            max_features=_MAX_WORD_FEATURES,
            ensure_min_features=1 if char_ngram_range is None else 0,
        ),
    )
    branches, weights = [("words", words)], None
    if char_ngram_range is not None:
        characters = make_pipeline(
            CharacterEncoder(within_words=True, max_word_frequency=MAX_WORD_FREQUENCY),
            MultiHotVectorizer(
                None,
                ngram_range=char_ngram_range,
                min_df=2,
                max_features=_MAX_CHARACTER_FEATURES,
                ensure_min_features=0,
            ),
        )
        branches.append(("characters", characters))
        weights = {"characters": _CHARACTER_WEIGHT}
    classifier = DenseSentimentClassifier(
        units=16,
        layers=1,
        optimizer="adam",
        early_stopping=True,
        monitor="val_brier",
        patience=3,
        validation_fraction=0.2,
        refit=True,
        feature_scaling="log_count_ratio",
        class_weight=class_weight,
        random_state=random_state,
    )
    return Pipeline(
        [
            ("features", FeatureUnion(branches, transformer_weights=weights)),
            ("classifier", classifier),
        ]
    )
