import keras
import pytest

from tests.neural_network.common import make_multi_hot


@pytest.fixture
def reviews():
    """Return a CSR matrix of shape (150, 30), and balanced labels 0 and 1."""
    return make_multi_hot(150, 30)


@pytest.fixture
def more_reviews():
    """Return 60 samples like those of `reviews`."""
    return make_multi_hot(60, 30, random_state=1)


@pytest.fixture
def eager_keras(monkeypatch):
    """Let Keras train without tracing, which takes longer than such trainings."""
    always = property(lambda model: True, lambda model, value: None)
    monkeypatch.setattr(keras.Model, "run_eagerly", always, raising=False)
