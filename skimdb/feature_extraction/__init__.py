"""Features from texts and from sequences of word indices."""

from skimdb.feature_extraction._characters import CharacterEncoder
from skimdb.feature_extraction._log_count_ratio import LogCountRatioScaler
from skimdb.feature_extraction._multi_hot import MultiHotVectorizer
from skimdb.feature_extraction._word_index import WordIndexEncoder

__all__ = ["CharacterEncoder", "LogCountRatioScaler", "MultiHotVectorizer", "WordIndexEncoder"]
