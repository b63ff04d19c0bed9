"""The main job."""

import re
from contextlib import redirect_stdout
from io import StringIO

import pytest

import skimdb
from skimdb.cli import main
from skimdb.datasets import make_reviews
from tests.cli.common import interrupt


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Run the main job once, on generated reviews; return its directory and what it printed."""
    output = tmp_path_factory.mktemp("report")
    with redirect_stdout(StringIO()) as stdout:
        status = main(["--quick", "--dataset", "generated", "--output", str(output), "--seed", "3"])
    assert status == 0
    return output, stdout.getvalue()


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
    for name in ["Dense network 16-16-1", "Logistic regression", "naive Bayes", "Dummy"]:
        assert re.search(rf"{name}.* 0\.\d{{4}} ± 0\.\d{{4}}", text)
    assert re.search(
        r"Best of 8 candidates: \{.*'units'.*\}, cross-validated accuracy 0\.\d{4}", text
    )
    assert re.search(r"Dense network, searched +0\.\d{4} +0\.\d{4} +0\.\d{4}", text)


def test_prints_five_predictions_beside_their_labels(report):
    _, y = make_reviews(2500, random_state=4)
    rows = re.findall(r"^([1-5]) +([01]) +([01]) +(0\.\d{4}|1\.0000)", report[1], re.M)
    assert [int(label) for _, label, _, _ in rows] == y[:5].tolist()
    assert all(int(predicted) == (float(p) > 0.5) for _, _, predicted, p in rows)


def test_html_report_is_self_contained(report):
    html = (report[0] / "report.html").read_text()
    sources = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert len(sources) == 2
    assert all(source.startswith("data:image/png;base64,") for source in sources)


def test_markdown_report_refers_to_files_beside_it(report):
    output, _ = report
    images = re.findall(r"!\[.+\]\((.+)\)", (output / "report.md").read_text())
    assert images == ["comparison.png", "history.png"]
    assert all((output / image).read_bytes().startswith(b"\x89PNG") for image in images)


def test_fitted_pipeline_is_saved(report):
    output, printed = report
    pipeline = skimdb.load(output / "pipeline.skimdb")
    X_test, y_test = make_reviews(2500, random_state=4)
    accuracy = re.search(r"Dense network, searched +(0\.\d{4})", printed)[1]
    assert f"{pipeline.score(X_test, y_test):.4f}" == accuracy


def test_nothing_but_the_report_is_written(report):
    output, printed = report
    names = {path.name for path in output.iterdir()}
    assert names == {
        "report.md", "report.html", "comparison.png", "history.png", "pipeline.skimdb",
    }  # fmt: skip
    assert all(name in printed.splitlines()[-1] for name in names)


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


def test_output_that_cannot_be_made_gives_one_line_and_status_2(tmp_path, capsys):
    (tmp_path / "file").touch()
    arguments = ["--quick", "--dataset", "generated", "--output", str(tmp_path / "file" / "out")]
    assert main(arguments) == 2
    assert re.fullmatch(r"skimdb: error: .*Not a directory.*\n", capsys.readouterr().err)


def test_output_is_checked_before_the_reviews_are_read(tmp_path, capsys):
    (tmp_path / "imdb.npz").write_bytes(b"not an archive")
    (tmp_path / "out").touch()
    arguments = ["--dataset", "imdb", "--data-home", str(tmp_path)]
    assert main([*arguments, "--output", str(tmp_path / "out")]) == 2
    assert re.fullmatch(r"skimdb: error: .*File exists.*\n", capsys.readouterr().err)


def test_damaged_imdb_gives_one_line_and_status_2(tmp_path, capsys):
    (tmp_path / "imdb.npz").write_bytes(b"no archive")
    arguments = ["--dataset", "imdb", "--data-home", str(tmp_path), "--output", str(tmp_path)]
    assert main(arguments) == 2
    assert re.fullmatch(r"skimdb: error: .*imdb\.npz.*\n", capsys.readouterr().err)


def test_interrupt_ends_cleanly_without_a_report(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sklearn.model_selection.GridSearchCV.fit", interrupt)
    # Threads that go on after an interrupt would change the filters of warnings.
    arguments = ["--quick", "--n-jobs", "1", "--dataset", "generated"]
    assert main([*arguments, "--output", str(tmp_path)]) == 130
    assert capsys.readouterr().err.endswith("skimdb: interrupted\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.real_data
def test_quick_job_on_imdb(tmp_path, capsys):
    assert main(["--quick", "--dataset", "imdb", "--output", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("IMDB reviews: 2,500 to train on and 25,000 to test on, from ")
    accuracy = float(re.search(r"Dense network, searched +(0\.\d{4})", printed)[1])
    assert 0.82 < accuracy < 0.88
