"""Finished trainings that come with the package, so that nobody has to wait before looking.

Every method of the table, trained on the built-in faces as ``ferlab compare --methods all`` does;
and the scores of the same with several seeds. data_scripts/make_gallery.py makes the files here.

>>> from ferlab.gallery import open_gallery, seeds_summary
"""

from __future__ import annotations

from ferlab.gallery.opening import open_gallery, seeds_summary

__all__ = ["open_gallery", "seeds_summary"]
