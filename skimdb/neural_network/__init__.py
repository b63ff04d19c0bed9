"""Dense networks for sentiment classification. Importing this loads TensorFlow."""

import multiprocessing

from skimdb.neural_network._dense import DenseSentimentClassifier
from skimdb.neural_network._network import build_dense_network
from skimdb.neural_network._tensorflow_threads import limit_tensorflow_threads

# The workers of joblib and Dask are such children; the threads of other processes are their own.
if multiprocessing.parent_process() is not None:
    limit_tensorflow_threads()

__all__ = ["DenseSentimentClassifier", "build_dense_network"]
