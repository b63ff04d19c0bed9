"""WordIndexEncoder equals Keras' Tokenizer and works with scikit-learn's tools."""

import importlib
import os
import pickle
import re
import tracemalloc
from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import BernoulliNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import get_tags

from skimdb.datasets import decode_review, fetch_imdb, fetch_imdb_word_index
from skimdb.feature_extraction import MultiHotVectorizer, WordIndexEncoder

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
TEXTS = ["A good film, a very good one!", "Bad film.", "", "Don't go: a BAD plot<br />..."]
WORD_INDEX = {"a": 1, "good": 2, "film": 3, "bad": 4}
ENCODED = [[1, 4, 5, 6, 4, 2, 5, 2], [1, 7, 6], [1], [1, 2, 2, 4, 7, 2, 2]]

# From a list of str to every other kind of texts.
CONTAINERS = {
    "list": list,
    "tuple": tuple,
    "object array": lambda texts: np.array(texts, dtype=object),
    "array of fixed width": lambda texts: np.array(texts, dtype=str),
    "array of variable width": lambda texts: np.array(texts, dtype=np.dtypes.StringDType()),
    "list of numpy.str_": lambda texts: [np.str_(text) for text in texts],
    "pandas Series of objects": lambda texts: pd.Series(texts, dtype=object, index=[7, 7, 1, 0]),
    "pandas Series of strings": lambda texts: pd.Series(texts, dtype="string"),
    "Arrow-backed pandas Series": lambda texts: pd.Series(texts, dtype=pd.ArrowDtype(pa.string())),
    "pandas categories": lambda texts: pd.Series(texts, dtype="category"),
    "polars Series": pl.Series,
    "pyarrow string": pa.array,
    "pyarrow large_string": lambda texts: pa.array(texts, pa.large_string()),
    "pyarrow string_view": lambda texts: pa.array(texts, pa.string_view()),
    "pyarrow dictionary": lambda texts: pa.array(texts).dictionary_encode(),
    "pyarrow ChunkedArray": lambda texts: pa.chunked_array([texts[:1], [], texts[1:]]),
}

# Few words in several spellings, with various separators.
texts = st.lists(
    st.lists(
        st.sampled_from(["the", "The", "THE", "don't", "été", "Éte", "x", "9", "naïve", "ß", "İ"])
        | st.sampled_from([" ", "  ", "\n", "\t", ",", "...", "<br />", "(", "-", "'"])
        | st.text(alphabet="aA .,é'", max_size=4),
        max_size=12,
    ).map("".join),
    min_size=1,
    max_size=6,
)
known_words = st.lists(st.lists(st.sampled_from(sorted(WORD_INDEX)), max_size=9), max_size=5)


def as_lists(sequences):
    return [sequence.tolist() for sequence in sequences]


def keras_words(text, *, filters=FILTERS, lower=True):
    """Split as keras.preprocessing.text.text_to_word_sequence does."""
    text = text.lower() if lower else text
    for character in filters:
        text = text.replace(character, " ")
    return [word for word in text.split(" ") if word]


def keras_load_data(words, word_index, num_words, index_from, start_char, oov_char):
    """Encode as the IMDB reviews are encoded, and limit the indices as load_data does."""
    if oov_char is None:
        words = [word for word in words if word in word_index]
    sequence = [word_index[w] + index_from if w in word_index else oov_char for w in words]
    if start_char is not None:
        sequence = [start_char, *sequence]
    if num_words is None:
        return sequence
    if oov_char is None:
        return [w for w in sequence if w < num_words]
    return [w if w < num_words else oov_char for w in sequence]


@st.composite
def limits(draw):
    index_from = draw(st.integers(0, 5))
    marker = st.none() | st.integers(0, index_from)
    return {
        "num_words": draw(st.none() | st.integers(1, 12)),
        "index_from": index_from,
        "start_char": draw(marker),
        "oov_char": draw(marker),
    }


@pytest.fixture(scope="module")
def keras_tokenizer():
    # TensorFlow takes seconds.
    return importlib.import_module("keras.src.legacy.preprocessing.text").Tokenizer


