"""Linked maps of several embedding spaces."""
