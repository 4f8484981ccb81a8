"""The README's Python runs as it stands in somebody else's program."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import torch
from torch import nn

README = Path(__file__).parents[2] / "README.md"


def test_what_the_table_of_packages_names_is_public():
    rows = re.findall(r"^\| (`ferlab\.\w+`.*?) \| (.*) \|$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) > 10
    for names, what in rows:
        packages = [importlib.import_module(f"ferlab.{name}") for name in re.findall(r"`(?:ferlab)?\.(\w+)`", names)]
        public = {name for package in packages for name in package.__all__}
        named = set(re.findall(r"`([A-Za-z]\w+)[`(]", what)) | set(re.findall(r"\((\w+)\(", what))
        assert named <= public, names


def test_the_examples_run_one_after_the_other_and_train():
    examples = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 3  # TCL in a loop, Ad-Corre in a loop, reducers and distances
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 128))
    theirs = {
        "torch": torch,
        "cross_entropy": nn.functional.cross_entropy,
        "model": model,
        "classifier": nn.Linear(128, 7),
        "loader": [(torch.rand(14, 3, 32, 32), torch.arange(14) % 7) for _ in range(2)],
    }
    before = model[1].weight.detach().clone()

    exec(examples[0], theirs)
    assert not torch.equal(model[1].weight, before)
    assert theirs["tcl"].centers.grad.abs().sum() > 0

    exec(examples[1], theirs)
    assert set(theirs["adcorre"].last_components) == {"FD", "MD", "ED"}
    assert theirs["network"].head.linear.weight.grad.abs().sum() > 0

    exec(examples[2], theirs)
    assert theirs["losses_of_faces"].shape == (14,)
    for name in ("weighted", "angular"):
        assert theirs[name](theirs["embeddings"], theirs["labels"]).isfinite()
