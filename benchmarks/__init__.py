"""Benchmarks: one runnable module per question, with its results under ``results/``."""
