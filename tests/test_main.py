import re
from contextlib import redirect_stdout
from io import StringIO

import joblib
import pytest

from skimdb.__main__ import main
from skimdb.datasets import make_reviews


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Run the main job once, on generated reviews; return its directory and what it printed."""
    output = tmp_path_factory.mktemp("report")
    with redirect_stdout(StringIO()) as stdout:
        status = main(["--quick", "--dataset", "synthetic", "--output", str(output), "--seed", "3"])
    assert status == 0
    return output, stdout.getvalue()


def test_first_line_says_that_reviews_are_generated(report):
    _, printed = report
    assert printed.startswith("GENERATED reviews, as asked for: 2,500 to train on")


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


def test_fitted_pipeline_is_kept(report):
    output, printed = report
    pipeline = joblib.load(output / "pipeline.joblib")
    X_test, y_test = make_reviews(2500, random_state=4)
    accuracy = re.search(r"Dense network, searched +(0\.\d{4})", printed)[1]
    assert f"{pipeline.score(X_test, y_test):.4f}" == accuracy


def test_nothing_but_the_report_is_written(report):
    output, printed = report
    names = {path.name for path in output.iterdir()}
    assert names == {
        "report.md", "report.html", "comparison.png", "history.png", "pipeline.joblib",
    }  # fmt: skip
    assert all(name in printed.splitlines()[-1] for name in names)


def test_falls_back_on_generated_reviews_where_there_is_no_imdb(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("skimdb.datasets._base.urlopen", _unreachable)
    monkeypatch.setattr("skimdb.__main__.run", lambda *args: None)
    assert main(["--quick", "--data-home", str(tmp_path), "--output", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.startswith("GENERATED reviews, since imdb.npz is not in ")


def test_missing_imdb_gives_one_line_and_status_2(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("skimdb.datasets._base.urlopen", _unreachable)
    assert main(["--dataset", "imdb", "--data-home", str(tmp_path / "nothing")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("skimdb: error: imdb.npz is not in ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--n-jobs", "0"], "argument --n-jobs: must be at least 1, got 0"),
        (["--seed", "-1"], "argument --seed: must be at least 0, got -1"),
        (["--seed", str(2**32)], "argument --seed: must be at most 4294967294, got 4294967296"),
        (["--seed", "one"], "argument --seed: invalid integer value: 'one'"),
        (["--dataset", "yelp"], "argument --dataset: invalid choice: 'yelp'"),
        (["--fast"], "unrecognized arguments: --fast"),
    ],
)
def test_bad_arguments_give_one_line_and_status_2(arguments, message, capsys):
    with pytest.raises(SystemExit) as exit_info:
        main(arguments)
    assert exit_info.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith(f"skimdb: error: {message}")
    assert error.count("\n") == 1


def test_output_that_cannot_be_made_gives_one_line_and_status_2(tmp_path, capsys):
    (tmp_path / "file").touch()
    arguments = ["--quick", "--dataset", "synthetic", "--output", str(tmp_path / "file" / "out")]
    assert main(arguments) == 2
    assert re.fullmatch(r"skimdb: error: .*Not a directory.*\n", capsys.readouterr().err)


def test_damaged_imdb_gives_one_line_and_status_2(tmp_path, capsys):
    (tmp_path / "imdb.npz").write_bytes(b"no archive")
    arguments = ["--dataset", "imdb", "--data-home", str(tmp_path), "--output", str(tmp_path)]
    assert main(arguments) == 2
    assert re.fullmatch(r"skimdb: error: .*imdb\.npz.*\n", capsys.readouterr().err)


def test_output_that_cannot_be_written_to_gives_one_line_and_status_2(
    tmp_path, monkeypatch, capsys
):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("skimdb.__main__.atomic_file", refuse)
    assert main(["--quick", "--dataset", "synthetic", "--output", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("skimdb: error: [Errno 13] Permission denied")


@pytest.mark.parametrize("step", ["_load_reviews", "run"])
def test_interrupt_at_any_step_gives_status_130(tmp_path, monkeypatch, capsys, step):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"skimdb.__main__.{step}", interrupt)
    assert main(["--quick", "--dataset", "synthetic", "--output", str(tmp_path)]) == 130
    assert "skimdb: interrupted" in capsys.readouterr().err


def test_interrupt_ends_cleanly_without_a_report(tmp_path, monkeypatch, capsys):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("skimdb._job.compare_estimators", interrupt)
    assert main(["--quick", "--dataset", "synthetic", "--output", str(tmp_path)]) == 130
    assert "skimdb: interrupted; no report was written." in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.real_data
def test_quick_job_on_imdb(tmp_path, capsys):
    assert main(["--quick", "--dataset", "imdb", "--output", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("IMDB reviews: 2,500 to train on and 25,000 to test on, from ")
    accuracy = float(re.search(r"Dense network, searched +(0\.\d{4})", printed)[1])
    assert 0.82 < accuracy < 0.88


def _unreachable(*args, **kwargs):
    raise OSError("no network")
