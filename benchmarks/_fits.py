"""Fits that are stored, so that an interrupted run continues where it was.

A stored fit is used again only by the versions and the commit that made it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import joblib
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks._results import commit, versions, write_json
from skimdb.utils._blas_threads import single_blas_thread

Outcome = dict[str, Any]
Data = TypeVar("Data")


@dataclass(frozen=True)
class Job(Generic[Data]):
    """One fit, or a few that belong together.

    Attributes
    ----------
    name : str
        Unique; names the file of the outcome.
    params : mapping
        Everything that determines the outcome, in types that JSON has. A stored outcome of other
        parameters is not used.
    run : callable
        Takes the data and returns the outcome, in types that JSON has.
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
    """Return the outcome of each job by its name, from its file if there is one.

    The data are loaded only if a job has to run.
    """
    directory.mkdir(parents=True, exist_ok=True)
    key = {"commit": commit(), "versions": versions()}
    outcomes = {job.name: _stored(directory, job, key) for job in jobs}
    to_do = [job for job in jobs if not outcomes[job.name]]
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        task = progress.add_task("", total=len(jobs), completed=len(jobs) - len(to_do))
        if to_do:
            data = load()
            finished = joblib.Parallel(
                n_jobs, backend="threading", return_as="generator_unordered"
            )(joblib.delayed(_run)(directory, job, data, key) for job in to_do)
            for name, outcome in finished:
                outcomes[name] = outcome
                progress.advance(task)
    return outcomes


def _file(directory: Path, job: Job[Data]) -> Path:
    return directory / f"{job.name.replace(' ', '-')}.json"


def _stored(directory: Path, job: Job[Data], key: Mapping[str, Any]) -> Outcome:
    try:
        stored = json.loads(_file(directory, job).read_text())
    except FileNotFoundError:
        return {}
    is_same = stored["key"] == key and stored["outcome"]["params"] == _as_json(job.params)
    outcome: Outcome = stored["outcome"] if is_same else {}
    return outcome


def _as_json(params: Mapping[str, Any]) -> Any:
    """Return parameters as a file has them, with lists for tuples."""
    return json.loads(json.dumps(dict(params)))


def _run(
    directory: Path, job: Job[Data], data: Data, key: Mapping[str, Any]
) -> tuple[str, Outcome]:
    # Threads of BLAS would slow the other jobs.
    with single_blas_thread():
        outcome = {"params": dict(job.params), **job.run(data)}
    write_json(_file(directory, job), {"key": key, "outcome": outcome})
    return job.name, outcome
