"""Finished trainings that come with the package, so that nobody has to wait before looking.

On the built-in faces, as ``ferlab compare`` trains: every method of the table; what more of a loss does; networks
whose embedding is two numbers; and the scores of several seeds. data_scripts/make_gallery.py makes the files here.

>>> from ferlab.gallery import open_gallery, seeds_summary
"""

from __future__ import annotations

from ferlab.gallery.opening import PARTS, open_gallery, seeds_summary

__all__ = ["PARTS", "open_gallery", "seeds_summary"]
