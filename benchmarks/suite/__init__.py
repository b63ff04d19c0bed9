"""Accuracy on sentiment data of every kind, beside tuned peers."""
