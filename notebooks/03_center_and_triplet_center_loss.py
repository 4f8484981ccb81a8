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
# # Center loss and Triplet-Center Loss
#
# Cross-entropy is content when classes can be told apart. Here are two losses that want more: that a class lies
# *together*, around a point that is learned, its **center**.
#
# **You will**
# - see what cross-entropy does to points that are already on the right side;
# - write center loss and Triplet-Center Loss (TCL) in a few lines each, and find their gradients with pencil and paper
#   before looking at them;
# - feel what the margin does, by dragging points and centers around;
# - watch a network learn whose embedding *is* two numbers, so that nothing stands between the space and your eye;
# - see on faces how far TCL shuts its hinges at every strength, and what else it moves.
#
# **Time:** about 60 minutes, of which the computer needs two or three. **Assumed:** notebook 00; the chain rule; that a
# gradient points uphill. **Needed:** no GPU, no network, no data of your own.

# %% tags=["setup", "remove-cell"]
# Installs ferlab where it is missing, as on Colab; elsewhere this does nothing.
import importlib.util
import os

if importlib.util.find_spec("ferlab") is None:
    get_ipython().run_line_magic("pip", "install --quiet " + os.environ.get("FERLAB_SOURCE", ".."))

# %% tags=["parameters"]
live_method = "tcl-nearest@1"  # what section 6 trains before your eyes: "ce", "center@1" or "tcl-nearest@1"
live_epochs = 8
plane_folder = "runs/gallery-plane"  # of section 6: the gallery's, or your own of "ferlab compare --embedding-size 2"
doses_folder = "runs/gallery-strengths"  # of section 7: the gallery's, or your own of "ferlab compare --strengths"

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
# ## 1. What cross-entropy does when it is right
#
# The widget below is a plane of twelve embeddings, four of each of three classes. Everything on it is computed by the
# losses of this package: an arrow shows where gradient descent would go, drawn longer than a step. With **CE**, three
# long arrows from the origin are the classifier, one weight vector a class; a point's logit for a class is its dot
# product with that vector.
#
# Suppose every point is classified right. What will gradient descent do then, for the next hundreds of steps?

# %%
guess_ce = ask(
    "All points are right. What does cross-entropy do to their distances from the origin?",
    ["nothing: it is content", "they shrink", "they grow, ever slower", "they grow, ever faster"],
)
guess_ce

# %%
field = LossPlayground("ce", seed=1)
field.moving = ("points", "classifier")
sizes, right = [], []
for _ in range(60):
    logits = field.points @ field.classifier.T
    right.append(float((logits.argmax(axis=1) == field.labels).mean()))
    sizes.append(float(np.linalg.norm(field.points, axis=1).mean()))
    field.step(10)

# %%
import matplotlib.pyplot as plt

from ferlab.figures import show

figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
axes.plot(10 * np.arange(60), sizes, color="#1685cf", label="mean distance from the origin")
axes.axvline(10 * right.index(1.0), color="#7d848c", linestyle=":", label="from here on all points are right")
axes.set_xlabel("steps of gradient descent")
axes.legend(frameon=False)
show(
    axes, alt="The mean distance from the origin over the steps of gradient descent: it grows all the time, ever slower"
)
Markdown(
    f"All points are right after {10 * right.index(1.0)} steps; from then to the last one the mean distance grew from "
    f"{sizes[right.index(1.0)]:.2f} to {sizes[-1]:.2f}. You guessed *{guess_ce.value or 'nothing yet'}*."
)

# %% [markdown]
# Growing the logits makes a right answer more certain, so the loss never reaches zero and the points never stop.
# Nothing in it asks the points of a class to come *closer to each other*. Look for yourself: press **Play**, then
# drag a point far away from its class, on the right side of all borders. Does anything pull it back?

# %%
field

