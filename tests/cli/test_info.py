"""``skimdb info``."""

import re
from datetime import date

import pytest

import skimdb
from skimdb import MultiHotVectorizer
from skimdb.cli import main
from tests.cli.common import LABELS, TEXTS, fails, write_csv


def info(capsys, path):
    """Return what the command prints, as a dict."""
    capsys.readouterr()
    assert main(["info", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    return dict(re.split(r"  +", line, maxsplit=1) for line in lines)


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """Return a model whose accuracy was measured."""
    folder = tmp_path_factory.mktemp("info")
    data = write_csv(folder / "data.csv", ["text", "label"], zip(TEXTS, LABELS, strict=True))
    assert main(["fit", str(data), "-o", str(folder / "model")]) == 0
    return folder / "model"


def test_info_tells_what_fit_has_found_out(capsys, checked):
    shown = info(capsys, checked)
    assert shown["Model"] == str(checked)
    assert shown["Steps"] == "FeatureUnion, DenseSentimentClassifier"
    assert shown["Labels"] == "neg, pos"
    n_features = skimdb.load_predictor(checked)[-1].n_features_in_
    assert shown["Features"] == f"{n_features:,}"
    assert shown["Size"] == f"{checked.stat().st_size / 1e3:.0f} kB"
    assert shown["Written"].startswith(str(date.today().year))
    assert f"skimdb {skimdb.__version__}, " in shown["Versions"]
    assert shown["Date"] == date.today().isoformat()
    assert shown["Texts"] == f"{len(TEXTS):,}"
    (accuracy,) = (value for name, value in shown.items() if name.startswith("Accuracy"))
    assert float(accuracy[:6]) > 0.8


def test_info_without_a_check_has_no_accuracy(capsys, model):
    assert not any(name.startswith("Accuracy") for name in info(capsys, model))


def test_info_of_any_estimator_and_metadata(capsys, tmp_path):
    metadata = {"by": "Ann", "versions": {"data": 12_345, "of": {"code": "1a"}}, "checked": True}
    skimdb.save(MultiHotVectorizer(), tmp_path / "model", metadata=metadata)
    shown = info(capsys, tmp_path / "model")
    assert shown["Steps"] == "MultiHotVectorizer"
    assert shown["By"] == "Ann"
    assert shown["Versions data"] == "12,345"
    assert shown["Versions of code"] == "1a"
    assert shown["Checked"] == "True"
    assert "Labels" not in shown
    assert "Features" not in shown


def test_file_that_is_no_model_gives_one_line(capsys, tmp_path):
    path = tmp_path / "model"
    path.write_bytes(b"no model")
    fails(["info", path], "model cannot be loaded: it is damaged, or was not written by", capsys)
    fails(["info", tmp_path / "none"], "No such file or directory", capsys)
