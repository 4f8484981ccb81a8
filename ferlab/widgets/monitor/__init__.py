"""A training to watch."""
