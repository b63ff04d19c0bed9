"""Load the IMDB reviews, generate similar ones, and read and predict files of any size."""

from skimdb.datasets._imdb import decode_review, fetch_imdb, fetch_imdb_word_index
from skimdb.datasets._prediction import predict_files, predict_frame
from skimdb.datasets._reviews import make_reviews
from skimdb.datasets._streaming import iter_batches

__all__ = [
    "decode_review",
    "fetch_imdb",
    "fetch_imdb_word_index",
    "iter_batches",
    "make_reviews",
    "predict_files",
    "predict_frame",
]
