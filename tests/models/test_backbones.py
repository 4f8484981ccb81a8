"""Backbones of timm: each family gives a feature map of the width that it says, or one sentence."""

from __future__ import annotations

import os

import pytest
import timm
import torch
from torch import nn

from ferlab.errors import FerlabError
from ferlab.losses import JointLoss
from ferlab.models import ExpressionNetwork, create_backbone
from ferlab.models.backbones import TimmBackbone
from ferlab.runs import TrainingFolder

# The smallest member of every family of timm 1.0, by number of parameters; those of LARGE have more than 12 million and
# take minutes together, so that they are built only where FERLAB_ALL_BACKBONES is set.
SMALL = """
    byoanet=halonet_h1 byobnet=test_byobnet cait=cait_xxs24_224 coat=coat_tiny convit=convit_tiny
    convnext=test_convnext cpubone=cpubone_nano crossvit=crossvit_tiny_240 csatv2=csatv2
    cspnet=cs3darknet_focus_s cspnext=cspnext_tiny deit=deit_tiny_patch16_224 densenet=densenet121 dla=dla46x_c
    dpn=dpn48b edgenext=edgenext_xx_small efficientformer=efficientformer_l1
    efficientformer_v2=efficientformerv2_s0 efficientnet=test_efficientnet efficientvim=efficientvim_m1
    efficientvit_mit=efficientvit_b0 efficientvit_msra=efficientvit_m0 eva=vit_tiny_patch16_dinov3_qkvb
    fasternet=fasternet_t0 fastvit=fastvit_t8 gcvit=gcvit_xxtiny ghostnet=ghostnet_050 hardcorenas=hardcorenas_b
    hgnet=hgnetv2_b0 hrnet=hrnet_w18_small iformer=iformer_t inception_next=inception_next_atto
    lcnetv2=lcnetv2_small levit=levit_128s mambaout=test_mambaout maxxvit=test_coatnet
    metaformer=poolformerv2_s12 mlp_mixer=gmlp_ti16_224 mobilenetv3=lcnet_035 mobilevit=mobilevit_xxs
    nfnet=test_nfnet pit=pit_ti_224 pvt_v2=pvt_v2_b0 regnet=regnetx_002 repghost=repghostnet_050
    repvit=repvit_m1 resnest=resnest14d resnet=test_resnet resnetv2=resnetv2_18 rexnet=rexnet_100
    senet=legacy_seresnet18 shvit=shvit_s1 sknet=skresnet18 starnet=starnet_s050 swiftformer=swiftformer_xs
    tiny_vit=tiny_vit_5m_224 visformer=visformer_tiny vision_transformer=test_vit
    vision_transformer_hybrid=vit_tiny_r_s16_p8_224 vision_transformer_relpos=test_vit_relpos
    vovnet=ese_vovnet19b_slim_dw xcit=xcit_nano_12_p16_224
"""
LARGE = """
    beit=beit_base_patch16_224 convmixer=convmixer_768_32 davit=davit_tiny deepseek_vit=deepseek_vit_412m
    focalnet=focalnet_tiny_srf gemma4_vit=gemma4_vit_167m hiera=hiera_tiny_224 hieradet_sam2=sam2_hiera_tiny
    inception_resnet_v2=inception_resnet_v2 inception_v3=inception_v3 inception_v4=inception_v4
    lowformer=lowformer_b0 mobilenetv5=mobilenetv5_base mvitv2=mvitv2_tiny
    naflexvit=naflexvit_base_patch16_parfac_gap nasnet=nasnetalarge nest=nest_tiny nextvit=nextvit_small
    pnasnet=pnasnet5large qwen3_vit=qwen3_vit_88m rdnet=rdnet_tiny res2net=res2next50 selecsls=selecsls42
    sequencer=sequencer2d_s swin_transformer=swin_tiny_patch4_window7_224
    swin_transformer_v2=swinv2_tiny_window8_256 swin_transformer_v2_cr=swinv2_cr_tiny_224
    tnt=tnt_s_legacy_patch16_224 tresnet=tresnet_m twins=twins_svt_small vgg=vgg11
    vision_transformer_sam=samvit_base_patch16_224 vitamin=vitamin_small_224 volo=volo_d1_224
    xception=legacy_xception xception_aligned=xception41
"""
# At the start their attention looks everywhere alike, or their many layers leave next to nothing of a single place.
NOWHERE = {"levit", "convmixer", "tiny_vit"}
# PyTorch 2.14 ends the whole process in its backward pass in channels_last on a CPU ("double free or corruption").
CRASHES = {"fastvit"}
INITIAL_WEIGHTS = 3  # that are tried: by chance one may be deaf to a small change
MEMBERS = dict(pair.split("=") for pair in (SMALL + LARGE).split())
LARGE_FAMILIES = {pair.split("=")[0] for pair in LARGE.split()}
ALL = bool(os.environ.get("FERLAB_ALL_BACKBONES"))


