"""The notebooks' experiments, run again."""
