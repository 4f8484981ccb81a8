"""Errors that are told apart by their type, never by their words."""

from __future__ import annotations


class FerlabError(Exception):
    """One clear sentence: what is wrong, and what to do.

    The command line prints the sentence without a traceback and exits with code 2.
    """


class TrainingDiverged(FerlabError):
    """A training whose numbers are no longer finite: the recipe was too strong, the program is all right."""


class NotFinite(ValueError):
    """NaN or infinity in what a loss was given."""
