import copy
import functools
import importlib.metadata
import json
import re
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

import skimdb
from skimdb import DenseSentimentClassifier, MultiHotVectorizer
from skimdb.datasets import make_reviews
from skimdb.datasets._prediction_task import hash_model
from skimdb.feature_extraction import CharacterEncoder, LogCountRatioScaler, WordIndexEncoder
from tests.persistence.common import make_features, taken_apart

TEXTS = ["a good film", "a bad film", "good fun", "bad, bad film!"] * 5
LABELS = np.array(["positive", "negative"] * 10, dtype=object)


def reloaded(estimator, path, **options):
    skimdb.save(estimator, path, **options)
    return skimdb.load(path)


def assert_same_network(classifier, expected):
    """Compare weights, optimizer state and learned attributes bit for bit."""
    for variable, expected_variable in zip(
        [*classifier.model_.variables, *classifier.model_.optimizer.variables],
        [*expected.model_.variables, *expected.model_.optimizer.variables],
        strict=True,
    ):
        np.testing.assert_array_equal(variable.value.numpy(), expected_variable.value.numpy())
    learned, expected_learned = vars(classifier).copy(), vars(expected).copy()
    assert sorted(learned) == sorted(expected_learned)
    for name in ("classes_", "history_", "n_iter_", "n_features_in_", "fit_method_"):
        np.testing.assert_equal(learned[name], expected_learned[name])


CLASSIFIERS = {
    "binary": DenseSentimentClassifier(),
    "more classes": DenseSentimentClassifier([4, 3]),
    "linear": DenseSentimentClassifier(layers=0, l1=1e-3, l2=1e-3),
    "dropout": DenseSentimentClassifier(4, dropout=0.3, l2=0.01),
    "dropout by Keras": DenseSentimentClassifier(4, dropout=0.3, activation="gelu"),
    "strings": DenseSentimentClassifier(4),
    "objects": DenseSentimentClassifier(4),
    "early stopping": DenseSentimentClassifier(4, early_stopping=True, patience=0),
}


@functools.cache
def fitted_classifier(case):
    X, y = make_features()
    if case == "more classes":
        y = np.arange(len(y)) % 3
    if case == "strings":
        y = np.where(y == 1, "positive", "negative")
    if case == "objects":
        y = np.where(y == 1, "positive", "negative").astype(object)
    classifier = clone(CLASSIFIERS[case]).set_params(epochs=2, batch_size=16, random_state=0)
    return classifier.fit(X, y), X, y


@pytest.fixture(scope="module")
def new_process(tmp_path_factory):
    """Return which predictions are equal in a new process, by name."""
    folder = tmp_path_factory.mktemp("files")
    predictions = {}
    for case in CLASSIFIERS:
        classifier, X, _ = fitted_classifier(case)
        skimdb.save(classifier, folder / f"{case}.skimdb")
        predictions[case] = classifier.predict_proba(X)
        predictions[f"{case} labels"] = classifier.predict(X).astype(str)
    pipeline = make_text_pipeline().fit(TEXTS, LABELS)
    skimdb.save(pipeline, folder / "pipeline.skimdb")
    predictions["pipeline"] = pipeline.predict_proba(TEXTS)
    predictions["pipeline labels"] = pipeline.predict(TEXTS).astype(str)
    classifier.model_.save(folder / "model.keras")
    predictions["keras"] = classifier.model_.predict(X.toarray(), verbose=0)
    np.savez(folder / "expected.npz", X=X.toarray(), **predictions)
    program = f"""if True:
        import json, sys, pathlib, numpy as np
        import keras, scipy.sparse, skimdb
        folder, texts = pathlib.Path({str(folder)!r}), {TEXTS!r}
        expected = np.load(folder / "expected.npz")
        X = expected["X"]
        csr = scipy.sparse.csr_matrix(X)
        model = keras.saving.load_model(folder / "model.keras")
        equal = {{"keras": model.predict(X, verbose=0).tolist() == expected["keras"].tolist()}}
        equal["keras alone"] = "skimdb.neural_network" not in sys.modules
        for path in folder.glob("*.skimdb"):
            estimator = skimdb.load(path)
            data = texts if path.stem == "pipeline" else csr
            probabilities = estimator.predict_proba(data)
            labels = estimator.predict(data).astype(str)
            for name, found in ((path.stem, probabilities), (path.stem + " labels", labels)):
                equal[name] = found.tolist() == expected[name].tolist()
        print(json.dumps(equal))
    """
    output = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    return json.loads(output.stdout.splitlines()[-1])


