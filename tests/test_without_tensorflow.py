"""Prediction where importing TensorFlow raises an error."""

import os
import subprocess
import sys

import joblib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import skimdb
from skimdb.datasets import predict_files
from tests.cli.common import NEW_TEXTS, make_texts

WITHOUT = """
import sys
for name in ("tensorflow", "keras", "scikeras"):
    sys.modules[name] = None
"""


def refuse_tensorflow(X):
    """Return X, unless TensorFlow is loaded."""
    if {"tensorflow", "keras", "scikeras"} & set(sys.modules):
        raise AssertionError("TensorFlow is loaded")
    return X


@pytest.fixture(scope="module")
def model():
    classifier = skimdb.make_text_classifier(random_state=0)
    return classifier.fit(*make_texts(400))


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    """Return a folder with the model, and texts in two files of a sub-folder."""
    folder = tmp_path_factory.mktemp("predict")
    skimdb.save(model, folder / "model.skimdb")
    (folder / "texts").mkdir()
    for name in ("a", "b"):
        pq.write_table(pa.table({"text": NEW_TEXTS}), folder / "texts" / f"{name}.parquet")
    return folder


def run(program, folder, *arguments, stdin=""):
    command = [sys.executable, "-c", WITHOUT + program, *arguments]
    return subprocess.run(
        command, input=stdin, cwd=folder, env=os.environ, capture_output=True, text=True, check=True
    ).stdout


def test_loading_predicting_and_explaining(folder, model):
    program = f"""
import numpy as np, pandas as pd, skimdb
from skimdb.datasets import predict_files, predict_frame
from skimdb.inspection import explain_reviews

texts = {NEW_TEXTS!r}
predictor = skimdb.load_predictor("model.skimdb")
for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
    np.save(method, getattr(predictor, method)(texts))
frame = predict_frame(pd.DataFrame({{"text": texts}}), predictor)
assert frame["label"].tolist() == predictor.predict(texts).tolist()
predict_files(predictor, "texts", "labels_of_predictor")
for method in ("occlusion", "gradient"):
    for explanation in explain_reviews(predictor, texts, method=method):
        print(explanation.title)
try:
    skimdb.load("model.skimdb")
except ImportError:
    print("load needs TensorFlow")
"""
    printed = run(program, folder)
    assert printed.splitlines()[-1] == "load needs TensorFlow"
    explained = skimdb.inspection.explain_reviews(model, NEW_TEXTS)
    assert printed.splitlines()[: len(NEW_TEXTS)] == [each.title for each in explained]
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        found = np.load(folder / f"{method}.npy")
        np.testing.assert_array_equal(found, getattr(model, method)(NEW_TEXTS))


def test_the_command_line(folder, model):
    program = "from skimdb.cli import main\nsys.exit(main(sys.argv[1:]))"
    arguments = ["predict", "model.skimdb", "--format", "csv", "--proba"]
    rows = run(program, folder, *arguments, stdin="\n".join(NEW_TEXTS)).splitlines()[1:]
    assert [row.split(",")[1] for row in rows] == model.predict(NEW_TEXTS).tolist()
    assert run(program, folder, "predict", "model.skimdb", "texts", "-o", "labels") == (
        "Files in labels: 2 written, 0 skipped\n"
    )
    explained = run(program, folder, "explain", "model.skimdb", NEW_TEXTS[0])
    assert "good" in explained


def test_workers_that_predict_files(model, folder, tmp_path):
    checked = make_pipeline(FunctionTransformer(refuse_tensorflow), model)
    with pytest.raises(AssertionError, match="TensorFlow is loaded"):  # as it is here
        predict_files(checked, folder / "texts", tmp_path / "here")
    with joblib.parallel_config("loky", n_jobs=2):
        results = predict_files(checked, folder / "texts", tmp_path / "labels")
    for path in results:
        labels = pq.read_table(path)["label"].to_pylist()
        assert labels == model.predict(NEW_TEXTS).tolist()


def test_a_model_and_its_predictor_have_the_same_results(model, folder, tmp_path):
    results = predict_files(model, folder / "texts", tmp_path)
    times = [path.stat().st_mtime_ns for path in results]
    predict_files(skimdb.load_predictor(folder / "model.skimdb"), folder / "texts", tmp_path)
    assert [path.stat().st_mtime_ns for path in results] == times  # Nothing was written again.
