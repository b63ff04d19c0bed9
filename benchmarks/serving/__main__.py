"""What predictions cost: one review, many, one process, one file.

Run with ``python -m benchmarks.serving``. It fits the recommended pipeline and a peer to the IMDB
reviews, which takes minutes, unless ``--folder`` has the models of a run before. Each measurement
is made in a process of its own, and the variants take turns.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.progress import Progress

from benchmarks._measure import measure_in_process, measure_in_turns, median
from benchmarks._results import (
    RESULTS,
    Parts,
    add_only,
    environment_lines,
    load_parts,
    update_parts,
    write_text,
)
from benchmarks.serving import measures
from benchmarks.serving.selection import DATA_SETS, SELECTIONS, measure_selection
from skimdb.utils._tables import Table, markdown_table

PARTS = ["models", "predictions", "processes", "selection"]

Results = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="runs of each variant")
    parser.add_argument("--folder", type=Path, help="keep the models here, or take them from here")
    add_only(parser, PARTS)
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.measure:
        print(json.dumps(_measure(*args.measure)))
        return
    path = args.output / "serving.json"
    place = TemporaryDirectory() if args.folder is None else nullcontext(args.folder)
    with place as folder:
        if args.only != ["selection"]:
            _fit(Path(folder))
        for part in args.only:
            update_parts(path, {part: _run(part, Path(folder), args.repeats)})
    write_text(args.output / "serving.md", make_page(load_parts(path)))
    print(args.output / "serving.md")


def _measure(part: str, name: str, repeat: str, folder: str) -> Any:
    if part == "fit":
        return measures.fit(Path(folder), name)
    if part == "models":
        return measures.measure_model(Path(folder), name)
    if part == "predictions":
        return measures.measure_predictions(Path(folder), int(repeat))
    if part == "selection":
        return measure_selection(name)
    command, _, model = name.partition(": ")
    return measures.measure_command(Path(folder), command, model)


def _fit(folder: Path) -> None:
    """Fit the models that are not there."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name in measures.MODELS if not measures.model_path(folder, name).exists()]
    with Progress() as progress:
        for name in progress.track(missing, description="Fitting"):
            measure_in_process("serving", "fit", name, "0", str(folder))
    measures.write_test_file(folder)


def _run(part: str, folder: Path, n_repeats: int) -> Results:
    if part == "models":
        return measure_in_turns("serving", part, measures.MODELS, n_repeats, str(folder))
    if part == "predictions":
        return measure_in_turns("serving", part, ["all models"], n_repeats, str(folder))
    if part == "selection":
        return measure_in_turns("serving", part, list(SELECTIONS), 1, str(folder))
    commands = [f"{command}: {name}" for name in measures.OURS for command in measures.COMMANDS]
    return measure_in_turns("serving", part, commands, n_repeats, str(folder))


def make_page(parts: Parts) -> str:
    """Return the page, in Markdown."""
    results = {name: part["result"] for name, part in parts.items()}
    sections = [section(results[name]) for name, section in _SECTIONS.items() if name in results]
    introduction = (
        "`python -m benchmarks.serving`: medians of several processes. The models are fitted to "
        "the 25,000 training reviews of IMDB. The peer is `CountVectorizer(ngram_range=(1, 3), "
        "min_df=2, binary=True)` with `LogisticRegression(C=0.05)`. The recommended pipeline "
        "leaves n-grams of characters out of these reviews; it is measured with them too. Models "
        "are loaded by `skimdb.load_predictor`."
    )
    return "\n\n".join(["# Predictions", introduction, environment_lines(parts), *sections]) + "\n"


def _models_section(runs: Results) -> str:
    rows = [
        [
            name,
            f"{median(measured, 'megabytes'):,.1f}",
            f"{median(measured, 'load'):.2f}",
            f"{100 * median(measured, 'accuracy'):.2f}",
        ]
        for name, measured in runs.items()
    ]
    header = ["", "File, MB", "Seconds to load", "Accuracy on the test reviews, %"]
    ours = runs[measures.RECOMMENDED]
    table = _bars(
        [
            ["file, MB", median(ours, "megabytes"), 50, 20],
            ["seconds to load", median(ours, "load"), 0.3, 0.1],
        ]
    )
    return f"## The models\n\n{table}\n\n{markdown_table(Table(header, rows))}"


