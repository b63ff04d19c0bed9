"""Where n-grams of characters help: accuracy with and without them, by how frequent words are.

Run with ``python -m benchmarks.characters``, with the folder ``suite`` of data sets and the IMDB
reviews in the data home. Each data set is a part of the results. `make_text_classifier` is fitted
with characters, wherever it would leave them out, and without.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import StratifiedGroupKFold

from benchmarks._data import find_file, load_texts, read_columns
from benchmarks._results import (
    RESULTS,
    Parts,
    add_only,
    environment_lines,
    load_parts,
    update_parts,
    write_text,
)
from benchmarks.suite.data import DATA_SETS, Fold
from skimdb import make_text_classifier
from skimdb.feature_extraction import CharacterEncoder
from skimdb.pipelines import MAX_WORD_FREQUENCY
from skimdb.utils._tables import Table, markdown_table

_N_SEEDS = 3
_SUITE = list(DATA_SETS)[:10]
# Reviews to train on, and the words at the end of each that are kept.
_IMDB: dict[str, tuple[int, int | None]] = {
    "imdb 2500": (2_500, None),
    "imdb 5000": (5_000, None),
    "imdb 10000": (10_000, None),
    "imdb": (20_000, None),
    "imdb last 20 words": (20_000, 20),
    "imdb last 60 words": (20_000, 60),
}
_WITH, _WITHOUT = "with characters", "without"
_LIMIT = "features__characters__characterencoder__max_word_frequency"

Results = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and write the results, the page and the figure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.characters", description=__doc__)
    add_only(parser, [*_SUITE, *_IMDB])
    parser.add_argument("--output", type=Path, default=RESULTS)
    args = parser.parse_args(argv)
    path = args.output / "characters.json"
    with Progress() as progress:
        for name in progress.track(args.only, description="Data sets"):
            update_parts(path, {name: _measure(name)})
    parts = load_parts(path)
    write_text(args.output / "characters.md", make_page(parts))
    _draw(parts, args.output / "characters.png")
    print(args.output / "characters.md")


def _measure(name: str) -> Results:
    """Return the mean frequency of words and the mean scores, over the folds and seeds."""
    is_imdb = name in _IMDB
    by_macro_f1 = not is_imdb and DATA_SETS[name].by_macro_f1
    folds = _imdb_folds(*_IMDB[name]) if is_imdb else DATA_SETS[name].folds()
    frequencies: list[float] = []
    scores: dict[str, list[float]] = {_WITH: [], _WITHOUT: []}
    for (X, y, X_test, y_test), seed in product(folds, range(1 if is_imdb else _N_SEEDS)):
        frequencies.append(CharacterEncoder(max_word_frequency=0).fit(X).word_frequency_)
        with_characters = make_text_classifier(random_state=seed).set_params(**{_LIMIT: None})
        words_alone = make_text_classifier(char_ngram_range=None, random_state=seed)
        for variant, model in ((_WITH, with_characters), (_WITHOUT, words_alone)):
            predicted = model.fit(X, y).predict(X_test)
            scores[variant].append(
                f1_score(y_test, predicted, average="macro")
                if by_macro_f1
                else accuracy_score(y_test, predicted)
            )
    means = {variant: float(np.mean(values)) for variant, values in scores.items()}
    return {"n_texts": len(X), "frequency": float(np.mean(frequencies)), **means}


def _imdb_folds(n_texts: int, n_words: int | None) -> Iterator[Fold]:
    """Yield training reviews, and those of other movies."""
    X, y = load_texts("train")
    if n_words is not None:
        X = np.array([" ".join(text.split()[-n_words:]) for text in X], dtype=object)
    movies = read_columns(find_file("imdb_train.parquet"), ["movie"])["movie"]
    splits = StratifiedGroupKFold(5, shuffle=True, random_state=0).split(X, y, movies)
    for fold, (train, test) in enumerate(splits):
        chosen = np.random.default_rng(fold).permutation(train)[:n_texts]
        yield X[chosen], y[chosen], X[test], y[test]


def _by_frequency(parts: Parts) -> list[tuple[str, Results]]:
    results = {name: part["result"] for name, part in parts.items()}
    return sorted(results.items(), key=lambda item: float(item[1]["frequency"]))


def make_page(parts: Parts) -> str:
    """Return the page, in Markdown."""
    rows = [
        [
            name,
            f"{result['n_texts']:,}",
            f"{result['frequency']:.1f}",
            f"{100 * result[_WITHOUT]:.2f}",
            f"{100 * result[_WITH]:.2f}",
            f"{100 * (result[_WITH] - result[_WITHOUT]):+.2f}",
        ]
        for name, result in _by_frequency(parts)
    ]
    header = ["Data", "Training texts", "Mean frequency of a word", "Words alone, %"]
    header += ["With characters, %", "Difference"]
    return f"""# Where characters help

`python -m benchmarks.characters`: `make_text_classifier` with n-grams of characters and without,
by five folds, for the data sets of the suite with {_N_SEEDS} seeds. The folds of IMDB's training
reviews share no movie. The score is accuracy, of alexa_stars macro F1. The frequency of a word is
how often the training texts contain it, on average over the distinct words.

{environment_lines(parts)}

Where words are rare, as in short texts, in few texts, and in languages with many forms of a word or
without spaces, characters help. Where words are frequent, they do not, whether the texts are long
or short, and they take most of the time. `make_text_classifier` leaves them out above a mean
frequency of {MAX_WORD_FREQUENCY}.

{markdown_table(Table(header, rows))}

![Difference in points against the mean frequency of a word](characters.png)
"""


def _draw(parts: Parts, path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    draws: list[tuple[str, str, Callable[[str], bool]]] = [
        ("data sets of the suite", "o", lambda name: name not in _IMDB),
        ("IMDB reviews", "s", lambda name: name in _IMDB),
    ]
    for label, marker, is_shown in draws:
        shown = [result for name, result in _by_frequency(parts) if is_shown(name)]
        differences = [100 * (result[_WITH] - result[_WITHOUT]) for result in shown]
        ax.plot([result["frequency"] for result in shown], differences, marker, label=label)
    ax.axhline(0, color="grey", linewidth=0.8)
    ax.axvline(MAX_WORD_FREQUENCY, color="grey", linestyle="--", linewidth=0.8)
    ax.set(
        xscale="log",
        xlabel="Mean frequency of a word in the training texts",
        ylabel="Characters' gain, points",
    )
    ax.set_yscale("symlog", linthresh=1)
    ax.legend()
    figure.savefig(path, dpi=100)
    plt.close(figure)


if __name__ == "__main__":
    main()
