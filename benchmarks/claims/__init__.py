"""The notebooks' conclusions, tested."""
