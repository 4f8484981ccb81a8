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
# # Selective attention: where to look, and what to weigh
#
# A network may learn two more things about a face: which *places* of the picture count, and which *dimensions* of the
# embedding. The TCL paper ([Rajoli et al. 2023](https://arxiv.org/abs/2302.04108)) uses both; the second goes back to
# Farzaneh & Qi's *Deep Attentive Center Loss* (WACV 2021).
#
# **You will**
# - compute pixel-wise attention by hand, and write the whole module in a few lines;
# - weigh a squared distance, and find out what a weight of zero does to the gradients;
# - train a network with none, one or both kinds of attention, and compare;
# - see where the networks look, and test whether that explains what they answer.
#
# **Time:** about 75 minutes, of which the computer needs four. **Assumed:** notebooks 00 and 03. **Needed:** no GPU, no
# network, no data of your own.

# %% tags=["setup", "remove-cell"]
# Installs ferlab where it is missing, as on Colab; elsewhere this does nothing.
import importlib.util
import os

if importlib.util.find_spec("ferlab") is None:
    get_ipython().run_line_magic("pip", "install --quiet " + os.environ.get("FERLAB_SOURCE", ".."))

# %% tags=["parameters"]
quick = True  # False: all faces in section 4 (several minutes a training)
run_folder = "runs/attention"  # where section 4 puts its results; what an earlier run left there is replaced

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython.display import Markdown, display
from torch import nn

from ferlab.classroom import ask
from ferlab.figures import show

warnings.filterwarnings("ignore", category=DeprecationWarning)

# %% [markdown]
# ## 1. Where to look: pooling by hand
#
# The backbone turns a picture into a *feature map*: here a grid of 4 × 4 places, each with $F$ numbers, the channels.
# Usually the places are averaged, so each counts 1/16. With **pixel-wise attention** a small network gives each place a
# *gate* $g$ between 0 and 1, from the channels at that place, and the pooling is a weighted mean:
#
# $$ \bar x = \sum_{h,w} \frac{g_{hw}}{\sum_{h',w'} g_{h'w'}} \; x_{hw} $$
#
# One channel, with numbers that can be followed by hand:

# %%
channel = torch.tensor([[0.0, 0, 0, 0], [0, 4, 4, 0], [0, 8, 8, 0], [0, 0, 0, 0]])
gates = torch.tensor([[0.1, 0.1, 0.1, 0.1], [0.1, 0.2, 0.2, 0.1], [0.1, 0.9, 0.9, 0.1], [0.1, 0.1, 0.1, 0.1]])
shares = gates / gates.sum()
grids = {"one channel $x$": channel, "gates $g$": gates, "shares $g / \\sum g$": shares}

figure, axes = plt.subplots(1, 3, figsize=(8.4, 3), layout="constrained")
for ax, (title, grid) in zip(axes, grids.items(), strict=True):
    ax.imshow(grid, cmap="Blues", vmin=0, vmax=1.6 * grid.max())
    for (row, column), value in np.ndenumerate(grid.numpy()):
        ax.text(column, row, f"{value:.2g}", ha="center", va="center")
    ax.set(title=title, xticks=[], yticks=[])
show(
    axes,
    alt="Three grids of four by four numbers: a channel that is high in the middle, gates that are open below the "
    "middle, and their shares",
)
Markdown(
    f"Plain mean: {channel.mean():.2f}. The gates sum to {gates.sum():.2f}, the shares to {shares.sum():.2f}. Weighted "
    f"mean: {(channel * shares).sum():.2f}."
)

# %%
guess_tenth = ask(
    "All sixteen gates become a tenth of what they are. The weighted mean ...",
    ["becomes a tenth", "stays the same", "depends on the channel"],
)
guess_tenth

# %%
tenth = gates / 10
Markdown(
    f"Before: {(channel * gates / gates.sum()).sum():.2f}. With a tenth of each gate: "
    f"{(channel * tenth / tenth.sum()).sum():.2f}. You guessed *{guess_tenth.value or 'nothing yet'}*."
)

