"""Speed and memory beside the peers."""