class TestWords:
    @given(texts=texts, lowercase=st.booleans(), filters=st.sampled_from([FILTERS, "", ".é", "e"]))
    def test_split_as_by_keras(self, texts, lowercase, filters):
        # Keras does not split at these; that difference is tested below.
        texts = [text.replace("\n", " ").replace("\t", " ") for text in texts]
        words = [keras_words(text, filters=filters, lower=lowercase) for text in texts]
        vocabulary = {word: rank for rank, word in enumerate(set(chain.from_iterable(words)), 1)}
        encoder = WordIndexEncoder(word_index=vocabulary, lowercase=lowercase, filters=filters)
        expected = [[1, *(vocabulary[word] + 3 for word in row)] for row in words]
        assert as_lists(encoder.transform(texts)) == expected

    @given(text=st.text() | st.text(alphabet="dont \u2019\u201c\u2026e\u0301\u200b\uff01\uff41"))
    def test_all_text_is_split_as_by_keras_without_normalize(self, text):
        words = keras_words(" ".join(text.split()))
        vocabulary = {word: rank for rank, word in enumerate(set(words), 1)}
        encoder = WordIndexEncoder(word_index=vocabulary, normalize=False, start_char=None)
        assert as_lists(encoder.transform([text])) == [[vocabulary[word] + 3 for word in words]]

    @pytest.mark.parametrize("space", [" ", "\n", "\r\n", "\t", "\x0b", "\x85", "\xa0", "\u2028"])
    @pytest.mark.parametrize("filters", [FILTERS, ""])
    def test_all_white_space_separates_words(self, space, filters):
        encoder = WordIndexEncoder(word_index=WORD_INDEX, filters=filters)
        text = f"{space}good{space}{space}film{space}"
        assert as_lists(encoder.transform([text])) == [[1, 5, 6]]

    @given(
        texts=texts,
        filters=st.sampled_from([FILTERS, ".é", ""]),
        punctuation=st.sampled_from([".", "!?é", "—.'"]),
    )
    def test_punctuation_marks_become_words(self, texts, filters, punctuation):
        marks = re.escape(punctuation)
        other = re.escape("".join(set(filters) - set(punctuation)))
        words = [re.findall(rf"[{marks}]|[^\s{marks}{other}]+", text.lower()) for text in texts]
        vocabulary = {word: rank for rank, word in enumerate(set(chain.from_iterable(words)), 1)}
        encoder = WordIndexEncoder(word_index=vocabulary, filters=filters, punctuation=punctuation)
        expected = [[1, *(vocabulary[word] + 3 for word in row)] for row in words]
        assert as_lists(encoder.transform(texts)) == expected

    def test_filters_apply_after_lowercasing(self):
        encoder = WordIndexEncoder(word_index={"b": 1, "bad": 2}, filters="A")
        assert as_lists(encoder.transform(["BAD"])) == [[1, 5]]

    def test_filters_apply_beyond_ascii(self):
        encoder = WordIndexEncoder(word_index={"good": 1, "film": 2}, filters="—.")
        assert as_lists(encoder.transform(["good—film.", "good.film"])) == [[1, 4, 5]] * 2

    def test_the_apostrophe_belongs_to_words(self):
        assert "don't" in WordIndexEncoder().fit(TEXTS).word_index_


# Texts of many characters take another way than those of few.
LONG_TEXT = "filler " * 1200

characters = (
    st.sampled_from("aAbB'.,!\0 \n\x1c\x85\xa0éÉßİΣ\ud800。\uff0c“\u2019\u3000\u200bx好👍")
    | st.sampled_from(["abcdefg", "abcdefghabcdefg", "!!", "..a", "\xa0a"])
    | st.characters()
)


class TestManyTexts:
    @given(
        texts=st.lists(st.lists(characters, max_size=30).map("".join), max_size=6),
        normalize=st.booleans(),
        lowercase=st.booleans(),
        filters=st.sampled_from([FILTERS, "", ".é", "A,\ud800\n"]),
        punctuation=st.sampled_from(["", ".!?", "\n。!", "é\u2019x\xa0"]),
    )
    def test_as_one_by_one(self, texts, **splitting):
        splitting["start_char"] = None
        words = []
        for text in texts:
            encoder = WordIndexEncoder(**splitting)
            sequence = encoder.fit_transform([text, "word"])[0]
            names = {rank + 3: word for word, rank in encoder.word_index_.items()}
            words.append([names[index] for index in sequence.tolist()])
        texts = [*texts, LONG_TEXT]
        words.append(LONG_TEXT.split())
        ranked = [word for word, _ in Counter(chain.from_iterable(words)).most_common()]
        encoder = WordIndexEncoder(**splitting)
        sequences = encoder.fit_transform(texts)
        assert list(encoder.word_index_) == ranked
        expected = [[encoder.word_index_[word] + 3 for word in row] for row in words]
        assert as_lists(sequences) == expected
        assert as_lists(encoder.transform(texts)) == expected

    def test_words_that_begin_alike(self):
        """Also longer ones than are compared at once, and with zeros."""
        words = [
            beginning + end
            for beginning in (
                "a" * n for n in [*range(525, 511, -1), *range(271, 250, -1), *range(40)]
            )
            for end in ("a", "b", "q", "\0", "\0\0", "ab", "é")
        ]
        texts = [" ".join(words)] * 3
        encoder = WordIndexEncoder(start_char=None).fit(texts)
        assert list(encoder.word_index_) == [word for word, _ in Counter(words).most_common()]
        expected = [encoder.word_index_[word] + 3 for word in words]
        assert as_lists(encoder.transform(texts)) == [expected] * 3

    def test_many_distinct_words(self):
        words = [f"{'beginning' * (number % 2)}{number * 7919}" for number in range(100_000)]
        encoder = WordIndexEncoder(start_char=None)
        texts = [" ".join(words[start : start + 10_000]) for start in range(0, 100_000, 10_000)]
        sequences = encoder.fit_transform(texts)
        assert np.concatenate(sequences).tolist() == list(range(4, 100_004))
        assert list(encoder.word_index_) == words
        backwards = [" ".join([*text.split()[::-1], "unknown"]) for text in texts]
        expected = [[*sequence[::-1].tolist(), 2] for sequence in sequences]
        assert as_lists(encoder.transform(backwards)) == expected

    def test_memory_for_one_large_text(self):
        text = "a " * 2**21
        encoder = WordIndexEncoder(word_index={"a": 1})
        tracemalloc.start()
        try:
            encoder.transform([text])
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 20 * len(text)

    def test_one_large_text_among_others(self):
        words = [f"word{number % 100_000}" for number in range(150_000)]
        encoder = WordIndexEncoder(start_char=None)
        sequences = encoder.fit_transform([LONG_TEXT, " ".join(words), "word7", LONG_TEXT])
        assert list(encoder.word_index_)[:3] == ["filler", "word7", "word0"]
        assert sequences[1].tolist() == [encoder.word_index_[word] + 3 for word in words]
        assert sequences[2].tolist() == [5]
        assert set(sequences[3].tolist()) == {4}


