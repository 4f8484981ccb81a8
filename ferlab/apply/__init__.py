"""A trained network on other faces, and for other programs."""

from __future__ import annotations

from ferlab.apply.embed import embed_folder, read_face
from ferlab.apply.export import export_onnx, export_projector, export_torchscript

__all__ = ["embed_folder", "export_onnx", "export_projector", "export_torchscript", "read_face"]
