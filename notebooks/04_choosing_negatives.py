# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Choosing negatives
#
# Triplet-Center Loss pushes an embedding away from a *negative*. Which one? He et al. take the nearest center of another
# class. Rajoli et al. (2023) name three more: **fully-synthesized**, **semi-synthesized** and **prediction-based** negatives.
#
# **You will**
# - build each negative dimension by dimension, first by hand, then in code;
# - see why a synthesized negative is never further away than any real center, and what that does to the margin;
# - measure on faces which classes each one picks, and see how the tuned methods that use them compare.
#
# **Time:** about 45 minutes, of which the computer needs one. **Assumed:** notebook 03. **Needed:** no GPU, no network, no data
# of your own.
#
# The paper's abstract names its three strategies without defining them. The definitions here are this project's reading of those
# names; another reading may be just as good, and comparing readings is a project for the end of a course.

# %% tags=["setup", "remove-cell"]
# Installs ferlab where it is missing, as on Colab; elsewhere this does nothing.
import importlib.util
import os

if importlib.util.find_spec("ferlab") is None:
    get_ipython().run_line_magic("pip", "install --quiet " + os.environ.get("FERLAB_SOURCE", ".."))

# %% tags=["parameters"]
run_folder = "runs/gallery"  # a finished run: the gallery's, or one of your own made by "ferlab compare --methods all"

# %%
import warnings

import numpy as np
import pandas as pd
import torch
from IPython.display import Markdown, display

from ferlab.classroom import ask
from ferlab.figures import method_label
from ferlab.widgets import LossPlayground

warnings.filterwarnings("ignore", category=DeprecationWarning)

# %% [markdown]
# ## 1. By hand
#
# One embedding of class *a* and the centers of three other classes, in four dimensions:

# %%
embedding = torch.tensor([0.0, 0.0, 0.0, 0.0])
others = torch.tensor([[1.0, -2.0, 0.5, 1.0], [-0.5, 3.0, -2.0, 0.2], [2.0, 0.4, 1.5, -1.2]])
table = pd.DataFrame(
    others.numpy(), index=["center b", "center c", "center d"], columns=[f"dim {i}" for i in range(1, 5)]
)
table["squared distance"] = (others - embedding).square().sum(dim=1)
table.round(2)

# %% [markdown]
# **The nearest negative** is the row with the smallest squared distance, whole.
#
# **The fully-synthesized negative** is put together: in every dimension, the entry that is closest to the embedding's entry
# there, whichever center it belongs to. Do it now, on paper, for the four columns. Is the result one of the three centers?

# %%
guess_distance = ask(
    "Compared with the nearest center, the fully-synthesized negative is ...",
    ["never further away", "never closer", "sometimes closer, sometimes further away"],
)
guess_distance

# %%
gaps = (others - embedding).abs()
chosen = gaps.argmin(dim=0)  # for every dimension, which center
synthesized = others.gather(0, chosen[None])[0]
nearest = (others - embedding).square().sum(dim=1).min().item()
Markdown(
    f"Taken from: {', '.join('bcd'[i] for i in chosen)}. The negative is "
    f"({', '.join(f'{x:g}' for x in synthesized.tolist())}), at squared distance "
    f"**{(synthesized - embedding).square().sum():.2f}**; the nearest center is at **{nearest:.2f}**. You guessed "
    f"*{guess_distance.value or 'nothing yet'}*."
)

# %% [markdown]
# In every dimension it has the smallest gap that any center has, so its squared distance, the sum over the dimensions, cannot
# be larger than any center's. **It is usually a point that is no class's center.**
#
# ## 2. In code
#
# A sampler in this package answers with indices: (B,) to take whole centers, or (B, D) to take every dimension's entry from a
# center of its own. Two of them in a few lines, compared with the package's:


# %%
def nearest_negative(embeddings, labels, centers):
    distances = (embeddings[:, None] - centers).square().sum(dim=2)
    return distances.scatter(1, labels[:, None], torch.inf).argmin(dim=1)  # (B,)


