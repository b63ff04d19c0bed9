"""A classifier's network in the format of ONNX, for programs without Python or Keras."""

import json
import os
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import FeatureUnion
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

import skimdb
from skimdb.feature_extraction import LogCountRatioScaler
from skimdb.utils._files import atomic_file
from skimdb.utils._naming import as_path
from skimdb.utils._optional import import_optional
from skimdb.utils._pipelines import flat_steps

# ONNX 1.8, which has all that is needed here: onnxruntime reads it since 1.7, of March 2021.
_OPSET = 13
_IR_VERSION = 7
# A protobuf message holds less than 2 GiB; the last MiB is for all but the weights.
_MAX_WEIGHT_BYTES = 2**31 - 2**20


def to_onnx(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write a fitted classifier's network as an ONNX model.

    The model begins after vectorizing: ONNX has no operators that split texts into words as
    `WordIndexEncoder` does, or that read lists of any length into a batch, so a program that uses
    the model must make the features itself. It has the input "features", float32 of shape
    (n_samples, n_features), and the outputs

    - "probabilities", float32 of shape (n_samples, n_classes): what `predict_proba` returns;
    - "label", of shape (n_samples,): what `predict` returns, as int64, double, bool or string.

    Both agree with the estimator's own up to the rounding of float32. The model's metadata has
    the labels under "classes", as a JSON list in the order of the columns of "probabilities".

    Parameters
    ----------
    estimator : DenseSentimentClassifier or Pipeline
        Fitted; a pipeline must end in a `DenseSentimentClassifier`. Of a pipeline, the features
        are what its vectorizer makes, the last step that by its tags, or by those of the steps
        of a `FeatureUnion`, takes anything but a matrix; without a vectorizer, they are
        what the pipeline is given. Between them and the classifier there may be
        `LogCountRatioScaler`, whose factors go into the first layer's weights.
    path : str or path-like
        The file to make or to replace. It is written whole or not at all.

    Raises
    ------
    TypeError
        If `estimator` neither is nor ends in a `DenseSentimentClassifier`.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    ValueError
        If another step stands between the features and the classifier, if the activation of
        the hidden layers is not among those of the Notes, or if the weights take 2 GiB or more.
    ImportError
        If onnx is not installed: ``pip install 'skimdb[onnx]'``.
    OSError
        If the file cannot be written.

    See Also
    --------
    skimdb.save : Keep the whole pipeline, vectorizing included, for skimdb itself.

    Notes
    -----
    The model uses the operators of opset 13 (IR version 7), which onnxruntime reads from 1.7 on.
    Dropout, which only training has, is left out.

    The activations are Keras' celu, elu, exponential, gelu, hard_shrink, hard_sigmoid, hard_silu
    (hard_swish), leaky_relu, linear, log_softmax, mish, relu, selu, sigmoid, silu (swish),
    soft_shrink, softmax, softplus, softsign and tanh, each with its default parameters.

    The model checks nothing: features that are negative or not finite, which the estimator
    refuses, give probabilities without meaning.

    References
    ----------
    .. [1] `ONNX operators <https://onnx.ai/onnx/operators/>`_.
    .. [2] `ONNX versions <https://github.com/onnx/onnx/blob/main/docs/Versioning.md>`_.

    Examples
    --------
    These lines need onnx and onnxruntime.

    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from skimdb import DenseSentimentClassifier, MultiHotVectorizer
    >>> from skimdb.datasets import make_reviews
    >>> from skimdb.persistence import to_onnx
    >>> X, y = make_reviews(200, random_state=0)
    >>> pipeline = make_pipeline(MultiHotVectorizer(), DenseSentimentClassifier(random_state=0))
    >>> pipeline = pipeline.fit(X, y)
    >>> features = pipeline[:-1].transform(X).toarray()
    >>> with tempfile.TemporaryDirectory() as folder:  # doctest: +SKIP
    ...     import onnxruntime
    ...     path = pathlib.Path(folder, "network.onnx")
    ...     to_onnx(pipeline, path)
    ...     session = onnxruntime.InferenceSession(path)
    ...     (probabilities,) = session.run(["probabilities"], {"features": features})
    ...     np.allclose(probabilities, pipeline.predict_proba(X), atol=1e-5)
    True
    """
    scalers, classifier = _split(estimator)
    network = _network(classifier)
    activation = _hidden_activation(network)
    weight_bytes = 4 * sum(parameter.size for parameter in network.parameters)
    if weight_bytes > _MAX_WEIGHT_BYTES:
        raise ValueError(
            f"estimator has weights of {weight_bytes:,} bytes; ONNX can hold "
            f"{_MAX_WEIGHT_BYTES:,}. Fit it on fewer features or with fewer units."
        )
    onnx = import_optional("onnx", needed_by="to_onnx", install="skimdb[onnx]")
    factors = np.ones(classifier.n_features_in_, np.float32)
    for scaler in scalers:
        factors *= scaler.scale_.astype(np.float32)
    model = _build_model(onnx, classifier, network, factors, activation)
    with atomic_file(as_path(path, "path")) as file:
        file.write(model.SerializeToString())


def _split(estimator: Any) -> tuple[list[LogCountRatioScaler], Any]:
    """Return the scalers between features and classifier, and the classifier, all fitted."""
    from skimdb.neural_network import DenseSentimentClassifier  # noqa: PLC0415 - loads TensorFlow

    steps = list(flat_steps(estimator))
    classifier = steps.pop() if steps else None
    if not isinstance(classifier, DenseSentimentClassifier):
        raise TypeError(
            "estimator must be a DenseSentimentClassifier or a Pipeline that ends in one, "
            f"got {estimator!r}."
        )
    check_is_fitted(classifier)
    vectorizers = [i for i, step in enumerate(steps) if _takes_no_matrix(step)]
    scalers = steps[vectorizers[-1] + 1 :] if vectorizers else steps
    for step in scalers:
        if not isinstance(step, LogCountRatioScaler):
            raise ValueError(
                f"estimator has a step {type(step).__name__} between the features and the "
                "classifier, where only LogCountRatioScaler can be written as ONNX. Give to_onnx "
                "the steps behind it, and the model what it returns."
            )
        check_is_fitted(step)
    return scalers, classifier


def _takes_no_matrix(step: Any) -> bool:
    """Tell whether a step, or any step in a union, takes anything but a matrix."""
    if isinstance(step, FeatureUnion):  # whose own tags do not say so
        branches = [branch for _, branch in step.transformer_list if branch != "drop"]
        return any(_takes_no_matrix(part) for branch in branches for part in flat_steps(branch))
    return hasattr(step, "__sklearn_tags__") and not get_tags(step).input_tags.two_d_array


class _Graph:
    """The nodes of a graph, each of which has one output, and its constants.

    Parameters
    ----------
    onnx : module

    Attributes
    ----------
    nodes : list of onnx.NodeProto
        In the order in which they are computed.
    initializers : list of onnx.TensorProto
        The constants.
    """

    def __init__(self, onnx: Any) -> None:
        self._onnx = onnx
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Append a node and return the name of its output."""
        output = output or f"{operator.lower()}_{len(self.nodes)}"
        node = self._onnx.helper.make_node(operator, inputs, [output], output, **attributes)
        self.nodes.append(node)
        return output

    def constant(self, value: NDArray[Any] | np.float32, name: str = "") -> str:
        """Append a constant and return its name."""
        name = name or f"constant_{len(self.initializers)}"
        tensor = self._onnx.numpy_helper.from_array(np.asarray(value), name)
        self.initializers.append(tensor)
        return name


# Takes the name of what it is applied to and returns the name of the result.
_Activation: TypeAlias = Callable[[_Graph, str], str]


def _operator(name: str, **attributes: Any) -> _Activation:
    return lambda graph, x: graph.add(name, x, **attributes)


def _gated_by(gate: _Activation) -> _Activation:
    return lambda graph, x: graph.add("Mul", x, gate(graph, x))


def _tanh_of_softplus(graph: _Graph, x: str) -> str:
    return graph.add("Tanh", graph.add("Softplus", x))


def _normal_distribution(graph: _Graph, x: str) -> str:
    """Append the normal distribution function, ``0.5 + 0.5 * erf(x / sqrt(2))``."""
    half = graph.constant(np.float32(0.5))
    scaled = graph.add("Mul", x, graph.constant(np.float32(np.sqrt(0.5))))
    return graph.add("Add", graph.add("Mul", graph.add("Erf", scaled), half), half)


# By the names of Keras' functions. Attributes are given where ONNX has other defaults.
_HARD_SIGMOID = _operator("HardSigmoid", alpha=1 / 6)
_ACTIVATIONS: dict[str, _Activation] = {
    "celu": _operator("Celu"),
    "elu": _operator("Elu"),
    "exponential": _operator("Exp"),
    "gelu": _gated_by(_normal_distribution),
    "hard_shrink": _operator("Shrink"),
    "hard_sigmoid": _HARD_SIGMOID,
    "hard_silu": _gated_by(_HARD_SIGMOID),
    "leaky_relu": _operator("LeakyRelu", alpha=0.2),
    "linear": lambda graph, x: x,
    "log_softmax": _operator("LogSoftmax"),
    "mish": _gated_by(_tanh_of_softplus),
    "relu": _operator("Relu"),
    "selu": _operator("Selu"),
    "sigmoid": _operator("Sigmoid"),
    "silu": _gated_by(_operator("Sigmoid")),
    "soft_shrink": _operator("Shrink", bias=0.5),
    "softmax": _operator("Softmax"),
    "softplus": _operator("Softplus"),
    "softsign": _operator("Softsign"),
    "tanh": _operator("Tanh"),
}


def _network(classifier: Any) -> Any:
    try:
        return classifier._state.settled_network
    except ValueError as error:
        raise ValueError(f"estimator cannot be written as ONNX: {error}.") from error


def _hidden_activation(network: Any) -> _Activation:
    """Return the activation that all hidden layers have."""
    activation = network.architecture.activation if network.architecture.units else "linear"
    if activation in _ACTIVATIONS:
        return _ACTIVATIONS[activation]
    raise ValueError(
        f"estimator has the activation {getattr(activation, '__name__', activation)!r}, which "
        f"cannot be written as ONNX; those that can are {', '.join(_ACTIVATIONS)}."
    )


def _build_model(
    onnx: Any,
    classifier: Any,
    network: Any,
    factors: NDArray[np.float32],
    activation: _Activation,
) -> Any:
    graph = _Graph(onnx)
    logits = _add_layers(graph, network, factors, activation)
    if len(classifier.classes_) == 2:
        logits = graph.add("Concat", graph.add("Neg", logits), logits, axis=1)
        graph.add("Sigmoid", logits, output="probabilities")
    else:
        graph.add("Softmax", logits, output="probabilities")
    # Lists have one type for numbers of any width; onnx takes strings as objects.
    labels = np.array(classifier.classes_.tolist())
    classes = graph.constant(labels.astype(object) if labels.dtype.kind == "U" else labels)
    graph.add("Gather", classes, graph.add("ArgMax", logits, axis=1, keepdims=0), output="label")

    value_info = onnx.helper.make_tensor_value_info
    float32, label_type = onnx.TensorProto.FLOAT, graph.initializers[-1].data_type
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            graph.nodes,
            "dense_network",
            [value_info("features", float32, ["n_samples", len(factors)])],
            [
                value_info("probabilities", float32, ["n_samples", len(labels)]),
                value_info("label", label_type, ["n_samples"]),
            ],
            graph.initializers,
        ),
        opset_imports=[onnx.helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="skimdb",
        producer_version=skimdb.__version__,
    )
    onnx.helper.set_model_props(model, {"classes": json.dumps(labels.tolist())})
    return model


def _add_layers(
    graph: _Graph, network: Any, factors: NDArray[np.float32], activation: _Activation
) -> str:
    """Append the dense layers, the first of them applied to features times factors."""
    x = "features"
    names = [f"hidden_{depth}" for depth in range(1, len(network.architecture.units) + 1)]
    parameters = [parameter.astype(np.float32, copy=False) for parameter in network.parameters]
    for name, kernel, bias in zip(
        [*names, "output"], parameters[::2], parameters[1::2], strict=True
    ):
        if x == "features":
            kernel = factors[:, np.newaxis] * kernel  # noqa: PLW2901
        x = graph.add(
            "Gemm",
            x,
            graph.constant(kernel, f"{name}_kernel"),
            graph.constant(bias, f"{name}_bias"),
        )
        if name != "output":
            x = activation(graph, x)
    return x