def make_text_pipeline():
    return make_pipeline(
        WordIndexEncoder(),
        FeatureUnion(
            [
                ("words", MultiHotVectorizer(None)),
                ("pairs", Pipeline([("ngrams", MultiHotVectorizer(20, word_index={"a": 1}))])),
            ]
        ),
        "passthrough",
        FeatureUnion([("all", "passthrough"), ("none", "drop")]),
        LogCountRatioScaler(),
        DenseSentimentClassifier(4, epochs=2, random_state=0),
    )


@pytest.mark.parametrize("output", ["", " labels"])
@pytest.mark.parametrize("name", [*CLASSIFIERS, "pipeline"])
def test_predictions_are_bit_identical_in_a_new_process(new_process, name, output):
    assert new_process[name + output]


def test_keras_file_loads_with_keras_alone(new_process):
    assert new_process["keras alone"]
    assert new_process["keras"]


@pytest.mark.parametrize("case", CLASSIFIERS)
def test_classifier_comes_back_unchanged(path, case):
    classifier, _, _ = fitted_classifier(case)
    loaded = reloaded(classifier, path, optimizer_state=True)
    assert_same_network(loaded, classifier)
    assert loaded.get_params() == classifier.get_params()
    assert loaded.classes_.dtype == classifier.classes_.dtype


@pytest.mark.parametrize(
    "optimizer",
    [
        "rmsprop",
        "adam",
        keras.optimizers.SGD(0.1, momentum=0.9),
        keras.optimizers.Adam(amsgrad=True, use_ema=True),
    ],
    ids=["rmsprop", "adam", "SGD", "Adam"],
)
def test_training_continues_as_without_saving(path, features, optimizer):
    X, y = features
    classifier = DenseSentimentClassifier(
        4, epochs=1, batch_size=16, dropout=0.2, optimizer=optimizer, random_state=0
    ).fit(X, y)
    loaded = reloaded(classifier, path, optimizer_state=True)
    for estimator in (classifier, loaded):
        estimator.partial_fit(X, y).set_params(warm_start=True).fit(X, y)
    assert_same_network(loaded, classifier)


@pytest.mark.parametrize("optimizer", ["adam", "lion"])
def test_without_the_optimizer_state_training_goes_on_with_a_new_optimizer(
    path, features, optimizer
):
    X, y = features
    classifier = DenseSentimentClassifier(4, optimizer=optimizer, epochs=2, random_state=0)
    loaded = reloaded(classifier.fit(X, y), path)
    assert loaded.model_.optimizer.iterations == 0
    with pytest.warns(UserWarning, match="training goes on with a new one.*optimizer_state=True"):
        loaded.partial_fit(X, y)
    loaded.partial_fit(X, y)  # Warnings are errors, so this gives none.
    expected = DenseSentimentClassifier(4, optimizer=optimizer, epochs=2, random_state=0)
    expected.initialize(X, y).model_.set_weights(classifier.model_.get_weights())
    expected.partial_fit(X, y).partial_fit(X, y)
    np.testing.assert_array_equal(loaded.predict_proba(X), expected.predict_proba(X))


def test_warm_start_says_that_the_optimizer_is_new(path, features):
    X, y = features
    classifier = DenseSentimentClassifier(4, epochs=1, warm_start=True, random_state=0)
    loaded = reloaded(classifier.fit(X, y), path)
    with pytest.warns(UserWarning, match="training goes on with a new one"):
        loaded.fit(X, y)
    loaded.fit(X, y)


def test_new_fit_says_nothing_of_the_optimizer(path, features, fitted):
    reloaded(fitted, path).fit(*features)


def test_missing_optimizer_state_stays_missing(path, features, fitted):
    loaded = reloaded(reloaded(fitted, path), path, optimizer_state=True)
    with pytest.warns(UserWarning, match="training goes on with a new one"):
        loaded.partial_fit(*features)