class TestTokenizer:
    @staticmethod
    def split_at_bars(text):
        return text.split("|")

    def test_splits_the_texts(self):
        encoder = WordIndexEncoder(tokenizer=self.split_at_bars)
        assert as_lists(encoder.fit_transform(["不|好", "好!|不"])) == [[1, 4, 5], [1, 6, 4]]
        assert encoder.word_index_ == {"不": 1, "好": 2, "好!": 3}

    def test_is_given_texts_after_normalize_and_lowercase(self):
        texts = ["Don\u2019t|GO"]
        encoder = WordIndexEncoder(tokenizer=self.split_at_bars)
        assert list(encoder.fit(texts).word_index_) == ["don't", "go"]
        encoder.set_params(normalize=False, lowercase=False)
        assert list(encoder.fit(texts).word_index_) == ["Don\u2019t", "GO"]

    @pytest.mark.parametrize("container", [list, tuple, iter, np.array])
    def test_may_return_any_iterable(self, container):
        encoder = WordIndexEncoder(
            word_index=WORD_INDEX, tokenizer=lambda text: container(text.split())
        )
        assert as_lists(encoder.transform(["a good film"])) == [[1, 4, 5, 6]]

    @given(texts=texts)
    def test_equal_to_count_vectorizers(self, texts):
        texts = [*texts, "word"]
        encoder = WordIndexEncoder(tokenizer=str.split, normalize=False)
        reference = CountVectorizer(tokenizer=str.split, token_pattern=None)
        assert set(encoder.fit(texts).word_index_) == set(reference.fit(texts).vocabulary_)

    def test_clones_and_pickles(self):
        encoder = WordIndexEncoder(tokenizer=str.split).fit(TEXTS)
        copied = pickle.loads(pickle.dumps(encoder))
        assert as_lists(copied.transform(TEXTS)) == as_lists(encoder.transform(TEXTS))
        assert clone(encoder).tokenizer is str.split

    @pytest.mark.parametrize(
        ("result", "message"),
        [
            ("a b", "tokenizer must return the words of a text, got str: 'a b'"),
            (None, "tokenizer must return the words of a text, got NoneType: None"),
            (3, "tokenizer must return the words of a text, got int: 3"),
            (["a", 3], "tokenizer must return words, each a str, got int: 3"),
            ([("a", "noun")], r"each a str, got tuple: \('a', 'noun'\)"),
            ([b"a"], "each a str, got bytes: b'a'"),
        ],
    )
    def test_must_return_words(self, result, message):
        with pytest.raises(TypeError, match=message):
            WordIndexEncoder(tokenizer=lambda text: result).fit(TEXTS)

    @pytest.mark.parametrize("params", [{"filters": ""}, {"punctuation": "!"}])
    def test_alone_splits_the_texts(self, params):
        encoder = WordIndexEncoder(tokenizer=str.split, **params)
        with pytest.raises(ValueError, match="filters and punctuation must keep their defaults"):
            encoder.fit(TEXTS)


class TestIndices:
    def test_keras_convention(self):
        assert as_lists(WordIndexEncoder(word_index=WORD_INDEX).transform(TEXTS)) == ENCODED

    @given(texts=texts, limits=limits())
    def test_limits_are_those_of_keras(self, texts, limits):
        texts = [text.replace("\n", " ") for text in texts]
        word_index = {"the": 1, "a": 2, "x": 4, "été": 9}
        encoder = WordIndexEncoder(word_index=word_index, **limits)
        expected = [keras_load_data(keras_words(text), word_index, **limits) for text in texts]
        assert as_lists(encoder.transform(texts)) == expected
        assert as_lists(encoder.fit_transform(texts)) == expected

    @pytest.mark.parametrize("num_words", [2**40, None])
    def test_the_largest_index_is_kept(self, num_words):
        encoder = WordIndexEncoder(num_words, word_index={"a": 2**31 - 4})
        assert as_lists(encoder.transform(["a b"])) == [[1, 2**31 - 1, 2]]

    def test_ranks_may_be_numpy_integers(self):
        encoder = WordIndexEncoder(word_index={"a": np.int64(1), "b": np.uint8(2)})
        assert as_lists(encoder.transform(["b a"])) == [[1, 5, 4]]

    @pytest.mark.parametrize("oov_char", [2, None])
    @pytest.mark.parametrize("word_index", [WORD_INDEX, None])
    def test_sequences_are_int32_views_on_one_flat_array(self, word_index, oov_char):
        encoder = WordIndexEncoder(word_index=word_index, oov_char=oov_char)
        for sequences in (encoder.fit_transform(TEXTS), encoder.transform(TEXTS)):
            assert sequences.shape == (4,)
            assert sequences.dtype == object
            assert {sequence.dtype for sequence in sequences} == {np.dtype(np.int32)}
            flat = sequences[0].base
            assert flat.ndim == 1
            assert all(sequence.base is flat for sequence in sequences)
            assert_array_equal(np.concatenate(sequences), flat)

    def test_sequences_of_equal_length_stay_sequences(self):
        assert WordIndexEncoder(word_index=WORD_INDEX).transform(["a", "bad"]).shape == (2,)

    def test_no_texts(self):
        sequences = WordIndexEncoder(word_index=WORD_INDEX).fit_transform([])
        assert sequences.shape == (0,)
        assert sequences.dtype == object

    @pytest.mark.real_data
    def test_the_imdb_texts_become_the_imdb_sequences(self):
        path = Path(os.environ["SKIMDB_DATA"]) / "imdb_test.parquet"
        reviews, target = fetch_imdb(subset="test", return_X_y=True, download_if_missing=False)
        word_index = fetch_imdb_word_index(download_if_missing=False)
        table = pq.read_table(path, columns=["text", "label"]).take(np.arange(0, 25_000, 10))
        encoder = WordIndexEncoder(word_index=word_index, normalize=False, oov_char=None)
        sequences = encoder.transform(table["text"])
        assert len(sequences) == 2_500

        def multiset(rows, labels):
            return Counter((row.tobytes(), label) for row, label in zip(rows, labels, strict=True))

        assert multiset(sequences, table["label"].to_pylist()) <= multiset(reviews, target.tolist())


