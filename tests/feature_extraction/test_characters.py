"""CharacterEncoder with MultiHotVectorizer equals CountVectorizer's n-grams of characters."""

import pickle
import re
import unicodedata
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.utils import get_tags

from skimdb.feature_extraction import (
    CharacterEncoder,
    LogCountRatioScaler,
    MultiHotVectorizer,
    WordIndexEncoder,
)
from tests.feature_extraction.test_word_index import CONTAINERS, TEXTS

# Without the characters that CountVectorizer takes for letters and MultiHotVectorizer does not.
CHARACTERS = st.characters(min_codepoint=4)
texts = st.lists(
    st.text(CHARACTERS, max_size=8)
    | st.text("aB \t\n\u3000é好不กดี😀", max_size=12)
    | st.sampled_from(["", " ", "Gut!", "sehr  gut", "很好。", "ดีมาก"]),
    min_size=1,
    max_size=6,
)


def padded(text):
    return f" {' '.join(text.split())} " if text.split() else ""


def code_points(text):
    return [ord(character) for character in text]


class TestCodePoints:
    @given(texts=texts)
    def test_are_those_of_the_characters(self, texts):
        sequences = CharacterEncoder(normalize=False).transform(texts)
        expected = [code_points(padded(text.lower())) for text in texts]
        assert [sequence.tolist() for sequence in sequences] == expected

    def test_lowercase(self):
        [sequence] = CharacterEncoder(lowercase=False).transform(["Gut"])
        assert sequence.tolist() == code_points(" Gut ")

    @pytest.mark.parametrize("text", ["don’t", "cafe\u0301", "ｇｏｏｄ！", "“go\u00adod”…", "好。"])  # noqa: RUF001
    def test_normalize_as_words_are(self, text):
        encoder = WordIndexEncoder(filters="", start_char=None)
        plain = encoder.inverse_transform(encoder.fit_transform([text])).item()
        assert CharacterEncoder().transform([text])[0].tolist() == code_points(padded(plain))

    def test_accents_are_composed(self):
        for text in ("café", unicodedata.normalize("NFD", "café")):
            assert CharacterEncoder().transform([text])[0].tolist() == code_points(" café ")

    @given(texts=texts)
    def test_within_words(self, texts):
        encoder = CharacterEncoder(normalize=False, within_words=True)
        expected = [" \0 ".join(text.lower().split()) for text in texts]
        assert [sequence.tolist() for sequence in encoder.transform(texts)] == [
            code_points(f" {text} " if text else "") for text in expected
        ]

    @pytest.mark.parametrize("text", ["", " ", "\n\t", "\u200b"])
    def test_a_text_of_white_space_has_no_characters(self, text):
        assert CharacterEncoder().transform([text])[0].tolist() == []

    def test_lone_surrogates_and_the_largest_code_point(self):
        text = "a\ud800\udfff\U0010ffff\x00"
        [sequence] = CharacterEncoder().transform([text])
        assert sequence.tolist() == code_points(padded(text))

    @given(texts=texts)
    def test_are_int32_views_on_one_flat_array(self, texts):
        sequences = CharacterEncoder().transform(texts)
        assert sequences.shape == (len(texts),)
        assert sequences.dtype == object
        assert {sequence.dtype for sequence in sequences} == {np.dtype(np.int32)}
        flat = sequences[0].base
        assert all(sequence.base is flat for sequence in sequences)
        assert_array_equal(np.concatenate(sequences), flat)
        copied = pickle.loads(pickle.dumps(sequences))
        assert [row.tolist() for row in copied] == [row.tolist() for row in sequences]

    def test_no_texts(self):
        assert CharacterEncoder().transform([]).shape == (0,)


class TestNgrams:
    @pytest.mark.parametrize("within_words", [False, True])
    @given(texts=texts, ngram_range=st.sampled_from([(1, 1), (1, 3), (2, 5), (3, 3)]))
    def test_equal_to_those_of_count_vectorizer(self, within_words, texts, ngram_range):
        texts = [*texts, "gut!"]
        analyzer = "char_wb" if within_words else "char"
        reference = CountVectorizer(analyzer=analyzer, ngram_range=ngram_range, binary=True)
        expected = reference.fit_transform(map(padded, texts))
        pipeline = make_pipeline(
            CharacterEncoder(normalize=False, within_words=within_words),
            MultiHotVectorizer(None, ngram_range=ngram_range, min_df=1, max_features=10**6),
        )
        X = pipeline.fit_transform(texts)
        names = pipeline.get_feature_names_out()
        assert sorted(names) == reference.get_feature_names_out().tolist()
        columns = [reference.vocabulary_[name] for name in names]
        assert (expected[:, columns] != X).nnz == 0

    @pytest.mark.parametrize("text", ["这家酒店很好", "映画はとても良かった", "ภาพยนตร์ดีมาก"])
    def test_languages_without_spaces_need_no_tokenizer(self, text):
        vectorizer = MultiHotVectorizer(None, ngram_range=(2, 2))
        pipeline = make_pipeline(CharacterEncoder(), vectorizer).fit([text])
        bigrams = {padded(text)[i : i + 2] for i in range(len(text) + 1)}
        assert set(pipeline.get_feature_names_out()) == bigrams


