import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from skimdb.utils._blas_threads import single_blas_thread


def blas_threads():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


@pytest.fixture(autouse=True)
def default():
    """Return the default number of threads."""
    n_threads = set(blas_threads())
    if n_threads in (set(), {1}):
        pytest.skip("NumPy's BLAS has one thread, or threadpoolctl does not know it")
    return n_threads


def test_one_thread_inside():
    with single_blas_thread():
        assert set(blas_threads()) == {1}


def test_previous_limit_is_restored(default):
    with single_blas_thread():
        pass
    assert set(blas_threads()) == default


def test_latest_limit_is_restored(default):
    with single_blas_thread():
        pass
    with threadpool_limits(1, user_api="blas"):
        with single_blas_thread():
            pass
        assert set(blas_threads()) == {1}
    assert set(blas_threads()) == default


def test_limit_is_restored_after_an_error(default):
    with pytest.raises(RuntimeError, match="stop"), single_blas_thread():
        raise RuntimeError("stop")
    assert set(blas_threads()) == default


def test_nested_contexts_restore_at_the_end_of_the_outer_one(default):
    with single_blas_thread():
        with single_blas_thread():
            pass
        assert set(blas_threads()) == {1}
    assert set(blas_threads()) == default


def test_any_thread_can_set_the_limit(default):
    with single_blas_thread():
        pass
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(threads_inside).result() == {1}
    assert set(blas_threads()) == default


def test_contexts_of_several_threads_may_overlap(default):
    with ThreadPoolExecutor(4) as pool:
        inside = list(pool.map(threads_inside, np.tile([0.0, 0.01, 0.002, 0.005], 10)))
    assert inside == [{1}] * 40
    assert set(blas_threads()) == default


def threads_inside(seconds=0.0):
    with single_blas_thread():
        time.sleep(seconds)
        return set(blas_threads())
