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
# Triplet-Center Loss pushes an embedding away from a *negative*. Which one? He et al. take the nearest center of
# another class. Rajoli et al. (2023) name three more: **fully-synthesized**, **semi-synthesized** and
# **prediction-based** negatives.
#
# **You will**
# - build each negative dimension by dimension, first by hand, then in code;
# - see why a synthesized negative is never further away than any real center, and what that does to the margin;
# - measure on faces which classes each one picks, what it asked for and what it got;
# - turn each one's dose up, and see whether its strictness shows in the space.
#
# **Time:** about 50 minutes, of which the computer needs one. **Assumed:** notebook 03. **Needed:** no GPU, no
# network, no data of your own.
#
# The paper's abstract names its three strategies without defining them. The definitions here are this project's
# reading of those names; another reading may be just as good, and comparing readings is a project for the end of a
# course.

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
# **The fully-synthesized negative** is put together: in every dimension, the entry that is closest to the embedding's
# entry there, whichever center it belongs to. Do it now, on paper, for the four columns. Is the result one of the
# three centers?

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
# In every dimension it has the smallest gap that any center has, so its squared distance, the sum over the
# dimensions, cannot be larger than any center's. **It is usually a point that is no class's center.**
#
# ## 2. In code
#
# A sampler in this package answers with indices: (B,) to take whole centers, or (B, D) to take every dimension's
# entry from a center of its own. Two of them in a few lines, compared with the package's:


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
# Ours forms a tensor of $B \times K \times D$ gaps. The package sorts each dimension's centers once and finds the
# neighbors of an entry by binary search, which matters for ten thousand classes, not for seven.
#
# **The semi-synthesized negative** does the same, but only among the few centers that are nearest as a whole
# (`candidates`). One candidate is the nearest negative, all of them the fully-synthesized one: a family with one
# number to turn.
#
# ### Exercise 1: the one in between
#
# Write it. Allow entries only from the `candidates` nearest centers of other classes.
#
# <details><summary>Hint</summary>
#
# `distances.argsort(dim=1)` gives the centers in order of distance, nearest first. A mask of shape (B, K) says which
# of them may be used; set the gaps of the others to infinity.
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
# In many dimensions the nearest of a few random centers is hardly nearer than the others, since squared distances are
# sums of many terms; but in *every single* dimension one of six entries lies close by. So with synthesized negatives
# $d(f_i, n_i)$ is small, and the hinge $\max(0, d(f_i, C_{y_i}) + m - d(f_i, n_i))$ stays open for much longer at the
# same margin: **they do not only choose another direction, they also make the loss stricter.** Comparing two samplers
# at one margin compares both.
#
# ## 4. Touch it
#
# With two coordinates a synthesized negative has its x from one center and its y from another; thin lines show from
# where. Drag the ringed point around and watch the negative *jump*. The loss has an edge there: its value is
# continuous, its gradient is not.
#
# ### Exercise 2: nobody's place
#
# Drag the ringed point (a click on another one rings that) to where its fully-synthesized negative takes x and y from
# *different* centers and lies at less than a quarter of the squared distance to the nearest other center. Then run
# the next cell.

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
# The **prediction-based** negative does not look at distances: it is the center of the wrong class with the largest
# logit, the class that the network confuses the face with. Here is what all four choose for faces that a network has
# learned with cross-entropy; the package brings it along, trained.

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
margin = METHODS["tcl-nearest"].options["margin"] * space.shape[1]  # in the trainings too: one margin for all
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
# If the closer negative leaves more hinges open, these columns show it: nearest, semi- and fully-synthesized are one
# family. And *which* classes do the negatives come from? One row a true class; for the synthesized ones, shares of
# the dimensions.

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
# ## 6. What each asked for, and what it got
#
# Now networks that *learned* with each sampler, with one margin and one recipe, each at its default strength: the
# strongest whose cost in accuracy on validation faces is below a point. Each space is looked at with the eyes of each
# sampler: for how many test faces is the hinge still open?

# %%
guess_own = ask(
    "Which network will have the fewest open hinges in the eyes of the fully-synthesized negative?",
    ["cross-entropy", *(method_label(name) for name in picked), "alike in all"],
)
guess_own


