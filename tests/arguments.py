"""Calls of all public estimators and functions, and wrong values of each of their parameters."""

import atexit
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import skimdb
from skimdb import datasets, inspection, model_selection, persistence
from skimdb.datasets import make_reviews
from skimdb.feature_extraction import (
    CharacterEncoder,
    LogCountRatioScaler,
    MultiHotVectorizer,
    WordIndexEncoder,
)
from skimdb.neural_network import DenseSentimentClassifier, build_dense_network

X = np.random.default_rng(0).random((40, 6)).astype(np.float32)
Y = np.arange(40) % 2
REVIEWS, LABELS = make_reviews(40, num_words=50, random_state=0)
TEXTS = ["good film", "bad film"] * 10
NAN = float("nan")
THING = object()


class Call(NamedTuple):
    """A function, arguments with which it works, and wrong values of each parameter."""

    function: Callable[..., Any]
    valid: dict[str, Any]
    wrong: dict[str, list[Any]]


def small_classifier(**parameters):
    return DenseSentimentClassifier(**{"units": 2, "layers": 1, "epochs": 1} | parameters)


def fit_method(method, estimator, names):
    """Return a function that makes an estimator, whose method takes some of the arguments."""

    def call(**arguments):
        own = {name: value for name, value in arguments.items() if name not in names}
        given = {name: value for name, value in arguments.items() if name in names}
        return getattr(estimator(**own), method)(**given)

    return call


# Of a kind of parameter: a wrong type, a wrong value, and a wrong shape where there is one.
POSITIVE_INT = ["3", 0, -1, 2.5, NAN, [3]]
NOT_NEGATIVE_INT = ["3", -1, 2.5, NAN, [3]]
NOT_NEGATIVE = ["0.1", -0.1, NAN, np.inf, [0.1]]
BOOLEAN = ["yes", 2, None, [True]]
RANDOM_STATE = ["1", -1, 1.5, [1, 2]]
FEATURES = [THING, "text", None, 10**400, np.full((40, 6), NAN), X[0], X[..., np.newaxis], X[:3]]
TARGETS = [THING, None, np.full(40, NAN), Y[:3], np.column_stack([Y, Y]), Y + 0.5, np.zeros(40)]
WEIGHTS = [
    THING,
    "text",
    np.full(40, NAN),
    -np.ones(40),
    np.zeros(40),
    np.ones(3),
    np.ones((40, 2)),
]
FOLDER = tempfile.TemporaryDirectory()
atexit.register(FOLDER.cleanup)
TABLE = Path(FOLDER.name, "table.csv")
UNKNOWN_FORMAT = TABLE.with_suffix(".unknown")
UNKNOWN_FORMAT.touch()
TABLE.write_text("text,label\ngood,1\nbad,0\n")
SCALER = LogCountRatioScaler().fit(X, Y)
SEQUENCES = [
    str,
    THING,
    None,
    "text",
    3,
    [3],
    [["word"]],
    [[-1]],
    [[2**31]],
    [[1.5]],
    [[[1]]],
    [None],
]
STRINGS = [THING, None, "text", 3, [3], [["text"]], [None]]
FRAME = pd.DataFrame({"text": TEXTS})
PATH = [THING, None, 3, ["a"], ""]
SCALE = {"alpha": ["1", 0, -1, NAN, [1]], "copy": BOOLEAN, "X": [*FEATURES, -X], "y": TARGETS,
         "sample_weight": WEIGHTS}  # fmt: skip
CLASS_WEIGHT = [3, "heavy", {0: NAN}, {0: np.inf}, {0: -1}, {0: "x"}, {0: [1, 2]}, {7: 1}, [1, 2],
                {0: 10**400}, {0: 1e39}, {0: 1e-60}]  # fmt: skip
NGRAM_RANGE = [2, "12", (2, 1), (0, 1), (1.5, 2), (1, 10**9), (1, 2, 3), [1, 2], ("a", "b")]
NETWORK = {
    "units": ["16", 0, -1, 2.5, {2: 2}, {2, 3}, [16, 16, 16], [[1], [2]], [0, 1], 2**31],
    "layers": [*NOT_NEGATIVE_INT, 10**9],
    "l1": NOT_NEGATIVE,
    "l2": NOT_NEGATIVE,
    "dropout": ["0.1", -0.1, 1, NAN, [0.1]],
    "activation": [3, "relus", ["relu"], THING, keras.layers.LeakyReLU],
}
FILE_OPTIONS = {
    "encoding": [3, "utf-7777", ["utf-8"]],
    "sep": [3, "", ",,", [","]],
    "escape": [3, "slash", ["double"]],
    "header": BOOLEAN,
}

