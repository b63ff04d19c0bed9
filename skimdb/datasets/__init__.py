"""The IMDB reviews, and generated ones like them."""

from skimdb.datasets._imdb import decode_review, fetch_imdb, fetch_imdb_word_index
from skimdb.datasets._reviews import make_reviews

__all__ = ["decode_review", "fetch_imdb", "fetch_imdb_word_index", "make_reviews"]