# %%
def hinges_open(method):
    """Share of test faces whose hinge is open in the space of a method, by sampler; centers on the class means."""
    network = RunFolder(run_folder).network(method).network
    seen = predict(network, faces.images)
    space, logits = torch.from_numpy(seen.embeddings), torch.from_numpy(seen.probabilities).clamp_min(1e-12).log()
    shares = {}
    for name, sampler in samplers.items():
        loss = TripletCenterLoss(len(classes), space.shape[1], margin, negatives=sampler)
        loss.set_centers(space, truth)
        shares[method_label(name)] = loss.measures(space, truth, logits)["open_hinges"]
    return shares


by_network = pd.DataFrame({method_label(name): hinges_open(name) for name in ("ce", *samplers)}).T
by_network.columns.name = "in the eyes of"
display(by_network.style.format("{:.1%}").highlight_min(axis=0, props="font-weight: bold"))
baseline = method_label("ce")
lines = []
for name in samplers:
    label = method_label(name)
    before, after = by_network.loc[[baseline, label], label]
    done = (
        "as it asks"
        if after < before - 0.01
        else "hardly a change"
        if after <= before + 0.01
        else "against what it asks"
    )
    lines.append(
        f"- {label}, in its own eyes: {before:.1%} with cross-entropy, {after:.1%} after training with it: {done}."
    )
strictest = by_network[method_label("tcl-fully-synthesized")]
fewest = strictest.idxmin() if strictest.max() - strictest.min() >= 0.01 else "no network more than with another"
strengths = {method_label(name): METHODS[name].strength for name in samplers}
Markdown(
    "\n".join(lines)
    + f"\n\nIn the eyes of the fully-synthesized negative the fewest are open with **{fewest}**. You guessed "
    + f"*{guess_own.value or 'nothing yet'}*.\n\nThe strengths: "
    + ", ".join(f"{label} {strength:g}" for label, strength in strengths.items())
    + (
        ". So these networks differ in the sampler alone."
        if len(set(strengths.values())) == 1
        else ". So these networks differ in the dose as well: they are *methods as they would be used*, not samplers at one strength."
    )
)

# %% [markdown]
# Read a column down: one pair of eyes, five spaces. Read a row across: one space, four strictnesses. The bold number
# of a column says who served that sampler best; it need not be the network that was trained for it.
#
# ## 7. The dose
#
# At one margin and one strength, the stricter sampler has more to pull. Is it just a larger dose of the same loss?
# Then its curves over the strength are those of the nearest negative, shifted to the left. Here are the curves of all
# samplers that were trained at several strengths and with several seeds. All spaces are measured with one ruler:
# hinges of the *nearest* negative, and the ratio within / between.

# %%
guess_dose = ask(
    "From strength 0 to the strongest dose, the curves of within / between of the samplers will ...",
    ["fall together", "fall, shifted against each other", "cross", "hardly move"],
)
guess_dose

# %%
from ferlab.figures import dose_panels
from ferlab.report import dose_effects, told_by

over_seeds = seeds_summary()
doses = {name: over_seeds["doses"][name] for name in picked if name in over_seeds["doses"]}
panels = {
    "open_hinges": "hinges open (nearest)",
    "within_between_ratio": "within / between",
    "balanced_accuracy": "balanced accuracy",
}
show(
    dose_panels(doses, panels),
    alt="Share of open hinges, within / between and balanced accuracy over the strength, a curve for each sampler, on training and on test faces",
)
parts = []
for name in doses:
    found = dose_effects(over_seeds, name)
    parts.append(f"**{told_by(found)}**\n\n" + "\n".join(f"- {effect.sentence()}" for effect in found))
without = [method_label(name) for name in picked if name not in doses]
Markdown(
    f"{len(over_seeds['seeds'])} seeds, test faces:\n\n"
    + "\n\n".join(parts)
    + (f"\n\nNo strengths were run of: {', '.join(without)}." if without else "")
    + f"\n\nYou guessed *{guess_dose.value or 'nothing yet'}*."
)

# %% [markdown]
# All this compares every sampler with *cross-entropy*. To say that two samplers differ from *each other*, compare
# them with each other: at one strength, seed by seed, and with a correction for the number of pairs (notebook 08
# tells how). The strength is the strongest that all of them have and that broke no network.

