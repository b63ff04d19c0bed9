"""The main job."""

import re
import shutil
from contextlib import redirect_stdout
from io import StringIO
from itertools import combinations

import numpy as np
import pytest

import skimdb
from skimdb.cli import main
from skimdb.datasets import make_reviews
from tests.cli.common import fails, interrupt


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Run the main job once, on generated reviews; return its directory and what it printed."""
    output = tmp_path_factory.mktemp("report") / "report"
    arguments = ["--quick", "--dataset", "generated", "--seed", "3", "--n-jobs", "1"]
    with redirect_stdout(StringIO()) as stdout:
        status = main([*arguments, "--output", str(output)])
    assert status == 0
    return output, stdout.getvalue()


@pytest.fixture(scope="module")
def test_reviews(report):
    """Return the pipeline of that job, and the texts and labels of its test reviews."""
    X, y = make_reviews(2500, random_state=4)
    pipeline = skimdb.load(report[0] / "pipeline.skimdb")
    return pipeline, pipeline[0].inverse_transform(X), np.array(["negative", "positive"])[y]


def test_first_line_says_that_reviews_are_generated(report):
    _, printed = report
    assert printed.startswith("Generated reviews (not from IMDB), as requested: 2,500 to train on")


def test_report_says_that_reviews_are_generated(report):
    output, printed = report
    first_line = printed.splitlines()[0]
    assert first_line in (output / "report.md").read_text()
    assert first_line in (output / "report.html").read_text()


def test_prints_comparison_search_and_test_results(report):
    text = report[1]
    names = ["Network on 1-3-grams", "Network on words", "Logistic regression", "Naive Bayes"]
    for name in names:
        assert re.search(rf"^{name} +0\.\d{{4}} ± 0\.\d{{4}}  +[\d.]+ ± ", text, re.M)
        assert re.search(rf"^{name} +0\.\d{{4}} ± 0\.\d{{4}} +0\.\d{{4}} +\d\.\d{{4}}$", text, re.M)
    for first, second in combinations(names, 2):
        difference = (
            rf"^{first} \N{{MINUS SIGN}} {second} +[+-]\d+\.\d\d +[+-][\d.]+ to [+-][\d.]+$"
        )
        assert re.search(difference, text, re.M)
    assert re.search(r"^units +layers +accuracy\n(\d+ +[12] +0\.\d{4} ± 0\.\d{4}\n){4}", text, re.M)
    assert re.search(r"the network has the lowest loss on the others after [1-8]\.$", text, re.M)


def test_same_settings_have_the_same_figures_in_comparison_and_search(report):
    (compared,) = re.findall(r"^Network on 1-3-grams +(\S+ ± \S+)  +\S+ ± ", report[1], re.M)
    (searched,) = re.findall(r"^16 +1 +(\S+ ± \S+)$", report[1], re.M)
    assert searched == compared


def test_network_is_not_behind(report):
    accuracy = dict(re.findall(r"^(\w.*?) +(0\.\d{4}) ± 0\.\d{4}  +[\d.]+ ± ", report[1], re.M))
    assert max(accuracy, key=accuracy.get) == "Network on 1-3-grams"


def test_five_reviews_are_explained_beside_their_labels(report, test_reviews):
    output, printed = report
    pipeline, texts, y = test_reviews
    rows = re.findall(r"^Test review (\d+) is (\w+)\. Predicted (\w+) \(", printed, re.M)
    chosen = [int(number) - 1 for number, _, _ in rows]
    assert [label for _, label, _ in rows] == y[chosen].tolist()
    assert [label for _, _, label in rows] == pipeline.predict(texts[chosen]).tolist()
    assert [label for _, label, _ in rows[:4]] == ["negative", "negative", "positive", "positive"]
    assert [label == predicted for _, label, predicted in rows] == [True] * 4 + [False]
    html = (output / "report.html").read_text()
    markdown = (output / "report.md").read_text().replace("**", "")
    for i in chosen:
        shown = html.split(f"<h3>Test review {i + 1} is {y[i]}</h3>")[1].split("</div>")[0]
        assert texts[i] in " ".join(re.sub("<[^>]+>", "", shown).split())
        assert "background-color: rgba" in shown
        assert texts[i] in markdown


def test_html_report_is_self_contained(report):
    html = (report[0] / "report.html").read_text()
    assert html.count("<svg ") == 2
    sources = re.findall(r'(?:src|href)="([^"]*)"|url\(([^)]*)\)', html)
    assert all((source or url).startswith("#") for source, url in sources)


def test_markdown_report_refers_to_files_beside_it(report):
    output, _ = report
    images = re.findall(r"!\[.+\]\((.+)\)", (output / "report.md").read_text())
    assert images == ["comparison.png", "history.png"]
    assert all((output / image).read_bytes().startswith(b"\x89PNG") for image in images)


def test_fitted_pipeline_is_saved_and_takes_texts(report, test_reviews):
    pipeline, texts, y = test_reviews
    accuracy = re.findall(r"Network on 1-3-grams +(0\.\d{4}) ±", report[1])[-1]
    X, _ = make_reviews(2500, random_state=4)
    assert f"{pipeline[1:].score(X, y):.4f}" == accuracy
    # Words without an index are left out of texts.
    assert pipeline.score(texts, y) == pytest.approx(float(accuracy), abs=0.02)


def test_nothing_but_the_report_is_written(report):
    output, printed = report
    names = {path.name for path in output.iterdir()}
    assert names == {
        "report.md", "report.html", "comparison.png", "history.png", "pipeline.skimdb",
    }  # fmt: skip
    assert all(name in printed.splitlines()[-1] for name in names)
    assert list(output.parent.iterdir()) == [output]


@pytest.fixture
def no_network(monkeypatch):
    """Let every download fail."""

    def connect(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr("socket.create_connection", connect)


@pytest.mark.usefixtures("no_network")
def test_falls_back_on_generated_reviews_where_there_is_no_imdb(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sklearn.model_selection.GridSearchCV.fit", interrupt)
    output = str(tmp_path / "out")
    arguments = ["--quick", "--n-jobs", "1", "--data-home", str(tmp_path)]
    assert main([*arguments, "--output", output]) == 130
    message = "Generated reviews (not from IMDB), because imdb.npz is not in "
    assert capsys.readouterr().out.startswith(message)


@pytest.mark.usefixtures("no_network")
def test_missing_imdb_gives_one_line_and_status_2(tmp_path, capsys):
    home, output = str(tmp_path / "nothing"), str(tmp_path / "out")
    assert main(["--dataset", "imdb", "--data-home", home, "--output", output]) == 2
    error = capsys.readouterr().err
    assert error.startswith("skimdb: error: imdb.npz is not in ")
    assert error.count("\n") == 1


def test_folder_with_other_files_is_not_replaced(tmp_path, capsys):
    (tmp_path / "report.md").touch()
    (tmp_path / "notes.txt").touch()
    message = "must be a new folder or one with a report, .* other files, such as notes.txt"
    fails(["--quick", "--dataset", "generated", "--output", tmp_path], message, capsys)
    assert len(list(tmp_path.iterdir())) == 2


def test_too_little_room_is_said_before_the_work(tmp_path, monkeypatch, capsys):
    usage = shutil.disk_usage(tmp_path)._replace(free=59_000_000)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    message = f"the report needs 60 MB, and {tmp_path} has only 59 MB left"
    fails(["--quick", "--dataset", "generated", "--output", tmp_path / "out"], message, capsys)
    assert not list(tmp_path.iterdir())


def test_output_that_cannot_be_made_gives_one_line_and_status_2(tmp_path, capsys):
    (tmp_path / "file").touch()
    arguments = ["--quick", "--dataset", "generated", "--output", str(tmp_path / "file" / "out")]
    assert main(arguments) == 2
    message = r"skimdb: error: --output .*file/out cannot be made: there is no folder .*file\n"
    assert re.fullmatch(message, capsys.readouterr().err)
    arguments[-1] = str(tmp_path / "no" / "out")
    assert main(arguments) == 2
    assert "there is no folder" in capsys.readouterr().err
    assert not (tmp_path / "no").exists()


def test_output_is_checked_before_the_reviews_are_read(tmp_path, capsys):
    (tmp_path / "imdb.npz").write_bytes(b"not an archive")
    (tmp_path / "out").touch()
    arguments = ["--dataset", "imdb", "--data-home", str(tmp_path)]
    assert main([*arguments, "--output", str(tmp_path / "out")]) == 2
    message = r"skimdb: error: --output .*out must be a folder, and is a file\n"
    assert re.fullmatch(message, capsys.readouterr().err)


def test_damaged_imdb_gives_one_line_and_status_2(tmp_path, capsys):
    (tmp_path / "imdb.npz").write_bytes(b"no archive")
    arguments = ["--dataset", "imdb", "--data-home", str(tmp_path)]
    assert main([*arguments, "--output", str(tmp_path / "out")]) == 2
    assert re.fullmatch(r"skimdb: error: .*imdb\.npz.*\n", capsys.readouterr().err)
    assert [path.name for path in tmp_path.iterdir()] == ["imdb.npz"]


def test_interrupt_ends_cleanly_without_a_report(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sklearn.model_selection.GridSearchCV.fit", interrupt)
    arguments = ["--quick", "--n-jobs", "1", "--dataset", "generated"]
    assert main([*arguments, "--output", str(tmp_path / "out")]) == 130
    assert capsys.readouterr().err.endswith("skimdb: interrupted\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.real_data
def test_quick_job_on_imdb(tmp_path, capsys):
    arguments = ["--quick", "--dataset", "imdb", "--n-jobs", "2"]
    assert main([*arguments, "--output", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.startswith("IMDB reviews: 2,500 to train on and 25,000 to test on, from ")
    scores = printed.out.partition("Test reviews")[2]
    accuracy = dict(re.findall(r"^(\w.*?) +(0\.\d{4}) ± ", scores, re.M))
    assert max(accuracy, key=accuracy.get) == "Network on 1-3-grams"
    assert float(accuracy["Network on 1-3-grams"]) > 0.86
