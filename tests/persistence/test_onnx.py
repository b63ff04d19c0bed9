"""ONNX models, run by onnxruntime."""

import copy
import doctest
import functools
import json
import os
import sys

import keras
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler

from skimdb import DenseSentimentClassifier, MultiHotVectorizer
from skimdb.datasets import fetch_imdb, make_reviews
from skimdb.feature_extraction import LogCountRatioScaler
from skimdb.persistence import to_onnx
from tests.persistence.common import make_features

ATOL = 1e-5
ACTIVATIONS = [
    "celu",
    "elu",
    "exponential",
    "gelu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "leaky_relu",
    "linear",
    "log_softmax",
    "mish",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
]


@pytest.fixture
def onnx():
    return pytest.importorskip("onnx")


@pytest.fixture
def open_session():
    """Return a function that opens a model with onnxruntime."""
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    return lambda path: onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


@pytest.fixture
def run(open_session, path):
    """Return a function that writes an estimator and runs the model on features."""

    def write_and_run(estimator, features, outputs=("probabilities", "label")):
        to_onnx(estimator, path)
        features = features.toarray() if sp.issparse(features) else features
        return open_session(path).run(list(outputs), {"features": features.astype(np.float32)})

    return write_and_run


def fit_classifier(*args, n_classes=2, **params):
    X, y = make_features()
    if n_classes > 2:
        y = np.arange(len(y)) % n_classes
    classifier = DenseSentimentClassifier(
        *args, epochs=3, batch_size=8, learning_rate=0.02, random_state=0, **params
    )
    return classifier.fit(X, y)


@functools.cache
def random_classifier(activation):
    """Return an untrained network, because Keras takes long to train most activations."""
    X, y = make_features()
    classifier = DenseSentimentClassifier([6, 3], activation=activation, random_state=0)
    return with_random_biases(classifier.initialize(X, y))


def with_random_biases(classifier, seed=0):
    rng = np.random.default_rng(seed)
    for layer in classifier.model_.layers:
        if hasattr(layer, "bias"):
            layer.bias.assign(rng.normal(size=layer.bias.shape))
    return classifier


def assert_same_predictions(outputs, estimator, X):
    probabilities, label = outputs
    expected = estimator.predict_proba(X)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=ATOL)
    top = np.sort(expected, axis=1)
    is_clear = top[:, -1] - top[:, -2] > 2 * ATOL
    assert is_clear.any()
    np.testing.assert_array_equal(label[is_clear], estimator.predict(X)[is_clear])


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("units", [[], [16], [4, 1], [8, 5, 3]])
def test_model_predicts_like_the_classifier(run, units, n_classes):
    classifier = fit_classifier(units, len(units), n_classes=n_classes)
    X, _ = make_features()
    assert_same_predictions(run(classifier, X), classifier, X)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activation_is_that_of_keras(run, activation):
    classifier = random_classifier(activation)
    # Far apart, to reach every branch of an activation.
    X = np.random.default_rng(0).normal(scale=3, size=(200, 20)).astype(np.float32)
    assert_same_predictions(run(classifier, X), classifier, X)


def test_activation_may_be_a_function(run):
    classifier = random_classifier(keras.activations.gelu)
    X, _ = make_features()
    assert_same_predictions(run(classifier, X), classifier, X)


def test_every_activation_of_the_docstring_is_tested():
    listed = to_onnx.__doc__.split("The activations are Keras'")[1].split("each with")[0]
    names = set(listed.replace(" and ", " ").translate(str.maketrans("(),", "   ")).split())
    assert names == set(ACTIVATIONS)


def test_dropout_is_left_out(run, onnx, path):
    classifier = fit_classifier(16, dropout=0.5)
    X, _ = make_features()
    assert_same_predictions(run(classifier, X), classifier, X)
    assert "Dropout" not in {node.op_type for node in onnx.load(path).graph.node}


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    units=st.lists(st.integers(1, 9), max_size=3),
    activation=st.sampled_from(["relu", "tanh", "sigmoid", "linear"]),
    n_classes=st.integers(2, 4),
    dropout=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 2**31 - 1),
)
def test_any_network_predicts_the_same(run, units, activation, n_classes, dropout, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(30, 7)).astype(np.float32)
    classifier = DenseSentimentClassifier(
        units, len(units), activation=activation, dropout=dropout, epochs=1, random_state=seed
    ).fit(X, np.arange(30) % n_classes)
    with_random_biases(classifier, seed)
    assert_same_predictions(run(classifier, X), classifier, X)


