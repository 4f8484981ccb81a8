"""The error that a user can mend."""

from __future__ import annotations


class FerlabError(Exception):
    """One clear sentence: what is wrong, and what to do.

    The command line prints the sentence without a traceback and exits with code 2.
    """