# %%
guess_tightest = ask(
    "At one strength: which sampler will have drawn its classes together most, by within / between?",
    [*(method_label(name) for name in picked), "they cannot be told apart"],
)
guess_tightest

# %%
from itertools import combinations

from ferlab.evaluation import holm, paired_test
from ferlab.report import strongest

whole = [{s for s in of["strengths"] if 0 < s <= strongest(over_seeds, name)} for name, of in doses.items()]
strength = max(set.intersection(*whole))
trained = {name: of["methods"][of["strengths"].index(strength)] for name, of in doses.items()}
if len(trained) == 1:  # strengths of one sampler only: take all at their default
    trained = {name: name for name in picked if name in over_seeds["methods"]}
values = {
    name: over_seeds["methods"][method]["geometry"]["within_between_ratio"]["values"]
    for name, method in trained.items()
}
if len(values) > 1:
    tested = {(a, b): paired_test(values[a], values[b]) for a, b in combinations(values, 2)}
    p_corrected = holm({" less ".join(map(method_label, pair)): p for pair, (*_, p) in tested.items()})
    rows = {
        " less ".join(map(method_label, pair)): {"difference": mean, "low": low, "high": high}
        for pair, (mean, low, high, _) in tested.items()
    }
    between = pd.DataFrame(rows).T.assign(p=pd.Series(p_corrected)).rename(columns={"p": "p corrected"})
    display(
        between.style.format("{:+.3f}", subset=["difference", "low", "high"]).format("{:.3f}", subset=["p corrected"])
    )
    apart = [pair.replace(" less ", " from ") for pair, p in p_corrected.items() if p < 0.05]
    means = {name: np.mean(of) for name, of in values.items()}
    tightest = min(means, key=means.get)
    said = (
        (f"At strength {strength:g}" if len(doses) > 1 else "At their default strengths")
        + " the mean ratio is "
        + ", ".join(f"{mean:.3f} with {method_label(name)}" for name, mean in means.items())
        + f". It is smallest with **{method_label(tightest)}**. Beyond chance differ "
        + (
            f"{'; '.join(apart)}."
            if apart
            else "no two. So many seeds cannot tell these samplers apart by their compactness."
        )
        + f" You guessed *{guess_tightest.value or 'nothing yet'}*."
    )
else:  # the seeds hold one sampler, so the others have one training each
    from ferlab.runs import read_run

    once = read_run(run_folder).summary["methods"]
    means = {name: once[name]["geometry"]["within_between_ratio"]["mean"] for name in picked if name in once}
    said = (
        "The seeds that come with the package hold one sampler. With one training each, at their default strengths, within / "
        + "between is "
        + ", ".join(f"{mean:.3f} with {method_label(name)}" for name, mean in means.items())
        + ": another seed may turn that order round, so this ranks nothing."
        + f" You guessed *{guess_tightest.value or 'nothing yet'}*."
    )
Markdown(said)

# %% [markdown]
# ## What to remember
#
# - Nearest, semi- and fully-synthesized are one family: `candidates` = 1, a few, all. The negative never moves away
#   as it grows.
# - A synthesized negative is usually no class's center, and never further away than the nearest one; the more
#   dimensions, the closer.
# - A closer negative keeps hinges open: at one margin, samplers differ in strictness as well as in direction.
# - Whether that shows in the space is a question for the curves over the dose and for a test between the samplers,
#   not for their definitions: section 7 says how it came out.
# - The prediction-based negative asks the classifier, not the space.
#
# **To discuss.** Pushing an embedding away from a place that is no class's center: what could it be good for? How
# would you set the margins so that two samplers are equally strict, and what would you hold fixed to compare them?
#
# ## Where to read on
#
# - Rajoli, Lotfi, Atyabi, Afghah, CISS 2023, [arXiv:2302.04108](https://arxiv.org/abs/2302.04108): read it, and write
#   down how your reading of its strategies differs from section 1 and 2 here.
# - Musgrave, Belongie, Lim, *A Metric Learning Reality Check*, ECCV 2020,
#   [arXiv:2003.08505](https://arxiv.org/abs/2003.08505): what a fair comparison of such losses takes.
