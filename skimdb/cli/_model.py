"""The argument MODEL, and what it names."""

from pathlib import Path

from sklearn.pipeline import Pipeline

import skimdb
from skimdb.cli.console import OneLineParser, file_path, status


def add_model(parser: OneLineParser) -> None:
    """Add the argument for the model."""
    parser.add_argument(
        "model", type=file_path, metavar="MODEL", help="a file that skimdb fit or skimdb.save wrote"
    )


def load_model(path: Path) -> Pipeline:
    """Load a pipeline, and check that it predicts probabilities of texts."""
    with status("Loading the model"):
        model = skimdb.load_predictor(path)
        if not isinstance(model, Pipeline):
            raise ValueError(f"{path} must hold a Pipeline, got a {type(model).__name__}")
        try:
            model.predict_proba([""])
        except (AttributeError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path} must hold a fitted pipeline from texts to probabilities: {error}"
            ) from error
    return model
