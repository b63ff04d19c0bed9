import re
from html.parser import HTMLParser

from sklearn.pipeline import make_pipeline

import skimdb
from skimdb import DenseSentimentClassifier, MultiHotVectorizer
from skimdb.cli import main
from skimdb.feature_extraction import WordIndexEncoder
from skimdb.inspection import explain_reviews
from tests.cli.common import TEXTS, fails

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


def test_explain_says_nothing_of_more_where_all_is_shown(model, capsys):
    assert main(["explain", str(model), "a"]) == 0
    title, _, *rows = capsys.readouterr().out.splitlines()
    assert title.startswith("Predicted ")
    assert "words__a" in {row.split()[0] for row in rows}
    assert "more" not in rows[-1]


def test_explain_of_a_text_without_known_words_has_no_rows(model, capsys):
    assert main(["explain", str(model), ""]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_explain_writes_the_highlighted_text_as_a_page(model, tmp_path, capsys):
    path = tmp_path / "page.html"
    assert main(["explain", str(model), TEXT, "--html", str(path)]) == 0
    printed = capsys.readouterr().out
    assert printed.endswith(f"\n\nWritten: {path}\n")
    page = PageText(path.read_text(encoding="utf-8"))
    assert page.text.count(printed.splitlines()[0]) == 2  # the title, and above the text
    assert TEXT in page.text
    assert page.tags == {"html", "head", "meta", "title", "body", "div", "p", "b", "span"}
    assert list(tmp_path.iterdir()) == [path]


def test_page_that_cannot_be_written_gives_one_line_and_status_2(model, tmp_path, capsys):
    fails(["explain", model, TEXT, "--html", tmp_path / "no" / "page"], "there is no fold", capsys)


def test_explain_of_more_than_two_classes_gives_one_line_and_status_2(tmp_path, capsys):
    labels = ["a", "b", "c"] * 400
    pipeline = make_pipeline(
        WordIndexEncoder(), MultiHotVectorizer(50), DenseSentimentClassifier(epochs=1)
    )
    skimdb.save(pipeline.fit(TEXTS, labels), tmp_path / "model")
    fails(["explain", tmp_path / "model", TEXT], "must end in a binary classifier", capsys)
