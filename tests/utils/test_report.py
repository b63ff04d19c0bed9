import pytest
from matplotlib.figure import Figure

from skimdb.utils._report import Formatted, Heading, Plot, Report
from skimdb.utils._tables import Table


@pytest.fixture
def report():
    figure = Figure()
    figure.subplots().plot([1, 2])
    report = Report("A & B")
    report.add("1 < 2", Heading("Numbers"), Table(["a", "b|c"], [["x", "1"]]))
    report.add(Plot(figure, "line", "A rising line"), Formatted("**c**", "<b>c</b>"))
    return report


def test_markdown(report, tmp_path):
    report.write(tmp_path, "page")
    assert (tmp_path / "page.md").read_text() == (
        "# A & B\n\n1 < 2\n\n## Numbers\n\n"
        "| a | b\\|c |\n| --- | ---: |\n| x | 1 |\n\n![A rising line](line.png)\n\n**c**\n"
    )


def test_html_escapes_text_and_holds_its_images(report, tmp_path):
    report.write(tmp_path, "page")
    html = (tmp_path / "page.html").read_text()
    assert "<h1>A &amp; B</h1>" in html
    assert "<p>1 &lt; 2</p>" in html
    assert "<tr><th>a</th><th>b|c</th></tr>\n<tr><td>x</td><td>1</td></tr>" in html
    assert '<figure><svg role="img" aria-label="A rising line"' in html


def test_png_is_an_image_of_the_page(tmp_path):
    report = Report("Title")
    report.add(Plot(b"PNG", "line", "A rising line"))
    report.write(tmp_path, "page")
    html = (tmp_path / "page.html").read_text()
    assert '<img alt="A rising line" src="data:image/png;base64,UE5H">' in html


def test_returns_the_files_that_it_wrote(report, tmp_path):
    paths = report.write(tmp_path, "page")
    assert {path.name for path in paths} == {"page.md", "page.html", "line.png"}
    assert set(paths) == set(tmp_path.iterdir())


def test_same_figure_gives_same_bytes(report, tmp_path):
    report.write(tmp_path, "page")
    first = [(tmp_path / name).read_bytes() for name in ["line.png", "page.html"]]
    report.write(tmp_path, "page")
    assert [(tmp_path / name).read_bytes() for name in ["line.png", "page.html"]] == first
