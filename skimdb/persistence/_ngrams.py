"""The n-grams of a `MultiHotVectorizer` as plain data."""

from typing import Any

from skimdb.feature_extraction._ngram_table import NGramTable
from skimdb.persistence._checks import check_ngrams


def ngrams_of_table(attributes: dict[str, Any]) -> None:
    """Replace the table among the attributes to save by its arrays."""
    if "ngram_table_" in attributes:
        table = attributes["ngram_table_"]
        attributes["ngram_table_"] = {"levels": table.levels, "prefixes": table.prefixes}


def table_of_ngrams(vectorizer: Any) -> None:
    """Make the table of a loaded vectorizer; version 0.1.0 kept the n-grams as rows.

    Raises
    ------
    ValueError
        If the rows are not sorted n-grams. The table itself is yet to be checked.
    """
    attributes = vars(vectorizer)
    if "ngrams_" in attributes:
        check_ngrams(vectorizer, attributes["ngrams_"])
        vectorizer.ngram_table_ = NGramTable.from_ngrams(attributes.pop("ngrams_"))
    match attributes.get("ngram_table_"):
        case {"levels": levels, "prefixes": prefixes, **rest} if not rest:
            vectorizer.ngram_table_ = NGramTable(levels, prefixes)