def fully_synthesized_negative(embeddings, labels, centers):
    gaps = (embeddings[:, None] - centers).abs()  # (B, K, D)
    own = labels[:, None, None].expand(-1, 1, gaps.shape[2])
    return gaps.scatter(1, own, torch.inf).argmin(dim=1)  # (B, D)


from ferlab.losses import TripletCenterLoss
from ferlab.samplers import FullySynthesizedNegative, NearestNegative, SemiSynthesizedNegative

generator = torch.Generator().manual_seed(0)
embeddings, labels = torch.randn(64, 16, generator=generator), torch.arange(64) % 7
for ours, sampler in ((nearest_negative, NearestNegative()), (fully_synthesized_negative, FullySynthesizedNegative())):
    package = TripletCenterLoss(num_classes=7, embedding_size=16, negatives=sampler)
    assert (ours(embeddings, labels, package.centers) == package.select_negatives(embeddings, labels)).all()
Markdown("Both agree with the package for all 64 embeddings.")

# %% [markdown]
# Ours forms a tensor of $B \times K \times D$ gaps. The package sorts each dimension's centers once and finds the neighbors of
# an entry by binary search, which matters for ten thousand classes, not for seven.
#
# **The semi-synthesized negative** does the same, but only among the few centers that are nearest as a whole (`candidates`).
# One candidate is the nearest negative, all of them the fully-synthesized one: a family with one number to turn.
#
# ### Exercise 1: the one in between
#
# Write it. Allow entries only from the `candidates` nearest centers of other classes.
#
# <details><summary>Hint</summary>
#
# `distances.argsort(dim=1)` gives the centers in order of distance, nearest first. A mask of shape (B, K) says which of them
# may be used; set the gaps of the others to infinity.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def semi_synthesized_negative(embeddings, labels, centers, candidates):
#     distances = (embeddings[:, None] - centers).square().sum(dim=2).scatter(1, labels[:, None], torch.inf)
#     allowed = torch.zeros_like(distances, dtype=torch.bool)
#     allowed.scatter_(1, distances.argsort(dim=1)[:, :candidates], True)
#     gaps = (embeddings[:, None] - centers).abs()
#     return gaps.masked_fill(~allowed[:, :, None], torch.inf).argmin(dim=1)
# ```
# </details>


# %%
def semi_synthesized_negative(embeddings, labels, centers, candidates):
    """(B, D) indices of centers; (B, D), (B,) and (K, D) come in."""
    ...  # your code


# %%
from ferlab.classroom.exercises import check_semi_synthesized

print(check_semi_synthesized(semi_synthesized_negative))

# %% [markdown]
# ## 3. How close?
#
# With more candidates the negative can only come closer. How much closer depends on the number of dimensions.

# %%
guess_dimensions = ask(
    "With 7 classes: where does synthesizing bring the negative closer, relative to the nearest center?",
    ["more in 2 dimensions", "more in 128 dimensions", "alike in both"],
)
guess_dimensions

# %%
import matplotlib.pyplot as plt

from ferlab.figures import show


def relative_distance(size, candidates, num_classes=7, images=500):
    """Squared distance to the semi-synthesized negative over that to the nearest center, averaged; random positions."""
    generator = torch.Generator().manual_seed(0)
    points, labels = torch.randn(images, size, generator=generator), torch.arange(images) % num_classes
    centers = torch.randn(num_classes, size, generator=generator)
    distances = {}
    for count in (1, candidates):
        loss = TripletCenterLoss(num_classes, size, negatives=SemiSynthesizedNegative(count))
        loss.centers.data = centers
        chosen = loss.select_negatives(points, labels)
        negatives = centers[chosen] if chosen.ndim == 1 else centers.gather(0, chosen)
        distances[count] = (points - negatives).square().sum(dim=1)
    return (distances[candidates] / distances[1]).mean().item()


counts = range(1, 7)
relative = {size: [relative_distance(size, count) for count in counts] for size in (2, 16, 128)}
figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
for (size, values), style in zip(relative.items(), (":", "--", "-"), strict=True):
    axes.plot(counts, values, style, color="#5a56c7", marker="o", label=f"{size} dimensions")