def _predictions_section(runs: Results) -> str:
    measured = runs["all models"]
    peer = measures.PEER

    def ratio(name: str, what: str) -> float:
        return float(np.median([run[name][what] / run[peer][what] for run in measured]))

    rows = [
        [
            name,
            f"{1e3 * median(measured, name, 'one'):.2f}",
            f"{ratio(name, 'one'):.2f}",
            f"{1e3 * median(measured, name, 'thousand'):,.0f}",
            f"{ratio(name, 'thousand'):.2f}",
        ]
        for name in measures.MODELS
    ]
    table = _bars(
        [
            ["one review / the peer", ratio(measures.RECOMMENDED, "one"), 4, 1],
            ["1,000 reviews at once / the peer", ratio(measures.RECOMMENDED, "thousand"), 1, 0.5],
        ]
    )
    header = ["`predict_proba` of", "One review, ms", "/ peer", "1,000 reviews, ms", "/ peer"]
    return f"## Reviews\n\n{table}\n\n{markdown_table(Table(header, rows))}"


def _processes_section(runs: Results) -> str:
    rows, values = [], {}
    for name in measures.OURS:
        start, text, file = (runs[f"{command}: {name}"] for command in measures.COMMANDS)
        ratio = median(text, "seconds") / median(start, "seconds")
        rate = 25_000 / (median(file, "seconds") - median(text, "seconds"))
        values[name] = ratio, median(text, "peak_mb"), rate
        rows.append(
            [
                name,
                f"{median(text, 'seconds'):.2f}",
                f"{ratio:.2f}",
                f"{median(text, 'peak_mb'):,.0f}",
                f"{median(file, 'seconds'):.2f}",
                f"{rate:,.0f}",
                f"{median(file, 'peak_mb'):,.0f}",
            ]
        )
    ratio, peak, rate = values[measures.RECOMMENDED]
    table = _bars(
        [
            ["a text / `import sklearn`", ratio, 3, 2],
            ["peak memory, MB", peak, 350, 200],
            ["seconds for 25,000 texts beyond those for one", 25_000 / rate, 2.5, 1.25],
        ]
    )
    header = [
        "`skimdb predict`",
        "A text, s",
        "/ `import sklearn`",
        "Peak, MB",
        "25,000 texts, s",
        "Texts per second",
        "Peak, MB",
    ]
    return f"""## Processes

`echo TEXT | skimdb predict MODEL`, `skimdb predict MODEL test.csv -o out.csv` and `python -c
"import sklearn"`, each as a whole. Texts per second leave out the time for a single text.

{table}

{markdown_table(Table(header, rows))}"""


def _selection_section(runs: Results) -> str:
    tables = []
    for data in DATA_SETS:
        rows = [
            [
                name,
                f"{measured[data]['megabytes']:.1f}",
                f"{measured[data]['milliseconds']:.2f}",
                f"{100 * measured[data]['accuracy']:.2f}",
                f"{measured[data]['half_megabytes']:.1f}",
                f"{100 * measured[data]['half_accuracy']:.2f}",
            ]
            for name, (measured,) in runs.items()
        ]
        header = ["n-grams of words and of characters, at most", "File, MB", "One text, ms"]
        header += ["Accuracy, %", "In half precision: MB", "Accuracy, %"]
        tables.append(f"{data}:\n\n{markdown_table(Table(header, rows))}")
    shown = "\n\n".join(tables)
    return f"""## How many n-grams

What the pipeline reaches if it keeps other numbers of the most frequent n-grams; the first row is
what it does. Five folds; those of IMDB's training reviews share no movie, and have no n-grams of
characters. Half precision is that of the network's weights, rounded after the fit.

{shown}"""


def _bars(rows: list[list[Any]]) -> str:
    """Return a table of figures that must be, or should be, at most so much."""
    shown = [
        [what, f"{value:.3g}", f"{must:g}", f"{aim:g}", "yes" if value <= must else "**no**"]
        for what, value, must, aim in rows
    ]
    header = ["The recommended pipeline", "Measured", "At most", "Aim", "Met"]
    return markdown_table(Table(header, shown))


_SECTIONS: dict[str, Callable[[Results], str]] = {
    "models": _models_section,
    "predictions": _predictions_section,
    "processes": _processes_section,
    "selection": _selection_section,
}


if __name__ == "__main__":
    main()
