import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.model_selection import train_test_split

import skimdb
from skimdb import make_text_classifier
from skimdb.cli import main
from tests.cli.common import LABELS, NEW_TEXTS, TEXTS, fails, interrupt, write_csv


def test_fit_keeps_the_text_pipeline_fitted_to_all_texts(model):
    expected = make_text_classifier(random_state=0).fit(TEXTS, LABELS)
    kept = skimdb.load(model)
    np.testing.assert_array_equal(kept.classes_, ["neg", "pos"])
    np.testing.assert_array_equal(kept.predict_proba(NEW_TEXTS), expected.predict_proba(NEW_TEXTS))


def test_fit_prints_accuracy_on_a_stratified_tenth_that_is_held_out(tmp_path, capsys):
    is_wrong = np.random.default_rng(0).random(len(LABELS)) < 0.2
    labels = np.where(is_wrong, "neg", LABELS)
    data = write_csv(tmp_path / "r.csv", ["text", "label"], zip(TEXTS, labels, strict=True))
    assert main(["fit", str(data), "-o", str(tmp_path / "model"), "--seed", "5"]) == 0
    printed = capsys.readouterr().out
    train, test, y_train, y_test = train_test_split(
        TEXTS, labels, test_size=120, stratify=labels, random_state=5
    )
    n_right = sum(make_text_classifier(random_state=5).fit(train, y_train).predict(test) == y_test)
    assert n_right < 120
    standard_error = np.std([1] * n_right + [0] * (120 - n_right)) / np.sqrt(120)
    assert re.search(
        rf"^Accuracy on 120 held out \(± SE\) +{n_right / 120:.4f} ± {standard_error:.4f}$",
        printed,
        re.M,
    )
    share = max(np.mean(y_test == "neg"), np.mean(y_test == "pos"))
    assert share > 0.55
    assert re.search(rf"^Always the most frequent label +{share:.4f}$", printed, re.M)


def test_fit_prints_counts_features_and_file(data, tmp_path, capsys):
    path = tmp_path / "model"
    assert main(["fit", str(data), "-o", str(path), "--no-check"]) == 0
    printed = capsys.readouterr().out
    assert re.match(rf"Model of +{data}\n", printed)
    assert re.search(r"^Texts labelled neg +600\nTexts labelled pos +600$", printed, re.M)
    n_features = len(skimdb.load(path)[:-1].get_feature_names_out())
    assert re.search(rf"^Features +{n_features:,}$", printed, re.M)
    size = path.stat().st_size / 1e6
    assert printed.endswith(f"\nWritten: {path} ({size:.1f} MB)\n")


def test_fit_without_check_keeps_the_same_model(data, model, tmp_path, capsys):
    assert main(["fit", str(data), "-o", str(tmp_path / "model")]) == 0
    assert "held out" in capsys.readouterr().out
    assert (tmp_path / "model").read_bytes() == model.read_bytes()
    assert main(["fit", str(data), "-o", str(tmp_path / "model"), "--no-check"]) == 0
    assert "held out" not in capsys.readouterr().out


def test_fit_to_any_type_of_file_gives_the_same_model(model, tmp_path):
    rows = list(zip(LABELS, TEXTS, strict=True))
    folder = tmp_path / "folder"
    for i, (label, text) in enumerate(rows):
        (folder / label).mkdir(parents=True, exist_ok=True)
        (folder / label / f"{i:04}.txt").write_text(text)
    jsonl, parquet = tmp_path / "r.jsonl", tmp_path / "r.parquet"
    jsonl.write_text("".join(json.dumps({"y": y, "x": x}) + "\n" for y, x in rows))
    pq.write_table(pa.table({"y": LABELS, "x": TEXTS}), parquet)
    columns = ["--text", "x", "--label", "y"]
    for arguments in ([folder], [jsonl, *columns], [parquet, *columns]):
        output = tmp_path / "model"
        assert main(["fit", *map(str, arguments), "-o", str(output), "--no-check"]) == 0
        assert output.read_bytes() == model.read_bytes()