# %% [markdown]
# Only the *shares* count, and they sum to 1. Attention of this kind cannot say "there is nothing to see on this face";
# it can only say "rather here than there". All channels share one grid of gates.
#
# ## 2. What to weigh, and the whole module
#
# **Element-wise attention** looks at the pooled features and gives every dimension of the embedding a weight between 0
# and 2, for each face anew. The weights enter in two places: the classifier reads the embedding *times* the weights,
# and TCL multiplies every squared difference by its weight (section 3).
#
# (A place's share times the number of places, here 16, says how many times as much it counts as at an even gate; the
# pictures below show that, "1: even".) Both parts are two small layers with a sigmoid at the end. In the package, as `ferlab.models.SelectiveAttention`, the
# last layer starts with zeros, so the sigmoid starts at 1/2 everywhere.

# %%
guess_start = ask(
    "Before any training: what does a network with attention answer, compared with the same one without?",
    ["something random", "exactly the same", "nearly nothing, the gates are half closed"],
)
guess_start

# %%
from ferlab.models import ExpressionNetwork, SelectiveAttention

F, D = 192, 128  # channels, entries of the embedding
pixel = nn.Sequential(nn.Conv2d(F, 48, 1, bias=False), nn.BatchNorm2d(48), nn.ReLU(), nn.Conv2d(48, 1, 1), nn.Sigmoid())
element = nn.Sequential(nn.Linear(F, 48), nn.ReLU(), nn.Linear(48, D), nn.Sigmoid())


def selective_attention(feature_map):
    """(B, F, H, W) in; pooled features (B, F), gates (B, 1, H, W) and element weights (B, D) out."""
    gates = pixel(feature_map)
    features = (feature_map * gates / gates.sum(dim=(2, 3), keepdim=True)).sum(dim=(2, 3))
    return features, gates, 2 * element(features)


torch.manual_seed(0)
package = SelectiveAttention(in_channels=F, embedding_size=D)
for layer in (package.pixel[3], package.element[2]):
    nn.init.normal_(layer.weight)  # not the zeros of the start: they would hide a difference
pixel.load_state_dict(package.pixel.state_dict())
element.load_state_dict(package.element.state_dict())
feature_map = torch.randn(5, F, 4, 4)
assert all(
    torch.allclose(a, b, atol=1e-5) for a, b in zip(selective_attention(feature_map), package(feature_map), strict=True)
)

faces = torch.randint(256, (8, 3, 64, 64), dtype=torch.uint8)
plain, attending = (ExpressionNetwork(7, attention=parts).eval() for parts in ((), ("pixel", "element")))
with torch.no_grad():
    difference = (plain(faces).logits - attending(faces).logits).abs().max()
added = sum(weight.numel() for weight in attending.parameters()) - sum(weight.numel() for weight in plain.parameters())
Markdown(
    f"Ours and the package's agree. `ExpressionNetwork` draws the same first weights from the same seed. Before training the logits with and without attention differ by {difference:.0e} "
    f"at most; you guessed *{guess_start.value or 'nothing yet'}*. Attention adds {added:,} weights to "
    f"{sum(weight.numel() for weight in plain.parameters()):,}."
)

# %% [markdown]
# ## 3. A weighted distance
#
# With element weights $a$ the squared distance of a face to its center is
#
# $$ d_a(f, C) = \sum_j a_j \, (f_j - C_j)^2 . $$
#
# ### Exercise 1: write it
#
# `embeddings`, `centers` and `weights` are all (B, D): row $i$ of `centers` is the center that face $i$ is measured
# against. Return (B,).
#
# <details><summary>Hint</summary>
#
# Subtract, square, multiply, and sum over the dimensions, in this order.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def weighted_distance(embeddings, centers, weights):
#     return (weights * (embeddings - centers) ** 2).sum(dim=1)
# ```
# </details>


# %%
def weighted_distance(embeddings, centers, weights):
    """(B,)"""
    ...  # your code


# %%
from ferlab.classroom.exercises import check_weighted_distance

print(check_weighted_distance(weighted_distance))

# %% [markdown]
# Now TCL with open hinge, for one face: $L = d_a(f, C) + m - d_a(f, n)$, where $n$ is the negative center. (*Which*
# center is the negative is chosen without the weights.)
#
# **With pencil and paper:** what is $\partial L / \partial f_j$? And $\partial L / \partial a_j$? What becomes of both
# when $a_j = 0$?

# %%
guess_zero = ask(
    "The weight of dimension j is 0. Which gradients in that dimension can still be other than zero?",
    ["the embedding's", "the centers'", "the weight's own", "none"],
)
guess_zero

