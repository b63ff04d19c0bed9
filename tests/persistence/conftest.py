import pytest

from skimdb import DenseSentimentClassifier
from tests.persistence.common import make_features


@pytest.fixture
def path(tmp_path):
    """Return a path to write to."""
    return tmp_path / "estimator.skimdb"


@pytest.fixture(scope="session")
def features():
    """Return a CSR matrix of shape (60, 20), and labels 0 and 1."""
    return make_features()


@pytest.fixture(scope="session")
def fitted(features):
    """Return a fitted classifier, which tests must not change."""
    return DenseSentimentClassifier([3, 2], epochs=1, batch_size=16, random_state=0).fit(*features)