axes.set(xlabel="candidates", ylabel="squared distance to the negative\nrelative to the nearest center", ylim=(0, 1.05))
axes.legend(frameon=False)
show(
    axes, alt="Relative distance to the negative over the number of candidates, for 2, 16 and 128 dimensions: all fall"
)
Markdown(
    "With all six other classes: "
    + ", ".join(f"**{values[-1]:.2f}** in {size} dimensions" for size, values in relative.items())
    + f". You guessed *{guess_dimensions.value or 'nothing yet'}*."
)

# %% [markdown]
# In many dimensions the nearest of a few random centers is hardly nearer than the others, since squared distances are sums of
# many terms; but in *every single* dimension one of six entries lies close by. So with synthesized negatives $d(f_i, n_i)$ is
# small, and the hinge $\max(0, d(f_i, C_{y_i}) + m - d(f_i, n_i))$ stays open for much longer at the same margin: **they do not
# only choose another direction, they also make the loss stricter.** Comparing two samplers at one margin compares both.
#
# ## 4. Touch it
#
# With two coordinates a synthesized negative has its x from one center and its y from another; thin lines show from where. Drag
# the ringed point around and watch the negative *jump*. The loss has an edge there: its value is continuous, its gradient is
# not.
#
# ### Exercise 2: nobody's place
#
# Drag the ringed point (a click on another one rings that) to where its fully-synthesized negative takes x and y from *different* centers and lies at less than
# a quarter of the squared distance to the nearest other center. Then run the next cell.

# %%
playground = LossPlayground("tcl-fully-synthesized", classes=4, margin=2.0, seed=5)
start = playground.points
playground

# %%
from ferlab.classroom.exercises import check_mixed_negative

print(check_mixed_negative(playground, start))

# %% [markdown]
# ## 5. On faces
#
# The **prediction-based** negative does not look at distances: it is the center of the wrong class with the largest logit, the
# class that the network confuses the face with. Here is what all four choose for faces that a network has learned with
# cross-entropy; the package brings it along, trained.

# %%
guess_agree = ask(
    "For how many test faces is the nearest other center also the one with the largest wrong logit?",
    ["fewer than half", "half to three quarters", "more than three quarters"],
)
guess_agree

# %%
from ferlab.data import load_dataset
from ferlab.evaluation import predict
from ferlab.gallery import open_gallery, seeds_summary
from ferlab.methods import METHODS
from ferlab.runs import RunFolder

if run_folder == "runs/gallery":
    open_gallery(run_folder)
faces = load_dataset("synthetic", "test")
network, classes, _ = RunFolder(run_folder).network("ce")
seen = predict(network, faces.images)
space, truth = torch.from_numpy(seen.embeddings), torch.from_numpy(faces.labels)
logits = torch.log(torch.from_numpy(seen.probabilities).clamp_min(1e-12))

samplers = {name: method.options["negatives"] for name, method in METHODS.items() if name.startswith("tcl")}
margin = 0.5 * space.shape[1]  # one margin for all; the comparison chose one for each
rows, picked = {}, {}
for name, sampler in samplers.items():
    loss = TripletCenterLoss(len(classes), space.shape[1], margin, negatives=sampler)
    loss.set_centers(space, truth)  # the class means
    picked[name] = loss.select_negatives(space, truth, logits)
    with torch.no_grad():
        each = loss.sample_losses(space, truth, loss.centers, logits, None)
    rows[method_label(name)] = {"hinges open": f"{(each > 0).float().mean():.0%}", "mean loss": f"{each.mean():.2f}"}
display(pd.DataFrame(rows).T)
agree = (picked["tcl-nearest"] == picked["tcl-predicted"]).float().mean().item()
Markdown(
    f"Nearest and predicted agree for {agree:.0%} of the test faces. You guessed *{guess_agree.value or 'nothing yet'}*."
)

# %% [markdown]
# The hinges say it again: the closer the negative, the more of them are open. And *which* classes do the negatives come from? One
# row a true class; for the synthesized ones, shares of the dimensions.

# %%
import seaborn as sns