# %%
from ferlab.losses import CenterLoss, TripletCenterLoss

tcl = TripletCenterLoss(num_classes=2, embedding_size=4, margin=50.0)
tcl.centers.data = torch.tensor([[0.0, 0, 0, 0], [1.0, 2, 3, 4]])
f = torch.tensor([[0.5, 1.5, -1.0, 1.0]], requires_grad=True)
a = torch.tensor([[1.0, 1.0, 0.0, 0.0]], requires_grad=True)
tcl(f, torch.tensor([0]), element_weights=a).backward()
gradients = {
    "weight a": a[0],
    "gradient on f": f.grad[0],
    "on the own center": tcl.centers.grad[0],
    "on the negative": tcl.centers.grad[1],
    "on a": a.grad[0],
}
display(
    pd.DataFrame({name: gradient.detach().numpy() for name, gradient in gradients.items()})
    .rename(lambda j: f"dimension {j}")
    .style.format("{:+.2f}")
)
Markdown(f"You guessed *{guess_zero.value or 'nothing yet'}*.")

# %% [markdown]
# $\partial L / \partial f_j = 2 a_j (n_j - C_j)$: the push of notebook 03, times the weight. With $a_j = 0$ the
# dimension is switched off for this face: nothing moves its embedding or a center there (the classifier reads $a_j
# f_j$, so cross-entropy does not either). But
#
# $$ \frac{\partial L}{\partial a_j} = (f_j - C_j)^2 - (f_j - n_j)^2 $$
#
# does not ask for $a_j$. Gradient descent *raises* the weight of a dimension in which the face is nearer to its own
# center than to the negative, and lowers it where it is the other way round. So the weights look for dimensions that
# *tell the two classes apart*. (In the module $a_j = 2\,\sigma(\cdot)$ never is quite zero, so nothing is switched off
# for good.)

# %%
guess_collapse = ask(
    "The weights of plain center loss, d(f, C) alone: where does gradient descent take them?",
    ["to dimensions that tell classes apart", "all towards 0", "all towards 2"],
)
guess_collapse

# %%
center = CenterLoss(num_classes=2, embedding_size=4)
center.centers.data = tcl.centers.data.clone()
a.grad = None
center(f.detach(), torch.tensor([0]), element_weights=a).backward()
Markdown(
    f"Center loss's gradient on the weights: {[round(value, 2) for value in a.grad[0].tolist()]}. You guessed "
    f"*{guess_collapse.value or 'nothing yet'}*."
)

# %% [markdown]
# It is half a squared difference: never negative. Every step lowers every weight, and with all weights at zero the loss
# is zero, whatever the faces. A loss that may choose its own ruler shortens the ruler; only cross-entropy, which needs
# the same weights to answer, holds against it. TCL is tempted less: with all weights at zero both distances are zero,
# and it still costs the margin.
#
# ## 4. Train: none, one, or both
#
# The comparison knows every method in four forms: `tcl-nearest`, and with `+pixel`, `+element` or `+attention` (both)
# behind its name. They start from the same weights and see the same faces in the same order. (Below they are measured
# on the test faces. That is fair as long as nothing is chosen by it: we describe four networks and keep none.)

# %%
forms = {"none": "", "pixel-wise": "+pixel", "element-wise": "+element", "both": "+attention"}
guess_best = ask("Which of the four forms gets the most test faces right?", [*forms, "one run cannot tell"])
guess_best

# %%
from ferlab.experiments import CompareSettings, run_compare
from ferlab.runs import load_splits

names = {form: f"tcl-nearest{suffix}" for form, suffix in forms.items()}
settings = CompareSettings(
    out=run_folder,
    methods=tuple(names.values()),
    quick=quick,
    epochs=6 if quick else None,
    overwrite=True,
    no_figures=True,  # they are drawn here
)
summary = run_compare(settings)

# %%
from scipy.stats import binomtest

from ferlab.report import score_table
from ferlab.runs import read_run