EXPLANATION = {
    "X": [THING, None, 3, "text", [3]],
    "method": [3, None, "shap", ["occlusion"]],
    "target": [THING, 7, "1", NAN, [0, 1]],
}
NETWORK_OF_REVIEWS = make_pipeline(MultiHotVectorizer(50), small_classifier()).fit(REVIEWS, LABELS)
CLASSIFIER_OF_TEXTS = make_pipeline(WordIndexEncoder(), MultiHotVectorizer(), LogisticRegression())
CLASSIFIER_OF_TEXTS.fit(TEXTS, [1, 0] * 10)

CALLS: dict[str, Call] = {
    "DenseSentimentClassifier": Call(
        fit_method(
            "fit", small_classifier,
            ["X", "y", "sample_weight", "X_val", "y_val", "sample_weight_val"],
        ),
        {"X": X, "y": Y, "X_val": X, "y_val": Y},
        NETWORK
        | {
            "optimizer": [3, "adamm", ["adam"], THING, int],
            "learning_rate": ["0.1", 0, -1, NAN, np.inf, 1e308, 10**400, [0.1]],
            "epochs": [*POSITIVE_INT, None],
            "batch_size": [*POSITIVE_INT, None],
            "early_stopping": BOOLEAN,
            "monitor": [3, "val_accuracy", None, ["val_loss"]],
            "patience": NOT_NEGATIVE_INT,
            "validation_fraction": ["0.1", 0, 1, -0.1, NAN, [0.1]],
            "refit": BOOLEAN,
            "feature_scaling": [3, True, "idf", ["log_count_ratio"]],
            "class_weight": CLASS_WEIGHT,
            "callbacks": [3, "EarlyStopping", [3], (keras.callbacks.Callback(),), [int]],
            "warm_start": BOOLEAN,
            "random_state": RANDOM_STATE,
            "verbose": ["1", -1, None, [1]],
            "X": [value for value in FEATURES if value is not FEATURES[-1]],
            "y": TARGETS,
            "sample_weight": WEIGHTS,
            "X_val": [*FEATURES, X[:, :3]],
            "y_val": [*TARGETS[:-1], Y + 7, Y.astype(str)],
            "sample_weight_val": WEIGHTS,
        },
    ),
    "DenseSentimentClassifier.partial_fit": Call(
        fit_method("partial_fit", small_classifier, ["X", "y", "classes", "sample_weight"]),
        {"X": X, "y": Y, "classes": [0, 1]},
        {
            "X": FEATURES[:-1],
            "y": [*TARGETS[:-1], Y + 7],
            "classes": [None, 3, THING, [0], [NAN, 1], [[0, 1], [1, 0]]],
            "sample_weight": WEIGHTS,
        },
    ),
    "DenseSentimentClassifier.predict": Call(
        small_classifier().fit(X, Y).predict, {"X": X}, {"X": [*FEATURES[:-1], X[:, :3]]}
    ),
    "build_dense_network": Call(
        build_dense_network,
        {"n_features": 6, "n_classes": 2, "units": [2], "optimizer": keras.optimizers.SGD(),
         "seed": 0},
        {name: NETWORK[name] for name in ("l1", "l2", "dropout", "activation")}
        | {
            "n_features": POSITIVE_INT,
            "n_classes": [*POSITIVE_INT, 1],
            "units": ["16", 16, None, [0], ["1"], [[1], [2]], {2: 2}],
            "optimizer": ["adam", None, 3, keras.optimizers.SGD],
            "seed": ["0", -1, 1.5, 2**32, [1]],
            "dtype": [3, "float16", np.float32, ["float32"]],
        },
    ),
    "MultiHotVectorizer": Call(
        fit_method("fit", MultiHotVectorizer, ["X", "y"]),
        {"X": REVIEWS, "y": LABELS, "num_words": 50},
        {
            "num_words": [*POSITIVE_INT, 2**32],
            "skip_top": NOT_NEGATIVE_INT,
            "oov_char": [*NOT_NEGATIVE_INT, 2**31, 50],
            "pad_char": [*NOT_NEGATIVE_INT, 2],
            "sparse_output": BOOLEAN,
            "dtype": ["float33", str, object, np.complex64, np.float16, [1]],
            "ngram_range": NGRAM_RANGE,
            "min_df": ["1", -1, 1.5, NAN, [1]],
            "max_df": ["1", -1, 1.5, NAN, [1]],
            "max_features": POSITIVE_INT,
            "ensure_min_features": NOT_NEGATIVE_INT,
            "word_index": [3, "words", [("a", 1)]],
            "X": SEQUENCES,
        },
    ),
    "MultiHotVectorizer.transform": Call(
        NETWORK_OF_REVIEWS[0].transform, {"X": REVIEWS}, {"X": SEQUENCES}
    ),
    "MultiHotVectorizer.inverse_transform": Call(
        NETWORK_OF_REVIEWS[0].inverse_transform,
        {"X": np.eye(50)},
        {"X": [THING, None, "text", 3, X]},
    ),
    "WordIndexEncoder": Call(
        fit_method("fit", WordIndexEncoder, ["X"]),
        {"X": TEXTS},
        {
            "num_words": POSITIVE_INT,
            "word_index": [3, "words", [("a", 1)], {"a": "b"}, {3: 1}, {"a": -1}, {"a": 1.5}],
            "normalize": BOOLEAN,
            "lowercase": BOOLEAN,
            "min_df": POSITIVE_INT,
            "filters": [3, None, ["a"]],
            "punctuation": [3, None, ["a"]],
            "tokenizer": [3, "split", [str.split], lambda text: 3, lambda text: [3]],
            "index_from": NOT_NEGATIVE_INT,
            "start_char": NOT_NEGATIVE_INT,
            "oov_char": NOT_NEGATIVE_INT,
            "X": STRINGS,
        },
    ),
    "CharacterEncoder": Call(
        fit_method("fit", CharacterEncoder, ["X"]),
        {"X": TEXTS},
        {
            "normalize": BOOLEAN,
            "lowercase": BOOLEAN,
            "within_words": BOOLEAN,
            "max_word_frequency": [-1, "25", np.nan, [25]],
            "X": STRINGS,
        },
    ),
    "LogCountRatioScaler": Call(
        fit_method("fit", LogCountRatioScaler, ["X", "y", "sample_weight"]),
        {"X": X, "y": Y},
        SCALE,
    ),
    "LogCountRatioScaler.transform": Call(
        SCALER.transform, {"X": X}, {"X": [*FEATURES[:-1], X[:, :3]]}
    ),
    "make_text_classifier": Call(
        lambda **p: skimdb.make_text_classifier(**p).fit(TEXTS, [1, 0] * 10),
        {},
        {
            "ngram_range": NGRAM_RANGE,
            "char_ngram_range": NGRAM_RANGE,
            "class_weight": CLASS_WEIGHT,
            "random_state": RANDOM_STATE,
        },
    ),
    "save": Call(skimdb.save, {"estimator": SCALER, "path": TABLE.with_suffix(".skimdb")},
                 {"estimator": [None, 3, THING, DenseSentimentClassifier], "path": PATH,
                  "optimizer_state": BOOLEAN, "half_precision": BOOLEAN,
                  "metadata": [3, "text", [1], {"a": THING}, {3: 1}]}),
    "load": Call(skimdb.load, {"path": ""}, {"path": PATH, "mmap_mode": [3, "w", ["r"]]}),
    "load_predictor": Call(skimdb.load_predictor, {"path": ""},
                           {"path": PATH, "mmap_mode": [3, "w", ["r"]]}),
    "read_info": Call(persistence.read_info, {"path": ""}, {"path": PATH}),
    "to_onnx": Call(persistence.to_onnx, {"estimator": NETWORK_OF_REVIEWS, "path": ""},
                    {"estimator": [None, 3, THING, DenseSentimentClassifier], "path": PATH}),
    "make_reviews": Call(
        make_reviews,
        {},
        {"n_samples": NOT_NEGATIVE_INT, "num_words": POSITIVE_INT, "random_state": RANDOM_STATE},
    ),
    "decode_review": Call(
        datasets.decode_review,
        {"sequence": [1, 5], "word_index": {"a": 1}},
        {
            "sequence": [THING, None, "text", [["a"]], [[1, 2], [3, 4]], [1.5]],
            "word_index": [3, "words", ["a"]],
            "index_from": NOT_NEGATIVE_INT,
        },
    ),
    "fetch_imdb": Call(
        datasets.fetch_imdb,
        {"data_home": "/dev/null/nowhere", "download_if_missing": False},
        {
            "subset": [3, "valid", None, ["train"]],
            "num_words": POSITIVE_INT,
            "skip_top": NOT_NEGATIVE_INT,
            "data_home": [3, ["a"], THING],
            "download_if_missing": BOOLEAN,
            "return_X_y": BOOLEAN,
            "n_retries": NOT_NEGATIVE_INT,
            "delay": ["1", -1, NAN, [1]],
        },
    ),
    "fetch_imdb_word_index": Call(
        datasets.fetch_imdb_word_index,
        {"data_home": "/dev/null/nowhere", "download_if_missing": False},
        {
            "data_home": [3, ["a"], THING],
            "download_if_missing": BOOLEAN,
            "n_retries": NOT_NEGATIVE_INT,
            "delay": ["1", -1, NAN, [1]],
        },
    ),
    "iter_batches": Call(
        lambda **p: next(datasets.iter_batches(**p)),
        {"source": TABLE},
        FILE_OPTIONS
        | {
            "source": [None, 3, THING, "", [""], [3], {}, [], "/dev/null/nowhere"],
            "batch_size": POSITIVE_INT,
            "columns": [3, "text", [3], [], ["text", "text"], [["text"]]],
            "shuffle_buffer": [*POSITIVE_INT, 1],
            "random_state": [*RANDOM_STATE, 0],
        },
    ),
    "predict_files": Call(
        datasets.predict_files,
        {"model": CLASSIFIER_OF_TEXTS, "source": TABLE, "destination": FOLDER.name + "/results"},
        FILE_OPTIONS
        | {
            "model": [None, 3, THING, LogisticRegression()],
            "source": [None, 3, THING, "", [""], [3], {}, [], "/dev/null/nowhere", UNKNOWN_FORMAT],
            "destination": PATH,
            "column": [3, None, ["text"]],
            "keep": [3, "label", [3], ["label", "predicted_label"], ["text", "text"]],
            "batch_size": POSITIVE_INT,
            "n_jobs": ["1", 1.5, [1]],
            "proba": BOOLEAN,
            "missing": [3, "skip", None, ["drop"]],
            "progress": [3, "bar", [print]],
        },
    ),
    "predict_frame": Call(
        datasets.predict_frame,
        {"frame": FRAME, "model": CLASSIFIER_OF_TEXTS},
        {
            "frame": [None, 3, THING, "text", {"text": TEXTS}, FRAME["text"], FRAME[[]]],
            "model": [None, 3, THING, LogisticRegression()],
            "column": [3, None, ["text"], "label"],
        },
    ),
    "explain_reviews": Call(
        inspection.explain_reviews, {"pipeline": NETWORK_OF_REVIEWS, "X": REVIEWS},
        {"pipeline": [None, 3, THING, LogCountRatioScaler()]} | EXPLANATION,
    ),
    "top_words": Call(
        inspection.top_words, {"pipeline": NETWORK_OF_REVIEWS, "X": REVIEWS},
        {"pipeline": [None, 3, THING], "n": POSITIVE_INT} | EXPLANATION,
    ),
    "compare_estimators": Call(
        model_selection.compare_estimators,
        {"estimators": {"scaler": small_classifier()}, "X": X, "y": Y},
        {
            "estimators": [None, 3, {}, {"a": 3}, [small_classifier()], {3: small_classifier()}],
            "X": [THING, None, X[:3]],
            "y": [None, THING, Y[:3], np.column_stack([Y, Y])],
            "cv": [THING, "5", 1, -1, 2.5],
            "groups": [THING, Y[:3]],
            "scoring": [3, "accuracies", {}, [], [3]],
            "n_jobs": ["1", 1.5, [1]],
            "random_state": RANDOM_STATE,
            "progress": [3, "bar", [print]],
        },
    ),
}  # fmt: skip

# What takes no parameters that could be wrong, or whose parameters are another library's.
NOT_CALLED = {
    "EstimatorComparison", "PairwiseDifference", "ReviewExplanation", "ReviewExplanations",
    "TopWords", "dask_client", "register_ray", "ComparisonDisplay", "HistoryComparisonDisplay",
    "HyperparameterDisplay", "ReviewTextDisplay", "TrainingHistoryDisplay",
    "WordContributionDisplay", "DenseSentimentPredictor",
}  # fmt: skip