class TestRanks:
    @given(texts=texts)
    def test_equal_to_those_of_keras(self, keras_tokenizer, texts):
        tokenizer = keras_tokenizer()
        tokenizer.fit_on_texts(texts)
        if not tokenizer.word_index:
            return
        encoder = WordIndexEncoder(index_from=0, start_char=None, oov_char=None)
        assert as_lists(encoder.fit_transform(texts)) == tokenizer.texts_to_sequences(texts)
        assert list(encoder.word_index_.items()) == list(tokenizer.word_index.items())

    @given(texts=texts, num_words=st.integers(2, 8))
    def test_sequences_equal_those_of_keras_with_an_oov_token(
        self, keras_tokenizer, texts, num_words
    ):
        tokenizer = keras_tokenizer(num_words, oov_token="<oov>")
        tokenizer.fit_on_texts([*texts[:1], "the"])
        encoder = WordIndexEncoder(num_words, index_from=1, start_char=None, oov_char=1)
        encoder.fit([*texts[:1], "the"])
        assert as_lists(encoder.transform(texts)) == tokenizer.texts_to_sequences(texts)

    def test_ranks_follow_frequency_then_first_occurrence(self):
        encoder = WordIndexEncoder().fit(["z y y x", "w x z", "y"])
        assert encoder.word_index_ == {"y": 1, "z": 2, "x": 3, "w": 4}
        assert {type(rank) for rank in encoder.word_index_.values()} == {int}

    @given(texts=texts, min_df=st.integers(1, 3))
    def test_min_df_counts_texts(self, texts, min_df):
        texts = [*texts, "the the", "the", "the"]
        encoder = WordIndexEncoder(min_df=min_df).fit(texts)
        splits = [text.lower().translate(dict.fromkeys(map(ord, FILTERS), " ")) for text in texts]
        counts = CountVectorizer(analyzer=str.split, min_df=min_df, lowercase=False)
        frequencies = np.ravel(counts.fit_transform(splits).sum(axis=0))
        assert set(encoder.word_index_) == set(counts.get_feature_names_out())
        by_rank = [frequencies[counts.vocabulary_[word]] for word in encoder.word_index_]
        assert by_rank == sorted(by_rank, reverse=True)
        assert list(encoder.word_index_.values()) == list(range(1, len(by_rank) + 1))

    def test_rare_words_are_out_of_the_vocabulary(self):
        sequences = WordIndexEncoder(min_df=2).fit_transform(["a b", "c a"])
        assert as_lists(sequences) == [[1, 4, 2], [1, 2, 4]]

    @pytest.mark.parametrize(("X", "min_df"), [([], 1), (["", " ."], 1), (["a a", "b"], 2)])
    def test_texts_without_a_word_to_learn(self, X, min_df):
        message = f"No word occurs in at least min_df={min_df} of the {len(X)} texts in X"
        with pytest.raises(ValueError, match=message):
            WordIndexEncoder(min_df=min_df).fit(X)

    def test_num_words_does_not_limit_the_word_index(self):
        encoder = WordIndexEncoder(5).fit(["a a b"])
        encoder.transform(["unknown words"])
        assert encoder.word_index_ == {"a": 1, "b": 2}
        assert as_lists(encoder.transform(["a b"])) == [[1, 4, 2]]
        assert as_lists(encoder.set_params(num_words=6).transform(["a b"])) == [[1, 4, 5]]

    @given(texts=texts)
    def test_fit_transform_is_fit_and_transform(self, texts):
        texts = [*texts, "word"]
        expected = WordIndexEncoder(8).fit(texts).transform(texts)
        assert as_lists(WordIndexEncoder(8).fit_transform(texts)) == as_lists(expected)


class TestStateless:
    def test_needs_no_fit_with_a_word_index(self):
        encoder = WordIndexEncoder(word_index=WORD_INDEX)
        assert not get_tags(encoder).requires_fit
        assert as_lists(encoder.transform(TEXTS)) == ENCODED
        assert not hasattr(encoder, "word_index_")

    def test_fit_learns_nothing_with_a_word_index(self):
        encoder = WordIndexEncoder(word_index=WORD_INDEX, min_df=99).fit(["other words"])
        assert encoder.word_index_ == WORD_INDEX
        assert as_lists(encoder.transform(TEXTS)) == ENCODED

    def test_fit_checks_texts_with_a_word_index_too(self):
        with pytest.raises(TypeError, match="Row 0 of X must be a text"):
            WordIndexEncoder(word_index=WORD_INDEX).fit([1])

    @pytest.mark.parametrize(
        "call",
        [
            lambda encoder: encoder.transform(TEXTS),
            lambda encoder: encoder.inverse_transform([[1]]),
            lambda encoder: encoder.get_feature_names_out(),
        ],
        ids=["transform", "inverse_transform", "get_feature_names_out"],
    )
    def test_not_fitted(self, call):
        assert get_tags(WordIndexEncoder()).requires_fit
        with pytest.raises(NotFittedError):
            call(WordIndexEncoder())


class TestInverse:
    @given(rows=known_words)
    def test_texts_of_known_words_come_back(self, rows):
        texts = [" ".join(row) for row in rows]
        encoder = WordIndexEncoder(word_index=WORD_INDEX)
        assert encoder.inverse_transform(encoder.transform(texts)).tolist() == texts

    @given(texts=texts)
    def test_words_come_back_as_they_were_split(self, texts):
        encoder = WordIndexEncoder().fit([*texts, "word"])
        result = encoder.inverse_transform(encoder.transform(texts))
        expected = [" ".join(keras_words(text)) for text in texts]
        assert result.tolist() == expected
        assert as_lists(encoder.transform(result)) == as_lists(encoder.transform(texts))

    def test_markers_are_omitted_and_other_indices_shown(self):
        encoder = WordIndexEncoder(word_index=WORD_INDEX)
        result = encoder.inverse_transform([[0, 1, 4, 2, 3, 99, 5], []])
        assert result.tolist() == ["a ? ? ? good", ""]
        assert result.dtype == object

    def test_a_start_marker_that_is_also_oov_char_is_shown(self):
        encoder = WordIndexEncoder(word_index=WORD_INDEX, start_char=0, oov_char=0)
        assert encoder.inverse_transform([[0, 4]]).tolist() == ["? a"]

    @given(texts=texts)
    def test_equal_to_decode_review_but_for_the_start_marker(self, texts):
        encoder = WordIndexEncoder(word_index=WORD_INDEX)
        sequences = encoder.transform(texts)
        decoded = [decode_review(sequence, WORD_INDEX) for sequence in sequences]
        inverse = encoder.inverse_transform(sequences)
        assert decoded == [f"? {text}".rstrip() for text in inverse]

    @pytest.mark.parametrize("container", [list, np.array, pl.Series, pa.array])
    def test_sequences_in_other_containers(self, container):
        encoder = WordIndexEncoder(word_index=WORD_INDEX)
        result = encoder.inverse_transform(container([[1, 4, 6], [1, 5, 0]]))
        assert result.tolist() == ["a film", "good"]

    def test_texts_are_refused(self):
        with pytest.raises(TypeError, match="Row 0 of X is a str"):
            WordIndexEncoder(word_index=WORD_INDEX).inverse_transform(["a film"])


