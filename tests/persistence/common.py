"""Test data, and helpers that take files apart and put them together."""

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
    """Return the contents of a file as Python objects, and its other members."""
    members = {name: content.tobytes() for name, content in read_archive(path).items()}
    return json.loads(members.pop(CONTENTS)), members


def as_bytes(data):
    """Return bytes as the archive has them."""
    return np.frombuffer(bytearray(data), np.uint8)


def put_together(path, contents, members):
    """Write a file with a correct checksum, whatever its contents."""
    path.write_bytes(write_archive({CONTENTS: json.dumps(contents).encode(), **members}))


def seal(data):
    """Replace the last 64 bytes of a file with the correct checksum."""
    return data[:-64] + hashlib.sha256(data[:-64]).hexdigest().encode()


def npy(array):
    """Return the bytes that NumPy itself writes."""
    buffer = BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()