# %% [markdown]
# ## 2. Center loss
#
# [Wen et al. (ECCV 2016)](https://doi.org/10.1007/978-3-319-46478-7_31) give every class $c$ a learned point, its center
# $C_c$, and ask each embedding to be near its own one (their equation 2, with a mean instead of a sum):
#
# $$ L = \frac{1}{B} \sum_i \tfrac12 \lVert f_i - C_{y_i} \rVert^2 $$
#
# In code it is one line. Compare it with the package's:


# %%
def center_loss(embeddings, labels, centers):
    return (embeddings - centers[labels]).square().sum(dim=1).mean() / 2


from ferlab.losses import CenterLoss

generator = torch.Generator().manual_seed(0)
embeddings = torch.randn(12, 2, generator=generator)
labels = torch.arange(12) % 3
package = CenterLoss(num_classes=3, embedding_size=2)
own, theirs = center_loss(embeddings, labels, package.centers).item(), package(embeddings, labels).item()
assert np.isclose(own, theirs)
Markdown(f"Ours: {own:.6f}, the package's: {theirs:.6f}.")

# %% [markdown]
# **With pencil and paper:** what is the gradient with respect to $f_i$? And with respect to a center $C_c$? In which
# direction does a center move, and where does it come to rest?
#
# <details><summary>The gradients</summary>
#
# $\partial L / \partial f_i = (f_i - C_{y_i}) / B$: the further away, the stronger the pull towards the center, like
# a spring. $\partial L / \partial C_c = \sum_{i: y_i = c} (C_c - f_i) / B$: each center moves towards the mean of its
# class, and rests there.
# </details>

# %%
guess_alone = ask(
    "Center loss alone, points and centers both move. What happens?",
    [
        "classes become tight and move apart",
        "classes become tight, and stay where they are",
        "all points end up in one place",
    ],
)
guess_alone

# %%
springs = LossPlayground("center", seed=1)
means_before = np.stack([springs.points[springs.labels == c].mean(axis=0) for c in range(len(springs.centers))])
springs.centers = means_before  # else the points would also go halfway to wherever the centers happen to begin
springs.step(300)
spread = np.linalg.norm(springs.points - springs.centers[springs.labels], axis=1).mean()
means_moved = np.linalg.norm(springs.centers - means_before, axis=1).mean()


def mean_gap(centers):
    """Mean distance of two centers."""
    return np.mean([np.linalg.norm(a - b) for i, a in enumerate(centers) for b in centers[:i]])


display(springs)
Markdown(
    f"After 300 steps the mean distance to the own center is {spread:.3f}. The centers began at the means of "
    f"their points. The means of the classes moved by {means_moved:.2f}, their mean gap went from "
    f"{mean_gap(means_before):.2f} to {mean_gap(springs.centers):.2f}. You guessed *{guess_alone.value or 'nothing yet'}*."
)

# %% [markdown]
# The classes become tight about where they are; nothing in the loss looks at two classes at once. Here, each point is
# free. In a network the points are tied to each other through its weights, and one solution is always within reach: map
# *every* face to the same point, put all centers there, loss zero. So center loss is added to cross-entropy, which
# forbids that. Nothing in it pushes two classes apart.
#
# ## 3. Triplet-Center Loss
#
# [He et al. (CVPR 2018)](https://arxiv.org/abs/1803.06189) compare two distances: the own center must be nearer than the
# nearest other one, by a margin $m$ (their equation 6, as a mean). With $d(a, b) = \lVert a - b \rVert^2$:
#
# $$ L = \frac{1}{B} \sum_i \max\bigl(0,\; d(f_i, C_{y_i}) + m - d(f_i, n_i)\bigr), \qquad n_i = \text{nearest } C_c \text{ with } c \ne y_i $$


# %%
def triplet_center_loss(embeddings, labels, centers, margin):
    distances = (embeddings[:, None] - centers).square().sum(dim=2)  # (B, K)
    own = distances.gather(1, labels[:, None])[:, 0]
    other = distances.scatter(1, labels[:, None], torch.inf).min(dim=1).values
    return (own + margin - other).clamp_min(0).mean()


