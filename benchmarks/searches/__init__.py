"""Searches on one machine."""
