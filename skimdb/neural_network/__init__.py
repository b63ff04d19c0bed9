"""Dense networks for sentiment classification. Importing this loads TensorFlow."""

from skimdb.neural_network._dense import DenseSentimentClassifier
from skimdb.neural_network._network import build_dense_network

__all__ = ["DenseSentimentClassifier", "build_dense_network"]
