"""Searches and comparisons on a cluster."""

import importlib
from typing import Any

import joblib

from skimdb.utils._optional import import_optional


def dask_client(address: Any = None, **kwargs: Any) -> Any:
    """Connect to a Dask cluster, for searches that survive the loss of workers.

    While the client is open, ``joblib.parallel_config(backend="dask")`` runs `GridSearchCV`,
    `cross_val_score`, `compare_estimators` and anything else with `n_jobs` on the cluster. The
    results are bit-identical to those of a serial run.

    Parameters
    ----------
    address : str, distributed.LocalCluster or None, default=None
        Address of the scheduler, such as "tcp://host:8786", or a Dask cluster object. If None,
        workers are started on this machine.
    **kwargs : dict
        Other parameters of `distributed.Client`. Without `address`, also those of
        `distributed.LocalCluster`, such as ``n_workers=2, threads_per_worker=1``.

    Returns
    -------
    distributed.Client
        A context manager; otherwise, close the client after use.

    Raises
    ------
    ImportError
        If `distributed` is not installed: ``pip install 'skimdb[distributed]'``.
    OSError
        If there is no scheduler at the address.
    ValueError
        If ``asynchronous=True``.

    See Also
    --------
    joblib.parallel_config : Choose the backend.

    Notes
    -----
    This client differs from a plain `distributed.Client` in two ways.

    First, it survives the loss of workers. A plain client keeps larger arguments only in the memory
    of workers, so that a search fails if one of them dies. This client also leaves a pickled copy
    with the scheduler, which sends it again. Workers with a nanny, Dask's default, are replaced.
    Arrays, matrices and pandas objects are sent to each worker once. Lists, such as lists of texts,
    and polars objects are sent with each fit.

    Second, fits are faster. By default, Dask's workers return freed memory to the system at once
    (``MALLOC_TRIM_THRESHOLD_`` of glibc), which slows fits down. Workers of this client, including
    those that join later, keep blocks of up to 32 MB for reuse. They also load TensorFlow before
    the first fit.

    TensorFlow starts ``OMP_NUM_THREADS`` threads in a worker, which nannies set to 1. Workers must
    have the same version of skimdb installed.

    References
    ----------
    .. [1] M. Rocklin, "Dask: parallel computation with blocked algorithms and task scheduling",
       SciPy 2015.

    Examples
    --------
    >>> import joblib
    >>> from sklearn.model_selection import cross_val_score
    >>> from skimdb import DenseSentimentClassifier, MultiHotVectorizer
    >>> from skimdb.datasets import make_reviews
    >>> from skimdb.model_selection import dask_client
    >>> X, y = make_reviews(500, random_state=0)
    >>> X = MultiHotVectorizer().transform(X)
    >>> classifier = DenseSentimentClassifier(random_state=0)
    >>> with dask_client(n_workers=1, processes=False, dashboard_address=":0"):
    ...     with joblib.parallel_config(backend="dask"):
    ...         scores = cross_val_score(classifier, X, y, cv=3, n_jobs=-1)
    >>> bool((scores == cross_val_score(classifier, X, y, cv=3)).all())
    True
    """
    import_optional("distributed", needed_by="dask_client", install="skimdb[distributed]")
    dask = importlib.import_module("skimdb.model_selection._dask")
    if kwargs.get("asynchronous"):
        raise ValueError("asynchronous must be False, because joblib needs a synchronous client")
    client = dask.RecoveringClient(address, **kwargs)
    try:
        client.register_plugin(dask.PrepareWorker())
    except BaseException:
        client.close()
        raise
    return client


def register_ray() -> None:
    """Register a joblib backend for Ray clusters that survives the loss of workers.

    Call this function once, instead of Ray's own function of the same name. Then
    ``joblib.parallel_config(backend="ray")`` runs `GridSearchCV`, `cross_val_score`,
    `compare_estimators` and anything else with `n_jobs` on the Ray cluster that `ray.init` connects
    to. The results are bit-identical to those of a serial run.

    Raises
    ------
    ImportError
        If `ray` is not installed: ``pip install 'skimdb[ray]'``.

    See Also
    --------
    ray.util.joblib.register_ray : Ray's own backend.

    Notes
    -----
    This backend differs from Ray's own in two ways.

    First, it survives the loss of workers. A worker that dies is replaced and its task repeated, up
    to three times. Other limits, and other options of Ray's actors, can be set with
    ``parallel_config(backend="ray", ray_remote_args={"max_restarts": 10})``.

    Second, it stores arrays, matrices, data frames and Arrow arrays once, while Ray's own backend
    sends all data with each fit. Lists are still sent with each fit.

    At the end of a search, Ray may report that ``PoolActor.__ray_terminate__`` failed and is
    retried. The message is harmless: it is about workers that have stopped as they should.

    TensorFlow starts ``OMP_NUM_THREADS`` threads in a worker, which Ray sets to 1. Ray starts new
    workers for each search, which load TensorFlow again.

    References
    ----------
    .. [1] P. Moritz et al., "Ray: a distributed framework for emerging AI applications", OSDI 2018.

    Examples
    --------
    >>> import joblib
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skimdb.model_selection import register_ray
    >>> register_ray()  # doctest: +SKIP
    >>> with joblib.parallel_config(backend="ray"):  # doctest: +SKIP
    ...     search = GridSearchCV(pipeline, grid, n_jobs=-1).fit(X, y)
    """
    import_optional("ray", needed_by="register_ray", install="skimdb[ray]")
    ray = importlib.import_module("skimdb.model_selection._ray")
    joblib.register_parallel_backend("ray", ray.RecoveringRayBackend)