def test_optimizer_state_is_most_of_the_file(tmp_path, fitted):
    skimdb.save(fitted, tmp_path / "without")
    skimdb.save(fitted, tmp_path / "with", optimizer_state=True)
    assert len(taken_apart(tmp_path / "with")[1]) > len(taken_apart(tmp_path / "without")[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_half_precision_rounds_the_kernels(path, features, dtype):
    X, y = features
    classifier = DenseSentimentClassifier(4, epochs=1, random_state=0).fit(X.astype(dtype), y)
    loaded = reloaded(classifier, path, half_precision=True)
    halves = [array for _, array in taken_apart(path)[1].items() if b"'<f2'" in array]
    assert len(halves) == 3
    for weight, expected in zip(
        loaded.model_.get_weights(), classifier.model_.get_weights(), strict=True
    ):
        rounded = expected.astype(np.float16) if expected.ndim == 2 else expected
        np.testing.assert_array_equal(weight, rounded)
        assert weight.dtype == dtype
    np.testing.assert_array_equal(loaded.predict(X), classifier.predict(X))


def with_weight(fitted, value):
    classifier = copy.deepcopy(fitted)
    weights = classifier.model_.get_weights()
    weights[0][0, 0] = value
    classifier.model_.set_weights(weights)
    return classifier


def test_weights_too_large_for_half_precision_are_refused(path, fitted):
    classifier = with_weight(fitted, 1e5)
    with pytest.raises(ValueError, match="half_precision=True holds weights up to 65504, and the "):
        skimdb.save(classifier, path, half_precision=True)
    assert not path.exists()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(path, fitted, value):
    with pytest.raises(ValueError, match="weights that are not finite"):
        skimdb.save(with_weight(fitted, value), path)
    assert not path.exists()


@pytest.mark.parametrize("mmap_mode", ["r", "c"])
def test_mapped_file_predicts_the_same(path, mmap_mode):
    pipeline = make_text_pipeline().fit(TEXTS, LABELS)
    skimdb.save(pipeline, path)
    content = path.read_bytes()
    loaded = skimdb.load(path, mmap_mode=mmap_mode)
    kernel = loaded[-1]._state.network.parameters[0]
    assert is_mapped(kernel)
    assert kernel.flags.writeable == (mmap_mode == "c")
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), pipeline.predict_proba(TEXTS))
    predictor = skimdb.load_predictor(path, mmap_mode=mmap_mode)
    np.testing.assert_array_equal(predictor.predict_proba(TEXTS), pipeline.predict_proba(TEXTS))
    assert path.read_bytes() == content


def is_mapped(array):
    while array is not None and not isinstance(array, np.memmap):
        array = array.base
    return array is not None


@pytest.mark.parametrize("mmap_mode", ["r", "c"])
def test_training_of_a_mapped_model_leaves_the_file(path, features, fitted, mmap_mode):
    X, y = features
    skimdb.save(fitted, path, optimizer_state=True)
    content = path.read_bytes()
    loaded = skimdb.load(path, mmap_mode=mmap_mode).partial_fit(X, y)
    expected = skimdb.load(path).partial_fit(X, y)
    np.testing.assert_array_equal(loaded.predict_proba(X), expected.predict_proba(X))
    loaded.set_params(warm_start=True).fit(X, y)
    assert path.read_bytes() == content


@pytest.mark.parametrize("optimizer", ["rmsprop", "adam", keras.optimizers.SGD(momentum=0.9)])
def test_mapped_model_is_trained_on_few_of_its_features(path, optimizer):
    X = sp.random(40, 2000, 0.005, "csr", np.float32, random_state=0)
    y = np.arange(40) % 2
    skimdb.save(DenseSentimentClassifier(optimizer=optimizer).fit(X, y), path, optimizer_state=True)
    mapped, loaded = (
        skimdb.load(path, mmap_mode=mode).partial_fit(X[:8], y[:8]) for mode in ("r", None)
    )
    np.testing.assert_array_equal(mapped.predict_proba(X), loaded.predict_proba(X))