from ferlab.losses import TripletCenterLoss

package = TripletCenterLoss(num_classes=3, embedding_size=2, margin=1.0)
own = triplet_center_loss(embeddings, labels, package.centers, margin=1.0).item()
theirs = package(embeddings, labels).item()
assert np.isclose(own, theirs)
Markdown(f"Ours: {own:.6f}, the package's: {theirs:.6f}.")

# %% [markdown]
# **With pencil and paper:** a point whose hinge is open (the sum in the bracket is above zero). What is the gradient
# of its own term with respect to $f_i$? Multiply the squares out; something cancels.

# %%
guess_pull = ask(
    "The hinge is open. Is the gradient on the point larger where it is further from its own center?",
    ["yes, like a spring", "no, it is the same everywhere", "no, it is larger near the center"],
)
guess_pull

# %%
centers = torch.tensor([[-1.0, 0.0], [2.0, 1.0]])
places = torch.tensor([[-0.5, 0.5], [1.0, -2.0], [6.0, 3.0]], requires_grad=True)
triplet_center_loss(places, torch.zeros(3, dtype=torch.int64), centers, margin=20.0).backward()
gradients = 3 * places.grad  # of every point's own term: the mean divides by 3
rows = "\n".join(
    f"| ({x:g}, {y:g}) | {np.hypot(x + 1, y):.2f} | ({gx:.2f}, {gy:.2f}) |"
    for (x, y), (gx, gy) in zip(places.tolist(), gradients.tolist(), strict=True)
)
Markdown(
    f"| point | distance to its own center | gradient |\n|---|---|---|\n{rows}\n\n"
    f"You guessed *{guess_pull.value or 'nothing yet'}*."
)

# %% [markdown]
# The squares of $f_i$ cancel, and what is left is $\partial / \partial f_i = 2\,(n_i - C_{y_i})$: **the same wherever
# the point is.** An open hinge does not pull a point *to* its center; it pushes it *along the line from the negative
# to the own center*, evenly, until the hinge shuts, and then not at all. The centers feel the point's place:
#
# $$ \frac{\partial}{\partial C_{y_i}} = -2\,(f_i - C_{y_i}), \qquad \frac{\partial}{\partial n_i} = 2\,(f_i - n_i) $$
#
# so the own center comes to the point, and the negative flees from it.
#
# ## 4. What the margin is
#
# Where is the border at which the hinge of a class shuts? Set $d(f, C) + m = d(f, n)$: again the squares of $f$
# cancel, so it is a straight line, at a right angle to the line between the two centers. Without a margin it lies in
# the middle of them.
#
# ### Exercise 1: the shift
#
# By how much does a margin $m$ shift that border towards the own center? Write it as a function of $m$ and of the
# `gap`, the distance of the two centers.
#
# <details><summary>Hint</summary>
#
# Put the own center at 0 and the negative at $g$ on a number line, solve $x^2 + m = (x - g)^2$ for $x$, and compare
# with $g / 2$.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def shift(margin, gap):
#     return margin / (2 * gap)
# ```
# </details>


# %%
def shift(margin, gap):
    """Distance from the middle of two centers to the place where the hinge shuts."""
    ...  # your code


# %%
from ferlab.classroom.exercises import check_margin_shift

print(check_margin_shift(shift))

# %% [markdown]
# So a margin is not a distance: between centers that are twice as far apart it shifts the border half as much. And it is
# measured in *squared* distance, which grows with the number of dimensions:

# %%
generator = torch.Generator().manual_seed(0)
squared = {
    size: (torch.randn(2000, size, generator=generator) - torch.randn(2000, size, generator=generator))
    .square()
    .sum(dim=1)
    .mean()
    .item()
    for size in (2, 16, 128)
}
Markdown(
    "Mean squared distance of two random points: "
    + ", ".join(f"**{value:.0f}** in {size} dimensions" for size, value in squared.items())
    + ". The comparison in this package therefore divides the squared distance by the number of dimensions, so that a margin "
    "means the same in all."
)

