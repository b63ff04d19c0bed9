"""The n-grams of a `MultiHotVectorizer` are kept as rows, which are easy to check."""

from typing import Any

from skimdb.feature_extraction._ngrams import NGramTable


def ngrams_of_table(attributes: dict[str, Any]) -> None:
    """Replace the table among the attributes to save by its n-grams."""
    if "ngram_table_" in attributes:
        attributes["ngrams_"] = attributes.pop("ngram_table_").ngrams


def table_of_ngrams(vectorizer: Any) -> None:
    """Replace the n-grams of a loaded vectorizer by their table."""
    if "ngrams_" in vars(vectorizer):
        vectorizer.ngram_table_ = NGramTable.from_ngrams(vars(vectorizer).pop("ngrams_"))
