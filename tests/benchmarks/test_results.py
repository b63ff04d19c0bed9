"""Result files of parts, each with the environment in which it was measured."""

import argparse
import json

import pytest

from benchmarks._results import add_only, environment_lines, load_parts, update_parts


def test_a_run_updates_its_parts_and_keeps_the_others(tmp_path):
    path = tmp_path / "results.json"
    update_parts(path, {"a": 1, "b": [2]})
    stored = json.loads(path.read_text())
    stored["parts"]["a"]["environment"]["date"] = "2000-01-01"
    path.write_text(json.dumps(stored))
    parts = update_parts(path, {"b": 3})
    assert {name: part["result"] for name, part in parts.items()} == {"a": 1, "b": 3}
    assert parts["a"]["environment"]["date"] == "2000-01-01"
    assert parts["b"]["environment"]["date"] > "2000-01-01"
    assert load_parts(path) == parts


def test_page_names_the_parts_of_each_environment(tmp_path):
    parts = update_parts(tmp_path / "results.json", {"a": 1, "b": 2})
    assert environment_lines(parts).startswith("Measured on 20")
    parts["a"]["environment"] = {**parts["a"]["environment"], "date": "2000-01-01"}
    first, second = environment_lines(parts).splitlines()
    assert first.startswith("- a: measured on 2000-01-01 at commit ")
    assert second.startswith("- b: measured on 20")


def test_only(capsys):
    parser = argparse.ArgumentParser()
    add_only(parser, ["a", "b", "c"])
    assert parser.parse_args([]).only == ["a", "b", "c"]
    assert parser.parse_args(["--only", "c,a"]).only == ["a", "c"]
    with pytest.raises(SystemExit):
        parser.parse_args(["--only", "a,d"])
    assert "argument --only: unknown part d; parts: a, b, c" in capsys.readouterr().err