# %% [markdown]
# ## 5. Touch it
#
# Choose a point by a click: its own center, its negative, the border where its hinge shuts and the lines of equal loss
# appear. Move the margin slider and watch the border; drag the *centers* and see when a point changes its negative.
#
# ### Exercise 2: content at last
#
# Bring the loss to **exactly zero** without moving a center and without changing the margin, and so that in **every
# class at least one point lies 3 or more from its center** (the axes have numbers). Gradient descent can do a part of
# it: untick *centers* below the sliders and press **Play**. Then drag points. Which way can one go as far as you
# like? Then run the next cell.

# %%
playground = LossPlayground("tcl-nearest", margin=4.0, seed=2)
start = {"centers": playground.centers, "margin": playground.margin}
playground

# %%
from ferlab.classroom.exercises import check_zero_loss

print(check_zero_loss(playground, **start))

# %% [markdown]
# Gradient descent stopped as soon as the hinges were shut, and you could pull points far away at no cost. What does
# this say about TCL and compactness, compared with center loss?
#
# ## 6. Two numbers a face
#
# A plane of twelve points is a toy. Now faces: a convolutional network whose embedding has just **two numbers**, so
# that the picture *is* the space and nothing has to be projected. That is how Wen et al. showed center loss (their
# figure 2).
#
# Two numbers are little room for seven classes, and the network learns slower with them. So it learns from strong,
# nearly frontal faces here, and every class comes equally often, so that the rare ones are learned within a minute too.

# %%
guess_shape = ask(
    f"The network learns with {method_label(live_method)}. What will the training faces of a class look like at the end?",
    ["a ray that begins near the origin", "a round cloud", "a thin line along a border", "they will not come together"],
)
guess_shape

# %% [markdown]
# Run the next two cells and watch; small dots are training faces, large marks the centers, lines the classifier's
# weight vectors. Which comes first, the right angle or the right distance? The metric loss is switched on after a
# quarter of the epochs, with the centers put on the class means: with random centers it would first pull faces to
# places that mean nothing. Look what happens then. (`live_method` at the top of the notebook chooses another loss.)

# %%
from ferlab.data import load_dataset
from ferlab.runs import quick_part
from ferlab.training import TrainSettings
from ferlab.widgets import TrainingMonitor

train_faces, validation_faces = (load_dataset("synthetic", split) for split in ("train", "validation"))
monitor = TrainingMonitor(
    live_method,
    TrainSettings(epochs=live_epochs, batch_size=32, batches="class-balanced"),
    quick_part(train_faces, 2400),
    quick_part(validation_faces, 300),
    embedding_size=2,
)
monitor

# %%
if monitor.status in ("waiting", "stopped"):
    monitor.start()
await monitor

# %%
from ferlab.evaluation import predict, within_between_ratio


def length_over_width(points, labels):
    """How many times as long as wide a class is: standard deviations along its two main directions, mean over the classes."""
    widths = [np.sqrt(np.linalg.eigvalsh(np.cov(points[labels == k].T))) for k in np.unique(labels)]
    return np.mean([long / wide for wide, long in widths])


last = monitor.history.iloc[-1]
learned = quick_part(train_faces, 2400)
points = predict(monitor.network, learned.images).embeddings
Markdown(
    f"After {len(monitor.history)} epochs, {last['validation_accuracy']:.0%} of the validation faces are classified right. "
    f"Of the faces that it learned from, a class is {length_over_width(points, learned.labels):.1f} times as long as wide, "
    f"and within / between is {within_between_ratio(points, learned.labels):.2f}: the mean distance to the class mean, over "
    f"the mean distance of two class means. You guessed *{guess_shape.value or 'nothing yet'}*."
)