def member_of(family: str) -> str:
    """The small member that we know, or the first one of a family that is new."""
    known = MEMBERS.get(family, "")
    return known if timm.is_model(known) else timm.list_models(module=family)[0]


def check_backbone(backbone: TimmBackbone) -> torch.Tensor:
    """That a backbone gives a map of its width, of which every parameter that learns has a gradient; the map."""
    images = torch.randn(2, *backbone.trial_shape[1:], generator=torch.Generator().manual_seed(0))
    backbone.to(memory_format=torch.channels_last).train()
    found = backbone(images.contiguous(memory_format=torch.channels_last))
    assert found.shape[:2] == (2, backbone.num_features) and found.ndim == 4 and found.shape[2:].numel() > 1
    assert (found.shape[2] == found.shape[3]) == (images.shape[2] == images.shape[3])
    assert found.isfinite().all()
    found.square().mean().backward()
    assert [name for name, p in backbone.named_parameters() if p.requires_grad and p.grad is None] == []
    return found


@torch.no_grad()
def place_of_a_change(backbone: TimmBackbone) -> tuple[float, float]:
    """Where the map changes most, from 0 to 1 down and to the right, when the image does in the upper right corner."""
    backbone.eval()
    before = torch.randn(backbone.trial_shape, generator=torch.Generator().manual_seed(0))
    after, sixteenth = before.clone(), before.shape[2] // 16
    after[:, :, sixteenth : 3 * sixteenth, -3 * sixteenth : -sixteenth] *= -3
    change = (backbone(after) - backbone(before)).abs().mean(dim=1)[0]
    row, column = divmod(int(change.argmax()), change.shape[1])
    return (row + 0.5) / change.shape[0], (column + 0.5) / change.shape[1]


@pytest.mark.slow(90)
@pytest.mark.parametrize("family", timm.list_modules())
def test_a_member_of_every_family_gives_a_map(family):
    if family in LARGE_FAMILIES and not ALL:
        pytest.skip("large: set FERLAB_ALL_BACKBONES")
    if family in CRASHES:
        pytest.skip("PyTorch's backward pass of it ends the process")
    places = []
    for seed in range(INITIAL_WEIGHTS):
        torch.manual_seed(seed)
        backbone = create_backbone(member_of(family), 3)
        if not seed:
            check_backbone(backbone)
        if family in NOWHERE:
            return
        down, right = place_of_a_change(backbone)
        if down < 0.5 < right:
            return
        places.append((down, right))
    raise AssertionError(f"a change in the upper right moves the map at {places} (down, right)")


# (name, width, side of the map at 64 pixels): of each way to a map, and where the width is not what timm says
@pytest.mark.parametrize(
    ("name", "features", "side"),
    [
        ("test_resnet", 96, 2),
        ("test_convnext", 64, 2),
        ("test_mambaout", 256, 2),  # channels last
        ("lcnet_035", 1280, 2),  # a convolution behind its stages
        ("ghostnet_050", 1280, 2),
        ("efficientvit_b0", 128, 2),  # its pooling cannot be left out
    ],
)
def test_convolutional_networks_read_any_size(name, features, side):
    backbone = create_backbone(name, 1, input_size=64)
    assert backbone.num_features == features
    assert backbone(torch.randn(2, 1, 64, 64)).shape == (2, features, side, side)
    assert backbone(torch.randn(2, 1, 64, 128)).shape == (2, features, side, 2 * side)


def test_channels_that_come_last_are_turned_for_any_aspect():
    backbone = create_backbone("test_mambaout", 3)
    for height, width in ((64, 64), (32, 256), (256, 32), (33, 64)):
        assert backbone(torch.zeros(1, 3, height, width)).shape[1] == backbone.num_features


