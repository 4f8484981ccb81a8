"""Muon: PyTorch's on matrices, SGD's steps for all that is no kernel."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ferlab.models import ExpressionNetwork
from ferlab.training.muon import Muon, kernels_and_others, orthogonalized, without_traces

RATE, MOMENTUM, DECAY = 0.05, 0.9, 0.1


def network_and_gradient(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(3, 8, 3, groups=1), nn.BatchNorm2d(8), nn.Flatten(), nn.LazyLinear(4))
    network(torch.randn(5, 3, 6, 6)).square().mean().backward()
    return network


def optimizer_of(network: nn.Module) -> Muon:
    kernels, others = kernels_and_others(network)
    groups = [{"params": others}, {"params": kernels, "orthogonal": True}]
    return Muon(groups, lr=RATE, momentum=MOMENTUM, weight_decay=DECAY, nesterov=True)


@given(rows=st.integers(1, 40), columns=st.integers(1, 60), seed=st.integers(0, 1000), scale=st.floats(1e-3, 1e3))
@settings(max_examples=40, deadline=None)
def test_singular_values_are_near_one(rows, columns, seed, scale):
    matrix = scale * torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))
    values = torch.linalg.svdvals(matrix)
    kept = values > 0.05 * values[0]  # five iterations do not lift what is nearly nothing
    found = torch.linalg.svdvals(orthogonalized(matrix))
    assert found[kept].min() > 0.4 and found.max() < 1.3
    # It turns nothing: what a step does to the loss is what the singular directions say.
    assert (orthogonalized(matrix) * matrix).sum() > 0


def test_a_kernel_of_zeros_stays_where_it_is():
    assert torch.equal(orthogonalized(torch.zeros(3, 4)), torch.zeros(3, 4))


@pytest.mark.parametrize("shape", [(6, 20), (12, 12)])
def test_matrices_learn_as_with_pytorchs_muon(shape):
    torch.manual_seed(0)
    start, gradients = torch.randn(shape), [torch.randn(shape) for _ in range(4)]
    ours = nn.Parameter(start[..., None, None].clone())
    theirs = nn.Parameter(start.clone())
    common = {"lr": RATE, "momentum": MOMENTUM, "weight_decay": DECAY, "nesterov": True}
    one, other = Muon([{"params": [ours], "orthogonal": True}], **common), torch.optim.Muon([theirs], **common)
    for gradient in gradients:
        ours.grad, theirs.grad = gradient[..., None, None].clone(), gradient.clone()
        one.step()
        other.step()
    # Theirs computes in bfloat16, of 8 bits.
    torch.testing.assert_close(ours[..., 0, 0], theirs, rtol=0, atol=4 * RATE * 0.02)


def test_all_that_is_no_kernel_has_the_steps_of_sgd():
    ours, theirs = network_and_gradient(), network_and_gradient()
    sgd = torch.optim.SGD(theirs.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=DECAY, nesterov=True)
    muon = optimizer_of(ours)
    for optimizer in (muon, sgd):
        optimizer.step()
    for (name, mine), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, other) != (name == "0.weight"), name


def test_a_state_goes_on_where_it_was():
    torch.manual_seed(0)
    gradients = [torch.randn(8, 3, 3, 3) for _ in range(3)]
    whole, broken = network_and_gradient(), network_and_gradient()
    for network, stops in ((whole, False), (broken, True)):
        optimizer = optimizer_of(network)
        for gradient in gradients:
            network[0].weight.grad = gradient.clone()
            optimizer.step()
            if stops:
                state = optimizer.state_dict()
                optimizer = optimizer_of(network)
                optimizer.load_state_dict(state)
    assert torch.equal(whole[0].weight, broken[0].weight)


def test_every_parameter_of_a_network_is_in_one_of_the_two():
    network = ExpressionNetwork(7, attention=("pixel", "element"))
    kernels, others = kernels_and_others(network)
    assert {id(p) for p in [*kernels, *others]} == {id(p) for p in network.parameters()}
    assert len(kernels) + len(others) == len(list(network.parameters()))
    assert all(kernel.ndim == 4 for kernel in kernels) and kernels


@pytest.mark.parametrize("shape", [(24, 60), (60, 24)])
def test_directions_that_hardly_move_cost_nothing(shape):
    """Numbers far below rounding are taken for 0 on the way, and the answer is that of double precision."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.logspace(0, -30, shape[0], dtype=torch.float64)[:, None]
    matrix = (torch.randn(shape, generator=generator, dtype=torch.float64) * rows).float()
    found, exact = orthogonalized(matrix), orthogonalized(matrix.double())
    assert (found - exact).norm() < 1e-3 * exact.norm()
    left = without_traces(matrix)
    assert ((left == 0) | (left.abs() > 1e-12)).all() and (left == 0).any()
