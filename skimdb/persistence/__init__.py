"""Keeping fitted estimators in files without pickle."""

from skimdb.persistence._onnx import to_onnx
from skimdb.persistence._save_load import load, save

__all__ = ["load", "save", "to_onnx"]