# %% [markdown]
# Your network saw one loss, for a minute. The package brings three along, which learned from all built-in faces with
# the full recipe: cross-entropy, and beside it center loss or TCL. Before you look:

# %%
guess_plane = ask(
    "Compared with the gaps between the class means, in which plane do faces of one class lie closest together?",
    ["cross-entropy", "CE + center loss", "CE + TCL", "alike in all"],
)
guess_plane

# %%
from ferlab.figures import embedding_planes, low_spaces
from ferlab.gallery import open_gallery
from ferlab.runs import read_run

if plane_folder == "runs/gallery-plane":
    open_gallery(part="plane")
plane_run = read_run(plane_folder)
classes = list(plane_run.summary["methods"]["ce"]["class_recall"])
planes = low_spaces(plane_run, train_faces)
show(
    embedding_planes(planes, classes),
    alt=f"The plane of each network, training faces above and test faces below: {', '.join(map(method_label, planes))}",
)


# %%
compactness = {
    method_label(name): {
        "training faces": within_between_ratio(plane.train, plane.train_labels),
        "test faces": within_between_ratio(plane.test, plane.test_labels),
        "length / width, test": length_over_width(plane.test, plane.test_labels),
        "accuracy, test": plane_run.summary["methods"][name]["accuracy"]["mean"],
    }
    for name, plane in planes.items()
}
compactness = pd.DataFrame(compactness).T
display(compactness.style.format("{:.2f}"))
on_train, on_test = (compactness[split].idxmin() for split in ("training faces", "test faces"))
Markdown(
    "Within / between is smallest with "
    f"**{on_train}** on the training faces and with **{on_test}** on test faces. A class is most elongated with "
    f"**{compactness['length / width, test'].idxmax()}**. You guessed *{guess_plane.value or 'nothing yet'}*."
)

# %% [markdown]
# Look at both rows: a loss acts on the faces above, and is judged by those below. And at the shapes: cross-entropy
# pays nothing for a class that stretches outwards, since growing certainty costs nothing (section 1); to center loss
# every step away from the center costs; and TCL pays on one side only.
#
# ## 7. On faces, in 128 dimensions
#
# With 128 numbers there is no such picture. But TCL compares only two of them a face: $d(f, C_y)$ and $d(f, n)$. Put
# one to the right and the other upward, and you see the space with TCL's own eyes: each dot a face, the hinge the
# straight line $y = x + m$, and above it the loss is zero. The axes below are numbered by these squares but spaced by their
# square roots, so that cross-entropy's small space can be read beside TCL's large ones. What does that make of the line?
# A curve, flat near 0.
#
# The package brings networks along that learned with TCL at several strengths, alike in all else.

# %%
from ferlab.report import dose_effects, dose_table, strongest, told_by

if doses_folder == "runs/gallery-strengths":
    open_gallery(part="strengths")
dosed = read_run(doses_folder)
doses = dosed.summary["doses"]["tcl-nearest"]
trained = dict(zip(doses["strengths"], doses["methods"], strict=True))  # strength -> its network; 0 is cross-entropy
end = strongest(dosed.summary, "tcl-nearest")
guess_cloud = ask(
    f"From cross-entropy to TCL at strength {end:g}, where will the cloud of test faces go on this plane?",
    [
        "to the left: nearer to the own center",
        "upward: further from the next one",
        "both",
        "nowhere that one could see",
    ],
)
guess_cloud

# %%
from ferlab.figures import triplet_planes
from ferlab.projection import triplet_plane
from ferlab.runs import first_seed_spaces

spaces, face_labels = first_seed_spaces(dosed)
middle = min((s for s in trained if 0 < s < end), key=lambda s: abs(s - end / 2), default=end)
chosen = {trained[s]: spaces[trained[s]] for s in sorted({0.0, middle, end})}
show(
    triplet_planes(chosen, face_labels, classes),
    alt="TCL's plane of cross-entropy and of TCL at two strengths: distance to the own center against distance to the "
    "nearest other one, a dot a test face, with the curve of the hinge",
)

