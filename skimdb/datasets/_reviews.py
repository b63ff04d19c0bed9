"""Generate reviews that resemble those of IMDB."""

from functools import cache
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from skimdb.datasets._base import INDEX_FROM, OOV_CHAR, START_CHAR, check_params
from skimdb.datasets._review_array import as_reviews

# These constants reproduce the statistics of the IMDB training reviews that the docstring of
# `make_reviews` lists.
_N_WORDS = 88_584
_LOG_LENGTH_MEAN, _LOG_LENGTH_SD = 5.26, 0.64
_MIN_LENGTH, _MAX_LENGTH = 11, 2494

# The standard deviations of a word's polarity and topic depend on its band of ranks.
_BAND_ENDS = (3, 50, 200, 1000, 3000)
_POLARITY_SD = (0.0, 0.16, 0.35, 1.22, 1.41, 0.90)
_MAX_POLARITY = 4.0
_TOPIC_SD = (0.05, 0.3, 0.6, 0.9, 1.1, 1.3)

# Some topics have more positive reviews than others. Naive Bayes counts the evidence of each of
# their words separately, which makes it less accurate than logistic regression, as on IMDB.
_N_TOPICS = 6
_TOPIC_LOG_ODDS = 1.35

# Distribution of the fraction of a review's words that speak for its label.
_AGREEMENT_BETA = (4.1, 0.8)

_NEGATION_RATE = 0.018
_NEGATOR_RANKS = (21, 54, 112)  # "not", "no" and "never" in the IMDB word index
_NEGATED_RANKS = (51, 3000)
_NEGATED_MIN_POLARITY = 1.0


class _Language(NamedTuple):
    """Cumulative distributions to draw from.

    `words`, of shape (2, n_topics, n_words), are for each side (negative, positive) and topic.
    `negated`, of shape (2, n_words), are the polar words of each side that can be negated. `topics`
    are those of positive reviews; in negative reviews their order is reversed.
    """

    words: NDArray[np.float64]
    negated: NDArray[np.float64]
    topics: NDArray[np.float64]


def _cumulative(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    cumulative = weights.cumsum(axis=-1)
    cumulative /= cumulative[..., -1:].copy()
    return cumulative


def _draw(
    cumulative: NDArray[np.float64], size: int, rng: np.random.RandomState
) -> NDArray[np.intp]:
    return np.searchsorted(cumulative, rng.random_sample(size), side="right")


@cache
def _language() -> _Language:
    # RandomState draws the same numbers in every version of NumPy.
    rng = np.random.RandomState(0)
    rank = np.arange(1, _N_WORDS + 1, dtype=float)
    band = np.searchsorted(_BAND_ENDS, rank)
    # Negation adds words of ranks up to 3000; the resulting exponents are 1.06 and 1.40.
    frequency = np.where(rank <= 1000, rank**-1.07, 1000**0.27 * rank**-1.34)
    polarity = np.take(_POLARITY_SD, band) * rng.standard_normal(_N_WORDS)
    polarity = np.clip(polarity, -_MAX_POLARITY, _MAX_POLARITY)
    topic = np.exp(np.take(_TOPIC_SD, band) * rng.standard_normal((_N_TOPICS, _N_WORDS)))

    side = np.exp(np.outer([-0.5, 0.5], polarity))
    # Averaged over sides and topics, each word keeps its frequency.
    words = (side / side.mean(axis=0))[:, None] * (topic / topic.mean(axis=0)) * frequency

    first, last = _NEGATED_RANKS
    negatable = (first <= rank) & (rank <= last) & (np.abs(polarity) >= _NEGATED_MIN_POLARITY)
    negated = negatable * frequency * np.maximum(np.outer([-1.0, 1.0], polarity), 0)

    log_odds = np.linspace(-_TOPIC_LOG_ODDS, _TOPIC_LOG_ODDS, _N_TOPICS)
    return _Language(
        words=_cumulative(words),
        negated=_cumulative(negated),
        topics=_cumulative(1 / (1 + np.exp(-log_odds))),
    )


def _draw_words(
    side: NDArray[np.int8], topic: NDArray[np.int8], rng: np.random.RandomState
) -> NDArray[np.int32]:
    """Draw the rank, from 0, of one word for each pair of side and topic."""
    language = _language()
    ranks = np.empty(len(side), dtype=np.int32)
    group = side * np.int8(_N_TOPICS) + topic
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.arange(2 * _N_TOPICS + 1))
    for i, cumulative in enumerate(language.words.reshape(2 * _N_TOPICS, _N_WORDS)):
        members = order[bounds[i] : bounds[i + 1]]
        ranks[members] = _draw(cumulative, len(members), rng)
    return ranks


