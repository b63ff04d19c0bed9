"""Keeping fitted estimators in files without pickle."""

from skimdb.persistence._save_load import load, save

__all__ = ["load", "save"]
