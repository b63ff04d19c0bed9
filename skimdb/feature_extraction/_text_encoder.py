"""What encoders of texts have in common."""

from typing import Literal, Self

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags


class TextEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Base class of transformers from texts to sequences, which data frames cannot hold."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__(auto_wrap_output_keys=None)

    def set_output(
        self, *, transform: Literal["default", "pandas", "polars"] | None = None
    ) -> Self:
        """Do nothing; the output is always an object array of sequences.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            Accepted so that the other steps of a Pipeline can be configured.

        Returns
        -------
        TextEncoder
            The encoder.
        """
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags
