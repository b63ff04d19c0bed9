"""Benchmarks run from end to end on tiny data."""

import importlib
import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import characters, sizes
from benchmarks._results import RESULTS, environment, load_parts
from benchmarks.serving import __main__ as serving
from benchmarks.serving import measures
from benchmarks.serving.selection import DATA_SETS, measure_selection
from benchmarks.speed.fits import measure_growth
from benchmarks.speed.page import make_page
from benchmarks.suite.models import MODELS, WEIGHTED_MODELS
from benchmarks.suite.page import write_page
from skimdb.datasets import make_reviews


@pytest.fixture
def tiny_imdb(tmp_path, monkeypatch):
    """Let 300 generated reviews stand for IMDB's, also in other processes."""
    home = tmp_path / "home"
    home.mkdir()
    arrays = {}
    for subset, seed in (("train", 0), ("test", 1)):
        X, y = make_reviews(300, random_state=seed)
        rows = np.empty(len(X), dtype=object)
        rows[:] = [review.tolist() for review in X]
        arrays |= {f"x_{subset}": rows, f"y_{subset}": y}
    np.savez(home / "imdb.npz", **arrays)
    monkeypatch.setenv("SKIMDB_DATA", str(home))


def run(name, *arguments):
    importlib.import_module(f"benchmarks.{name}.__main__").main(list(arguments))


@pytest.mark.usefixtures("tiny_imdb")
@pytest.mark.parametrize(
    ("name", "part", "heading"),
    [
        ("speed", "pipeline", "## From word indices to predictions"),
        ("searches", "key", "## The key of a fold"),
    ],
)
def test_a_part_is_measured_and_shown(tmp_path, name, part, heading):
    run(name, "--only", part, "--repeats", "1", "--output", str(tmp_path))
    parts = json.loads((tmp_path / f"{name}.json").read_text())["parts"]
    assert list(parts) == [part]
    assert heading in (tmp_path / f"{name}.md").read_text()


def test_streaming(tmp_path):
    arguments = ["--reviews", "400", "--repeats", "1", "--folder", str(tmp_path)]
    run("streaming", *arguments, "--only", "resuming", "--output", str(tmp_path / "out"))
    page = (tmp_path / "out" / "streaming.md").read_text()
    assert "stopped after 10 of 20 files wrote\n10 when it was called again" in page


def test_suite(tmp_path, monkeypatch):
    texts = ["good film", "bad film", "good fun", "bad fun"] * 15
    table = pa.table({"text": texts, "label": ["positive", "negative"] * 30})
    (tmp_path / "suite").mkdir()
    pq.write_table(table, tmp_path / "suite" / "customer_reviews.parquet")
    monkeypatch.setenv("SKIMDB_DATA", str(tmp_path))
    run("suite", "--only", "customer_reviews", "--output", str(tmp_path / "out"))
    page = (tmp_path / "out" / "suite.md").read_text()
    assert "on\n1 of 1 data sets" in page
    assert "customer_reviews" in page
    run("suite", "--only", "customer_reviews", "--output", str(tmp_path / "out"))
    assert (tmp_path / "out" / "suite.md").read_text() == page  # Nothing was measured again.


def test_page_of_suite_ranks_models_over_data_sets(tmp_path):
    measured = {"environment": environment()}
    peer = "words 1-2, NBSVM"

    def scores(accuracy):
        return {
            "accuracy": [accuracy] * 2,
            "macro_f1": [accuracy] * 2,
            "macro_f1_error": [0.03, 0.04],
            "balanced_accuracy": [accuracy] * 2,
            "rarest_f1": [accuracy] * 2,
            "n_test": [50, 50],
            "fit_seconds": [1, 2],
            "predict_seconds": [0.1, 0.3],
            "log_loss": [1 - accuracy] * 2,
        }

    names = ["mpqa", "subjectivity", "alexa_stars"]
    results = {name: {m: scores(0.9 - 0.1 * i) for i, m in enumerate(MODELS)} for name in names}
    results["mpqa"][peer] = scores(0.92)
    results["alexa_stars"][peer] = scores(0.91)
    results["alexa_feedback"] = {model: scores(0.75) for model in WEIGHTED_MODELS}
    parts = {
        f"{name}: {model}": {**measured, "result": of_model}
        for name, of_models in results.items()
        for model, of_model in of_models.items()
    }
    parts[f"mpqa: {peer}"]["environment"] = {**environment(), "processor": "another"}
    write_page(tmp_path, parts)
    page = (tmp_path / "suite.md").read_text()
    assert re.search(r"^- mpqa \(others\): measured on .* another, ", page, re.MULTILINE)
    assert "on\n2 of 3 data sets" in page
    assert re.search(r"mpqa .*0\.0136 .* no ", page)  # sqrt(.92 * .08 / 100) / 2
    assert re.search(r"alexa_stars \(macro F1\) .*0\.0125 .* yes ", page)
    assert re.search(r"mpqa .*0\.9000 .*0\.9200 .*0\.100 .*0\.300 .*4\.000 .*4\.000", page)
    # Two first places and a second one; a second place and two... ranks of the last model.
    assert re.search(r"\| make_text_classifier +\| +1\.67 \|", page)
    assert (tmp_path / "suite-ranks.png").exists()
    assert page.count("0.750 | 0.750 | 0.750") == 6


def test_characters(tmp_path, monkeypatch):
    texts = [f"a good film, {i}" for i in range(30)] + [f"a bad film, {i}" for i in range(30)]
    (tmp_path / "suite").mkdir()
    columns = {"text": texts, "label": ["positive"] * 30 + ["negative"] * 30}
    pq.write_table(pa.table(columns), tmp_path / "suite" / "customer_reviews.parquet")
    columns = {"text": texts, "label": [1] * 30 + [0] * 30, "movie": [str(i) for i in range(60)]}
    pq.write_table(pa.table(columns), tmp_path / "imdb_train.parquet")
    monkeypatch.setenv("SKIMDB_DATA", str(tmp_path))
    characters.main(["--only", "customer_reviews,imdb last 20 words", "--output", str(tmp_path)])
    page = (tmp_path / "characters.md").read_text()
    assert re.search(r"\| customer_reviews +\| +48 \| .* \| +100.00 \| +100.00 \| +\+0.00 \|", page)
    assert re.search(r"\| imdb last 20 words +\| +48 \| ", page)
    assert (tmp_path / "characters.png").exists()


def test_sizes(tmp_path, monkeypatch):
    for half, first in (("train", 0), ("test", 50)):
        numbers = range(first, first + 50)
        texts = [" ".join([f"w{i}"] * (20 + i) + [f"v{i}"] * (19 + i) + ["end"]) for i in numbers]
        table = pa.table({"text": texts, "label": [i % 2 for i in numbers]})
        pq.write_table(table, tmp_path / f"imdb_{half}.parquet")
    monkeypatch.setenv("SKIMDB_DATA", str(tmp_path))

    texts, labels = sizes.make_texts("reviews", 150)
    found = [re.fullmatch(r"(?:w(\d+) )+(?:v(\d+) )+end", text) for text in texts]
    numbers = np.array([(int(match[1]), int(match[2])) for match in found])
    np.testing.assert_array_equal(numbers % 2, np.column_stack([labels, labels]))
    is_whole = numbers[:, 0] == numbers[:, 1]
    np.testing.assert_array_equal(np.sort(numbers[is_whole, 0]), range(100))
    assert len(set(map(tuple, numbers))) == 150

    texts, labels = sizes.make_texts("short texts", 500)
    assert {len(text.split()) for text in texts} == {20}
    assert [int(re.search(r"\d+", text)[0]) % 2 for text in texts] == labels.tolist()

    parts = ["50 reviews: make_text_classifier", "50 reviews: tf-idf and logistic regression"]
    sizes.main(["--only", ",".join(parts), "--output", str(tmp_path)])
    page = (tmp_path / "sizes.md").read_text()
    assert re.search(r"\| 50 reviews +(\| +\d+\.\d ){2}(\| +\d+ ){2}\|", page)


def test_serving(tmp_path, monkeypatch):
    texts = ["a good film", "a bad film", "good fun", "bad fun"] * 15
    movies = [str(i // 4) for i in range(60)]
    table = pa.table({"text": texts, "label": [1, 0] * 30, "movie": movies})
    (tmp_path / "suite").mkdir()
    for name in ("imdb_train", "imdb_test", *(f"suite/{name}" for name in DATA_SETS[1:])):
        pq.write_table(table, tmp_path / f"{name}.parquet")
    monkeypatch.setenv("SKIMDB_DATA", str(tmp_path))
    folder = tmp_path / "models"
    folder.mkdir()
    for name in measures.MODELS:
        measures.fit(folder, name)
    arguments = ["--folder", str(folder), "--repeats", "1", "--output", str(tmp_path)]
    run("serving", "--only", "predictions", *arguments)
    parts = load_parts(tmp_path / "serving.json")
    model = measures.measure_model(folder, measures.RECOMMENDED)
    commands = {
        command: measures.measure_command(folder, command, measures.RECOMMENDED)
        for command in measures.COMMANDS
    }
    assert model["accuracy"] == 1
    assert (folder / "out.csv").read_text().count("\n") == 61
    parts["models"] = {
        "environment": parts["predictions"]["environment"],
        "result": {name: [model] for name in measures.MODELS},
    }
    parts["processes"] = parts["models"] | {
        "result": {f"{key}: {name}": [commands[key]] for key in commands for name in measures.OURS}
    }
    measured = measure_selection("50,000 and 30,000")
    assert all(figures["half_accuracy"] == 1 for figures in measured.values())
    parts["selection"] = parts["models"] | {"result": {"50,000 and 30,000": [measured]}}
    page = serving.make_page(parts)
    for heading in ("## The models", "## Reviews", "## Processes", "## How many n-grams"):
        assert heading in page


def test_growth_of_time():
    seconds = measure_growth("layers", 1, n_reviews=1000)
    assert list(seconds) == ["1", "2", "3", "4"]
    assert all(len(runs) == 1 for case in seconds.values() for runs in case.values())


def test_committed_pages_are_those_of_the_committed_results():
    page = (RESULTS / "speed.md").read_text()
    assert page == make_page(load_parts(RESULTS / "speed.json"))