def test_fit_options_set_n_grams_and_seed(data, tmp_path):
    path = tmp_path / "model"
    arguments = ["fit", str(data), "-o", str(path), "--no-check"]
    assert main([*arguments, "--ngrams", "2", "--seed", "7"]) == 0
    expected = make_text_classifier(ngram_range=(1, 2), random_state=7).fit(TEXTS, LABELS)
    np.testing.assert_array_equal(
        skimdb.load(path).predict_proba(NEW_TEXTS), expected.predict_proba(NEW_TEXTS)
    )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [("a", "pos"), ("b", "pos")],
            r"reviews\.csv must have two labels or more.*; labels found in 2 texts: 1 \('pos'\)",
        ),
        (
            [("a", str(i)) for i in range(6)],
            r"labels found in 6 texts: 6 \('0', '1', '2', '3', '4', \.\.\.\)",
        ),
        (
            [("a", "x" * 99), ("b", "y"), ("b", "z")],
            rf"labels found in 3 texts: 3 \('{'x' * 39}\.\.\., 'y', 'z'\)",
        ),
        (
            [("a", "pos"), ("b", "neg"), ("c", "pos"), ("d", "pos")],
            "must have at least two texts for each label, has one for 'neg'",
        ),
        (
            [("a", "pos"), ("b", ""), (" ", "neg")],
            r"of 3 rows, 'text' is missing or blank in 1 and 'label' in 1; the first is line 3 of ",
        ),
        ([(3 * chr(97 + i), "np"[i % 2]) for i in range(20)], "min_df=2"),
    ],
)
def test_fit_to_unfit_data_gives_one_line_and_status_2(tmp_path, capsys, rows, message):
    path = write_csv(tmp_path / "reviews.csv", ["text", "label"], rows)
    fails(["fit", path, "-o", tmp_path / "model"], message, capsys)
    assert list(tmp_path.iterdir()) == [path]


def test_fit_to_three_labels_of_which_one_is_rare(tmp_path, capsys):
    texts = [*TEXTS[:200], *["a film, neither good nor bad"] * 5]
    labels = [*LABELS[:200], *["so so"] * 5]
    data = write_csv(tmp_path / "r.csv", ["text", "label"], zip(texts, labels, strict=True))
    path = tmp_path / "model"
    assert main(["fit", str(data), "-o", str(path), "--class-weight", "balanced"]) == 0
    printed = capsys.readouterr()
    assert "Fewer than 10 texts are labelled so so (5)." in printed.err
    assert "--class-weight balanced gives all labels the same weight" in printed.err
    for name in ("Accuracy on 21 held out", "Macro F1", "Recall of neg", "Recall of so so"):
        assert re.search(rf"^{re.escape(name)} .*\d$", printed.out, re.M)
    expected = make_text_classifier(class_weight="balanced", random_state=0).fit(texts, labels)
    np.testing.assert_array_equal(
        skimdb.load(path).predict_proba(NEW_TEXTS), expected.predict_proba(NEW_TEXTS)
    )


def test_fit_without_characters(data, model, tmp_path):
    path = tmp_path / "small"
    assert main(["fit", str(data), "-o", str(path), "--no-check", "--no-chars"]) == 0
    assert path.stat().st_size < model.stat().st_size
    names = skimdb.load(path)[:-1].get_feature_names_out()
    assert all(name.startswith("words__") for name in names)


def test_fit_leaves_characters_out_of_very_long_texts(tmp_path, capsys):
    words = ["good", "bad", "film", "plot", "cast", "fun", "dull", "great", "poor", "scene"]
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(words, 60_000)) for _ in range(40)]
    rows = [(text, "np"[i % 2]) for i, text in enumerate(texts)]
    data = write_csv(tmp_path / "r.csv", ["text", "label"], rows)
    path = tmp_path / "model"
    assert main(["fit", str(data), "-o", str(path), "--no-check"]) == 0
    assert "N-grams of characters are left out" in capsys.readouterr().err
    names = skimdb.load(path)[:-1].get_feature_names_out()
    assert all(name.startswith("words__") for name in names)


def test_fit_that_fails_leaves_the_old_model(data, tmp_path, capsys):
    path = tmp_path / "model"
    path.write_text("old")
    fails(["fit", data, "--text", "review", "-o", path], "no column 'review'", capsys)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_fit_does_not_replace_the_data(data, capsys):
    before = data.read_bytes()
    fails(["fit", data, "-o", data], "is the file that is read, and must not be repl", capsys)
    assert data.read_bytes() == before


def test_fit_names_the_data_that_is_not_there(tmp_path, capsys):
    fails(["fit", tmp_path / "no.csv", "-o", tmp_path / "model"], r"No such file.*no\.csv", capsys)


@pytest.mark.parametrize(
    ("output", "message"),
    [(".", "must be a file, and is a folder"), ("no/model", "there is no folder .*no")],
)
def test_fit_checks_where_to_write_before_it_reads(tmp_path, capsys, output, message):
    fails(["fit", tmp_path / "no.csv", "-o", tmp_path / output], message, capsys)


def test_interrupted_fit_gives_status_130_and_no_model(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("skimdb.DenseSentimentClassifier.fit", interrupt)
    assert main(["fit", str(data), "--no-check", "-o", str(tmp_path / "model")]) == 130
    assert capsys.readouterr().err == "skimdb: interrupted\n"
    assert not list(tmp_path.iterdir())
