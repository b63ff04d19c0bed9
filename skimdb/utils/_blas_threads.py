"""A temporary limit of BLAS to one thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_n_users = 0
_limiter = None
_controller: ThreadpoolController | None = None


@contextmanager
def single_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread, so that its sums do not depend on the number of cores.

    The limit holds for the whole process. Contexts of several Python threads may overlap: the first
    one sets the limit, the last one restores the previous setting.
    """
    global _controller, _limiter, _n_users  # noqa: PLW0603 (the limit holds for the process)
    with _lock:
        if _n_users == 0:
            if _controller is None:
                _controller = ThreadpoolController()
            with _any_thread_may_set(_controller):
                _limiter = _controller.limit(limits=1, user_api="blas")
        _n_users += 1
    try:
        yield
    finally:
        with _lock:
            _n_users -= 1
            if _n_users == 0 and _controller is not None and _limiter is not None:
                with _any_thread_may_set(_controller):
                    _limiter.restore_original_limits()


@contextmanager
def _any_thread_may_set(controller: ThreadpoolController) -> Iterator[None]:
    """Let any thread set a limit; threadpoolctl >= 3.8 ignores all but the first that did."""
    clear = [
        library.clear_controlling_thread
        for library in controller.lib_controllers
        if hasattr(library, "clear_controlling_thread")
    ]
    for function in clear:
        function(force=True)
    yield
    for function in clear:
        function(force=True)