class TestContainers:
    @pytest.mark.parametrize("kind", CONTAINERS)
    def test_every_kind_of_texts_is_read_alike(self, kind):
        X = CONTAINERS[kind](TEXTS)
        assert as_lists(WordIndexEncoder(word_index=WORD_INDEX).transform(X)) == ENCODED
        assert WordIndexEncoder().fit(X).word_index_ == WordIndexEncoder().fit(TEXTS).word_index_

    @pytest.mark.parametrize("method", ["fit", "fit_transform", "transform"])
    @pytest.mark.parametrize("word_index", [WORD_INDEX, None])
    def test_a_single_text_is_refused(self, method, word_index):
        encoder = WordIndexEncoder(word_index=word_index)
        if method == "transform":
            encoder.fit(TEXTS)
        with pytest.raises(TypeError, match=r"got a single str\. Write a single text as \[text\]"):
            getattr(encoder, method)("a good film")

    @pytest.mark.parametrize(
        ("X", "message"),
        [
            (b"text", "got a single bytes"),
            (None, "X must be a sequence of texts, each a str, got NoneType"),
            (3, "X must be a sequence of texts, each a str, got int"),
            ({"a": 1}, "got dict"),
            ({"a"}, "got set"),
            (iter(["a"]), "got list_iterator"),
            (np.ma.array(["a"]), r"got numpy\.ma\.\S*MaskedArray"),
            (pd.DataFrame({"text": ["a"]}), r"got pandas\S*\.DataFrame\. Choose one of its col"),
            (pl.DataFrame({"text": ["a"]}), r"got polars\S*\.DataFrame\. Choose one of its col"),
            (pa.table({"text": ["a"]}), r"got pyarrow\S*\.Table\. Choose one of its columns"),
        ],
    )
    def test_other_types_are_refused(self, X, message):
        with pytest.raises(TypeError, match=message):
            WordIndexEncoder().fit(X)

    @pytest.mark.parametrize(("X", "n_dims"), [(np.array("a"), 0), (np.array([["a"]]), 2)])
    def test_arrays_have_one_dimension(self, X, n_dims):
        with pytest.raises(ValueError, match=f"got an array of {n_dims} dimensions"):
            WordIndexEncoder().fit(X)

    @pytest.mark.parametrize(
        "X",
        [
            ["a", None],
            ["a", float("nan")],
            ["a", np.float32("nan")],
            ["a", pd.NA],
            ["a", pd.NaT],
            np.array(["a", None], dtype=object),
            np.array(["a", None], dtype=np.dtypes.StringDType(na_object=None)),
            pd.Series(["a", None], dtype=object),
            pd.Series(["a", None], dtype="string"),
            pd.Series(["a", None], dtype=pd.ArrowDtype(pa.string())),
            pl.Series(["a", None]),
            pa.array(["a", None]),
            pa.chunked_array([["a"], [None]]),
        ],
        ids=lambda X: f"{type(X).__module__}-{getattr(X, 'dtype', type(X[1]).__name__)}",
    )
    def test_missing_texts_are_refused_by_row(self, X):
        with pytest.raises(ValueError, match=r'Row 1 of X is missing .* empty text as ""'):
            WordIndexEncoder().fit(X)

    @pytest.mark.parametrize(
        ("item", "message"),
        [
            (b"good", r"Row 2 of X is a bytes\. Decode it first, with decode\('utf-8'\)"),
            (bytearray(b"x"), "Row 2 of X is a bytearray. Decode"),
            (3, "Row 2 of X must be a text, a str, got int"),
            (1.5, "Row 2 of X must be a text, a str, got float"),
            (["good"], "Row 2 of X must be a text, a str, got list"),
            (np.array(["good"]), r"Row 2 of X must be a text, a str, got numpy\.ndarray"),
        ],
    )
    @pytest.mark.parametrize("method", ["fit", "fit_transform", "transform"])
    def test_other_items_are_refused_by_row(self, item, message, method):
        encoder = WordIndexEncoder().fit(TEXTS)
        with pytest.raises(TypeError, match=message):
            getattr(encoder, method)(["a", "b", item, None])

    @pytest.mark.parametrize(
        "X", [np.array([b"a"]), pa.array([b"a"]), pl.Series([b"a"])], ids=["numpy", "arrow", "pl"]
    )
    def test_columns_of_bytes_are_refused(self, X):
        with pytest.raises(TypeError, match="Row 0 of X is a bytes"):
            WordIndexEncoder().fit(X)

    def test_word_indices_are_refused(self):
        with pytest.raises(TypeError, match=r"Row 0 of X must be a text, a str, got numpy\.ndarr"):
            WordIndexEncoder(word_index=WORD_INDEX).transform(
                WordIndexEncoder(word_index=WORD_INDEX).transform(TEXTS)
            )