def test_mapped_file_can_be_replaced(path, features, fitted):
    skimdb.save(fitted, path)
    loaded = skimdb.load(path, mmap_mode="r")
    skimdb.save(MultiHotVectorizer(), path)
    np.testing.assert_array_equal(
        loaded.predict_proba(features[0]), fitted.predict_proba(features[0])
    )


def test_mapped_model_has_the_hash_of_the_one_that_was_saved(path, fitted):
    skimdb.save(fitted, path)
    hashes = {
        hash_model(model.to_predictor())
        for model in (fitted, skimdb.load(path), skimdb.load(path, mmap_mode="r"))
    }
    assert len(hashes) == 1


@pytest.mark.parametrize("mmap_mode", ["r+", "w+", "x", 3])
def test_other_ways_to_map_are_refused(path, mmap_mode):
    skimdb.save(MultiHotVectorizer(), path)
    message = re.escape(f"mmap_mode must be None, 'r' or 'c', got {mmap_mode!r}.")
    with pytest.raises(ValueError, match=message):
        skimdb.load(path, mmap_mode=mmap_mode)


@pytest.mark.parametrize(("mmap_mode", "share"), [(None, 1.3), ("r", 0.5)])
def test_loading_takes_memory_in_proportion_to_the_file(path, mmap_mode, share):
    scaler = LogCountRatioScaler()
    scaler.n_features_in_, scaler.classes_ = 500_000, np.array([0, 1])
    scaler.feature_log_count_ratio_ = np.zeros(500_000)
    skimdb.save(scaler, path)
    tracemalloc.start()
    skimdb.load(path, mmap_mode=mmap_mode)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < share * path.stat().st_size


def test_arrays_begin_at_multiples_of_64_bytes(path, fitted):
    skimdb.save(fitted, path)
    with zipfile.ZipFile(path) as archive:
        infos = [info for info in archive.infolist() if info.filename.endswith(".npy")]
    content = path.read_bytes()
    for info in infos:
        npy = content.index(b"\x93NUMPY", info.header_offset)
        assert npy % 64 == 0
    assert infos


def test_network_that_no_longer_matches_the_parameters_is_kept(path, features):
    X, y = features
    classifier = DenseSentimentClassifier(4, epochs=1, random_state=0).fit(X, y)
    classifier.set_params(units=[9], layers=1, optimizer="adam", dropout=0.5)
    loaded = reloaded(classifier, path, optimizer_state=True)
    assert_same_network(loaded, classifier)
    assert loaded.units == [9]


def test_learning_rate_that_was_changed_in_training_is_kept(path, features):
    classifier = DenseSentimentClassifier(4, epochs=1, random_state=0).fit(*features)
    classifier.model_.optimizer.learning_rate = 0.5
    assert float(reloaded(classifier, path).model_.optimizer.learning_rate) == 0.5


def test_untrained_network_is_kept(path, features):
    classifier = DenseSentimentClassifier(4, random_state=0).initialize(*features)
    loaded = reloaded(classifier, path)
    np.testing.assert_array_equal(
        loaded.predict_proba(features[0]), classifier.predict_proba(features[0])
    )
    assert loaded.history_ == {}


def test_names_of_features_are_kept(path, features):
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(features[0].toarray(), columns=[f"word {i}" for i in range(20)])
    classifier = DenseSentimentClassifier(4, epochs=1, random_state=0).fit(X, features[1])
    loaded = reloaded(classifier, path)
    np.testing.assert_array_equal(loaded.feature_names_in_, X.columns)
    assert loaded.feature_names_in_.dtype == object
    np.testing.assert_array_equal(loaded.predict(X), classifier.predict(X))


