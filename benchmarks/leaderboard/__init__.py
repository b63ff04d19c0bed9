"""Accuracy beside the baselines."""