figure, axes = plt.subplots(2, 2, figsize=(8, 7.6), layout="constrained", sharex=True, sharey=True)
for ax, (name, indices) in zip(axes.flat, picked.items(), strict=True):
    shares = torch.nn.functional.one_hot(indices.reshape(len(truth), -1), len(classes)).float().mean(dim=1)
    by_class = torch.stack([shares[truth == c].mean(dim=0) for c in range(len(classes))])
    sns.heatmap(
        pd.DataFrame(by_class.numpy(), classes, classes),
        annot=True,
        fmt=".0%",
        vmin=0,
        vmax=1,
        cmap="cividis",
        cbar=False,
        square=True,
        ax=ax,
        annot_kws={"fontsize": 9},
        mask=np.eye(len(classes), dtype=bool),
    )
    ax.set_title(method_label(name), fontsize=10)
show(
    axes,
    alt="For each sampler, from which classes the negatives of each true class come, as a table of shares in color",
)

# %% [markdown]
# The fully-synthesized negative takes something from every class, also from those that nobody confuses with the face.
#
# Then what training with each made of the space, over several seeds (notebook 08 tells how to read the intervals).

# %%
guess_stricter = ask(
    "Which sampler will have drawn its classes together most, by the ratio within / between?",
    [method_label(name) for name in picked],
)
guess_stricter

# %%
from ferlab.figures import method_differences

comparisons = {name: comparison for name, comparison in seeds_summary()["comparisons"].items() if name in picked}
ratio = {name: comparison["within_between_ratio"] for name, comparison in comparisons.items()}
tightest = min(ratio, key=lambda name: ratio[name]["difference"])
beyond = [method_label(name) for name, comparison in ratio.items() if comparison["p_corrected"] < 0.05]
show(
    method_differences(comparisons),
    alt="Differences of the four TCL methods to cross-entropy with 95 % intervals, in accuracy and three measures of geometry",
)
Markdown(
    f"The largest fall of the ratio: {method_label(tightest)}, {ratio[tightest]['difference']:+.3f} "
    f"({ratio[tightest]['low']:+.3f} to {ratio[tightest]['high']:+.3f}). Beyond chance, with all samplers in view: "
    f"{' and '.join(beyond) or 'none'}. You guessed *{guess_stricter.value or 'nothing yet'}*."
)

# %% [markdown]
# At one margin the synthesized negatives kept more hinges open, and so one would expect them to draw classes together most. But these
# trainings used the weight, margin and warm-up that a search chose for each sampler by balanced accuracy on validation
# (`docs/tuning/README.md`). So they compare *methods as they would be used*, not samplers at one margin. And with so few seeds, differences of this size between samplers say nothing yet.

# %%
chosen = {
    method_label(name): {
        "weight": METHODS[name].metric_weight,
        "margin": METHODS[name].options["margin"],
        "switched on after": f"{METHODS[name].warm_up:.0%} of the epochs",
    }
    for name in picked
}
pd.DataFrame(chosen).T

# %% [markdown]
# (The margin is in squared distance divided by the number of dimensions, as in notebook 03.)
#
# ## What to remember
#
# - Nearest, semi- and fully-synthesized are one family: `candidates` = 1, a few, all. The negative never moves away as it grows.
# - A synthesized negative is usually no class's center, and never further away than the nearest one; the more dimensions, the
#   closer.
# - A closer negative keeps hinges open: at one margin, samplers differ in strictness as well as in direction.
# - The prediction-based negative asks the classifier, not the space.
#
# **To discuss.** Pushing an embedding away from a place that is no class's center: what could it be good for? How would you set
# the margins so that two samplers are equally strict, and what would you hold fixed to compare them?
#
# ## Where to read on
#
# - Rajoli, Lotfi, Atyabi, Afghah, CISS 2023, [arXiv:2302.04108](https://arxiv.org/abs/2302.04108): read it, and write down how your
#   reading of its strategies differs from section 1 and 2 here.
# - Musgrave, Belongie, Lim, *A Metric Learning Reality Check*, ECCV 2020, [arXiv:2003.08505](https://arxiv.org/abs/2003.08505):
#   what a fair comparison of such losses takes.