class TestParameters:
    @pytest.mark.parametrize("method", ["fit", "fit_transform", "transform"])
    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"num_words": 0}, "The 'num_words' parameter of WordIndexEncoder must be"),
            ({"index_from": -1}, "The 'index_from' parameter of WordIndexEncoder must be"),
            ({"index_from": 2**30}, "The 'index_from' parameter of WordIndexEncoder must be"),
            ({"min_df": 0.5}, "The 'min_df' parameter of WordIndexEncoder must be"),
            ({"start_char": 4}, "start_char=4 must be at most index_from=3"),
            ({"oov_char": 2, "index_from": 1}, "oov_char=2 must be at most index_from=1"),
            ({"word_index": {"a": 0}}, "ranks, integers from 1, got 'a': 0"),
            ({"word_index": {"a": 1.0}}, "ranks, integers from 1, got 'a': 1.0"),
            ({"word_index": {1: 1}}, "ranks, integers from 1, got 1: 1"),
            ({"word_index": {"a": 2, "b": 2}}, "word_index gives 2 words the same rank, 2"),
            ({"word_index": {"a": 2**31 - 3}}, "'a' the rank 2147483645, but .* most 2147483644"),
        ],
    )
    def test_wrong_parameters(self, method, params, message):
        encoder = WordIndexEncoder().fit(TEXTS).set_params(**params)
        with pytest.raises(ValueError, match=message):
            getattr(encoder, method)(TEXTS)

    def test_a_mapping_that_has_been_changed_is_checked_by_the_next_fit(self):
        word_index = {"a": 1, "b": 2}
        encoder = WordIndexEncoder(word_index=word_index).fit(["a"])
        word_index["c"] = 2
        with pytest.raises(ValueError, match="word_index gives 2 words the same rank, 2"):
            encoder.fit(["a"])

    def test_index_from_that_is_too_large_for_a_fitted_mapping(self):
        encoder = WordIndexEncoder(word_index={"a": 2**31 - 4, "b": 1}).fit(["a"])
        encoder.set_params(index_from=1000)
        assert encoder.transform(["b"])[0].tolist() == [1, 1001]
        with pytest.raises(ValueError, match="index_from=1000 and word_index make indices that"):
            encoder.transform(["a"])

    @pytest.mark.parametrize("X", [["x", None], [""]])
    def test_a_failed_fit_leaves_the_encoder_as_it_was(self, X):
        encoder = WordIndexEncoder().fit(["a b"])
        with pytest.raises(ValueError, match="X"):
            encoder.fit(X)
        assert encoder.word_index_ == {"a": 1, "b": 2}


