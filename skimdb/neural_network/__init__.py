"""Dense networks for sentiment classification. Importing this loads TensorFlow."""

from skimdb.neural_network._dense import DenseSentimentClassifier
from skimdb.neural_network._network import build_dense_network
from skimdb.neural_network._threads import limit_tensorflow_threads

limit_tensorflow_threads()

__all__ = ["DenseSentimentClassifier", "build_dense_network"]