def test_saving_changes_nothing(path, features, fitted):
    before = vars(fitted).copy()
    weights = fitted.model_.get_weights()
    skimdb.save(fitted, path)
    assert vars(fitted) == before
    for weight, expected in zip(fitted.model_.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(weight, expected)


@pytest.mark.parametrize(
    "estimator",
    [
        DenseSentimentClassifier((3, 4), class_weight={0: 1.0, 1: 2.0}),
        DenseSentimentClassifier(optimizer=keras.optimizers.Lion, callbacks=[]),
        MultiHotVectorizer(7, dtype="int8", word_index={"a": 1}),
        MultiHotVectorizer(None, dtype=np.bool_, pad_char=0),
        LogCountRatioScaler(0.5),
        WordIndexEncoder(),
        CharacterEncoder(normalize=False),
        FunctionTransformer(),
        Pipeline([("a", "passthrough"), ("b", None), ("c", MultiHotVectorizer())], verbose=True),
    ],
    ids=repr,
)
def test_unfitted_estimators_come_back(path, estimator):
    loaded = reloaded(estimator, path)
    assert type(loaded) is type(estimator)
    assert repr(loaded) == repr(estimator)
    assert repr(loaded.get_params()) == repr(estimator.get_params())


def test_unfitted_classifier_is_not_fitted(path, features):
    loaded = reloaded(DenseSentimentClassifier(), path)
    with pytest.raises(NotFittedError):
        loaded.predict(features[0])


def test_optimizer_instance_comes_back_with_its_settings(path):
    optimizer = keras.optimizers.RMSprop(0.25, rho=0.5, clipnorm=1.0)
    loaded = reloaded(DenseSentimentClassifier(optimizer=optimizer), path)
    assert type(loaded.optimizer) is keras.optimizers.RMSprop
    assert loaded.optimizer.get_config() == optimizer.get_config()


def test_random_state_continues(path):
    random_state = np.random.RandomState(5)
    loaded = reloaded(DenseSentimentClassifier(random_state=random_state), path)
    assert loaded.random_state.randint(10**9) == random_state.randint(10**9)


@pytest.mark.parametrize("ngram_range", [(1, 1), (1, 2)])
def test_vectorizer_keeps_what_it_learned(path, ngram_range):
    X, _ = make_reviews(50, random_state=0)
    vectorizer = MultiHotVectorizer(None, ngram_range=ngram_range).fit(X)
    loaded = reloaded(vectorizer, path)
    assert sorted(vars(loaded)) == sorted(vars(vectorizer))
    assert (loaded.transform(X) != vectorizer.transform(X)).nnz == 0


def test_network_of_version_0_1_0():
    classifier = skimdb.load(Path(__file__).parent / "files" / "classifier-0.1.0.skimdb")
    X = (np.arange(240).reshape(40, 6) % 7 < 3).astype(np.float32)
    # What that version returned, before and after this call of partial_fit.
    before, after = [0.505975, 0.489454, 0.471174], [0.520023, 0.507116, 0.493153]
    np.testing.assert_allclose(classifier.predict_proba(X[:3])[:, 1], before, atol=1e-5)
    classifier.partial_fit(X, np.arange(40) % 2)
    np.testing.assert_allclose(classifier.predict_proba(X[:3])[:, 1], after, atol=1e-5)
    assert classifier.n_iter_ == 3


def test_pipeline_of_version_0_1_0():
    texts = ["I don\u2019t like it\u2026", "I don\u2019t know", "I like it\u2026"]
    pipeline = skimdb.load(Path(__file__).parent / "files" / "pipeline-0.1.0.skimdb")
    names = ["i", "don\u2019t", "like", "it\u2026", "i don\u2019t", "like it\u2026"]
    assert pipeline[:2].get_feature_names_out().tolist() == names
    # What that version returned for the texts that the pipeline was fitted on, labelled 0, 0, 1.
    expected = [
        [0, -np.log(2), np.log(1.5), np.log(1.5), -np.log(2), np.log(1.5)],
        [0, -np.log(2), 0, 0, -np.log(2), 0],
        [0, 0, np.log(1.5), np.log(1.5), 0, np.log(1.5)],
    ]
    np.testing.assert_allclose(pipeline.transform(texts).toarray(), expected, atol=1e-6)


def test_encoder_and_scaler_keep_what_they_learned(path):
    pipeline = make_pipeline(WordIndexEncoder(), MultiHotVectorizer(50), LogCountRatioScaler())
    pipeline.fit(TEXTS, LABELS)
    loaded = reloaded(pipeline, path)
    assert loaded[0].word_index_ == pipeline[0].word_index_
    np.testing.assert_array_equal(
        loaded[2].feature_log_count_ratio_, pipeline[2].feature_log_count_ratio_
    )
    assert (loaded.transform(TEXTS) != pipeline.transform(TEXTS)).nnz == 0


def test_tokenizer_cannot_be_kept(path):
    with pytest.raises(TypeError, match=r"WordIndexEncoder\.tokenizer is or holds"):
        skimdb.save(WordIndexEncoder(tokenizer=str.split), path)


def test_scaler_of_more_classes_keeps_what_it_learned(path, features):
    X, y = features
    scaler = LogCountRatioScaler().fit(X, np.arange(len(y)) % 3)
    loaded = reloaded(scaler, path)
    np.testing.assert_array_equal(loaded.feature_log_count_ratio_, scaler.feature_log_count_ratio_)
    assert (loaded.transform(X) != scaler.transform(X)).nnz == 0


def test_output_container_is_kept(path):
    loaded = reloaded(MultiHotVectorizer(sparse_output=False).set_output(transform="pandas"), path)
    assert type(loaded.fit_transform([[1, 2]])).__name__ == "DataFrame"


def test_metadata_requests_are_kept(path):
    with sklearn.config_context(enable_metadata_routing=True):
        classifier = DenseSentimentClassifier().set_fit_request(X_val=True, sample_weight="weight")
    loaded = reloaded(classifier, path)
    expected = classifier.get_metadata_routing()
    assert repr(loaded.get_metadata_routing()) == repr(expected)


def test_file_says_which_versions_wrote_it(path):
    skimdb.save(MultiHotVectorizer(), path)
    with zipfile.ZipFile(path) as archive:
        contents = json.loads(archive.read("skimdb.json"))
    assert contents["format"] == 2
    assert contents["versions"]["skimdb"] == skimdb.__version__
    assert contents["versions"]["numpy"] == np.__version__
    assert contents["versions"]["keras"] == keras.__version__


def test_library_that_is_not_installed_has_no_version(path, monkeypatch):
    version = importlib.metadata.version

    def without_tensorflow(name):
        if name == "tensorflow":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", without_tensorflow)
    skimdb.save(MultiHotVectorizer(), path)
    versions = taken_apart(path)[0]["versions"]
    assert {"skimdb", "numpy", "keras"} <= set(versions)
    assert "tensorflow" not in versions


def test_same_estimator_gives_the_same_file(tmp_path, fitted):
    for name in ("a", "b"):
        skimdb.save(fitted, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


class Custom(keras.optimizers.SGD):
    pass


class OwnVectorizer(MultiHotVectorizer):
    pass


class OwnTransformer(BaseEstimator):
    pass


def with_attribute(estimator, name):
    setattr(estimator, name, 1)
    return estimator


SCHEDULE = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (DenseSentimentClassifier, "estimator must be an estimator, got <class"),
        ("model", "estimator must be an estimator, got 'model'"),
        (OwnVectorizer(), "OwnVectorizer; only estimators of skimdb and scikit-learn"),
        (make_pipeline(OwnTransformer()), "OwnTransformer; only estimators of skimdb"),
        (DenseSentimentClassifier(callbacks=[keras.callbacks.TerminateOnNaN()]), "callbacks=None"),
        (DenseSentimentClassifier(callbacks=[keras.callbacks.TerminateOnNaN]), "callbacks=None"),
        (DenseSentimentClassifier(activation=np.tanh), "activation must be a name to be kept"),
        (DenseSentimentClassifier(optimizer=Custom()), "optimizer is a Custom; those that can"),
        (DenseSentimentClassifier(optimizer=Custom), "optimizer is a Custom; those that can"),
        (DenseSentimentClassifier(optimizer="custom"), "optimizer is 'custom'; those that can"),
        (
            DenseSentimentClassifier(optimizer=keras.optimizers.SGD(SCHEDULE)),
            "optimizer has a learning_rate that is not a number; schedules cannot be kept",
        ),
        (DenseSentimentClassifier(epochs=0), "The 'epochs' parameter of DenseSentimentClassifier"),
        (DenseSentimentClassifier(class_weight={(): 1.0}), "DenseSentimentClassifier.class_weight"),
        (MultiHotVectorizer(word_index={"a": object()}), "MultiHotVectorizer.word_index is"),
        (MultiHotVectorizer(num_words=2), "oov_char=2 must be below num_words=2"),
        (with_attribute(MultiHotVectorizer(), "_mine"), "an attribute '_mine' that is not its own"),
        (Pipeline([("a", MultiHotVectorizer())], memory="cache"), "Pipeline.memory cannot be kept"),
        (FeatureUnion([]), "the steps of a FeatureUnion must have names of their own"),
        (Pipeline([("a__b", "passthrough")]), "names of their own, without '__'"),
    ],
)  # fmt: skip
def test_unsupported_estimator_is_named_and_nothing_is_written(tmp_path, estimator, message):
    with pytest.raises((TypeError, ValueError), match=message):
        skimdb.save(estimator, tmp_path / "file")
    assert not list(tmp_path.iterdir())


