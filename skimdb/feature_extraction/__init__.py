"""Features from sequences of word indices."""

from skimdb.feature_extraction._multi_hot import MultiHotVectorizer

__all__ = ["MultiHotVectorizer"]