@pytest.mark.parametrize("n_samples", [0, 1, 7])
def test_batches_have_any_size(run, n_samples):
    classifier = fit_classifier(3)
    X = make_features()[0][:n_samples]
    probabilities, label = run(classifier, X)
    assert probabilities.shape == (n_samples, 2)
    assert label.shape == (n_samples,)
    if n_samples:
        np.testing.assert_allclose(probabilities, classifier.predict_proba(X), rtol=0, atol=ATOL)


@pytest.mark.parametrize(
    ("classes", "onnx_type"),
    [
        (np.array([0, 1]), "tensor(int64)"),
        (np.array([-3, 7], np.int8), "tensor(int64)"),
        (np.array([-3, 0, 7], np.int16), "tensor(int64)"),
        (np.array([False, True]), "tensor(bool)"),
        (np.array([0.5, 2], np.float32), "tensor(double)"),
        (np.array(["negative", "positive"]), "tensor(string)"),
        (np.array(["mauvais", "moyen", "très bon"], object), "tensor(string)"),
    ],
    ids=str,
)
def test_labels_are_those_of_the_classifier(open_session, onnx, path, classes, onnx_type):
    X, y = make_features()
    y = classes[np.arange(len(y)) % len(classes)]
    if classes.dtype == np.float32:
        y = (y * 2).astype(np.float32)  # scikit-learn allows integral values only
    classifier = DenseSentimentClassifier(8, 1, epochs=4, batch_size=4, random_state=0).fit(X, y)
    to_onnx(classifier, path)
    session = open_session(path)
    assert session.get_outputs()[1].type == onnx_type
    outputs = session.run(["probabilities", "label"], {"features": X.toarray()})
    assert_same_predictions(outputs, classifier, X)
    assert len(set(outputs[1].tolist())) > 1
    metadata = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert json.loads(metadata["classes"]) == classifier.classes_.tolist()


def test_ties_are_broken_as_by_predict(run):
    for n_classes in (2, 3):
        classifier = fit_classifier(3, n_classes=n_classes)
        classifier.model_.set_weights([0 * weight for weight in classifier.model_.get_weights()])
        X, _ = make_features()
        probabilities, label = run(classifier, X)
        np.testing.assert_allclose(probabilities, 1 / n_classes, rtol=1e-6)
        np.testing.assert_array_equal(label, classifier.predict(X))


def test_model_is_valid_and_declares_its_inputs_and_outputs(onnx, open_session, path):
    to_onnx(fit_classifier(n_classes=3), path)
    onnx.checker.check_model(path, full_check=True)
    session = open_session(path)
    (features,) = session.get_inputs()
    assert (features.name, features.type) == ("features", "tensor(float)")
    assert features.shape == ["n_samples", 20]
    probabilities, label = session.get_outputs()
    assert (probabilities.name, probabilities.type) == ("probabilities", "tensor(float)")
    assert probabilities.shape == ["n_samples", 3]
    assert (label.name, label.type) == ("label", "tensor(int64)")
    assert label.shape == ["n_samples"]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_model_uses_opset_13(onnx, path, activation):
    to_onnx(random_classifier(activation), path)
    model = onnx.load(path)
    assert (model.ir_version, model.producer_name) == (7, "skimdb")
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 13)]
    onnx.checker.check_model(path, full_check=True)


def scaled_pipeline(*steps):
    reviews, y = make_reviews(60, random_state=0)
    pipeline = make_pipeline(
        MultiHotVectorizer(20),
        *steps,
        DenseSentimentClassifier(4, epochs=3, batch_size=8, random_state=0),
    )
    return pipeline.fit(reviews, y), reviews


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [LogCountRatioScaler()],
        [LogCountRatioScaler(), "passthrough"],
        [LogCountRatioScaler(), None],
        [make_pipeline(LogCountRatioScaler(), "passthrough")],
    ],
    ids=["vectorizer", "scaler", "passthrough", "None", "nested"],
)
def test_features_of_a_pipeline_come_from_its_vectorizer(run, steps):
    pipeline, reviews = scaled_pipeline(*steps)
    assert_same_predictions(run(pipeline, pipeline[0].transform(reviews)), pipeline, reviews)


def test_two_scalers_multiply(run):
    pipeline, reviews = scaled_pipeline(LogCountRatioScaler())
    # Make all ratios positive, because the second scaler refuses negative features.
    first = pipeline[1]
    first.feature_log_count_ratio_ = np.abs(first.feature_log_count_ratio_)
    features = pipeline[0].transform(reviews)
    _, y = make_reviews(60, random_state=0)
    second = LogCountRatioScaler().fit(first.transform(features), y)
    pipeline.steps.insert(2, ("second", second))
    assert_same_predictions(run(pipeline, features), pipeline, reviews)


