"""Work-arounds for other libraries that need a class, with what retires them.

Importing scikeras sets ``__reduce__`` of Keras' models, losses, metrics and optimizers, and
``__deepcopy__`` of its models. Pickles and deep copies of a `DenseSentimentClassifier` go through
these if a parameter is a Keras object, or if `model_` has been made another network.

Other work-arounds are next to the code that needs them:

- Threads. `utils._blas_threads`: threadpoolctl 3.8 and later ignore all threads but the first that
  sets a limit. `neural_network.keras._threads`: TensorFlow ignores ``OMP_NUM_THREADS``.
  `neural_network.keras._forks`: it waits forever in forked processes.
- Keras. `neural_network.keras._training`: a callback shuffles, because Keras calls a dataset's
  hooks at other times too. `neural_network.keras._model`: a model's loss has a private type.
  `persistence._encoded_network`: the dtype of generator states differs by version.
- scikeras. `neural_network._dense`: its constructor adds attributes that are not parameters.
- scikit-learn. `utils._quick_checks`: its checks take longer than predicting a row.
  `neural_network._dense`: the HTML display reads all attributes that `dir` lists.
  `feature_extraction._multi_hot`: ``sparse_interface`` exists from 1.9.
  `feature_extraction._text_encoder`: `set_output` cannot hold sequences. `persistence._estimators`,
  `_onnx`: a FeatureUnion has neither parameter constraints nor the tags of its branches.
- joblib, Dask and Ray. `model_selection._dask` and `_ray`: data is sent again with each task, and
  is lost with a worker. `datasets._prediction_task`: tasks in threads go on after an error.
  `datasets._review_array`: shared arrays are found by their ``id``.
- pyarrow. `datasets._files._arrow` and `_arrow_table`: errors without a number, a slow `take` of
  lists, reading ahead, and no fragments of IPC streams.
- NumPy and SciPy. `feature_extraction._sequences`: a deprecation before NumPy 2.3.
  `feature_extraction._log_count_ratio`: copies of whole arrays.
  `persistence._plain` and `_skops`: checks that NumPy does not make before it allocates.
"""

from typing import Any

from scikeras.wrappers import KerasClassifier
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import ClassifierTags, Tags


class FixedKerasClassifier(KerasClassifier):  # type: ignore[misc]
    """`scikeras.wrappers.KerasClassifier` with scikit-learn's own estimator protocol.

    scikeras 0.13, the last release, was written for scikit-learn 1.5. Subclasses name every
    parameter in their constructor, and have none that scikeras routes. This class retires with
    scikeras itself.
    """

    # scikeras treats every instance attribute as a parameter, accepts any name in `set_params`,
    # and shows all attributes in `repr`.
    _get_param_names: Any = classmethod(BaseEstimator._get_param_names.__func__)
    set_params = BaseEstimator.set_params
    __repr__ = BaseEstimator.__repr__

    # scikeras scores with its own copy of `accuracy_score`, on targets it encodes itself.
    score = ClassifierMixin.score

    @property
    def initialized_(self) -> bool:
        """Whether there is a network."""
        return hasattr(self, "classes_")  # scikeras would build the Keras model to tell

    @property
    def current_epoch(self) -> int:
        """Number of epochs that the network has been trained for."""
        # scikeras expects a history after `initialize` too.
        return getattr(self, "n_iter_", 0)

    def __sklearn_tags__(self) -> Tags:
        # KerasClassifier inherits from BaseEstimator before ClassifierMixin, and so loses its tags.
        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier"
        tags.classifier_tags = ClassifierTags()
        tags.target_tags.required = True
        return tags