run = read_run(run_folder)
test_faces = load_splits(settings)["test"]
classes, labels = test_faces.classes, test_faces.labels
display(score_table(run).style.format("{:.3f}"))
accuracies = {form: summary["methods"][name]["accuracy"]["mean"] for form, name in names.items()}
best, worst = max(accuracies, key=accuracies.get), min(accuracies, key=accuracies.get)
predicted = {
    form: run.embeddings[run.embeddings["method"] == name].sort_values("index")["predicted"]
    for form, name in names.items()
}
right = {form: answers.to_numpy() == labels for form, answers in predicted.items()}
only = [int((right[a] & ~right[b]).sum()) for a, b in ((best, worst), (worst, best))]
chance = binomtest(only[0], max(sum(only), 1)).pvalue
Markdown(
    f"Most right in this run: {best}. You guessed *{guess_best.value or 'nothing yet'}*.\n\nFrom *{worst}* to *{best}* there "
    f"are {100 * (accuracies[best] - accuracies[worst]):.1f} points. {only[0]} of the {len(labels)} test faces only *{best}* gets right, "
    f"{only[1]} only *{worst}*: by chance at least that unequal with a probability of {chance:.2g} (McNemar's exact test, not "
    "corrected for our having picked the two extremes of four). "
    + (
        "So this run does not tell the four apart."
        if chance > 0.05
        else "That is more than the faces alone would do; whether it is more than another seed would do, only several "
        "seeds can tell."
    )
)

# %% [markdown]
# Never mind who wins one run. The question of this notebook is another one: what did the attention *learn*?
#
# ## 5. Where do they look?
#
# Think of the action units of notebook 00: happiness pulls the lip corners (AU12) and raises the cheeks (AU6), anger
# lowers the brows (AU4).

# %%
halves = ["in the upper half (forehead to eyes)", "in the lower half (nose to chin)", "half and half, within 5 points"]
guess_happy = ask("Happiness: where will most of the attention lie?", halves)
guess_angry = ask("Anger?", halves)
display(guess_happy, guess_angry)

# %%
from ferlab.figures import attention_maps, attention_overlays
from ferlab.runs import RunFolder

networks = {form: RunFolder(run_folder).network(name).network for form, name in names.items()}
maps = {form: attention_maps(networks[form], test_faces.images) for form in ("pixel-wise", "both")}
shown = [np.flatnonzero(labels == c)[0] for c in range(len(classes))]
show(
    attention_overlays(
        {names[form]: attended[shown] for form, attended in maps.items()},
        test_faces.images[shown],
        labels[shown],
        classes,
    ),
    alt="One test face of each class, and below it where the attention of two networks lies: yellow where a place "
    "counts more than at an even gate, violet where less",
)

# %%
from ferlab.figures import image_grid

means = [test_faces.images[labels == c].mean(axis=0).astype(np.uint8) for c in range(len(classes))]
axes = image_grid([means], columns=classes)
for ax in axes.flat:
    for line in (16, 32, 48):
        ax.axhline(line - 0.5, color="white", linewidth=0.8)
show(axes, alt="The mean face of each class, with white lines between the four rows of the feature map")
by_row = pd.DataFrame(
    {name: maps["pixel-wise"][labels == c].mean(axis=(0, 2)) / 4 for c, name in enumerate(classes)},
    index=["forehead", "brows and eyes", "nose to mouth", "mouth to chin"],
)
display(
    by_row.style.format("{:.0%}").set_caption("Share of the attention in each row of places (pixel-wise attention)")
)
lower = by_row.iloc[2:].sum()
widest = by_row.max(axis=1) - by_row.min(axis=1)
Markdown(
    f"In the two lower rows together lie {lower['happiness']:.0%} for happiness (you guessed *{guess_happy.value or 'nothing yet'}*) "
    f"and {lower['anger']:.0%} for anger (you guessed *{guess_angry.value or 'nothing yet'}*). The classes differ most in the row *{widest.idxmax()}*: by "
    f"{100 * widest.max():.0f} points between the lowest and the highest share."
)

# %% [markdown]
# It is tempting to tell a story now. Three questions first.
#
# **Is it the same story with another seed?** The network with pixel-wise attention once more, with two other seeds:

# %%
guess_again = ask(
    "The share of the attention in the row of brows and eyes, from seed to seed:",
    ["moves by a few points", "moves as much as it differs between classes", "is the same"],
)
guess_again

# %%
from dataclasses import replace

from ferlab.methods import get_method
from ferlab.runs import read_settings
from ferlab.training import train

