"""The notebooks' conclusions, each with a verdict, an effect size and a confidence interval.

Run with ``python -m benchmarks.claims``, with the IMDB reviews where
`skimdb.datasets.fetch_imdb` finds them; claims 9 to 11 need raw texts (Parquet files) and Keras'
word index in the same directory. Each finished fit is stored in a file of its own, so that an
interrupted run continues where it was.
"""

import argparse
import os
import re
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt

from benchmarks._fits import Outcome, run_jobs
from benchmarks._results import RESULTS, add_only, update_parts, write_text
from benchmarks.claims import studies
from benchmarks.claims.generalisation import judge_movies, judge_search, movie_figures
from benchmarks.claims.page import claim_as_json, make_report, summary
from benchmarks.claims.statistics import Claim
from benchmarks.claims.texts import locate_texts
from benchmarks.claims.transfer import Transfer, judge_base, judge_transfer
from benchmarks.claims.validation import NOTEBOOK_CLAIMS
from benchmarks.notebooks.experiments import History
from skimdb.utils._files import atomic_file
from skimdb.utils._report import Plot, png_of

PARTS = [str(number) for number in range(1, 12)]


def main(argv: Sequence[str] | None = None) -> None:
    """Run the fits that are not stored, judge, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.claims", description=__doc__)
    add_only(parser, PARTS)
    parser.add_argument("--seeds", type=int, default=10, help="repetitions, at least 2")
    parser.add_argument("--n-jobs", type=int, default=os.cpu_count())
    parser.add_argument("--output", type=Path, default=RESULTS / "claims")
    args = parser.parse_args(argv)
    if args.seeds < 2:
        parser.error(f"argument --seeds: must be at least 2 for an interval, got {args.seeds}")
    mpl.use("Agg")
    start = time.perf_counter()
    claims, outcomes = judge_all(
        {int(number) for number in args.only}, args.seeds, args.n_jobs, args.output / "fits"
    )
    _write(args.output, claims, outcomes, args.seeds)
    print(f"{args.output / 'claims.md'}, in {time.perf_counter() - start:.0f} s")


Judgement = tuple[list[Claim], dict[str, Outcome]]
Run = Callable[..., dict[str, Outcome]]


def _judge_notebooks(only: set[int], n_seeds: int, run: Run) -> Judgement:
    numbers = sorted(only & set(NOTEBOOK_CLAIMS))
    needed = {name for number in numbers for name in NOTEBOOK_CLAIMS[number].configurations}
    jobs = studies.validation_jobs(n_seeds, sorted(needed))
    outcomes = run(jobs, studies.TrainingReviews.load)
    histories: dict[str, list[History]] = {name: [] for name in needed}
    for outcome in outcomes.values():
        histories[outcome["params"]["configuration"]].append(outcome["history"])
    return [NOTEBOOK_CLAIMS[number].judge(number, histories) for number in numbers], outcomes


def _judge_search(only: set[int], n_seeds: int, run: Run) -> Judgement:
    outcomes = run(studies.search_jobs(n_seeds), studies.AllReviews.load)
    return [judge_search(8, outcomes, n_seeds)], outcomes


def _judge_transfer(only: set[int], n_seeds: int, run: Run) -> Judgement:
    sizes = studies.TRAINING_SIZES if 10 in only else studies.TRAINING_SIZES[-1:]
    sets = studies.TransferSets.load()
    outcomes = run(studies.transfer_jobs(n_seeds, sizes), studies.AllReviews.load_with_sentences)
    transfer = Transfer(outcomes, sets, n_seeds)
    judges = {9: judge_base, 10: judge_transfer}
    claims = [judge(number, transfer) for number, judge in judges.items() if number in only]
    return claims, transfer.figures()


def _judge_movies(only: set[int], n_seeds: int, run: Run) -> Judgement:
    movies = studies.load_movies()
    outcomes = run(studies.movie_jobs(n_seeds), studies.MovieReviews.load)
    return [judge_movies(11, outcomes, movies, n_seeds)], movie_figures(outcomes)


# The claims that rest on the same fits, and what judges them.
_STUDIES: dict[tuple[int, ...], Callable[[set[int], int, Run], Judgement]] = {
    tuple(NOTEBOOK_CLAIMS): _judge_notebooks,
    (8,): _judge_search,
    (9, 10): _judge_transfer,
    (11,): _judge_movies,
}


def judge_all(only: set[int], n_seeds: int, n_jobs: int, directory: Path) -> Judgement:
    """Return the claims in order, and the outcomes of all fits."""
    for number in sorted(only):
        locate_texts(number)  # An error about missing files comes before the work.
    claims: list[Claim] = []
    figures: dict[str, Outcome] = {}
    for numbers, judge in _STUDIES.items():
        if asked := sorted(only & set(numbers)):
            title = f"Fits for claim {', '.join(map(str, asked))}"
            run = partial(run_jobs, n_jobs=n_jobs, directory=directory, title=title)
            own_claims, own_figures = judge(only, n_seeds, run)
            claims += own_claims
            figures |= own_figures
    return claims, figures


def _write(
    output: Path, claims: Sequence[Claim], outcomes: dict[str, Outcome], n_seeds: int
) -> None:
    for plot in (block for claim in claims for block in claim.blocks if isinstance(block, Plot)):
        with atomic_file(output / f"{plot.name}.png") as file:
            file.write(png_of(plot))
    plt.close("all")
    # The fits of a configuration are one part of their file, over all seeds.
    fits: dict[str, dict[str, Outcome]] = {}
    for name, outcome in outcomes.items():
        fits.setdefault(re.sub(r" (seed|split)\d.*", "", name), {})[name] = outcome
    update_parts(output / "fits.json", fits)
    parts = update_parts(
        output / "claims.json",
        {str(claim.number): claim_as_json(claim, n_seeds) for claim in claims},
    )
    write_text(output / "claims-summary.md", summary(parts))
    make_report(parts, output).write(output, "claims")


if __name__ == "__main__":
    main()
