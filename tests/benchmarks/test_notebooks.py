import json
import re

import pytest

from benchmarks.notebooks import __main__ as notebooks
from skimdb.datasets import make_reviews


@pytest.fixture
def small(monkeypatch):
    """Put generated reviews in the place of IMDB's, and a few for validation."""
    sets = {"train": make_reviews(300, random_state=0), "test": make_reviews(100, random_state=1)}
    monkeypatch.setattr(notebooks, "load_imdb", lambda subset: sets[subset])
    monkeypatch.setattr(notebooks, "N_VALIDATION", 100)
    monkeypatch.setattr(notebooks, "N_SEEDS_FAR", 3)


def run(output, *arguments):
    notebooks.main(["--seeds", "2", "--n-jobs", "1", "--output", str(output), *arguments])
    return (output / "notebooks.md").read_text()


def test_each_experiment_has_its_configurations():
    names = [v.name for e in notebooks.EXPERIMENTS for v in notebooks.variants_of(e)]
    assert len(names) == len(set(names)) == 28
    assert {"A1", "A12", "B2 units=512", "B5 none", "B5 l1=0.001", "B8"} <= set(names)


def test_published_figures_are_those_of_the_list():
    [a10] = notebooks.variants_of(next(e for e in notebooks.EXPERIMENTS if e["id"] == "A10"))
    history = a10.published
    assert a10.published_figure("final val_loss") == history["val_loss"][-1]
    assert a10.published_figure("best val_loss") == min(history["val_loss"])
    assert a10.published_figure("best val_accuracy") == max(history["val_accuracy"])
    assert a10.published_figure("test accuracy") == 0.86032


@pytest.mark.usefixtures("small")
def test_page_has_a_row_for_each_figure(tmp_path):
    page = run(tmp_path, "--only", "B1,B7,B6,B8")
    for row in (
        r"\| B1 \| Final validation accuracy \| 0\.8868 \| 0\.\d{4} \| 0\.\d{4} to",
        r"\| B7 \| Test accuracy \| 0\.8800 \| 0\.\d{4} \|",
        r"\| B6 dropout=0\.5 \| Best validation loss \|  \| \d\.\d{4} \|",
        r"\| 5 \| [01] \| [01]\.\d{4} \|",
    ):
        assert re.search(row, page)
    assert (tmp_path / "B6-best.png").exists()


@pytest.mark.usefixtures("small")
def test_goes_on_where_it_was_and_gives_the_same_page(tmp_path, monkeypatch):
    page = run(tmp_path, "--only", "B1,A11")
    kept = tmp_path / "fits" / "A11-seed1.json"
    assert json.loads(kept.read_text())["outcome"]["history"]["loss"]
    kept.unlink()
    (tmp_path / "fits" / "A11-seed1.json.half.part").write_text('{"params":')
    finished = []
    original = notebooks._run
    monkeypatch.setattr(
        notebooks, "_run", lambda *args: finished.append(args[:2]) or original(*args)
    )
    again = run(tmp_path, "--only", "B1,A11")
    assert [(variant.name, seed) for variant, seed in finished] == [("A11", 1)]
    without_times = re.compile(r"\d+\.\d\d \|$", re.M)
    assert without_times.sub("", again) == without_times.sub("", page)


@pytest.mark.usefixtures("small")
def test_fits_of_other_parameters_are_not_taken(tmp_path):
    run(tmp_path, "--only", "B1")
    path = tmp_path / "fits" / "B1-seed0.json"
    stored = json.loads(path.read_text())
    stored["outcome"]["params"]["units"] = 5
    path.write_text(json.dumps(stored))
    run(tmp_path, "--only", "B1")
    assert json.loads(path.read_text())["outcome"]["params"]["units"] == 4


def test_unknown_experiment_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        run(tmp_path, "--only", "A5,C1")
    assert "argument --only: unknown part C1; parts: A1, A2," in capsys.readouterr().err
