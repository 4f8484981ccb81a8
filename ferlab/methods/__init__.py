"""The methods of a comparison: rows of data that say which network, which loss, how strong, and how it is drawn.

>>> from ferlab.methods import METHODS, get_method, method_label
"""

from __future__ import annotations

from ferlab.methods.method import LineStyle, Method, Range, build_loss
from ferlab.methods.names import (
    ATTENTION,
    canonical_name,
    get_method,
    heads_of,
    is_known,
    method_color,
    method_label,
    method_style,
    reference_of,
    split_names,
    strength_of,
    with_reference_strength,
    with_strengths,
    without_strength,
)
from ferlab.methods.table import ALL_METHODS, METHODS
from ferlab.settings import DEFAULT_METHODS

__all__ = [
    "ALL_METHODS",
    "ATTENTION",
    "DEFAULT_METHODS",
    "METHODS",
    "LineStyle",
    "Method",
    "Range",
    "build_loss",
    "canonical_name",
    "get_method",
    "heads_of",
    "is_known",
    "method_color",
    "method_label",
    "method_style",
    "reference_of",
    "split_names",
    "strength_of",
    "with_reference_strength",
    "with_strengths",
    "without_strength",
]
