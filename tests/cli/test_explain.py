import re
from html.parser import HTMLParser

import pytest
from sklearn.pipeline import make_pipeline

import skimdb
from skimdb import DenseSentimentClassifier, MultiHotVectorizer
from skimdb.cli import main
from skimdb.feature_extraction import WordIndexEncoder
from skimdb.inspection import explain_reviews
from tests.cli.common import TEXTS, fails, write_csv

TEXT = "A good, great film <b>with</b> a dull cast"


class PageText(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags, self.text = set(), ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)

    def handle_data(self, data):
        self.text += data


def test_explain_prints_the_largest_contributions(model, capsys):
    assert main(["explain", str(model), TEXT, "--n", "3"]) == 0
    title, header, *rows, more = capsys.readouterr().out.splitlines()
    (expected,) = explain_reviews(skimdb.load(model), [TEXT])
    assert title == expected.title
    assert header.split() == ["feature", "contribution"]
    assert [re.split("  +", row) for row in rows] == [
        [name, f"{contribution:+.3f}"]
        for name, contribution in zip(expected.names[:3], expected.contributions[:3], strict=True)
    ]
    assert more == f"... and {len(expected.names) - 3} more"


def test_blanks_at_the_end_of_an_ngram_can_be_seen(tmp_path, capsys):
    rows = [(f"{quality} film {i}", quality) for i in range(20) for quality in ("bad", "good")]
    data, model = write_csv(tmp_path / "r.csv", ["text", "label"], rows), tmp_path / "model"
    assert main(["fit", str(data), "-o", str(model), "--no-check"]) == 0
    capsys.readouterr()
    assert main(["explain", str(model), "good film", "--n", "1000"]) == 0
    names = [row.rpartition("  ")[0].rstrip() for row in capsys.readouterr().out.splitlines()]
    assert "characters__d" in names
    assert "'characters__d '" in names
    assert len(set(names)) == len(names)


def test_explain_says_nothing_of_more_where_all_is_shown(model, capsys):
    assert main(["explain", str(model), "a"]) == 0
    title, _, *rows = capsys.readouterr().out.splitlines()
    assert title.startswith("Predicted ")
    assert "words__a" in {row.split()[0] for row in rows}
    assert "more" not in rows[-1]


@pytest.mark.parametrize("text", ["", "☃"])
def test_explain_of_a_text_without_known_words_says_so(model, capsys, text):
    assert main(["explain", str(model), text]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("Predicted ")
    assert "words__" not in printed.out
    assert text or printed.out.count("\n") == 1  # no table without rows
    assert printed.err == "skimdb: the model knows no word of the text, nor any part of one\n"


def test_explain_writes_the_highlighted_text_as_a_page(model, tmp_path, capsys):
    path = tmp_path / "page.html"
    assert main(["explain", str(model), TEXT, "--html", str(path)]) == 0
    printed = capsys.readouterr().out
    assert printed.endswith(f"\n\nWritten: {path}\n")
    page = PageText(path.read_text(encoding="utf-8"))
    assert page.text.count(printed.splitlines()[0]) == 2  # the title, and above the text
    assert TEXT in page.text
    assert page.tags - {"br"} == {
        "html",
        "head",
        "meta",
        "title",
        "body",
        "div",
        "p",
        "b",
        "span",
        "small",
    }
    assert list(tmp_path.iterdir()) == [path]


def test_page_that_cannot_be_written_gives_one_line_and_status_2(model, tmp_path, capsys):
    fails(["explain", model, TEXT, "--html", tmp_path / "no" / "page"], "there is no fold", capsys)


@pytest.fixture
def model_of_three_classes(tmp_path):
    labels = [1, 2, 3] * 400
    pipeline = make_pipeline(
        WordIndexEncoder(), MultiHotVectorizer(50), DenseSentimentClassifier(epochs=1)
    )
    skimdb.save(pipeline.fit(TEXTS, labels), tmp_path / "model")
    return tmp_path / "model"


def test_explain_of_a_class_by_what_is_written(model_of_three_classes, capsys):
    path = model_of_three_classes
    for options, target in (([], None), (["--class", "1"], 1), (["--class", "3"], 3)):
        assert main(["explain", str(path), TEXT, *options]) == 0
        (expected,) = explain_reviews(skimdb.load(path), [TEXT], target=target)
        assert capsys.readouterr().out.splitlines()[0] == expected.title
        assert expected.target == (target or expected.predicted)


def test_explain_of_an_unknown_class_gives_one_line_and_status_2(model_of_three_classes, capsys):
    path = model_of_three_classes
    fails(["explain", path, TEXT, "--class", "4"], "--class must be one of 1, 2, 3, got 4", capsys)