class TestFeatureNames:
    def test_markers_and_words_by_index(self):
        names = WordIndexEncoder(word_index=WORD_INDEX).get_feature_names_out()
        assert names.dtype == object
        assert names.tolist() == [
            "<pad>", "<start>", "<oov>", "<unused>", "a", "good", "film", "bad",
        ]  # fmt: skip

    @pytest.mark.parametrize("num_words", range(1, 12))
    @pytest.mark.parametrize("start_char", [1, None])
    def test_equal_to_those_of_the_vectorizer(self, num_words, start_char):
        limits = {"num_words": num_words, "oov_char": None, "word_index": WORD_INDEX}
        names = WordIndexEncoder(start_char=start_char, **limits).get_feature_names_out()
        assert_array_equal(names, MultiHotVectorizer(**limits).get_feature_names_out()[:8])

    @pytest.mark.parametrize(
        ("start_char", "oov_char", "expected"),
        [
            (2, None, ["<pad>", "index_1", "<start>", "<unused>"]),
            (None, 1, ["<pad>", "<oov>", "index_2", "<unused>"]),
            (3, 0, ["<oov>", "index_1", "index_2", "<start>"]),
        ],
    )
    def test_markers_with_other_indices(self, start_char, oov_char, expected):
        encoder = WordIndexEncoder(word_index={"a": 1}, start_char=start_char, oov_char=oov_char)
        assert encoder.get_feature_names_out().tolist() == [*expected, "a"]

    @given(texts=texts, limits=limits())
    def test_every_index_has_a_name(self, texts, limits):
        encoder = WordIndexEncoder(**limits)
        sequences = encoder.fit_transform([*texts, "word"])
        names = encoder.get_feature_names_out()
        assert len(set(names)) == len(names)
        for index in np.concatenate(sequences).tolist():
            word = str(names[index])
            expected = encoder.word_index_.get(word, 0) + limits["index_from"]
            markers = {"<start>": limits["start_char"], "<oov>": limits["oov_char"]}
            assert index == markers.get(word, expected)

    def test_gaps_between_ranks(self):
        encoder = WordIndexEncoder(word_index={"a": 3}, index_from=1, start_char=None, oov_char=0)
        expected = ["<oov>", "<unused>", "index_2", "index_3", "a"]
        assert encoder.get_feature_names_out().tolist() == expected

    def test_an_oov_char_beyond_num_words_has_a_name(self):
        encoder = WordIndexEncoder(1, word_index=WORD_INDEX)
        assert as_lists(encoder.transform(["a"])) == [[2, 2]]
        assert encoder.get_feature_names_out().tolist() == ["<pad>", "<start>", "<oov>"]

    @pytest.mark.parametrize("word", ["<oov>", "index_4"])
    def test_names_are_unique(self, word):
        encoder = WordIndexEncoder(word_index={word: 5})
        with pytest.raises(ValueError, match=f"The word '{word}' is also the name of another"):
            encoder.get_feature_names_out()

    def test_input_features_are_ignored(self):
        encoder = WordIndexEncoder(word_index={"a": 1})
        assert len(encoder.get_feature_names_out(["text"])) == 5


class TestSetOutput:
    @pytest.mark.parametrize("transform", ["default", "pandas", "polars"])
    def test_the_output_is_always_an_object_array(self, transform):
        encoder = WordIndexEncoder(word_index=WORD_INDEX)
        assert encoder.set_output(transform=transform) is encoder
        with sklearn.config_context(transform_output=transform):
            for method in (encoder.transform, encoder.fit_transform):
                assert isinstance(method(TEXTS), np.ndarray)

    def test_later_steps_of_a_pipeline_follow_their_own(self):
        pipeline = make_pipeline(
            WordIndexEncoder(word_index=WORD_INDEX),
            MultiHotVectorizer(8, sparse_output=False, word_index=WORD_INDEX),
        ).set_output(transform="pandas")
        frame = pipeline.fit_transform(TEXTS)
        assert isinstance(frame, pd.DataFrame)
        assert frame["film"].tolist() == [1, 1, 0, 0]


@pytest.fixture
def data():
    """Texts of two classes that share few words."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=60)
    words = np.array(["bad", "awful", "film", "plot", "good", "great"])
    rows = [rng.choice(words[2 * label : 2 * label + 4], size=6) for label in y]
    return [" ".join(row) for row in rows], y


class TestComposition:
    @pytest.mark.parametrize(
        "container",
        [list, lambda X: np.array(X, dtype=object), pd.Series, pl.Series, pa.array],
        ids=["list", "object array", "pandas", "polars", "pyarrow"],
    )
    def test_cross_validation_equals_that_of_count_vectorizer(self, data, container):
        X, y = data
        pipeline = make_pipeline(
            WordIndexEncoder(start_char=None, oov_char=None),
            MultiHotVectorizer(20, oov_char=None),
            BernoulliNB(),
        )
        scores = cross_val_score(pipeline, container(X), y, cv=3, error_score="raise")
        expected = cross_val_score(make_pipeline(CountVectorizer(), BernoulliNB()), X, y, cv=3)
        assert_array_equal(scores, expected)
        assert scores.mean() > 0.8

    def test_grid_search(self, data):
        X, y = data
        pipeline = Pipeline(
            [("encoder", WordIndexEncoder()), ("vectorizer", MultiHotVectorizer(20)),
             ("nb", BernoulliNB())]
        )  # fmt: skip
        grid = {"encoder__num_words": [4, None], "encoder__min_df": [1, 2]}
        search = GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(X, y)
        assert search.best_params_["encoder__num_words"] is None
        assert len(search.best_estimator_["encoder"].word_index_) == 6

    def test_the_learned_word_index_names_the_features(self, data):
        X, _ = data
        encoder = WordIndexEncoder().fit(X)
        vectorizer = MultiHotVectorizer(None, word_index=encoder.word_index_)
        features = vectorizer.fit_transform(encoder.transform(X))
        names = vectorizer.get_feature_names_out()
        assert_array_equal(names, encoder.get_feature_names_out())
        has_good = ["good" in text.split() for text in X]
        assert_array_equal(features[:, list(names).index("good")].toarray().ravel(), has_good)
