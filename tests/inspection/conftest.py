from collections.abc import Iterator

import matplotlib.pyplot as plt
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture
def pipeline() -> Pipeline:
    texts = ["great film", "great cast", "dull film", "dull plot"]
    model = make_pipeline(CountVectorizer(binary=True), LogisticRegression())
    return model.fit(texts, ["good", "good", "bad", "bad"])