def test_scaler_without_hidden_layer(run):
    pipeline, reviews = scaled_pipeline(LogCountRatioScaler())
    X, (_, y) = pipeline[:-1].transform(reviews), make_reviews(60, random_state=0)
    pipeline[-1].set_params(layers=0).fit(X, y)
    assert_same_predictions(run(pipeline, pipeline[0].transform(reviews)), pipeline, reviews)


def test_pipeline_may_begin_with_the_scaler(run):
    X, y = make_features()
    classifier = DenseSentimentClassifier(4, epochs=2, batch_size=8, random_state=0)
    pipeline = make_pipeline(LogCountRatioScaler(), classifier).fit(X, y)
    assert_same_predictions(run(pipeline, X), pipeline, X)


def test_scaler_of_more_classes(run):
    X, y = make_features()
    classifier = DenseSentimentClassifier(4, epochs=2, batch_size=8, random_state=0)
    pipeline = make_pipeline(LogCountRatioScaler(), classifier).fit(X, np.arange(len(y)) % 3)
    assert_same_predictions(run(pipeline, X), pipeline, X)


def test_vectorizer_may_be_any_transformer_of_texts(run):
    texts = ["a good film", "a bad film", "good fun", "bad, bad film!"] * 5
    y = ["positive", "negative"] * 10
    vectorizer = make_pipeline(
        FunctionTransformer(lambda texts: [text.upper() for text in texts]),
        make_union(CountVectorizer(), CountVectorizer(ngram_range=(2, 2))),
    )
    classifier = DenseSentimentClassifier(4, epochs=4, batch_size=4, random_state=0)
    pipeline = make_pipeline(vectorizer, LogCountRatioScaler(), classifier).fit(texts, y)
    assert_same_predictions(run(pipeline, vectorizer.transform(texts)), pipeline, texts)


def test_scaler_is_not_changed(onnx, path):
    pipeline, _ = scaled_pipeline(LogCountRatioScaler())
    ratios, weights = pipeline[1].feature_log_count_ratio_.copy(), pipeline[-1].model_.get_weights()
    to_onnx(pipeline, path)
    np.testing.assert_array_equal(pipeline[1].feature_log_count_ratio_, ratios)
    for before, after in zip(weights, pipeline[-1].model_.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("step", [TfidfTransformer(), MaxAbsScaler()])
@pytest.mark.parametrize("with_scaler", [False, True])
def test_unsupported_step_is_named(path, step, with_scaler):
    pipeline, _ = scaled_pipeline(step, *[LogCountRatioScaler()] * with_scaler)
    with pytest.raises(
        ValueError, match=f"estimator has a step {type(step).__name__} between the features and"
    ):
        to_onnx(pipeline, path)
    assert not path.exists()


def test_unsupported_step_after_the_scaler_is_named(path):
    class Doubler(FunctionTransformer):
        def fit(self, X, y=None):
            return self

    pipeline, _ = scaled_pipeline(LogCountRatioScaler(), Doubler(lambda X: 2 * X))
    with pytest.raises(ValueError, match="has a step Doubler between"):
        to_onnx(pipeline, path)


class SquareRoot(TransformerMixin, BaseEstimator):
    # Learns nothing, not even n_features_in_.
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X.sqrt()


class UntaggedSquareRoot:
    fit, transform = SquareRoot.fit, SquareRoot.transform


@pytest.mark.parametrize("step", [SquareRoot(), UntaggedSquareRoot()])
@pytest.mark.parametrize("with_scaler", [False, True])
def test_unsupported_step_without_attributes_is_named(path, step, with_scaler):
    pipeline, _ = scaled_pipeline(step, *[LogCountRatioScaler()] * with_scaler)
    with pytest.raises(ValueError, match=f"has a step {type(step).__name__} between"):
        to_onnx(pipeline, path)
    assert not path.exists()


def test_union_of_matrix_transformers_is_not_a_vectorizer(path):
    union = FeatureUnion([("root", SquareRoot()), ("none", "drop"), ("same", "passthrough")])
    pipeline, _ = scaled_pipeline(union)
    with pytest.raises(ValueError, match="has a step FeatureUnion between"):
        to_onnx(pipeline, path)


def test_steps_after_an_unsupported_one_can_be_written(run):
    pipeline, reviews = scaled_pipeline(TfidfTransformer(), LogCountRatioScaler())
    assert_same_predictions(run(pipeline[2:], pipeline[:2].transform(reviews)), pipeline, reviews)


@pytest.mark.parametrize(
    "activation",
    [
        "tanh_shrink",
        keras.layers.LeakyReLU(negative_slope=0.1),
        lambda x: keras.activations.gelu(x, approximate=True),
    ],
    ids=["other name", "layer", "function"],
)
def test_unsupported_activation_is_named(path, activation):
    name = getattr(activation, "name", "<lambda>") if callable(activation) else activation
    classifier = random_classifier(activation)
    with pytest.raises(ValueError, match=f"the activation .*{name}.* cannot be written as ONNX"):
        to_onnx(classifier, path)
    assert not path.exists()


def test_activation_does_not_matter_without_hidden_layers(run):
    classifier = fit_classifier(layers=0, activation="tanh_shrink")
    X, _ = make_features()
    assert_same_predictions(run(classifier, X), classifier, X)


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        make_pipeline(MultiHotVectorizer(), LogisticRegression()),
        make_pipeline(MultiHotVectorizer()),
        Pipeline([("nothing", "passthrough")]),
        DenseSentimentClassifier,
        None,
    ],
    ids=["classifier", "pipeline", "vectorizer", "passthrough", "class", "None"],
)
def test_other_estimators_raise_type_error(path, estimator):
    with pytest.raises(
        TypeError, match="must be a DenseSentimentClassifier or a Pipeline that ends in one, got "
    ):
        to_onnx(estimator, path)