def test_labels_of_other_types_are_refused(path, features):
    y = np.array([None, (1,)], dtype=object)
    classifier = DenseSentimentClassifier(2, epochs=1).fit(*features)
    classifier.classes_ = y
    with pytest.raises(ValueError, match=r"classes_ must"):
        skimdb.save(classifier, path)


def test_custom_activation_is_refused(path, features):
    classifier = DenseSentimentClassifier(2, activation=lambda x: x, epochs=1).fit(*features)
    with pytest.raises(TypeError, match=r"has the activation .*; only those that Keras knows"):
        skimdb.save(classifier.set_params(activation="relu"), path)


def freeze(model):
    model.layers[0].trainable = False


def recompile(model):
    model.compile(optimizer=model.optimizer, loss="mse")


def regularize(model):
    model.layers[1].kernel_regularizer = keras.regularizers.L2(0.5)


@pytest.mark.parametrize("change", [freeze, recompile, regularize])
def test_changed_network_is_refused(path, features, change):
    classifier = DenseSentimentClassifier(2, epochs=1, random_state=0).fit(*features)
    change(classifier.model_)
    with pytest.raises(ValueError, match="model_ has been changed since it was built"):
        skimdb.save(classifier, path)


def test_existing_file_survives_a_refused_save(path):
    skimdb.save(MultiHotVectorizer(7), path)
    with pytest.raises(ValueError, match="callbacks"):
        skimdb.save(DenseSentimentClassifier(callbacks=[keras.callbacks.Callback]), path)
    assert skimdb.load(path).num_words == 7