class TestNames:
    def test_of_all_characters(self):
        names = CharacterEncoder().get_feature_names_out()
        assert names.shape == (0x110000,)
        assert names[[32, 103, 0x597D, 0x1F600]].tolist() == [" ", "g", "好", "😀"]

    def test_of_single_characters(self):
        pipeline = make_pipeline(CharacterEncoder(), MultiHotVectorizer(None)).fit(["ab"])
        assert pipeline.get_feature_names_out()[[32, 97, 98]].tolist() == [" ", "a", "b"]

    def test_of_indices_that_are_no_code_points(self):
        names = MultiHotVectorizer(0x110001).get_feature_names_out(
            CharacterEncoder().get_feature_names_out()
        )
        assert names[[97, 0x110000]].tolist() == ["a", f"index_{0x110000}"]

    def test_in_a_union_with_words(self):
        words = make_pipeline(WordIndexEncoder(), MultiHotVectorizer(None, ngram_range=(1, 2)))
        characters = make_pipeline(CharacterEncoder(), MultiHotVectorizer(None, ngram_range=(3, 3)))
        union = FeatureUnion([("words", words), ("characters", characters)])
        pipeline = make_pipeline(union, LogCountRatioScaler()).fit(["Sehr gut!", "gut"], [0, 1])
        assert pipeline.get_feature_names_out().tolist() == [
            "words__gut", "words__sehr", "words__sehr gut",
            "characters__ gu", "characters__ se", "characters__ehr", "characters__gut",
            "characters__hr ", "characters__r g", "characters__seh", "characters__t! ",
            "characters__ut ", "characters__ut!",
        ]  # fmt: skip

    def test_of_several_vectorizers_behind_one_encoder(self):
        vectorizers = [(f"{n}", MultiHotVectorizer(None, ngram_range=(n, n))) for n in (2, 3)]
        pipeline = make_pipeline(CharacterEncoder(), FeatureUnion(vectorizers)).fit(["ab"])
        names = ["2__ a", "2__ab", "2__b ", "3__ ab", "3__ab "]
        assert pipeline.get_feature_names_out().tolist() == names

    def test_behind_a_column(self):
        pipeline = make_pipeline(CharacterEncoder(), MultiHotVectorizer(None, ngram_range=(2, 2)))
        columns = ColumnTransformer([("characters", pipeline, "text")])
        columns.fit(pd.DataFrame({"text": ["ab", "a"]}))
        names = ["characters__ a", "characters__a ", "characters__ab", "characters__b "]
        assert columns.get_feature_names_out().tolist() == names


class TestInverse:
    @given(texts=texts)
    def test_texts_come_back_with_single_blanks(self, texts):
        encoder = CharacterEncoder(normalize=False, lowercase=False)
        result = encoder.inverse_transform(encoder.transform(texts))
        assert result.dtype == object
        assert result.tolist() == [" ".join(text.split()) for text in texts]

    @given(texts=texts)
    def test_of_characters_within_words(self, texts):
        encoder = CharacterEncoder(normalize=False, lowercase=False, within_words=True)
        result = encoder.inverse_transform(encoder.transform(texts))
        assert result.tolist() == [" ".join(text.split()) for text in texts]

    def test_of_ngrams(self):
        encoder, vectorizer = CharacterEncoder(), MultiHotVectorizer(None, ngram_range=(3, 3))
        X = vectorizer.fit_transform(encoder.transform(["gut"]))
        [ngrams] = vectorizer.inverse_transform(X)
        assert encoder.inverse_transform(ngrams).tolist() == ["gu", "gut", "ut"]

    def test_the_largest_code_point(self):
        assert CharacterEncoder().inverse_transform([[0x10FFFF]]).tolist() == ["\U0010ffff"]

    @pytest.mark.parametrize("row", [[0x10FFFF, 0x110000], [0x110000, 97]])
    def test_no_code_points(self, row):
        with pytest.raises(ValueError, match="Row 1 of X contains 1114112, but code points are at"):
            CharacterEncoder().inverse_transform([[97], row])


class TestFrequentWords:
    # Each of five distinct words is found twice on average, of equal texts once.
    TEXTS: ClassVar[list[str]] = [
        "Very good, very good!",
        "good FILM",
        "good film",
        "so-so.",
        "So?",
    ]
    TEXTS += ["Very good, very good!"] * 5

    def test_mean_frequency_in_different_texts(self):
        encoder = CharacterEncoder(max_word_frequency=3)
        words = [word for text in set(self.TEXTS) for word in re.findall(r"[a-z]+", text.lower())]
        assert encoder.fit(self.TEXTS).word_frequency_ == len(words) / len(set(words))

    @pytest.mark.parametrize(("limit", "is_left_out"), [(2, True), (2.75, False), (3, False)])
    def test_characters_are_left_out_above_the_limit(self, limit, is_left_out):
        encoder = CharacterEncoder(max_word_frequency=limit)
        for sequences in (
            encoder.fit_transform(self.TEXTS),
            encoder.transform(self.TEXTS),
            pickle.loads(pickle.dumps(encoder)).transform(self.TEXTS),
        ):
            expected = CharacterEncoder().transform(self.TEXTS)
            kept = [[] if is_left_out else row.tolist() for row in expected]
            assert [row.tolist() for row in sequences] == kept

    def test_other_texts_are_treated_as_those_of_fit(self):
        encoder = CharacterEncoder(max_word_frequency=2).fit(["a b"])
        assert encoder.transform(["a a a a"])[0].size
        assert not encoder.fit(["a a a a"]).transform(["a b"])[0].size

    def test_the_frequency_of_an_earlier_fit_is_forgotten(self):
        encoder = CharacterEncoder(max_word_frequency=2).fit(["a a a a"])
        encoder.set_params(max_word_frequency=None).fit(["b c"])
        with pytest.raises(NotFittedError):
            encoder.set_params(max_word_frequency=3).transform(["b c"])

    def test_texts_without_words(self):
        assert CharacterEncoder(max_word_frequency=0).fit(["", "!"]).word_frequency_ == 0

    def test_needs_fit(self):
        encoder = CharacterEncoder(max_word_frequency=2)
        assert get_tags(encoder).requires_fit
        with pytest.raises(NotFittedError):
            encoder.transform(["a"])

    def test_wrong_limit(self):
        with pytest.raises(ValueError, match="'max_word_frequency' parameter of CharacterEncoder"):
            CharacterEncoder(max_word_frequency=-1).fit(["a"])


class TestContract:
    @pytest.mark.parametrize("kind", CONTAINERS)
    def test_every_kind_of_texts_is_read_alike(self, kind):
        expected = CharacterEncoder().transform(TEXTS)
        sequences = CharacterEncoder().fit_transform(CONTAINERS[kind](TEXTS))
        assert [row.tolist() for row in sequences] == [row.tolist() for row in expected]

    @pytest.mark.parametrize("method", ["fit", "fit_transform", "transform"])
    @pytest.mark.parametrize(
        ("X", "error", "message"),
        [
            ("text", TypeError, r"got a single str\. Write a single text as \[text\]"),
            (["a", None], ValueError, "Row 1 of X is missing"),
            (["a", 3], TypeError, "Row 1 of X must be a text, a str, got int"),
        ],
    )
    def test_wrong_texts(self, method, X, error, message):
        with pytest.raises(error, match=message):
            getattr(CharacterEncoder(), method)(X)

    @pytest.mark.parametrize("name", ["normalize", "lowercase", "within_words"])
    @pytest.mark.parametrize("method", ["fit", "fit_transform", "transform"])
    def test_wrong_parameters(self, name, method):
        encoder = CharacterEncoder(**{name: "no"})
        with pytest.raises(ValueError, match=f"The '{name}' parameter of CharacterEncoder must be"):
            getattr(encoder, method)(["a"])

    def test_needs_no_fit(self):
        assert not get_tags(CharacterEncoder()).requires_fit

    @pytest.mark.parametrize("transform", ["pandas", "polars"])
    def test_the_output_is_always_an_object_array(self, transform):
        encoder = CharacterEncoder()
        assert encoder.set_output(transform=transform) is encoder
        with sklearn.config_context(transform_output=transform):
            assert isinstance(encoder.transform(["a"]), np.ndarray)

    def test_cross_validation(self):
        rng = np.random.default_rng(0)
        y = rng.integers(0, 3, size=90)
        endings = np.array(["很好吃", "不好吃", "一般般"])[y]
        X = [f"{'这那家店菜'[rng.integers(5)]}{ending}" for ending in endings]
        pipeline = make_pipeline(
            CharacterEncoder(),
            MultiHotVectorizer(None, ngram_range=(1, 3), min_df=2),
            LogCountRatioScaler(),
            LogisticRegression(),
        )
        assert cross_val_score(pipeline, X, y, cv=3, error_score="raise").mean() > 0.95