@pytest.mark.parametrize(
    "estimator",
    [
        DenseSentimentClassifier(),
        make_pipeline(MultiHotVectorizer(), LogCountRatioScaler(), DenseSentimentClassifier()),
    ],
    ids=["classifier", "pipeline"],
)
def test_unfitted_estimator_raises_not_fitted_error(path, estimator):
    with pytest.raises(NotFittedError, match="DenseSentimentClassifier instance is not fitted"):
        to_onnx(estimator, path)


def test_unfitted_scaler_raises_not_fitted_error(path, fitted):
    with pytest.raises(NotFittedError, match="LogCountRatioScaler instance is not fitted"):
        to_onnx(make_pipeline(LogCountRatioScaler(), fitted), path)


def test_without_onnx_the_error_says_what_to_install(path, fitted, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'skimdb\[onnx\]'"):
        to_onnx(fitted, path)
    assert not path.exists()


def test_network_of_2_gib_is_refused(path, fitted):
    large = copy.deepcopy(fitted)
    # A view of one number, which takes no memory.
    large._state.network.parameters[0] = np.broadcast_to(np.float32(1), (2**25, 16))
    with pytest.raises(ValueError, match=r"weights of 2,147,483,.* bytes; ONNX can hold 2,146,"):
        to_onnx(large, path)
    assert not path.exists()


def test_existing_file_is_replaced(onnx, path, fitted):
    path.write_bytes(b"another file")
    to_onnx(fitted, os.fspath(path))
    onnx.checker.check_model(path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_failed_write_keeps_the_existing_file(onnx, path, fitted, monkeypatch):
    def fsync(descriptor):
        raise OSError("no space left")

    path.write_bytes(b"another file")
    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="no space left"):
        to_onnx(fitted, path)
    assert path.read_bytes() == b"another file"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_missing_folder_raises_os_error(onnx, path, fitted):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        to_onnx(fitted, path.parent / "nowhere" / path.name)


def test_same_estimator_makes_the_same_file(onnx, path, fitted):
    to_onnx(fitted, path)
    first = path.read_bytes()
    to_onnx(fitted, path)
    assert path.read_bytes() == first


def test_example_of_the_docstring_runs(open_session):
    source = to_onnx.__doc__.replace("  # doctest: +SKIP", "")
    example = doctest.DocTestParser().get_doctest(source, {}, "to_onnx", None, None)
    assert doctest.DocTestRunner().run(example).failed == 0


@pytest.mark.real_data
@pytest.mark.parametrize("steps", [[], [LogCountRatioScaler()]], ids=["multi-hot", "scaled"])
def test_real_test_reviews_get_the_same_probabilities(open_session, path, steps):
    X_train, y_train = fetch_imdb(subset="train", return_X_y=True)
    X_test, _ = fetch_imdb(subset="test", return_X_y=True)
    classifier = DenseSentimentClassifier(random_state=0)
    pipeline = make_pipeline(MultiHotVectorizer(10_000), *steps, classifier)
    pipeline.fit(X_train, y_train)
    to_onnx(pipeline, path)
    session = open_session(path)
    features = pipeline[0].transform(X_test)
    batches = [features[start : start + 1000].toarray() for start in range(0, 25_000, 1000)]
    outputs = [session.run(["probabilities", "label"], {"features": batch}) for batch in batches]
    probabilities, labels = (np.concatenate(output) for output in zip(*outputs, strict=True))
    assert len(probabilities) == 25_000
    assert_same_predictions((probabilities, labels), pipeline, X_test)