@pytest.mark.parametrize("name", ["test_vit", "test_mambaout", "lcnet_035"])
def test_a_network_over_any_backbone_trains_and_survives_saving(name, tmp_path):
    faces = torch.randint(256, (4, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    network = ExpressionNetwork(7, 16, backbone=name, attention=("pixel", "element"), input_size=160)
    output = network(faces)
    JointLoss(7)(output.logits, torch.arange(4)).total.backward()
    assert all(
        p.grad is not None for part in (network.backbone, network.head) for p in part.parameters() if p.requires_grad
    )
    folder = TrainingFolder(tmp_path, "ce", 0)
    folder.save_network(network.eval(), ("a",) * 7, image_size=64)
    assert torch.equal(folder.load_network().network(faces).logits, network(faces).logits)


def test_equal_seeds_give_equal_backbones_and_the_trial_leaves_no_trace():
    first, second = (ExpressionNetwork(7, 16, backbone="test_resnet", seed=3) for _ in range(2))
    torch.manual_seed(3)
    plain = timm.create_model("test_resnet", num_classes=0, global_pool="")
    for one, two, three in zip(
        first.backbone.parameters(), second.backbone.parameters(), plain.parameters(), strict=True
    ):
        assert torch.equal(one, two) and torch.equal(one, three) and one.grad is None
    for one, two in zip(first.backbone.buffers(), plain.buffers(), strict=True):
        assert torch.equal(one, two)
    assert first.backbone.network.training


def test_weights_from_before_the_trial_are_read():
    network = ExpressionNetwork(7, 16, backbone="test_resnet").eval()
    before = {name.replace("backbone.network.", "backbone."): value for name, value in network.state_dict().items()}
    other = ExpressionNetwork(7, 16, backbone="test_resnet", seed=5).eval()
    other.load_state_dict(before)
    images = torch.zeros(1, 3, 64, 64)
    assert torch.equal(other(images).logits, network(images).logits)


def test_what_lies_behind_the_map_is_left_out():
    class Headed(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.hidden, self.norm = nn.Conv2d(3, 8, 3, 2), nn.Linear(8, 999), nn.LayerNorm(8)

        def forward_features(self, images):
            assert self.norm.normalized_shape == (8,)  # looked at, though its weights play no part
            return self.stem(images)

    backbone = TimmBackbone(
        Headed(), "headed", lambda network, images: network.forward_features(images), -1, (1, 3, 9, 9)
    )
    assert sorted(backbone.state_dict()) == [
        "network.norm.bias",
        "network.norm.weight",
        "network.stem.bias",
        "network.stem.weight",
    ]
    assert {name for name, p in backbone.named_parameters() if p.requires_grad} == {
        "network.stem.weight",
        "network.stem.bias",
    }


# Networks that are none, and images that do not fit


@pytest.mark.parametrize(("name", "size"), [("test_vit", 100), ("test_vit", 225), ("test_coatnet", 64)])
def test_a_size_that_the_backbone_cannot_read_is_one_sentence(name, size):
    words = rf"{name} cannot read images of {size} x {size} pixels; it was made for 160 x 160: give .*--input-size 160"
    with pytest.raises(FerlabError, match=words):
        ExpressionNetwork(7, backbone=name, input_size=size)
    network = ExpressionNetwork(7, backbone=name)
    with pytest.raises(FerlabError, match=words):
        network(torch.zeros(2, 3, size, size))
    assert network(torch.zeros(2, 3, 160, 160)).logits.shape == (2, 7)


def test_other_errors_of_a_backbone_are_not_taken_for_one_of_size(monkeypatch):
    network = ExpressionNetwork(7, backbone="test_resnet")
    monkeypatch.setattr(network.backbone, "read", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        network(torch.zeros(2, 3, 64, 64))


class Stub(nn.Module):
    """A network of timm whose features are what the test says."""

    def __init__(self, features, **attributes):
        super().__init__()
        self.layer, self.features = nn.Linear(1, 1), features
        vars(self).update(attributes)

    def forward_features(self, images):
        return self.features(images, self.layer.weight)


def stubbed(monkeypatch, features, **attributes):
    def build(name, pretrained, in_chans, num_classes, **options):
        if options:
            raise TypeError("unexpected keyword argument 'global_pool'")
        return Stub(features, **attributes)

    monkeypatch.setattr(timm, "create_model", build)
    return create_backbone("resnet18", 3)


@pytest.mark.parametrize(
    "features",
    [
        lambda images, weight: weight.expand(1, 64),  # pooled
        lambda images, weight: weight.view(1, 1, 1, 1),
        lambda images, weight: weight.view(1, 1, 1).expand(1, 50, 8),  # tokens of no grid
        lambda images, weight: weight.view(1, 1, 1).expand(1, 42, 8),
        lambda images, weight: [weight, weight],
        lambda images, weight: {"x": weight},
        lambda images, weight: weight @ torch.zeros(7, 7),
    ],
)
def test_features_that_are_no_map_are_one_sentence(monkeypatch, features):
    with pytest.raises(FerlabError, match=r"resnet18 gives no feature map of images with 3 channels \(.+\); choose"):
        stubbed(monkeypatch, features)


@pytest.mark.parametrize("prefix", [0, 1, 5])
def test_tokens_on_a_grid_are_a_map_row_by_row(monkeypatch, prefix):
    def tokens(images, weight):
        patches = nn.functional.avg_pool2d(images.mean(dim=1, keepdim=True), 16)
        grid = patches.flatten(2).transpose(1, 2) + 0 * weight
        return torch.cat([weight.expand(len(images), prefix, 1), grid], dim=1)

    backbone = stubbed(monkeypatch, tokens, num_prefix_tokens=prefix)
    images = torch.randn(2, 3, 64, 96)
    expected = nn.functional.avg_pool2d(images.mean(dim=1, keepdim=True), 16)
    torch.testing.assert_close(backbone(images), expected)


def test_a_network_that_cannot_be_built_is_one_sentence():
    with pytest.raises(FerlabError, match="csatv2 gives no feature map of images with 1 channels"):
        create_backbone("csatv2", 1)
    with pytest.raises(FerlabError, match=r"resnet18.nonsense.* cannot be built for images of 3 channels"):
        create_backbone("resnet18.nonsense", 3)
