"""Keeping fitted estimators in files without pickle."""

from skimdb.persistence._info import read_info
from skimdb.persistence._onnx import to_onnx
from skimdb.persistence._save_load import load, load_predictor, save

__all__ = ["load", "load_predictor", "read_info", "save", "to_onnx"]
