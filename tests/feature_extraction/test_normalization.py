"""Texts as phones and word processors write them have the words of the same texts in ASCII."""

import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skimdb.feature_extraction import WordIndexEncoder
from skimdb.feature_extraction._normalization import make_normalizer

# A typed text, and how it is written elsewhere.
TYPOGRAPHY = {
    "double quotes": ("good", ["“good”", "„good“", "«good»", "‹good›", "\x93good\x94"]),
    "single quotes": ("good", ["‘good’", "‚good‘", "\x91good\x92", "good’"]),
    "dashes": ("good bad", ["good—bad", "good–bad", "good‑bad", "good\x96bad", "good − bad"]),
    "ellipses": ("good bad", ["good…bad", "good⋯bad", "good‥bad…"]),
    "bullets": ("good bad", ["• good • bad", "\x95good \x95bad"]),
    "Spanish": ("good bad", ["¡good! ¿bad?"]),
    "full width": (
        "good bad",
        ["ｇｏｏｄ　ｂａｄ", "good，bad！", "（good）？bad；", "good：bad．"],
    ),
    "Chinese": ("好 不", ["好，不。", "好、不！", "“好”不", "好‘不’", "《好》不……", "【好】不"]),
    "Japanese": ("好 不", ["「好」不。", "『好』・不", "好〜不", "好･不｡"]),
    "Arabic": ("جيد سيئ", ["جيد، سيئ؟", "جيد؛ سيئ۔"]),
    "Hindi": ("अच्छा बुरा", ["अच्छा। बुरा॥"]),
    "Hebrew": ("טוב רע", ["טוב־רע"]),
    "accents": ("café", ["cafe\u0301", "caf\u00e9", "ｃａｆｅ\u0301"]),
    "no width": (
        "good bad",
        [
            "go\u00adod bad",
            "\ufeffgood bad",
            "good\u200bbad",
            "\u200egood\u200f bad",
            "good bad\ufe0f",
        ],
    ),
    "emoji": ("❤", ["❤\ufe0f", "❤\ufe0e"]),
}
CASES = [(typed, text) for typed, texts in TYPOGRAPHY.values() for text in texts]


def words(text, **parameters):
    encoder = WordIndexEncoder(start_char=None, **parameters)
    return encoder.inverse_transform(encoder.fit_transform([text])).item()


@pytest.mark.parametrize(("typed", "text"), CASES)
def test_words_are_those_of_the_typed_text(typed, text):
    assert words(text) == typed


@pytest.mark.parametrize("apostrophe", "'’ʼ＇‘‛′´\x91\x92")
def test_an_apostrophe_belongs_to_words_whichever_it_is(apostrophe):
    assert words(f"I don{apostrophe}t, l{apostrophe}été") == "i don't l'été"


@pytest.mark.parametrize("quotes", ["‘’", "‚‘", "‛’", "\x91\x92"])
def test_quotes_around_words_are_no_apostrophes(quotes):
    opening, closing = quotes
    assert words(f"a {opening}good{closing}, {opening}fine film{closing}") == "a good fine film"


def test_quotes_between_chinese_words_are_no_apostrophes():
    assert words("他说‘好’吗") == "他说 好 吗"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("good！", "good !"),
        ("“good”…", '" good " . . .'),
        ("好，不好。", "好 , 不好 ."),
        ("good — bad‽", "good - bad ? !"),
    ],
)
def test_marks_are_words_where_those_of_ascii_are(text, expected):
    assert words(text, punctuation=string.punctuation.replace("'", "")) == expected


@pytest.mark.parametrize(
    ("parameters", "text", "expected"),
    [
        ({"filters": "—"}, "good—bad-film", "good bad-film"),
        ({"punctuation": "…"}, "good…", "good …"),
        ({"filters": "’"}, "don’t can't", "don t can't"),
        ({"filters": "\u00ad"}, "un\u00adhappy", "un happy"),
        ({"filters": ""}, "“good”", '"good"'),
    ],
)
def test_characters_in_the_parameters_stay_as_they_are(parameters, text, expected):
    assert words(text, **parameters) == expected


@given(text=st.text(alphabet=[chr(code) for code in range(128)]))
def test_ascii_text_is_split_as_without(text):
    for parameters in ({}, {"punctuation": "!'"}, {"filters": ""}):
        encoder = WordIndexEncoder(**parameters).fit([text, "word"])
        expected = WordIndexEncoder(normalize=False, **parameters).fit([text, "word"])
        assert encoder.word_index_ == expected.word_index_


@given(text=st.text(alphabet=st.characters(min_codepoint=0xFF01, max_codepoint=0xFF5E)))
def test_full_width_text_has_the_words_of_its_compatibility_form(text):
    half_width = unicodedata.normalize("NFKC", text)
    encoder = WordIndexEncoder().fit([half_width, "word"])
    assert encoder.transform([text])[0].tolist() == encoder.transform([half_width])[0].tolist()


@given(text=st.text(alphabet=st.characters(max_codepoint=0x2FFF)))
def test_equivalent_texts_have_the_same_words(text):
    encoder = WordIndexEncoder().fit([text, "word"])
    expected = encoder.transform([text])[0].tolist()
    for form in ("NFC", "NFD"):
        assert encoder.transform([unicodedata.normalize(form, text)])[0].tolist() == expected


@given(text=st.text() | st.text(alphabet="aeé\u0301ｅ‘’´′\u200d\u200b《。〈\u2329K"))
def test_plain_text_is_not_changed_again(text):
    normalize = make_normalizer()
    assert normalize(normalize(text)) == normalize(text)


@pytest.mark.parametrize(
    "text", ["don’t", "cafe\u0301", "go\u00adod", "good…", "ｇｏｏｄ", "“good”"]
)
def test_texts_stay_as_they_are_without(text):
    assert words(text, normalize=False) == text
