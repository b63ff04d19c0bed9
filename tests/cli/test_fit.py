import json
import re
import statistics

import joblib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skimdb
from skimdb import make_text_classifier
from skimdb.cli import main
from tests.cli.common import LABELS, NEW_TEXTS, TEXTS, fails, interrupt, write_csv


def test_fit_keeps_the_text_pipeline_fitted_to_all_texts(model):
    expected = make_text_classifier(random_state=0).fit(TEXTS, LABELS)
    kept = skimdb.load(model)
    np.testing.assert_array_equal(kept.classes_, ["neg", "pos"])
    np.testing.assert_array_equal(kept.predict_proba(NEW_TEXTS), expected.predict_proba(NEW_TEXTS))


def test_fit_prints_what_it_found_and_the_model(data, tmp_path, capsys):
    path = tmp_path / "model"
    assert main(["fit", str(data), "-o", str(path), "--no-check"]) == 0
    printed = capsys.readouterr().out
    words = statistics.median(len(text.split()) for text in TEXTS)
    characters = statistics.median(map(len, TEXTS))
    fitted = skimdb.load(path)
    n_features = len(fitted[:-1].get_feature_names_out())
    size = path.stat().st_size
    assert [re.split("  +", line.strip()) for line in printed.splitlines()] == [
        ["Found in", str(data)],
        ["Texts", "1,200"],
        ["labelled neg", "600 (50.0%)"],
        ["labelled pos", "600 (50.0%)"],
        ["Median length", f"{words:.0f} words, {characters:.0f} characters"],
        ["Repeated texts", f"{len(TEXTS) - len(set(TEXTS))}"],
        [""],
        ["Model", f"{size / 1e3:.0f} kB"],
        ["N-grams of words", f"{n_features:,}"],
        ["N-grams of characters", "0, as words are frequent"],
        ["Accuracy on its training texts", f"{fitted.score(TEXTS, LABELS):.4f}"],
        [""],
        [f"Written: {path}"],
    ]


def test_fit_without_check_keeps_the_same_model(data, model, tmp_path, capsys):
    assert main(["fit", str(data), "-o", str(tmp_path / "model")]) == 0
    assert "Check on all 1,200 texts, in 5 parts held out in turn " in capsys.readouterr().out
    assert joblib.hash(skimdb.load(tmp_path / "model")) == joblib.hash(skimdb.load(model))


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
            [("a", "pos"), ("b", "neg"), ("B  ", "neg"), ("c", "pos"), ("d", "pos")],
            "must have at least two different texts for each label, has one for 'neg'",
        ),
        (
            [("a", "pos"), ("b", "neg"), ("c", "neg"), ("d", "pos")],
            "must have at least three different texts for one of its labels",
        ),
        (
            [("a", "pos"), ("b", "neg"), ("a", "neg"), ("b", "pos")] * 9,
            "at least three different texts .* a text that is repeated counts for its first label",
        ),
        (
            [("a", "pos"), ("b", "pos"), ("c", "neg"), ("d", "neg"), ("c", "pos"), ("d", "pos")],
            "at least three different texts .* a text that is repeated counts for its first label",
        ),
        (
            [("a", "pos"), ("b", ""), (" ", "neg")],
            r"of 3 rows, 'text' is missing or blank in 1 and 'label' in 1; the first is line 3 of ",
        ),
    ],
)
def test_fit_to_unfit_data_gives_one_line_and_status_2(tmp_path, capsys, rows, message):
    path = write_csv(tmp_path / "reviews.csv", ["text", "label"], rows)
    fails(["fit", path, "-o", tmp_path / "model"], message, capsys)
    assert list(tmp_path.iterdir()) == [path]


def test_fit_to_three_labels_of_which_one_is_rare(tmp_path, capsys):
    texts = [*TEXTS[:100], *TEXTS[-100:], *(f"a film, so {text}" for text in TEXTS[:5])]
    labels = [*LABELS[:100], *LABELS[-100:], *["so so"] * 5]
    data = write_csv(tmp_path / "r.csv", ["text", "label"], zip(texts, labels, strict=True))
    path = tmp_path / "model"
    assert main(["fit", str(data), "-o", str(path), "--class-weight", "balanced"]) == 0
    printed = capsys.readouterr()
    assert printed.err == "skimdb: fewer than 10 texts are labelled so so (5)\n"
    assert re.search(r"^Label +as neg +as pos +as so so +recall$", printed.out, re.M)
    assert "ROC AUC" not in printed.out
    expected = make_text_classifier(class_weight="balanced", random_state=0).fit(texts, labels)
    np.testing.assert_array_equal(
        skimdb.load(path).predict_proba(NEW_TEXTS), expected.predict_proba(NEW_TEXTS)
    )


