"""Fits that are kept: an interrupted run goes on where it was."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import joblib
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks._common import write_json
from skimdb.utils._blas_threads import single_blas_thread

Outcome = dict[str, Any]
Data = TypeVar("Data")


@dataclass(frozen=True)
class Job(Generic[Data]):
    """One fit, or a few that belong together.

    Attributes
    ----------
    name : str
        Unique; the name of the file that keeps the outcome.
    params : mapping
        All that the outcome depends on, as JSON can hold it: a kept outcome of other parameters
        is not taken.
    run : callable
        Takes the data and gives the outcome, as JSON can hold it.
    """

    name: str
    params: Mapping[str, Any]
    run: Callable[[Data], Outcome]


def run_jobs(
    jobs: Sequence[Job[Data]],
    load: Callable[[], Data],
    *,
    n_jobs: int,
    directory: Path,
    title: str = "Fitting",
) -> dict[str, Outcome]:
    """Return the outcome of each job by its name, from its file where there is one.

    The data are loaded only if there is anything to do.
    """
    directory.mkdir(parents=True, exist_ok=True)
    outcomes = {job.name: _kept(directory, job) for job in jobs}
    to_do = [job for job in jobs if not outcomes[job.name]]
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        task = progress.add_task("", total=len(jobs), completed=len(jobs) - len(to_do))
        if to_do:
            data = load()
            finished = joblib.Parallel(
                n_jobs, backend="threading", return_as="generator_unordered"
            )(joblib.delayed(_run)(directory, job, data) for job in to_do)
            for name, outcome in finished:
                outcomes[name] = outcome
                progress.advance(task)
    return outcomes


def _file(directory: Path, job: Job[Data]) -> Path:
    return directory / f"{job.name.replace(' ', '-')}.json"


def _kept(directory: Path, job: Job[Data]) -> Outcome:
    try:
        outcome: Outcome = json.loads(_file(directory, job).read_text())
    except FileNotFoundError:
        return {}
    return outcome if outcome["params"] == _as_json(job.params) else {}


def _as_json(params: Mapping[str, Any]) -> Any:
    """Return parameters as they come back from a file, tuples being lists."""
    return json.loads(json.dumps(dict(params)))


def _run(directory: Path, job: Job[Data], data: Data) -> tuple[str, Outcome]:
    # Its threads would only be in the way of the other jobs.
    with single_blas_thread():
        outcome = {"params": dict(job.params), **job.run(data)}
    write_json(_file(directory, job), outcome)
    return job.name, outcome
