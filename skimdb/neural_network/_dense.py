"""The classifier."""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import _fit_context
from sklearn.utils import Tags, check_array, check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import check_non_negative, validate_data

from skimdb.neural_network._callbacks import copy_callbacks
from skimdb.neural_network._logit_classifier import LogitClassifier, with_sorted_rows
from skimdb.neural_network._predictor import DenseSentimentPredictor, make_predictor
from skimdb.neural_network._samples import (
    check_samples,
    log_count_ratio_factors,
    split_samples,
    validation_to_train_on,
)
from skimdb.neural_network._state import NetworkState
from skimdb.neural_network._training import Training, logits, train
from skimdb.neural_network.arrays import (
    Architecture,
    ArrayNetwork,
    FloatArray,
    Matrix,
    Samples,
)
from skimdb.neural_network.keras._model import (
    FLOAT32_MAX,
    find_activation,
    hidden_units,
    initial_dropout_states,
    parameters_in_memory,
)
from skimdb.neural_network.keras._optimizer import make_optimizer
from skimdb.utils._all_or_nothing import all_or_nothing
from skimdb.utils._fixes import FixedKerasClassifier
from skimdb.utils._naming import naming
from skimdb.utils._quick_checks import check_features, check_fitted

_INT32_MAX = int(np.iinfo(np.int32).max)
# With fewer samples per batch, weights are no longer the same as repeated samples on the few data
# on which scikit-learn checks this.
_MIN_BATCH_SIZE = 32
_MAX_BATCH_SIZE = 512
_MAX_LAYERS = 1000
_N_STEPS = 200
_ATTRIBUTES_OF_SOME_FITS = (
    "fit_method_",
    "best_epoch_",
    "validation_history_",
    "batch_size_",
    "epochs_",
)


