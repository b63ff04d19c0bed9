import json

import pytest
from threadpoolctl import threadpool_info

from benchmarks._fits import Job, run_jobs


def run(directory, *jobs, load=lambda: 10):
    return run_jobs(jobs, load, n_jobs=1, directory=directory)


def test_outcomes_are_by_name_and_in_files(tmp_path):
    jobs = [Job(f"A {i}", {"x": i}, lambda data, i=i: {"sum": data + i}) for i in range(3)]
    outcomes = run_jobs(jobs, lambda: 10, n_jobs=2, directory=tmp_path)
    assert list(outcomes) == ["A 0", "A 1", "A 2"]
    assert outcomes["A 2"] == {"params": {"x": 2}, "sum": 12}
    assert json.loads((tmp_path / "A-2.json").read_text())["outcome"] == outcomes["A 2"]


def test_what_is_kept_is_not_run_and_no_data_are_loaded(tmp_path):
    first = run(tmp_path, Job("A", {"x": 1}, lambda data: {"sum": data}))

    def fail(*_):
        pytest.fail("called again")

    assert run(tmp_path, Job("A", {"x": 1}, fail), load=fail) == first


def test_outcome_of_other_parameters_is_replaced(tmp_path):
    run(tmp_path, Job("A", {"x": 1}, lambda data: {"sum": data}))
    outcomes = run(tmp_path, Job("A", {"x": 2}, lambda data: {"sum": data + 1}))
    assert outcomes["A"] == {"params": {"x": 2}, "sum": 11}


@pytest.mark.parametrize("key", ["commit", "versions"])
def test_outcome_of_another_version_or_commit_is_replaced(tmp_path, key):
    job = Job("A", {}, lambda data: {"sum": data})
    first = run(tmp_path, job)
    stored = json.loads((tmp_path / "A.json").read_text())
    stored["key"][key] = "another"
    stored["outcome"]["sum"] = -1
    (tmp_path / "A.json").write_text(json.dumps(stored))
    assert run(tmp_path, job) == first


def test_finished_jobs_are_kept_when_one_fails(tmp_path):
    def fail(data):
        raise RuntimeError("killed")

    done = Job("A", {}, lambda data: {"sum": data})
    with pytest.raises(RuntimeError, match="killed"):
        run(tmp_path, done, Job("B", {}, fail))
    assert [path.name for path in tmp_path.iterdir()] == ["A.json"]


def test_jobs_have_one_blas_thread(tmp_path):
    def n_threads(data):
        return {
            "n": [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
        }

    assert set(run(tmp_path, Job("A", {}, n_threads))["A"]["n"]) == {1}