def test_missing_folder_raises_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        skimdb.save(MultiHotVectorizer(), tmp_path / "missing" / "file")


def test_missing_file_raises_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        skimdb.load(tmp_path / "missing")


def test_vectorizer_is_loaded_without_tensorflow(path):
    skimdb.save(MultiHotVectorizer(), path)
    program = (
        f"import sys, skimdb; skimdb.load({str(path)!r}); "
        "assert not {'tensorflow', 'keras', 'skops'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    "use",
    [
        "skimdb.load_predictor({path!r}).predict(['a good film'])",
        "assert cli.main(['predict', {path!r}, {texts!r}, '-o', {output!r}]) == 0",
        "assert cli.main(['info', {path!r}]) == 0",
    ],
)
def test_predicting_needs_little_more_than_scikit_learn(path, tmp_path, use):
    skimdb.save(make_text_pipeline().fit(TEXTS, LABELS), path)
    (tmp_path / "texts.csv").write_text("text\na good film\n")
    paths = {"path": path, "texts": tmp_path / "texts.csv", "output": tmp_path / "labels.csv"}
    use = use.format(**{name: str(value) for name, value in paths.items()})
    absent = ["tensorflow", "keras", "scikeras", "matplotlib", "pandas", "pyarrow", "skops"]
    program = f"""if True:
        import sys
        class Absent:
            def find_spec(name, *_):
                if name.partition(".")[0] in {absent}:
                    raise ModuleNotFoundError(name)
        sys.meta_path.insert(0, Absent)
        import skimdb
        from skimdb import cli
        {use}
    """
    subprocess.run([sys.executable, "-c", program], check=True)