def _negate(
    ranks: NDArray[np.int32],
    side: NDArray[np.int8],
    starts: NDArray[np.int64],
    rng: np.random.RandomState,
) -> None:
    """Replace some pairs of words by a negator and a word of the other side, in place."""
    chosen = rng.random_sample(len(ranks)) < _NEGATION_RATE
    chosen[starts] = False
    chosen[starts - 1] = False  # the last word of each review
    negators = np.flatnonzero(chosen)
    ranks[negators] = rng.choice(np.subtract(_NEGATOR_RANKS, 1), size=len(negators))
    for speaks_for, cumulative in zip((1, 0), _language().negated, strict=True):
        negated = 1 + negators[side[negators + 1] == speaks_for]
        ranks[negated] = _draw(cumulative, len(negated), rng)


@check_params(
    {
        "n_samples": [Interval(Integral, 0, None, closed="left")],
        "num_words": [Interval(Integral, 3, None, closed="left")],
        "random_state": ["random_state"],
    }
)
def make_reviews(
    n_samples: int = 2000,
    *,
    num_words: int = 10_000,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Generate labelled reviews that resemble those of IMDB.

    The reviews have no text, but their word indices have the statistics of the IMDB training
    reviews. Classifiers rank in the same order on them as on IMDB, with similar accuracies. The
    meaning of the words does not depend on `random_state`: reviews for training and for testing
    can be generated with different seeds.

    Parameters
    ----------
    n_samples : int, default=2000
        Number of reviews. Half of them are positive, rounded down.

    num_words : int, default=10_000
        Indices greater than or equal to `num_words` are replaced by 2. At least 3.

    random_state : int, RandomState instance or None, default=None
        Seed of the reviews. Pass an int for the same reviews in each call.

    Returns
    -------
    X : ndarray of shape (n_samples,), dtype object
        Each review is an int32 array of word indices: 1 at the start, 2 for a word that was
        left out, and the word's rank by frequency plus 3 for every other word. All reviews are
        views on one flat array, and are pickled as that array.

    y : ndarray of shape (n_samples,), dtype int64
        0 for a negative and 1 for a positive review.

    See Also
    --------
    fetch_imdb : The reviews of IMDB.

    Notes
    -----
    The length of a review, with the start marker, is log-normal with mean 5.26 and standard
    deviation 0.64, clipped to between 11 and 2494. The frequency of words falls with their rank, as
    rank^-1.06 up to rank 1000 and as rank^-1.40 beyond, and the 10,000 most frequent words cover
    94.3% of all tokens. The standard deviation over words of the log-odds of a positive review,
    given that it contains the word, is 0.09 for ranks 4 to 50, 0.25 to 200, 0.49 to 1000, 0.56 to
    3000 and 0.72 to 10,000.

    Each word of a review speaks for one side. The probability that this is the side of the label
    differs between reviews and has mean 0.84. The word is drawn from the words of its side and of
    the review's topic, and topics differ in their fraction of positive reviews. Of all words, 1.8%
    are "not", "no" or "never", followed by a polar word of the other side: pairs of words show
    this, single words do not.

    Examples
    --------
    >>> from skimdb.datasets import make_reviews
    >>> X, y = make_reviews(100, random_state=0)
    >>> X.shape, y.sum()
    ((100,), np.int64(50))
    >>> X[0][0], X[0].dtype
    (np.int32(1), dtype('int32'))
    """
    rng = check_random_state(random_state)
    y = np.arange(n_samples, dtype=np.int64) % 2
    rng.shuffle(y)

    log_length = rng.normal(_LOG_LENGTH_MEAN, _LOG_LENGTH_SD, n_samples)
    lengths = np.clip(np.rint(np.exp(log_length)), _MIN_LENGTH, _MAX_LENGTH).astype(np.int64)
    starts = lengths.cumsum() - lengths

    topic = _draw(_language().topics, n_samples, rng)
    topic = np.where(y == 1, topic, _N_TOPICS - 1 - topic).astype(np.int8)
    agreement = np.repeat(rng.beta(*_AGREEMENT_BETA, n_samples), lengths)
    agrees = rng.random_sample(len(agreement)) < agreement
    side = (np.repeat(y, lengths) == agrees).astype(np.int8)

    ranks = _draw_words(side, np.repeat(topic, lengths), rng)
    _negate(ranks, side, starts, rng)
    indices = ranks + np.int32(1 + INDEX_FROM)
    indices[starts] = START_CHAR
    indices[indices >= num_words] = OOV_CHAR
    return as_reviews(indices, lengths), y
