"""Texts, models and checks for the tests of the commands."""

import csv
import re

import numpy as np

from skimdb.cli import main


def make_texts(n_texts=1200):
    """Return texts of negative and then of positive words, a third of them of both."""
    rng = np.random.default_rng(0)
    words = {"neg": ["bad", "dull", "poor", "awful"], "pos": ["good", "fine", "great", "lovely"]}
    common = ["the", "film", "a", "plot", "with", "cast", "and"]
    labels = ["neg"] * (n_texts // 2) + ["pos"] * (n_texts // 2)
    texts = []
    for label in labels:
        told = rng.choice(words[label], 3).tolist()
        if rng.random() < 0.3:
            told += rng.choice(words["neg"] + words["pos"], 3).tolist()
        texts.append(" ".join(rng.permutation(told + rng.choice(common, 5).tolist())))
    return texts, labels


TEXTS, LABELS = make_texts()
NEW_TEXTS = ["a good, good film", "dull, with a poor plot", "...", "unheard of"]


def write_csv(path, header, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def fails(arguments, message, capsys):
    """Check that arguments give status 2 and one line on standard error."""
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert re.fullmatch(rf"skimdb: error: .*{message}.*\n", error), error


def interrupt(*args, **kwargs):
    raise KeyboardInterrupt
