"""Data, and files taken apart and put together, for the tests of this folder."""

import hashlib
import json
from io import BytesIO

import numpy as np

from skimdb.datasets import make_reviews
from skimdb.feature_extraction import MultiHotVectorizer
from skimdb.persistence._archive import read_archive, write_archive

CONTENTS = "skimdb.json"


def make_features(n_samples=60, num_words=20):
    """Return a multi-hot CSR matrix and labels 0 and 1."""
    reviews, y = make_reviews(n_samples, random_state=0)
    return MultiHotVectorizer(num_words=num_words).transform(reviews), y


def taken_apart(path):
    """Return a file's contents as Python objects, and its other members."""
    members = read_archive(path)
    return json.loads(members.pop(CONTENTS)), members


def put_together(path, contents, members):
    """Write a file with a right checksum, whatever is in it."""
    path.write_bytes(write_archive({CONTENTS: json.dumps(contents).encode(), **members}))


def seal(data):
    """Replace the last 64 bytes of a file by the right checksum."""
    return data[:-64] + hashlib.sha256(data[:-64]).hexdigest().encode()


def npy(array):
    """Return the bytes that NumPy itself writes."""
    buffer = BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()
