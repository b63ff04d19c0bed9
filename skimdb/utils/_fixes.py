"""Work-arounds for scikit-learn, scikeras and Keras that are classes, with what retires them.

Importing scikeras sets ``__reduce__`` of Keras' models, losses, metrics and optimizers, and
``__deepcopy__`` of its models. Pickles and deep copies of a fitted `DenseSentimentClassifier` go
through these.

Other work-arounds stand where the code is that needs them:

- Threads. `utils._blas_threads`: threadpoolctl 3.8 and later ignore all threads but the first that
  sets a limit. `neural_network._tensorflow_threads`: TensorFlow ignores ``OMP_NUM_THREADS``.
- Keras. `neural_network._keras_fit`: a callback shuffles, because Keras calls a dataset's hooks at
  other times too. `persistence._encoded_network`: the dtype of generator states differs by version.
- scikeras. `neural_network._dense`: its constructor adds attributes that are not parameters.
- scikit-learn. `feature_extraction._multi_hot`: ``sparse_interface`` exists from 1.9.
  `feature_extraction._text_encoder`: `set_output` cannot hold sequences. `persistence._estimators`,
  `_onnx`: a FeatureUnion has neither parameter constraints nor the tags of its branches.
- joblib, Dask and Ray. `model_selection._dask` and `_ray`: data is sent again with each task, and
  is lost with a worker. `datasets._prediction_task`: tasks in threads go on after an error.
  `datasets._review_array` and `utils._mapped`: shared arrays are found by their ``id`` or folder.
- pyarrow. `datasets._arrow` and `_arrow_files`: errors without a number, a slow `take` of lists,
  reading ahead, and no fragments of IPC streams.
- NumPy and SciPy. `feature_extraction._sequences`: a deprecation before NumPy 2.3.
  `feature_extraction._log_count_ratio` and `utils._mapped`: copies of whole arrays.
  `persistence._plain` and `_skops`: checks that NumPy does not make before it allocates.
"""

from typing import Any

from scikeras.wrappers import KerasClassifier
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import ClassifierTags, Tags


class FixedKerasClassifier(KerasClassifier):  # type: ignore[misc]
    """`scikeras.wrappers.KerasClassifier` with scikit-learn's own estimator protocol.

    scikeras 0.13, the last release, was written for scikit-learn 1.5. Subclasses name every
    parameter in their constructor, and do without the parameters that scikeras routes.
    To be retired with scikeras itself.
    """

    # scikeras takes every instance attribute for a parameter, accepts any name in `set_params`,
    # and shows all attributes in `repr`.
    _get_param_names: Any = classmethod(BaseEstimator._get_param_names.__func__)
    set_params = BaseEstimator.set_params
    __repr__ = BaseEstimator.__repr__

    # scikeras scores with its own copy of `accuracy_score`, on targets it encodes itself.
    score = ClassifierMixin.score

    @property
    def current_epoch(self) -> int:
        """Number of epochs that the network has been trained for."""
        # scikeras expects a history after `initialize` too.
        return getattr(self, "n_iter_", 0)

    def __sklearn_tags__(self) -> Tags:
        # KerasClassifier has BaseEstimator before ClassifierMixin, whose tags are thus lost.
        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier"
        tags.classifier_tags = ClassifierTags()
        tags.target_tags.required = True
        return tags
