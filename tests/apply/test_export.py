"""What other programs get is what the network says."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from tiny import tiny_faces

from ferlab import cli
from ferlab.apply.export import export_onnx, export_projector, export_torchscript
from ferlab.errors import FerlabError
from ferlab.evaluation import predict
from ferlab.runs import RunFolder

FACES = tiny_faces("test", 12)


@pytest.mark.parametrize("method", ["ce", "ad-corre+attention"])
def test_torchscript_gives_the_same_numbers_for_any_batch(run, tmp_path, method):
    export_torchscript(run, tmp_path / "network.pt", method)
    seen = predict(RunFolder(run).network(method).network, FACES.images)
    script = torch.jit.load(str(tmp_path / "network.pt"))
    for size in (1, 5):
        images = torch.from_numpy(FACES.images[:size]).permute(0, 3, 1, 2).float()
        embeddings, probabilities = script(images)
        np.testing.assert_allclose(embeddings.numpy(), seen.embeddings[:size], atol=1e-5)
        np.testing.assert_allclose(probabilities.numpy(), seen.probabilities[:size], atol=1e-5)


def test_onnx_gives_the_same_numbers_for_any_batch(run, tmp_path):
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    export_onnx(run, tmp_path / "network.onnx", "ad-corre+attention")
    seen = predict(RunFolder(run).network("ad-corre+attention").network, FACES.images)
    session = runtime.InferenceSession(tmp_path / "network.onnx")
    for size in (1, 5):
        images = FACES.images[:size].transpose(0, 3, 1, 2).astype(np.float32)
        embeddings, probabilities = session.run(["embeddings", "probabilities"], {"images": images})
        np.testing.assert_allclose(embeddings, seen.embeddings[:size], atol=1e-4)
        np.testing.assert_allclose(probabilities, seen.probabilities[:size], atol=1e-4)


def test_without_its_packages_onnx_says_what_to_install(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(FerlabError, match="pip install onnx onnxscript"):
        export_onnx(run, tmp_path / "network.onnx")
    assert not list(tmp_path.iterdir())


def test_projector_files_fit_together(run, tmp_path):
    out = tmp_path / "projector"
    export_projector(run, out, FACES, "ad-corre+attention")
    vectors = np.loadtxt(out / "tensors.tsv", delimiter="\t")
    about = pd.read_csv(out / "metadata.tsv", sep="\t")
    seen = predict(RunFolder(run).network("ad-corre+attention").network, FACES.images)
    np.testing.assert_allclose(vectors, seen.embeddings, atol=1e-4)
    assert about["true"].tolist() == [FACES.classes[i] for i in FACES.labels]
    assert about["predicted"].tolist() == [FACES.classes[i] for i in seen.predicted]
    sprite = np.asarray(Image.open(out / "sprite.png"))
    assert sprite.shape == (10 * 32, 10 * 32, 3), "84 faces on a square of 10 x 10"
    np.testing.assert_array_equal(sprite[32:64, 64:96], FACES.images[12])
    assert "single_image_dim: 32" in (out / "projector_config.pbtxt").read_text()
    table = pd.read_parquet(out / "faces.parquet")
    assert table["image"][3]["bytes"].startswith(b"\x89PNG") and table[["x", "y"]].notna().all(axis=None)


def test_other_faces_or_no_choice_are_one_sentence(run, tmp_path, monkeypatch, capsys):
    with pytest.raises(FerlabError, match="are not those of"):
        export_projector(run, tmp_path, tiny_faces("validation", 6), "ce")
    with pytest.raises(FerlabError, match="not finished"):
        export_projector(run, tmp_path, FACES, "tcl-nearest")
    monkeypatch.setattr(
        sys, "argv", ["ferlab", "export", str(run), "--out", str(tmp_path / "x"), "--onnx", "--projector"]
    )
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2 and "one of --onnx" in capsys.readouterr().err