recipe, faces = read_settings(RunFolder(run_folder)).train, load_splits(settings, ["train", "validation"])
others = [
    train(get_method(names["pixel-wise"]), faces["train"], faces["validation"], replace(recipe, seed=seed)).network
    for seed in (1, 2)
]
of_seeds = [networks["pixel-wise"], *others]

# %%
maps_of_seeds = [attention_maps(network, test_faces.images) for network in of_seeds]
brows = pd.DataFrame(
    {
        f"seed {seed}": [attended[labels == c].mean(axis=(0, 2))[1] / 4 for c in range(len(classes))]
        for seed, attended in enumerate(maps_of_seeds)
    },
    index=classes,
)
display(brows.style.format("{:.0%}").set_caption("Share of the attention in the row of brows and eyes"))
between_classes, between_seeds = np.ptp(brows, axis=0).mean(), np.ptp(brows, axis=1).mean()
Markdown(
    f"Largest less smallest share: {100 * between_classes:.0f} points between classes (mean of the seeds), {100 * between_seeds:.0f} "
    f"points between seeds (mean of the classes). You guessed *{guess_again.value or 'nothing yet'}*."
)

# %% [markdown]
# What another seed changes is not in the faces and not in the method: tell only what all three columns tell.
#
# **Which pixels are meant?** The pictures say which *places of the feature map* count. A
# place covers 16 × 16 of the 64 × 64 pixels:

# %%
guess_field = ask(
    "On how many of the picture's pixels does the content of one place depend?",
    ["its own 16 × 16", "about a quarter of the picture", "nearly all of them, if ever so little"],
)
guess_field

# %%
network = networks["pixel-wise"]
pixels = torch.from_numpy(test_faces.images[:64]).permute(0, 3, 1, 2).float().requires_grad_()
network.backbone((pixels - 127.5) / 64)[:, :, 1, 1].sum().backward()  # second row, second column
depends = pixels.grad.abs().sum(dim=(0, 1)).numpy()
depends /= depends.sum()

figure, ax = plt.subplots(figsize=(3.8, 3.2), layout="constrained")
picture = ax.imshow(depends / depends.mean(), cmap="viridis")
ax.add_patch(plt.Rectangle((15.5, 15.5), 16, 16, fill=False, edgecolor="white", linewidth=2))
ax.set(xticks=[], yticks=[])
figure.colorbar(picture, label="gradient of a pixel (1: even)")
show(
    figure,
    alt="How strongly one place of the feature map depends on each pixel: strongest around its own square, but spread wider",
)
most = np.sort(depends.ravel())[::-1].cumsum()
Markdown(
    f"{(depends > 0).mean():.0%} of the pixels have some influence on this place, but {(most < 0.9).mean():.0%} of them hold 90 % of it; "
    f"its own square (white frame, {1 / 16:.0%} of the pixels) holds {depends[16:32, 16:32].sum():.0%}. You guessed *{guess_field.value or 'nothing yet'}*."
)

# %% [markdown]
# Nor need the influence lie evenly around its frame. So a place of the map is not a place of the picture: before the gate opens, the layers below have already brought
# together what lies around. Attention at the mouth's place does not prove that the eyes were not read.
#
# ## 6. Is it what it looks at that matters?
#
# The third question has been argued about for attention in general (Jain & Wallace 2019) and for all maps that are shown as
# explanations (Adebayo et al. 2018). Both propose *tests*. Two of that kind:
#
# **Test 1: change the attention, keep the face.** If a face's own map were the reason for its answer, another map
# should change the answer. Here is the network's way from picture to answer, with the gates and element weights put in
# by hand:


# %%
@torch.no_grad()
def answers(network, images, gates=None, weights=None):
    """Class numbers (N,); what is None is the network's own."""
    feature_map = network.backbone((torch.from_numpy(images).permute(0, 3, 1, 2).float() - 127.5) / 64)
    own = network.attention(feature_map)
    gates = own.pixel if gates is None else gates
    features = (feature_map * gates / gates.sum(dim=(2, 3), keepdim=True)).sum(dim=(2, 3))
    weights = 2 * network.attention.element(features) if weights is None else weights
    return network.classifier(network.head(features) * weights).argmax(dim=1).numpy()


# %%
guess_swap = ask(
    "Every face gets the gates of another face, picked at random. How many answers change?",
    ["hardly any", "about a quarter", "more than half"],
)
guess_swap

