"""Names of types."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.floating[Any]]
IntArray: TypeAlias = NDArray[np.integer[Any]]
Matrix: TypeAlias = Any  # an ndarray, or a CSR matrix or array of scipy, which has no types