# %%
own, other = (
    {name: triplet_plane(space, face_labels)[:, axis].mean() for name, space in chosen.items()} for axis in (0, 1)
)
before, after = trained[0.0], trained[end]
Markdown(
    f"Mean squared distance, divided by D. To the own center: {own[before]:.2f} with cross-entropy, {own[after]:.2f} with TCL at strength {end:g}. "
    f"To the nearest other one: {other[before]:.2f} and {other[after]:.2f}. So the ratio of the two went from {own[before] / other[before]:.2f} to "
    f"{own[after] / other[after]:.2f}. You guessed *{guess_cloud.value or 'nothing yet'}*."
)

# %% [markdown]
# TCL compares *squared distances with a fixed margin*, so a network can please it in two ways: draw the classes
# together, or make the whole space larger. The ratio of the two distances, and within / between, tell these apart. At
# every strength, on test faces:

# %%
display(
    dose_table(
        dosed.summary,
        "tcl-nearest",
        {"open_hinges": "hinges open", "mean_margin": "own - other, / D", "within_between_ratio": "within / between",
         "accuracy": "accuracy"},
    ).style.format("{:.3f}")
)  # fmt: skip
on_train = {one.measure: one for one in dose_effects(dosed.summary, "tcl-nearest", split="train")}
on_test = {one.measure: one for one in dose_effects(dosed.summary, "tcl-nearest")}
Markdown(
    f"**{told_by(list(on_test.values()))}** On test faces:\n\n"
    + "\n".join(f"- {effect.sentence()}" for effect in on_test.values())
    + "\n\nOn the training faces, on which the loss acts:\n\n"
    + "\n".join(f"- {effect.sentence()}" for effect in on_train.values())
)

# %% [markdown]
# One seed of each. Another seed would move these numbers too: does the difference stand out from that? Center loss
# and TCL, at the strongest dose that was run with several seeds, on test faces:

# %%
from ferlab.gallery import seeds_summary

over_seeds = seeds_summary()
parts = []
for method in ("center", "tcl-nearest"):
    if method in over_seeds["doses"]:
        found = dose_effects(over_seeds, method)
        parts.append(f"**{told_by(found)}**\n\n" + "\n".join(f"- {effect.sentence()}" for effect in found))
Markdown(
    f"{len(over_seeds['seeds'])} seeds:\n\n"
    + "\n\n".join(parts)
    + "\n\n(Notebook 08 tells how far to trust an interval from so few seeds.)"
)

# %% [markdown]
# ## What to remember
#
# - Cross-entropy wants right answers with growing certainty; it never asks a class to lie together.
# - Center loss is a spring to the own center. It needs cross-entropy beside it, since nothing in it separates classes.
# - TCL compares two distances. An open hinge pushes with the same force everywhere, along the line from the negative
#   to the own center; a shut one does nothing.
# - A margin in squared distance is no distance: how far it moves the border depends on how far apart the centers are.
# - Each loss has a plane of its own, and a dose: how far TCL shut its hinges at each, and what the classes and the
#   answers did meanwhile, stands in section 7.
#
# **To discuss.** Which of the two losses would you choose for faces with wrong labels, and why? TCL's border is a
# straight line, and behind it the hinge is shut everywhere: how far from its center may a point lie and still cost
# nothing?
#
# ## Where to read on
#
# - Wen et al., *A Discriminative Feature Learning Approach for Deep Face Recognition*, ECCV 2016: equations 2 to 4.
# - He et al., *Triplet-Center Loss for Multi-View 3D Object Retrieval*, CVPR 2018: section 3.3, equations 6 to 8.
# - Rajoli et al., *Triplet Loss-less Center Loss Sampling Strategies in Facial Expression Recognition Scenarios*,
#   CISS 2023: what else a negative can be. The playground shows this package's reading of it: choose another TCL in
#   its menu.