class DenseSentimentClassifier(LogitClassifier, FixedKerasClassifier):
    """Dense neural network for sparse features, built and trained as in Keras.

    A feed-forward network with `layers` hidden layers, made for multi-hot vectors of reviews:
    a CSR matrix stays sparse from end to end. The fitted network is arrays, and `model_` is the
    same network as a compiled `keras.Model`.

    Parameters
    ----------
    units : int or sequence of int, default=16
        Units of each hidden layer; a sequence has one number per layer.
    layers : int, default=2
        Number of hidden layers, at most 1000; 0 gives logistic regression.
    l1, l2 : float, default=0.0
        Regularisation of the hidden layers' kernels, ``l1 * sum(abs(w)) + l2 * sum(w ** 2)``
        added to the loss of each batch. Without hidden layers, of the output layer's kernel.
    dropout : float, default=0.0
        Fraction of the units of each hidden layer to drop at random in training;
        ``0 <= dropout < 1``.
    activation : str or callable, default="relu"
        Activation of the hidden layers, in Keras' terms. As everywhere in Python, a lambda cannot
        be pickled.
    optimizer : str, keras.optimizers.Optimizer or its subclass, default="rmsprop"
        A name or a class is used with `learning_rate`. An instance is copied, with its own
        settings. An instance of your own class, like a layer of your own as `activation`, requires
        that the class is registered with ``keras.saving.register_keras_serializable``.
    learning_rate : float, default=0.001
        Learning rate, if `optimizer` is a name or a class. This parameter and those above take
        effect when the network is built, not when `warm_start` or `partial_fit` continue it.
    epochs : int or "auto", default="auto"
        Number of passes over the training data; with early stopping, the maximum. "auto" stands
        for about 200 steps, and for four times as many epochs with early stopping. See Notes.
    batch_size : int or "auto", default="auto"
        Samples per gradient step. "auto" stands for a power of two from 32 to 512, about a
        fiftieth of the samples; in `partial_fit`, for 512.
    early_stopping : bool, default=False
        Stop when `monitor` has not improved for `patience` epochs, and go back to the weights of
        the best epoch.
    monitor : {"val_loss", "val_brier"}, default="val_loss"
        What early stopping monitors: the loss on the validation data or their Brier score, which
        is the mean squared error of the probabilities, as in scikit-learn's `brier_score_loss`.
        A few confident errors can dominate the loss, so it stops training sooner, often before
        rare classes are learned.
    patience : int, default=2
        Epochs without improvement before early stopping. A Brier score is an improvement if it
        is more than .0005 below the last one that was: smaller falls make training longer and
        predictions no more accurate.
    validation_fraction : float, default=0.1
        Share of the training data that early stopping sets aside, stratified by class, unless
        `fit` is given `X_val`. A class with a single sample stays in the
        training part.
    refit : bool, default=False
        With early stopping, train a new network on all data, including the validation data, for
        the best number of epochs.
    feature_scaling : {"log_count_ratio"} or None, default=None
        Train on features that are scaled by the log-count ratios of the training data, as by
        :class:`~skimdb.feature_extraction.LogCountRatioScaler`. Unlike those of a scaler before
        the classifier, these ratios do not see the labels of the validation data, so early
        stopping is not misled by them. See Notes.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, by which the sample weights are multiplied; classes that a dict
        leaves out have weight 1. As in scikit-learn, a dict may have classes that are not in `y`
        if it has all that are. The weights also apply to the part that early stopping sets aside,
        to `X_val` only where `refit` trains on it.
    callbacks : list of keras.callbacks.Callback or their subclasses, default=None
        Each fit works with copies; with `refit`, each of its two trainings does.
    warm_start : bool, default=False
        Continue training the network and optimizer of the previous call to `fit`.
    random_state : int, RandomState instance or None, default=None
        Determines the initial weights, the order of the samples, the dropout masks and the
        validation split of early stopping. The same int gives the same weights to the bit, on
        one machine and library version, if ``fit_method_`` is "arrays". If it is "keras", that
        depends on TensorFlow. The order of the entries within the rows of a sparse `X` makes no
        difference; a dense `X` gives the same weights up to rounding.
    verbose : int, default=0
        1 shows Keras' progress bar with epoch, loss and accuracy, 2 a line per epoch.

    Attributes
    ----------
    model_ : keras.Sequential
        The compiled network, built on first use. See Notes.
    classes_ : ndarray of shape (n_classes,)
        The labels.
    history_ : dict of lists
        For each epoch since the network was built: "loss", "accuracy", and with validation data
        "val_loss" and "val_accuracy", and "val_brier" if early stopping looks at it.
    validation_history_ : dict of lists
        The same for the training that chose the number of epochs. Only with ``refit=True``.
    n_iter_ : int
        Number of epochs since the network was built.
    best_epoch_ : int
        The epoch, counted from 1, whose weights early stopping kept, or with ``refit=True`` the
        number of epochs that it chose. Only with ``early_stopping=True``.
    epochs_, batch_size_ : int
        What the last fit used for `epochs` and `batch_size`.
    fit_method_ : {"arrays", "keras"}
        How the last fit ran, see Notes.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where `X` has names that are all strings.

    See Also
    --------
    MultiHotVectorizer : Makes the features from sequences of word indices.
    DenseSentimentPredictor : Its predictions alone, without Keras and TensorFlow.
    sklearn.neural_network.MLPClassifier : Scikit-learn's multi-layer perceptron.

    Notes
    -----
    **Number of steps.** With n samples, ``batch_size="auto"`` is ``2 ** round(log2(n / 50))``, at
    least 32 and at most 512, and ``epochs="auto"`` is ``round(200 / ceil(n / batch_size))``, at
    least 1: 512 and 4 for the 25,000 IMDB reviews.

    **Scaled features.** With ``feature_scaling="log_count_ratio"``, features must not be negative.
    After training, the factors are multiplied into the first layer's kernel, so the fitted network
    takes unscaled features. Penalties and callbacks see the kernel before this multiplication, and
    the optimizer starts afresh after it. `warm_start` and `partial_fit` do not support scaling.

    **Weights.** `fit` divides the sample weights by their mean, so that only their ratios count.
    The loss of a batch is divided by its number of samples. `partial_fit` does not know all weights
    and takes them as they are. So does `feature_scaling`, where a weight of 2 counts as two
    samples, unless their mean is below 1: then it divides them by it.

    **On arrays or through Keras.** Training runs in numpy and scipy, with Keras' results, if the
    optimizer is plain SGD, RMSprop or Adam and the activation elu, gelu, leaky_relu, linear, relu,
    selu, sigmoid, silu, softplus or tanh (``fit_method_ == "arrays"``). An optimizer is plain
    without weight decay, clipping, averaging and schedule; RMSprop also without momentum and
    `centered`, Adam without `amsgrad`. Everything else, and callbacks that act on batches, runs
    through `keras.Model.fit` (``fit_method_ == "keras"``).

    **The Keras model.** `model_` has the weights, the optimizer's state and the history of the
    classifier. Training the classifier further trains `model_` too, and what is done to `model_`,
    such as ``model_.fit`` or ``model_.set_weights``, is what `predict` and further training use
    from then on; `history_` and `n_iter_` count the classifier's own epochs. If `model_` gets other
    layers or is compiled in another way, the classifier predicts, trains and is pickled through
    Keras, and `skimdb.save` refuses it.

    **Precision.** Computation and weights have the type of `X` in `fit`, float32 or float64; other
    types are converted to float32. Later data are converted to the type of the weights.

    **Many features.** On arrays, the cost of a step depends on the entries of its batch, not on
    the number of features, because only rows of the first kernel that occur in the batch are
    updated. The others wait until a batch has them, or until `fit` ends an epoch, or until all
    weights are read, as by `model_` or pickling after `partial_fit`. All rows are updated

    - with `l1` or `l2`,
    - by Adam with ``(1 - beta_2) > 0.02 * (1 - beta_1)``, and by SGD with ``momentum=1``,
    - if a batch has on average at least as many entries as there are features; half as many are
      enough for Adam and for SGD with momentum.

    **Forked processes.** In a process that was forked after TensorFlow had started, such as a
    worker of joblib's backend "multiprocessing", networks train and predict on arrays, without
    TensorFlow. What needs Keras raises a RuntimeError there, where TensorFlow would wait forever.

    **More data than memory.** `skimdb.datasets.iter_batches` and `partial_fit`. If `partial_fit`
    fails in the middle, the steps made before it are kept, and a note of the error says how many.
    A failing `fit`, or first `partial_fit`, changes nothing.

    References
    ----------
    .. [1] F. Chollet, "Deep Learning with Python", Manning, 2017, section 3.4.
    .. [2] X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward
       neural networks", AISTATS 2010.
    .. [3] N. Srivastava et al., "Dropout: a simple way to prevent neural networks from
       overfitting", JMLR 15, 2014.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skimdb import DenseSentimentClassifier, MultiHotVectorizer
    >>> from skimdb.datasets import make_reviews
    >>> X, y = make_reviews(2000, random_state=0)
    >>> model = make_pipeline(
    ...     MultiHotVectorizer(), DenseSentimentClassifier(epochs=8, random_state=0)
    ... )
    >>> model.fit(X[:1500], y[:1500]).score(X[1500:], y[1500:]) > 0.75
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "units": [Interval(Integral, 1, _INT32_MAX, closed="both"), list, tuple, np.ndarray],
        "layers": [Interval(Integral, 0, _MAX_LAYERS, closed="both")],
        "l1": [Interval(Real, 0, FLOAT32_MAX, closed="both")],
        "l2": [Interval(Real, 0, FLOAT32_MAX, closed="both")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        # Names, objects or classes, checked when the network is built.
        "activation": "no_validation",
        "optimizer": "no_validation",
        "learning_rate": [Interval(Real, 0, FLOAT32_MAX, closed="right")],
        "epochs": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "early_stopping": ["boolean"],
        "monitor": [StrOptions({"val_loss", "val_brier"})],
        "patience": [Interval(Integral, 0, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "refit": ["boolean"],
        "feature_scaling": [StrOptions({"log_count_ratio"}), None],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "callbacks": [list, None],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        units: int | Sequence[int] = 16,
        layers: int = 2,
        *,
        l1: float = 0.0,
        l2: float = 0.0,
        dropout: float = 0.0,
        activation: Any = "relu",
        optimizer: Any = "rmsprop",
        learning_rate: float = 0.001,
        epochs: int | str = "auto",
        batch_size: int | str = "auto",
        early_stopping: bool = False,
        monitor: str = "val_loss",
        patience: int = 2,
        validation_fraction: float = 0.1,
        refit: bool = False,
        feature_scaling: str | None = None,
        class_weight: dict[Any, float] | str | None = None,
        callbacks: list[Any] | None = None,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        # scikeras' constructor is left out: it would add attributes that are not parameters.
        self.units = units
        self.layers = layers
        self.l1 = l1
        self.l2 = l2
        self.dropout = dropout
        self.activation = activation
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.monitor = monitor
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.refit = refit
        self.feature_scaling = feature_scaling
        self.class_weight = class_weight
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    @all_or_nothing
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        X_val: Any = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features; a sparse matrix is used as CSR.
        y : array-like of shape (n_samples,)
            Labels, of at least two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, at least 0. By default all are 1. Where some are 0, `X` is
            copied without them.
        X_val : {array-like, sparse matrix} of shape (n_validation, n_features), default=None
            Features of validation data, which is evaluated after each epoch and is what early
            stopping looks at. In a pipeline, ``transform_input=["X_val"]`` carries it through
            the steps before.
        y_val : array-like of shape (n_validation,), default=None
            Labels of the validation data.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Weights of the validation data, at least 0. By default all are 1.

        Returns
        -------
        self : DenseSentimentClassifier

        Raises
        ------
        ValueError
            For invalid parameters or data, such as a single class, and if training diverges, so
            that weights become infinite or NaN. Early stopping goes back to the best epoch in
            which they were finite.
        TypeError
            For `callbacks` that are not Keras callbacks.
        MemoryError
            If the network does not fit in memory.
        """
        if self.warm_start and self.feature_scaling:
            raise ValueError(
                f"feature_scaling={self.feature_scaling!r} needs a new network in each fit; set "
                "warm_start=False."
            )
        goes_on = self.warm_start and self.__sklearn_is_fitted__()
        samples, classes = self._check_training_data(X, y, sample_weight, reset=not goes_on)
        if goes_on and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"With warm_start=True, y must have the classes of the previous fit, "
                f"{self.classes_}; got {classes}."
            )
        validation = self._check_validation_data(
            X_val, y_val, sample_weight_val, classes, samples.X.dtype
        )
        seed = self._draw_seed()
        all_samples, n_samples = samples, len(samples)
        if self.early_stopping and validation is None:
            samples, validation = split_samples(samples, self.validation_fraction, seed)
        elif self.early_stopping and self.refit and validation is not None:
            weights = sample_weight if sample_weight_val is None else None
            all_samples = samples.join(
                validation_to_train_on(validation, samples, classes, self.class_weight, weights)
            )
        if validation is not None:
            validation = validation.with_mean_weight_of_one()
        batch_size = (
            _auto_batch_size(n_samples) if self.batch_size == "auto" else int(self.batch_size)
        )
        epochs = (
            _auto_epochs(n_samples, batch_size) * (4 if self.early_stopping else 1)
            if self.epochs == "auto"
            else int(self.epochs)
        )

        def train_on(
            samples: Samples,
            validation: Samples | None,
            epochs: int,
            patience: int | None,
            *,
            keep: bool,
        ) -> tuple[NetworkState, Training]:
            factors = None
            if self.feature_scaling:
                factors = log_count_ratio_factors(samples, len(classes))
                samples = replace(samples, factors=factors)
                if validation is not None:
                    validation = replace(validation, factors=factors)
            with (
                self._state.continued(keep=keep)
                if goes_on
                else nullcontext(self._start(classes, seed, samples.X.dtype))
            ) as state:
                training = train(
                    state,
                    samples.with_mean_weight_of_one(),
                    batch_size=batch_size,
                    epochs=range(epochs),
                    validation=None if validation is None else validation.with_own_X(),
                    patience=patience,
                    monitor=self.monitor,
                    callbacks=copy_callbacks(self.callbacks),
                    verbose=int(self.verbose),
                )
            if factors is not None:
                state = self._with_scaled_kernel(state, factors)
            return state, training

        patience = self.patience if self.early_stopping else None
        chooses = self.early_stopping and self.refit
        state, training = train_on(samples, validation, epochs, patience, keep=not chooses)
        n_past_epochs, best_epoch = state.n_epochs, training.best_epoch
        validation_history = None
        if best_epoch is not None and chooses:
            validation_history = training.history
            state, training = train_on(all_samples, None, best_epoch + 1, None, keep=True)
        state.extend_history(training.history)
        self._keep(state, classes, training.fit_method)
        self.batch_size_, self.epochs_ = batch_size, epochs
        if best_epoch is not None:
            self.best_epoch_ = n_past_epochs + best_epoch + 1
        if validation_history is not None:
            self.validation_history_ = validation_history
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    @all_or_nothing
    def partial_fit(
        self,
        X: Any,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train the network for one epoch on some of the data.

        The parameters `epochs`, `early_stopping`, `patience` and `validation_fraction` are for
        `fit` alone.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Labels.
        classes : array-like of shape (n_classes,), default=None
            All labels there will be. Needed in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, at least 0. By default all are 1.

        Returns
        -------
        self : DenseSentimentClassifier

        Raises
        ------
        ValueError
            For parameters or data that do not fit, for ``class_weight="balanced"`` and
            `feature_scaling`, which need all data at once, and if training diverges; the network
            stays finite.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all data at once and is not for partial_fit. "
                "Give the weights as a dict, or as sample_weight."
            )
        if self.feature_scaling:
            raise ValueError(
                f"feature_scaling={self.feature_scaling!r} needs all data at once and is not for "
                "partial_fit. Set it to None to continue with the features as they are."
            )
        is_first = not self.__sklearn_is_fitted__()
        if is_first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if classes is not None:
            with naming("classes"):
                known = unique_labels(
                    column_or_1d(check_array(classes, ensure_2d=False, dtype=None))
                )
            if len(known) < 2:
                raise ValueError(f"classes must be at least two labels; got {known}.")
            if not is_first and not np.array_equal(known, self.classes_):
                raise ValueError(
                    f"classes={known} is not the same as on the last call to partial_fit, "
                    f"was {self.classes_}."
                )
        else:
            known = self.classes_
        samples, _ = self._check_training_data(X, y, sample_weight, classes=known, reset=is_first)
        callbacks = copy_callbacks(self.callbacks)
        state = self._start(known, self._draw_seed(), samples.X.dtype) if is_first else self._state
        batch_size = _MAX_BATCH_SIZE if self.batch_size == "auto" else int(self.batch_size)
        with nullcontext() if is_first else state.continued_in_place():
            training = train(
                state,
                samples,
                batch_size=batch_size,
                epochs=range(state.n_epochs, state.n_epochs + 1),
                callbacks=callbacks,
                verbose=int(self.verbose),
                incremental=True,
            )
        state.extend_history(training.history)
        self._keep(state, known, training.fit_method)
        self.batch_size_, self.epochs_ = batch_size, 1
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    @all_or_nothing
    def initialize(self, X: Any, y: ArrayLike) -> Self:
        """Build the network for some data without training it.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Labels.

        Returns
        -------
        self : DenseSentimentClassifier
            `fit` with ``warm_start=True``, or `partial_fit`, starts from this network.
        """
        samples, classes = self._check_training_data(X, y, None, reset=True)
        self._keep(self._start(classes, self._draw_seed(), samples.X.dtype), classes)
        return self

    def to_predictor(self) -> DenseSentimentPredictor:
        """Return what predicts the same without Keras and TensorFlow.

        Returns
        -------
        predictor : DenseSentimentPredictor
            With a copy of the weights. It is fitted if the classifier is.

        Raises
        ------
        ValueError
            If Keras alone predicts, because of the activation or because `model_` was changed.
        """
        if not self.__sklearn_is_fitted__():
            return DenseSentimentPredictor()
        network = self._array_network
        if network is None:
            raise ValueError(
                "A predictor needs an activation that DenseSentimentClassifier computes on arrays, "
                "and a model_ that was not changed."
            )
        names = getattr(self, "feature_names_in_", None)
        return make_predictor(network.copy(), self.classes_, names)

    @property
    def model_(self) -> keras.Model:
        """The network as a compiled Keras model, built on first use."""
        if not self.__sklearn_is_fitted__():
            raise AttributeError(f"This {type(self).__name__} has no model_ before it is fitted.")
        return self._state.model

    def __dir__(self) -> list[str]:
        # Scikit-learn 1.9 reads everything that is listed here, to show it: no model for that.
        return [name for name in object.__dir__(self) if name != "model_"]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_state")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = self.feature_scaling == "log_count_ratio"
        return tags

    @property
    def _array_network(self) -> ArrayNetwork | None:
        return self._state.settled_network if self._state.has_array_arithmetic else None

    def _logits(self, X: Any) -> FloatArray:
        check_fitted(self)
        X = check_features(self, X, [self._state.network.dtype])
        return logits(self._state, with_sorted_rows(X))

    def _validate_features(
        self, X: Any, *, reset: bool, dtype: np.dtype[Any] | None = None, name: str = "X"
    ) -> Matrix:
        """Check the features, and take them to a type, by default that of the network if any."""
        if dtype is None and not reset:
            dtype = self._state.network.dtype
        with naming(name, instead_of="X"):
            X = validate_data(
                self,
                X,
                accept_sparse="csr",
                dtype=[np.float32, np.float64] if dtype is None else dtype,
                reset=reset,
            )
        return with_sorted_rows(X)

    def _check_training_data(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        *,
        classes: NDArray[Any] | None = None,
        reset: bool,
    ) -> tuple[Samples, NDArray[Any]]:
        """Return the samples with positive weight, and the classes, by default those of `y`."""
        X = self._validate_features(X, reset=reset)
        samples, classes = check_samples(
            X, y, sample_weight, classes=classes, class_weight=self.class_weight
        )
        if len(classes) < 2:
            raise ValueError(
                f"y must have at least two classes; got one class only: {classes.tolist()[0]!r}."
            )
        return samples, classes

    def _check_validation_data(
        self,
        X_val: Any,
        y_val: ArrayLike | None,
        sample_weight_val: ArrayLike | None,
        classes: NDArray[Any],
        dtype: np.dtype[Any],
    ) -> Samples | None:
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val must be given together; got only one of them.")
        if X_val is None:
            if sample_weight_val is not None:
                raise ValueError("sample_weight_val was given without X_val and y_val.")
            return None
        X_val = self._validate_features(X_val, reset=False, dtype=dtype, name="X_val")
        if self.feature_scaling:
            check_non_negative(X_val, f"feature_scaling={self.feature_scaling!r} (X_val)")
        samples, _ = check_samples(X_val, y_val, sample_weight_val, classes=classes, suffix="_val")
        return samples

    def _draw_seed(self) -> int:
        return int(check_random_state(self.random_state).randint(_INT32_MAX))

    def _start(self, classes: NDArray[Any], seed: int, dtype: np.dtype[Any]) -> NetworkState:
        architecture = Architecture(
            self.n_features_in_,
            len(classes),
            hidden_units(self.units, self.layers),
            find_activation(self.activation),
            float(self.l1),
            float(self.l2),
            float(self.dropout),
        )
        network = ArrayNetwork(architecture, parameters_in_memory(architecture, seed, dtype))
        optimizer = make_optimizer(self.optimizer, self.learning_rate, network)
        return NetworkState(network, optimizer, seed, initial_dropout_states(architecture, seed))

    def _with_scaled_kernel(self, state: NetworkState, factors: FloatArray) -> NetworkState:
        """Return a network for features that are not scaled, and its optimizer as at the start."""
        network = state.settled_network
        network.parameters[0] *= factors[:, np.newaxis]
        optimizer = make_optimizer(self.optimizer, self.learning_rate, network)
        return NetworkState(network, optimizer, state.seed, state.dropout_states)

    def _keep(
        self, state: NetworkState, classes: NDArray[Any], fit_method: str | None = None
    ) -> None:
        for name in _ATTRIBUTES_OF_SOME_FITS:
            self.__dict__.pop(name, None)
        self._state = state
        self.classes_ = classes
        self.history_ = state.history
        self.n_iter_ = state.n_epochs
        if fit_method is not None:
            self.fit_method_ = fit_method


def _auto_batch_size(n_samples: int) -> int:
    """Return a power of two near a fiftieth of the samples."""
    power = int(2 ** round(math.log2(n_samples / 50)))
    return min(max(power, _MIN_BATCH_SIZE), _MAX_BATCH_SIZE)


def _auto_epochs(n_samples: int, batch_size: int) -> int:
    """Return how many epochs make about `_N_STEPS` steps."""
    return max(1, round(_N_STEPS / math.ceil(n_samples / batch_size)))