# %%
network = networks["both"]
with torch.no_grad():
    seen = network(torch.from_numpy(test_faces.images).permute(0, 3, 1, 2))
gates, weights = seen.pixel_attention, seen.element_weights
shuffled = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
changes = {
    "its own": {},
    "gates of another face": {"gates": gates[shuffled]},
    "the mean gates of all faces": {"gates": gates.mean(dim=0, keepdim=True)},
    "even gates": {"gates": torch.ones(1, 1, 4, 4)},
    "gates turned round (1 / g)": {"gates": 1 / gates},
    "element weights of another face": {"weights": weights[shuffled]},
    "the mean element weights of all faces": {"weights": weights.mean(dim=0, keepdim=True)},
    "all element weights 1": {"weights": torch.ones(1, weights.shape[1])},
}
own_answers = answers(network, test_faces.images)
rows = {}
for name, change in changes.items():
    given = answers(network, test_faces.images, **change)
    rows[name] = {"answers changed": (given != own_answers).mean(), "accuracy": (given == labels).mean()}
table = pd.DataFrame(rows).T
display(table.style.format("{:.1%}"))
Markdown(
    f"With the gates of another face {table.loc['gates of another face', 'answers changed']:.1%} of the answers "
    f"change. You guessed *{guess_swap.value or 'nothing yet'}*."
)

# %% [markdown]
# Read the table in pairs. *Even gates* against *its own*: does it matter to *this* network that places are weighed? (What a
# network reaches that was trained without attention is another question: the row `tcl-nearest` in section 4.) *Another
# face's* or *the mean* gates against *its own*: does it matter that they are of *this* face? If the mean does as well,
# the attention is a habit, the same for all, and its picture over a single face explains nothing about that face.
#
# **Test 2: change the face, keep the network.** Cover the place that the attention points at, in the face's mean color,
# and count what is lost; cover another place for comparison.

# %%
guess_cover = ask(
    "Which covering costs most accuracy?",
    ["the most-attended place", "the least-attended place", "a random place", "all about the same"],
)
guess_cover

# %%
from ferlab.evaluation import cover, predict

