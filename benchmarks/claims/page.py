"""The page of `benchmarks.claims`, from its result file and the plots beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks._results import Parts, environment_lines
from benchmarks.claims.statistics import FAILS, HOLDS, MARGINS, UNCLEAR, Claim, Part
from skimdb.utils._report import Block, Heading, Plot, Report
from skimdb.utils._tables import Table

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


def claim_as_json(claim: Claim, n_seeds: int) -> dict[str, Any]:
    """Return what the page says of a claim; plots by the names of their files."""
    return {
        "statement": claim.statement,
        "verdict": claim.verdict,
        "says": claim.says,
        "seeds": n_seeds,
        "parts": [_part_as_json(part) for part in claim.parts],
        "blocks": [_block_as_json(block) for block in claim.blocks],
    }


def make_report(parts: Parts, folder: Path) -> Report:
    """Return the page about all claims in a result file; the folder has their plots."""
    claims = {number: parts[number]["result"] for number in sorted(parts, key=int)}
    report = Report("What the notebooks got right")
    report.add(
        "`python -m benchmarks.claims`.",
        environment_lines(parts),
        _DESIGN,
        _DEFINITIONS,
        _RULE,
        Heading("Summary"),
        Table(
            ["Claim", "Verdict"],
            [[f"{n}. {claim['statement']}", claim["verdict"]] for n, claim in claims.items()],
        ),
    )
    header = ["Part", "Effect", "95 % interval", "Unit", "Seeds", "Claimed", "Verdict"]
    for number, claim in claims.items():
        report.add(
            Heading(f"{number}. {claim['statement']}"),
            f"The claim {claim['verdict']}. {claim['says']}",
            Table(header, [_part_row(part, claim["seeds"]) for part in claim["parts"]]),
            *(_block(block, folder) for block in claim["blocks"]),
        )
    return report


def summary(parts: Parts) -> str:
    """Return the claims in short, as a Markdown list."""
    claims = [parts[number]["result"] for number in sorted(parts, key=int)]
    return "".join(
        f"- {claim['statement']}: **{claim['verdict']}**. {claim['says']}\n" for claim in claims
    )


def _part_as_json(part: Part) -> dict[str, Any]:
    return {
        "statement": part.statement,
        "unit": part.unit,
        "claimed": str(part.rule) if part.rule else "",
        "verdict": part.verdict,
        **part.estimate._asdict(),
    }


def _block_as_json(block: Plot | Table) -> dict[str, Any]:
    if isinstance(block, Plot):
        return {"plot": block.name, "description": block.description}
    return {"header": block.header, "rows": block.rows}


def _block(plain: Mapping[str, Any], folder: Path) -> Block:
    if "plot" in plain:
        png = (folder / f"{plain['plot']}.png").read_bytes()
        return Plot(png, plain["plot"], plain["description"])
    return Table(plain["header"], plain["rows"])


def _part_row(part: Mapping[str, Any], n_seeds: int) -> Sequence[str]:
    form = {"loss": "+.4f", "ratio": ".2f"}.get(part["unit"], "+.2f")
    value, low, high = (format(part[name], form) for name in ("value", "low", "high"))
    interval = f"{low} to {high}"
    return [
        part["statement"],
        value,
        interval,
        part["unit"],
        str(n_seeds),
        part["claimed"],
        part["verdict"],
    ]
