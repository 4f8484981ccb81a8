"""Losses to touch, in two dimensions."""