network, attention = networks["pixel-wise"], maps["pixel-wise"]
flat = attention.reshape(len(labels), -1)
places = {
    "most attended": flat.argmax(axis=1),
    "least attended": flat.argmin(axis=1),
    "random": np.random.default_rng(0).integers(0, 16, len(labels)),
    "most attended of another face": flat[shuffled].argmax(axis=1),
}
covered = {name: cover(test_faces.images, place // 4, place % 4) for name, place in places.items()}
show(
    image_grid(
        [[test_faces.images[i], *(pictures[i] for pictures in covered.values())] for i in shown[:3]],
        columns=["whole", *(name.replace(" of ", "\nof ") for name in covered)],
    ),
    alt="Three faces, whole and with one of sixteen squares covered: the most-attended one, the least-attended one, a "
    "random one, and the most-attended one of another face",
)
rates = {
    name: (predict(network, pictures).predicted == labels).mean()
    for name, pictures in {"nothing": test_faces.images, **covered}.items()
}
display(pd.Series(rates, name="accuracy").rename_axis("covered").to_frame().style.format("{:.1%}"))
worst = min(covered, key=rates.get)
Markdown(
    f"Lowest with the {worst} place covered: {100 * (rates['nothing'] - rates[worst]):.1f} points lost. You guessed "
    f"*{guess_cover.value or 'nothing yet'}*."
)

# %% [markdown]
# A random place often hits the background, so any habit of looking at the middle of the picture beats it. A fairer rival of a
# face's own map is *another face's*; another one, the simplest, is **one place for all faces**, the one that costs most on the
# validation faces. All of them, for the three seeds:

# %%
from ferlab.evaluation import occlusion_costs

validation = load_splits(settings, ("validation",))["validation"]
lots = np.random.default_rng(0)
rows = {}
for seed, (network, attended) in enumerate(zip(of_seeds, maps_of_seeds, strict=True)):
    best_place = occlusion_costs(network, validation.images, validation.labels).mean(axis=0).argmax()
    own_place = attended.reshape(len(labels), -1).argmax(axis=1)
    deals = [lots.permutation(own_place) for _ in range(4)]

    def right_with(place, network=network):
        return (predict(network, cover(test_faces.images, place // 4, place % 4)).predicted == labels).mean()

    rows[f"seed {seed}"] = {
        "nothing covered": (predict(network, test_faces.images).predicted == labels).mean(),
        "most attended of the face itself": right_with(own_place),
        "most attended of another face (mean of 4 deals)": np.mean([right_with(deal) for deal in deals]),
        "one place for all faces": right_with(np.full(len(labels), best_place)),
    }
rivals = pd.DataFrame(rows)
display(rivals.style.format("{:.1%}"))
fixed_costs_more = int((rivals.loc["one place for all faces"] < rivals.loc["most attended of the face itself"]).sum())
Markdown(
    f"One fixed square costs more than the square that each face's own map points at in {fixed_costs_more} of {rivals.shape[1]} seeds. "
    + (
        "So here the map is no guide to what *this* face's answer depends on."
        if fixed_costs_more == rivals.shape[1]
        else "So here the map says something about *this* face that no fixed place does."
        if fixed_costs_more == 0
        else "So it depends on the seed whether the map says more about *this* face than a fixed place does."
    )
)

# %% [markdown]
# Now all sixteen places of every face: how much of the right class's probability does covering each one cost?

# %%
network = networks["pixel-wise"]
costs = occlusion_costs(network, test_faces.images, labels)
figure, axes = plt.subplots(2, len(classes), figsize=(11, 3.6), layout="constrained")
limits = attention.mean(axis=0).max() * 1.2, max(costs[labels == c].mean(axis=0).max() for c in range(len(classes)))
for row, (grid, most) in enumerate(zip((attention, costs), limits, strict=True)):
    for c, ax in enumerate(axes[row]):
        picture = ax.imshow(grid[labels == c].mean(axis=0), cmap="viridis", vmin=0, vmax=most)
        ax.set(xticks=[], yticks=[])
        axes[0, c].set_title(classes[c], fontsize=10)
    figure.colorbar(picture, ax=axes[row], label=("1: even", "probability")[row])
axes[0, 0].set_ylabel("attention")
axes[1, 0].set_ylabel("cost of\ncovering")
show(
    axes,
    alt="For each class, above the mean attention to the sixteen places, below the mean cost of covering each of them",
)


def likeness(maps):
    """Mean correlation of a class's mean map with the mean map of all faces."""
    of_classes = [maps[labels == c].mean(axis=0).ravel() for c in range(len(classes))]
    return np.mean([np.corrcoef(of_class, maps.mean(axis=0).ravel())[0, 1] for of_class in of_classes])


Markdown(
    "How alike are the classes? The correlation of a class's mean map with that of all faces is "
    f"{likeness(attention):.2f} on average for the attention, and {likeness(costs):.2f} for the cost."
)

# %% [markdown]
# Look for a class where the two rows disagree.
#
# ### Exercise 2: the same place?
#
# Write the share of faces for which the most-attended place is also the one whose covering costs most. `attention` and
# `cost` are arrays (N, H, W). What would you expect by chance?
#
# <details><summary>Hint</summary>
#
# `attention.reshape(len(attention), -1)` makes each face's map one row; `.argmax(axis=1)` finds the largest entry of
# each row.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def same_place(attention, cost):
#     most_attended = attention.reshape(len(attention), -1).argmax(axis=1)
#     costs_most = cost.reshape(len(cost), -1).argmax(axis=1)
#     return (most_attended == costs_most).mean()
# ```
# </details>


# %%
def same_place(attention, cost):
    """A share, 0 to 1."""
    ...  # your code


# %%
from ferlab.classroom.exercises import check_same_place

print(check_same_place(same_place, attention, costs))

# %% [markdown]
# ## 7. What do the element weights weigh?
#
# Each face has 128 of them. They could differ from *dimension to dimension* (the same for all faces), from *class to
# class*, or from *face to face* within a class. Split their variance in these three parts; they sum to one.

# %%
guess_weights = ask(
    "Where does most of the variance of the element weights lie?",
    ["between dimensions", "between classes", "between faces of a class"],
)
guess_weights

# %%
from ferlab.methods import METHODS

values = weights.numpy()
of_dimension = values.mean(axis=0)
of_class = np.stack([values[labels == c].mean(axis=0) for c in range(len(classes))])
variance = ((values - values.mean()) ** 2).mean()
parts = {
    "between dimensions": ((of_dimension - values.mean()) ** 2).mean() / variance,
    "between classes": ((of_class[labels] - of_dimension) ** 2).mean() / variance,
    "between faces of a class": ((values - of_class[labels]) ** 2).mean() / variance,
}
assert np.isclose(sum(parts.values()), 1, atol=1e-3)

figure, axes = plt.subplots(1, 2, figsize=(10.4, 3), layout="constrained", width_ratios=[1, 2])
axes[0].hist(values.ravel(), bins=60, color="#1685cf")
axes[0].axvline(1, color="0.3", linestyle=":")
axes[0].set(title="all weights", xlabel="weight (1: neutral)", yticks=[])
order = of_dimension.argsort()
far = np.abs(of_class - 1).max()
picture = axes[1].imshow(of_class[:, order], aspect="auto", cmap="PuOr", vmin=1 - far, vmax=1 + far)
axes[1].set(
    title="mean weight of each class", xlabel="dimensions, from the lowest mean weight to the highest", xticks=[]
)
axes[1].set_yticks(range(len(classes)), classes)
figure.colorbar(picture, ax=axes[1])
show(
    axes,
    alt="Left a histogram of all element weights around 1; right the mean weight of every class in every dimension as "
    "a picture of seven rows",
)
Markdown(
    f"The weights lie between {values.min():.2f} and {values.max():.2f}, of the 0 to 2 that they could use. Of their "
    "variance "
    + ", ".join(f"{share:.0%} lies {name}" for name, share in parts.items())
    + f". You guessed *{guess_weights.value or 'nothing yet'}*. (TCL pulls on them only after its warm-up, "
    f"{METHODS['tcl-nearest'].warm_up:.0%} of the epochs.)"
)

# %% [markdown]
# What differs from dimension to dimension only could as well stand in the classifier's own weights: $W (a \cdot f)$
# with a fixed $a$ is just another $W$. Only what differs from face to face is something that the network could not do
# before. Set this beside the last three rows of the table in section 6: how much did the answers need it?
#
# A picture of attention can be drawn of *any* values, however close to neutral they are: the colors stretch. Look at
# the numbers on the scale first.
#
# ## 8. Touch it
#
# Move the face: below each map stands where the network looks (for the two with pixel-wise attention). How far can
# you move the attention between mouth and brows, and does the answer follow? (The rows of section 5 say how far classes differ.)

# %%
from ferlab.widgets import FaceLab

lab = FaceLab(run_folder, methods=(names["none"], names["pixel-wise"], names["both"]))
lab.units = {"AU4": 1.0, "AU12": 0.6}
lab

# %% [markdown]
# ## What to remember
#
# - Pixel-wise attention is a weighted mean whose weights sum to one: "rather here than there".
# - Element-wise attention weighs dimensions, in the classifier's input and in TCL's distance. A weight of zero switches a
#   dimension off for that face; a loss that may choose the weights alone makes them zero.
# - Begin neutral, and look at how far the values have moved before you look at a picture of them.
# - A map of attention is a claim, not an explanation. Test it: change the map, cover the place, and compare with
#   another face's map, not only with chance.
# - Attention moves with the seed: tell only what several trainings tell alike.
# - An ablation needs the module switched off *in training*, and a yardstick for noise.
#
# **To discuss.** A network with attention is a little better in a paper's table. What would you want to see before you
# believe that the attention did it? For whom would a picture of attention over a face be useful, and for whom
# dangerous?
#
# ## Where to read on
#
# - Rajoli et al., *Triplet Loss-less Center Loss Sampling Strategies in Facial Expression Recognition Scenarios*, CISS 2023,
#   arXiv:2302.04108. The module here is this package's reading of it.
# - Farzaneh & Qi, *Facial Expression Recognition in the Wild via Deep Attentive Center Loss*, WACV 2021.
# - Jain & Wallace, *Attention is not Explanation*, NAACL 2019; and the answer to it, Wiegreffe & Pinter, *Attention is
#   not not Explanation*, EMNLP 2019.
# - Adebayo et al., *Sanity Checks for Saliency Maps*, NeurIPS 2018.
# - Zeiler & Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014: covering parts of a picture.
# - Luo et al., *Understanding the Effective Receptive Field in Deep Convolutional Neural Networks*, NIPS 2016: how far
#   a place of a feature map sees.
