"""Searches and comparisons on a cluster."""

import importlib
from typing import Any

import joblib

from skimdb.utils._optional import import_optional


def dask_client(address: Any = None, **kwargs: Any) -> Any:
    """Connect to a Dask cluster, for searches that survive the loss of workers.

    Within its lifetime, ``joblib.parallel_config(backend="dask")`` has `GridSearchCV`,
    `cross_val_score`, `compare_estimators` and whatever else takes `n_jobs` run on the cluster,
    with the results that they have without it, to the bit.

    Parameters
    ----------
    address : str, distributed.LocalCluster or None, default=None
        Of the scheduler, "tcp://host:8786", or a cluster object of Dask. None starts workers on
        this machine.
    **kwargs : dict
        Other parameters of `distributed.Client`; without `address` also those of
        `distributed.LocalCluster`, such as ``n_workers=2, threads_per_worker=1``.

    Returns
    -------
    distributed.Client
        To be closed, or used as a context.

    Raises
    ------
    ImportError
        Without `distributed`: ``pip install 'skimdb[distributed]'``.
    OSError
        If there is no scheduler at the address.
    ValueError
        For ``asynchronous=True``.

    See Also
    --------
    joblib.parallel_config : Chooses the backend.

    Notes
    -----
    A plain `distributed.Client` works too, with two differences. First, if a worker dies, joblib
    gives up, because larger arguments are only in the memory of workers. This client leaves the
    scheduler a pickled copy, from which it sends them again; a worker with a nanny, which Dask
    starts by default, is replaced. Arrays, matrices and pandas objects are sent to each worker
    once, not for each fit; lists, of texts for example, and polars objects go with each of them.

    Second, Dask has its workers give freed memory back to the system at once, by glibc's
    ``MALLOC_TRIM_THRESHOLD_``, which makes fits slower. This client has all workers, also those
    that join later, keep blocks of up to 32 MB for reuse, and load TensorFlow before the first fit.

    TensorFlow starts as many threads in a worker as ``OMP_NUM_THREADS`` says, which nannies set to
    1. Workers need skimdb installed, in the same version.

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
        raise ValueError("asynchronous must be left out, since joblib needs a client that waits")
    client = dask.RecoveringClient(address, **kwargs)
    try:
        client.register_plugin(dask.PrepareWorker())
    except BaseException:
        client.close()
        raise
    return client


def register_ray() -> None:
    """Have ``joblib.parallel_config(backend="ray")`` survive the loss of workers.

    To be called once, instead of Ray's own function of this name. `GridSearchCV`,
    `cross_val_score`, `compare_estimators` and whatever else takes `n_jobs` then run on the Ray
    cluster that `ray.init` connects to, with the results that they have without it, to the bit.

    Raises
    ------
    ImportError
        Without `ray`: ``pip install 'skimdb[ray]'``.

    See Also
    --------
    ray.util.joblib.register_ray : Ray's own backend.

    Notes
    -----
    Ray's own backend works too, with two differences. First, if a worker dies, so does the search.
    This one has a worker replaced, and the task that it was at done again, up to three times;
    ``parallel_config(backend="ray", ray_remote_args={"max_restarts": 10})`` sets other limits, and
    other options of Ray's actors. Second, Ray sends all data with each fit; this backend stores
    arrays, matrices, data frames and Arrow arrays once. Lists go with each fit.

    At the end of a search Ray may say that ``PoolActor.__ray_terminate__`` failed and is retried,
    which is about workers that have stopped as they should.

    TensorFlow starts as many threads in a worker as ``OMP_NUM_THREADS`` says, which Ray sets to 1.
    Ray starts new workers for each search, which load TensorFlow again.

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