def test_fit_tests_on_a_file(data, model, tmp_path, capsys):
    tested = write_csv(
        tmp_path / "test.csv",
        ["text", "label"],
        [*zip(NEW_TEXTS, ["pos", "neg", "pos", "neg"], strict=True), (TEXTS[0].upper(), LABELS[0])],
    )
    path = tmp_path / "model"
    assert main(["fit", str(data), "-o", str(path), "--test", str(tested)]) == 0
    printed = capsys.readouterr()
    assert joblib.hash(skimdb.load(path)) == joblib.hash(skimdb.load(model))
    texts, y = [*NEW_TEXTS, TEXTS[0].upper()], ["pos", "neg", "pos", "neg", LABELS[0]]
    accuracy = skimdb.load(model).score(texts, y)
    standard_error = np.sqrt(accuracy * (1 - accuracy) / 5)
    assert re.search(rf"^Check on 5 texts of {tested}  ± standard error$", printed.out, re.M)
    assert re.search(rf"^Accuracy +{accuracy:.4f} ± {standard_error:.4f}$", printed.out, re.M)
    note = f"1 of 5 texts of {tested} are also among those to fit to"
    assert printed.err == f"skimdb: {note}\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--test", "other.csv"], r"other\.csv has labels that no text to fit to has: so so"),
        (["--test", "no.csv"], r"No such file or directory: .*no\.csv"),
        (["--epochs", "0"], "argument --epochs: must be at least 1, got 0"),
        (["--test", "other.csv", "--no-check"], "--no-check: not allowed with argument --test"),
    ],
)
def test_fit_options_that_do_not_fit_give_one_line_and_status_2(
    data, tmp_path, monkeypatch, capsys, options, message
):
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "other.csv", ["text", "label"], [("good", "pos"), ("bad", "so so")])
    try:
        status = main(["fit", str(data), "-o", "model", *options])
    except SystemExit as exit:
        status = exit.code
    assert status == 2
    assert re.fullmatch(rf"skimdb: error: .*{message}.*\n", capsys.readouterr().err)
    assert not (tmp_path / "model").exists()


def test_fit_for_a_number_of_epochs(data, tmp_path):
    path = tmp_path / "model"
    assert main(["fit", str(data), "-o", str(path), "--no-check", "--epochs", "2"]) == 0
    fitted = skimdb.load(path)
    expected = make_text_classifier(random_state=0)
    expected.set_params(
        classifier__epochs=2, classifier__early_stopping=False, classifier__refit=False
    ).fit(TEXTS, LABELS)
    np.testing.assert_array_equal(
        fitted.predict_proba(NEW_TEXTS), expected.predict_proba(NEW_TEXTS)
    )


def test_fit_says_that_a_model_has_learned_nothing(tmp_path, capsys):
    texts = [f"{'abcd'[i % 4]} {'xyz'[i % 3]}" for i in range(24)]
    labels = ["np"[i // 12] for i in range(24)]
    data = write_csv(tmp_path / "r.csv", ["text", "label"], zip(texts, labels, strict=True))
    arguments = ["fit", str(data), "-o", str(tmp_path / "model"), "--no-check", "--epochs", "1"]
    assert main(arguments) == 0
    error = capsys.readouterr().err
    assert "skimdb: 12 of 24 texts repeat another one, and count again each time\n" in error
    assert "skimdb: texts that occur with several labels: 12\n" in error
    assert re.search("skimdb: only [0-9]+ words and n-grams occur in two texts or more\n", error)
    assert "the model gets 50.0% of its training texts right, no more than the share of" in error


def test_fit_to_texts_that_share_no_word_or_character(tmp_path, capsys):
    rows = [(3 * chr(97 + i), "np"[i % 2]) for i in range(20)]
    path = write_csv(tmp_path / "r.csv", ["text", "label"], rows)
    arguments = ["fit", path, "-o", tmp_path / "model", "--no-check"]
    fails([*arguments, "--no-chars"], "min_df=2", capsys)
    assert main(list(map(str, arguments))) == 0
    assert "skimdb: only 1 words and n-grams occur in two texts" in capsys.readouterr().err


def test_fit_without_characters(data, model, tmp_path):
    path = tmp_path / "small"
    assert main(["fit", str(data), "-o", str(path), "--no-check", "--no-chars"]) == 0
    assert path.stat().st_size < model.stat().st_size
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
    message = "is a file that is read, and must not be replaced"
    fails(["fit", data, "-o", data], message, capsys)
    test = data.with_name("test.csv")
    test.write_bytes(before)
    fails(["fit", data, "--test", test, "-o", test], message, capsys)
    assert data.read_bytes() == test.read_bytes() == before


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


def test_fit_says_what_does_not_fit_in_memory(data, tmp_path, little_memory, capsys):
    message = r"n-grams takes .* GiB of memory are free\. Learn .* in batches"
    fails(["fit", data, "--no-check", "-o", tmp_path / "model"], message, capsys)
    assert not list(tmp_path.glob("model*"))
