"""More reviews than memory."""
