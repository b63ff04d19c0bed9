"""What importing the package costs and offers."""

import importlib.metadata
import subprocess
import sys

import pytest

import skimdb


@pytest.mark.parametrize(
    "statement",
    [
        "import skimdb",
        "import skimdb.datasets",
        "import skimdb.feature_extraction",
        "import skimdb.inspection",
        "import skimdb.model_selection",
        "import skimdb.persistence",
        "import skimdb.neural_network",
        "import skimdb.pipelines",
        "from skimdb import MultiHotVectorizer, load_predictor",
        "from skimdb.neural_network import DenseSentimentPredictor",
        "import skimdb; dir(skimdb)",
    ],
)
def test_tensorflow_is_not_loaded(statement):
    program = (
        f"import sys\n{statement}\n"
        "assert not {'tensorflow', 'keras', 'scikeras'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_import_loads_neither_scikit_learn_nor_numpy():
    program = (
        "import sys\nimport skimdb\nassert not {'numpy', 'scipy', 'sklearn'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("name", skimdb.__all__)
def test_public_names_resolve(name):
    assert getattr(skimdb, name) is not None


def test_public_names_are_those_of_their_sub_packages():
    assert skimdb.MultiHotVectorizer is skimdb.feature_extraction.MultiHotVectorizer
    assert skimdb.DenseSentimentClassifier is skimdb.neural_network.DenseSentimentClassifier


def test_dir_lists_public_names_and_sub_packages():
    assert set(skimdb.__all__) <= set(dir(skimdb))
    assert {"datasets", "feature_extraction", "neural_network"} <= set(dir(skimdb))


def test_unknown_attribute():
    with pytest.raises(AttributeError, match="module 'skimdb' has no attribute 'nothing'"):
        skimdb.nothing  # noqa: B018
    with pytest.raises(ImportError, match="nothing"):
        from skimdb import nothing  # noqa: F401, PLC0415


def test_version_is_the_installed_one():
    try:
        installed = importlib.metadata.version("skimdb")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("skimdb is not installed")
    assert skimdb.__version__ == installed
