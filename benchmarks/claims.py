"""The notebooks' conclusions, each with a verdict, an effect size and a confidence interval.

Run with ``python -m benchmarks.claims``, with the IMDB reviews where
`skimdb.datasets.fetch_imdb` finds them; claims 9 to 11 need raw texts (Parquet files) and Keras'
word index in the same directory. Each finished fit is kept in a file of its own, and an
interrupted run goes on where it was.
"""

import argparse
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt

from benchmarks import _claims_studies as studies
from benchmarks._claims_generalisation import judge_movies, judge_search, movie_figures
from benchmarks._claims_notebooks import NOTEBOOK_CLAIMS
from benchmarks._claims_statistics import FAILS, HOLDS, MARGINS, UNCLEAR, Claim, Part
from benchmarks._claims_texts import locate_texts
from benchmarks._claims_transfer import Transfer, judge_base, judge_transfer
from benchmarks._common import RESULTS, machine, machine_line, write_json, write_text
from benchmarks._experiments import History
from benchmarks._fits import Outcome, run_jobs
from skimdb.utils._report import Heading, Plot, Report
from skimdb.utils._tables import Table

NUMBERS = range(1, 12)
_DESIGN = (
    "Seed s determines the initial weights and, in claims 1 to 8, a random split of the 25,000 "
    "training reviews into 15,000 for training and 10,000 for validation, the same for all "
    "configurations, so that differences are paired. These splits overlap: their t intervals have "
    "Nadeau and Bengio's correction, the factor 1/n of the variance being 1/n + 2/3. In claims "
    "9 to 11 the intervals cover the seeds and the sampling of the test reviews: the variances of "
    "the mean over both are added (by movie in claim 11; areas under the ROC curve by DeLong's "
    "components); the training reviews being the same 25,000, they do not cover the sampling of "
    "those. Claims 9 and 10 take test reviews as independent, though some share a movie, and the "
    "test accuracies of claim 8 leave out the sampling of the test reviews. All intervals are of "
    "95 %, not adjusted for the number of claims."
)
_DEFINITIONS = (
    "Overfitting starts, here, at the epoch of the least validation loss. The spread of results "
    "is the standard deviation of the validation accuracy over the last ten epochs of a fit. "
    "Validation losses are as Keras counts them, the penalty of L1 and L2 included."
)
_RULE = (
    f"A claim that something is greater {HOLDS} if the whole interval lies above zero (above "
    "1 for a ratio) and reaches the margin below which it would not matter; it "
    f"{FAILS} if the whole interval lies below that margin; else it {UNCLEAR}. A claim "
    f"that something lies in a range, as within the margin around zero, {HOLDS} if the whole "
    f"interval does, and {FAILS} if none of it does. A claim of several parts {HOLDS} if all "
    f"parts do, and {FAILS} if one of them does not. Rows without a verdict are for "
    f"comparison. The margins: {MARGINS}"
)


def main(argv: Sequence[str] | None = None) -> None:
    """Run what has not been run, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.claims", description=__doc__)
    parser.add_argument("--only", help="claims, as in 1,8")
    parser.add_argument("--seeds", type=int, default=10, help="repetitions, at least 2")
    parser.add_argument("--n-jobs", type=int, default=os.cpu_count())
    parser.add_argument("--output", type=Path, default=RESULTS / "claims")
    args = parser.parse_args(argv)
    if args.seeds < 2:
        parser.error(f"argument --seeds: must be at least 2 for an interval, got {args.seeds}")
    known = [str(number) for number in NUMBERS]
    only = args.only.split(",") if args.only else known
    if unknown := sorted(set(only) - set(known)):
        parser.error(f"argument --only: there is no claim {', '.join(unknown)}")
    mpl.use("Agg")
    start = time.perf_counter()
    claims, figures = judge_all(
        {int(number) for number in only}, args.seeds, args.n_jobs, args.output / "fits"
    )
    _write(args.output, claims, figures, args.seeds)
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
    """Return the claims in order, and the figures of all fits."""
    for number in sorted(only):
        locate_texts(number)  # So that nothing is missing in the end.
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


def _report(claims: Sequence[Claim], description: dict[str, Any], n_seeds: int) -> Report:
    report = Report("What the notebooks got right")
    report.add(
        f"`python -m benchmarks.claims`, {n_seeds} seeds. {machine_line(description)}",
        _DESIGN,
        _DEFINITIONS,
        _RULE,
        Heading("Summary"),
        Table(
            ["Claim", "Verdict"],
            [[f"{claim.number}. {claim.statement}", claim.verdict] for claim in claims],
        ),
    )
    for claim in claims:
        report.add(
            Heading(f"{claim.number}. {claim.statement}"),
            f"The claim {claim.verdict}. {claim.says}",
            _parts_table(claim.parts, n_seeds),
            *claim.blocks,
        )
    return report


def _parts_table(parts: Sequence[Part], n_seeds: int) -> Table:
    header = ["Part", "Effect", "95 % interval", "Unit", "Seeds", "Claimed", "Verdict"]
    return Table(header, [_part_row(part, n_seeds) for part in parts])


def _part_row(part: Part, n_seeds: int) -> list[str]:
    form = {"loss": "+.4f", "ratio": ".2f"}.get(part.unit, "+.2f")
    value, low, high = (format(bound, form) for bound in part.estimate)
    claimed = str(part.rule) if part.rule else ""
    return [
        part.statement,
        value,
        f"{low} to {high}",
        part.unit,
        str(n_seeds),
        claimed,
        part.verdict,
    ]


def summary(claims: Sequence[Claim]) -> str:
    """Return the claims in short, a Markdown list for README."""
    return "".join(f"- {claim.statement}: **{claim.verdict}**. {claim.says}\n" for claim in claims)


def _write(
    output: Path, claims: Sequence[Claim], figures: Mapping[str, Outcome], n_seeds: int
) -> None:
    description = machine()
    content = {
        "machine": description,
        "claims": [
            {
                "number": claim.number,
                "statement": claim.statement,
                "verdict": claim.verdict,
                "says": claim.says,
                "parts": [
                    {
                        "statement": part.statement,
                        "unit": part.unit,
                        "verdict": part.verdict,
                        **part.estimate._asdict(),
                    }
                    for part in claim.parts
                ],
            }
            for claim in claims
        ],
        "fits": figures,
    }
    write_json(output / "claims.json", content)
    write_text(output / "claims-summary.md", summary(claims))
    report = _report(claims, description, n_seeds)
    report.write(output, "claims")
    for block in report.blocks:
        if isinstance(block, Plot):
            plt.close(block.figure)


if __name__ == "__main__":
    main()
