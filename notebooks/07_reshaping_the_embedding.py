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
# # Reshaping the embedding
#
# One set of faces, three losses, three spaces. This is the notebook to look around in: you travel through the epochs, morph one
# space into another, pull groups of faces apart and walk a face through all three. And you ask the question that pictures never
# answer by themselves: *is this the loss, or would another seed have done the same?*
#
# **You will**
# - see when in the training each loss changes the space, and by how much;
# - find groups that one loss keeps together and another tears apart;
# - measure how much two spaces have in common, and how much two trainings with the *same* loss have;
# - lead a face from one expression to another, and see where each network changes its mind.
#
# **Time:** about 60 minutes, of which the computer needs two to three. **Assumed:** notebooks 00, 03 and 06. **Needed:** no GPU,
# no network, no data of your own.

# %% tags=["setup", "remove-cell"]
# Installs ferlab where it is missing, as on Colab; elsewhere this does nothing.
import importlib.util
import os

if importlib.util.find_spec("ferlab") is None:
    get_ipython().run_line_magic("pip", "install --quiet " + os.environ.get("FERLAB_SOURCE", ".."))

# %% tags=["parameters"]
run_folder = "runs/gallery"  # a finished run: the gallery's, or one of your own made by "ferlab compare"
methods = ["ce", "tcl-nearest", "ad-corre"]  # the first is what the others are compared with
train_again = True  # section 5 trains cross-entropy once more, with another seed (a minute or two)

# %%
import warnings

import numpy as np
import pandas as pd
from IPython.display import Markdown, display

from ferlab.classroom import ask
from ferlab.figures import method_color, method_label, show

warnings.filterwarnings("ignore", category=DeprecationWarning)

# %% [markdown]
# ## 1. A finished run
#
# Training is not the point today, so the package brings trained networks along: all methods, on all built-in faces, with the
# settings that `ferlab compare --methods all` uses. The next cell writes them into a run folder.

# %%
from ferlab.gallery import open_gallery
from ferlab.report import score_table
from ferlab.runs import read_run

if run_folder == "runs/gallery":
    open_gallery(run_folder)
run = read_run(run_folder)
score_table(run).style.format("{:.3f}", na_rep="n/a")

# %% [markdown]
# The columns are explained in notebook 00: the first three judge the answers, the others the space, an arrow says which way is
# better. The weights of the losses were chosen for balanced accuracy on the validation faces, not for a tidy picture; keep that
# in mind when a space looks less different than you expected.
#
# ## 2. Over the epochs
#
# After every epoch the run kept the embeddings of some validation faces. For each we can compute how compact the classes are:
# within / between, smaller is more compact. TCL and Ad-Corre are not on from the beginning: the network first learns with
# cross-entropy alone.

# %%
guess_when = ask(
    "When will TCL's curve leave that of cross-entropy?",
    ["from the first epoch on", "as soon as the loss is switched on", "gradually, over all epochs", "it will not"],
)
guess_when

# %%
import matplotlib.pyplot as plt

from ferlab.evaluation import within_between_ratio
from ferlab.methods import get_method
from ferlab.runs import RunFolder
from ferlab.training import epochs_before_metric_loss

epochs = run.summary["epochs"]
followed = run.epochs[(run.epochs["method"] == methods[0]) & (run.epochs["epoch"] == 1)]
classes = list(run.summary["methods"]["ce"]["class_recall"])


def unit(space):
    """Rows scaled to length 1, as all numbers in this notebook are measured."""
    space = space.astype(np.float64)
    return space / np.linalg.norm(space, axis=1, keepdims=True)


figure, axes = plt.subplots(figsize=(7.5, 3.8), layout="constrained")
curves, starts = {}, {}
for method, style in zip(methods, ("-", "--", "-."), strict=False):
    spaces = RunFolder(run.path).training(method, 0).load_epochs(epochs)
    curves[method] = [within_between_ratio(unit(space), followed["label"].to_numpy()) for space in spaces]
    axes.plot(
        range(1, epochs + 1), curves[method], style, color=method_color(method), marker="o", label=method_label(method)
    )
    if get_method(method).loss:
        starts[method] = epochs_before_metric_loss(get_method(method), epochs)
        axes.axvline(starts[method] + 0.5, color=method_color(method), linestyle=":")
axes.set(xlabel="epoch", ylabel="within / between (validation)", xticks=range(1, epochs + 1), yscale="log")
axes.set_yticks((0.4, 0.5, 0.7, 1, 2, 3), ("0.4", "0.5", "0.7", "1", "2", "3"))
axes.minorticks_off()
axes.legend(frameon=False)
show(axes, alt="Within / between over the epochs for each method; dotted lines mark where a metric loss is switched on")
Markdown(
    "Dotted lines: "
    + ", ".join(
        f"{method_label(name)} switches its metric loss on after epoch {after}" for name, after in starts.items()
    )
    + ". After the last epoch: "
    + ", ".join(f"{method_label(name)} {curve[-1]:.3f}" for name, curve in curves.items())
    + f". You guessed *{guess_when.value or 'nothing yet'}*."
)

# %% [markdown]
# In the gallery's run, most of the change happens in all methods alike, and early: it is cross-entropy that makes classes. Compare the distance between
# two curves with the change along one of them. And why do curves differ where no metric loss is on yet? Each method has the
# learning rate that a search chose for it, so even its cross-entropy part trains a little differently. Ad-Corre's network has seven heads; for how much of its difference the heads
# alone are responsible, look at *CE, k heads* in the table of section 1.
#
# ## 3. Look around
#
# The maps below hold the test faces. Take your time:
#
# - **Validation faces, epoch by epoch**, then play: the maps of all epochs are aligned, so what moves has moved.
# - **One map, morphing**, then play: the points travel from space to space. Which classes stay where they are?
# - **Draw a loop** around a cloud: it lights up in all maps, and *Close under CE, far now* below lists the faces whose neighbors
#   went away.
# - Color by **intensity**: where do the weak expressions live?

# %%
from ferlab.data import load_dataset
from ferlab.widgets import EmbeddingExplorer

faces = load_dataset("synthetic", "test")
explorer = EmbeddingExplorer(run, faces, methods)
explorer

# %% [markdown]
# ### Exercise 1: torn apart
#
# Find a group of at least 20 faces that lies **close together in the cross-entropy space** and is **torn apart in another one**:
# its spread there should be twice as large at least. Spread is measured in the full space, not on the map: mean distance
# of the faces to their mean, as a share of the same for all faces. Select it with a loop, then run the next cell.
#
# <details><summary>Hint</summary>
#
# Select one face, look at *Nearest to ...*, and find a face that has other neighbors in the other space. A tight group in the
# middle of a class has most to lose. The check says how far you are: change the selection a little and run it again.
# </details>

# %%
from ferlab.classroom.exercises import check_torn_apart

print(check_torn_apart(explorer, at_least=20, growth=2.0))

# %% [markdown]
# Why these? Color them by *predicted class* and by *intensity*. Do the networks agree on them?
#
# ## 4. Which classes moved?
#
# The space of a class can be summed up by its mean. How far apart are the means of two classes, and which pairs did a loss
# push apart or bring together? Each is compared with its control, cross-entropy on the same network: what Ad-Corre's heads change by
# themselves is not the loss's doing.

# %%
guess_pair = ask(
    "Which two class means lie closest together under cross-entropy?",
    ["fear and surprise", "anger and disgust", "sadness and neutral", "happiness and surprise"],
)
guess_pair

# %%
import seaborn as sns

from ferlab.methods import reference_of
from ferlab.runs import first_seed_spaces

spaces, labels = first_seed_spaces(run)
controls = {name: reference_of(name, run.methods) or methods[0] for name in methods[1:]}
spaces = {name: unit(spaces[name]) for name in dict.fromkeys([*methods, *controls.values()])}


def center_distances(space):
    """(K, K) distances of the class means."""
    means = np.stack([space[labels == c].mean(axis=0) for c in range(len(classes))])
    return np.linalg.norm(means[:, None] - means, axis=2)


# In units of the mean distance, so that a space that only grew does not count as changed.
below = np.tril(np.ones((len(classes), len(classes)), dtype=bool), k=-1)
distances = {name: center_distances(space) for name, space in spaces.items()}
apart = {name: each / each[below].mean() for name, each in distances.items()}
figure, axes = plt.subplots(1, len(methods), figsize=(0.6 + 2.9 * len(methods), 3.6), layout="constrained", sharey=True)
for ax, name in zip(axes, methods, strict=True):
    shown, limits = (
        (apart[name], (0.4, 1.6)) if name == methods[0] else (apart[name] - apart[controls[name]], (-0.25, 0.25))
    )
    sns.heatmap(
        pd.DataFrame(shown, classes, classes).iloc[1:, :-1],
        mask=~below[1:, :-1],
        annot=True,
        fmt=".2f",
        ax=ax,
        cbar=False,
        cmap="cividis" if name == methods[0] else "PuOr",
        vmin=limits[0],
        vmax=limits[1],
        annot_kws={"fontsize": 9},
        square=True,
    )
    ax.set_title(
        method_label(name) if name == methods[0] else f"{method_label(name)}\nminus {method_label(controls[name])}"
    )
show(
    axes[0],
    alt="Distances of class means under cross-entropy, and how the other losses differ from their controls, one cell a pair",
)
pairs = [(apart["ce"][i, j], classes[j], classes[i]) for i, j in np.argwhere(below)]
closest = min(pairs)
change = {name: apart[name] - apart[control] for name, control in controls.items()}
changed = {name: np.argwhere(below)[np.abs(difference)[below].argmax()] for name, difference in change.items()}
Markdown(
    f"Closest under cross-entropy: {closest[1]} and {closest[2]}, at {closest[0]:.2f} of the mean distance. You guessed "
    f"*{guess_pair.value or 'nothing yet'}*. Most changed against the control: "
    + "; ".join(
        f"with {method_label(name)} {classes[j]} and {classes[i]} ({change[name][i, j]:+.2f})"
        for name, (i, j) in changed.items()
    )
    + "."
)

# %% [markdown]
# ## 5. The loss, or the seed?
#
# Now the control that is missing most often. Take two spaces, and ask of every face: how many of its ten nearest neighbors are
# the same in both? The measure is blind for turning and scaling, which mean nothing. By chance almost none would be common;
# between a space and itself all are.
#
# ### Exercise 2: neighbors in common
#
# Write it, with NumPy alone. `first` and `second` are the same faces, one a row, in two spaces of unit vectors; the answer is the mean share of
# common neighbors over all faces.
#
# <details><summary>Hint</summary>
#
# For unit vectors the largest dot products are the smallest distances: `first @ first.T`. Put `-np.inf` on its diagonal, or each
# face will be its own neighbor. `np.argsort(-similarity, axis=1)[:, :neighbors]` has the nearest first; `np.intersect1d` finds
# what two rows have in common.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def common_neighbors(first, second, neighbors=10):
#     nearest = []
#     for space in (first, second):
#         similarity = space @ space.T
#         np.fill_diagonal(similarity, -np.inf)
#         nearest.append(np.argsort(-similarity, axis=1)[:, :neighbors])
#     return np.mean([len(np.intersect1d(a, b)) for a, b in zip(*nearest)]) / neighbors
# ```
# </details>


# %%
def common_neighbors(first, second, neighbors=10):
    """Mean share of common nearest neighbors."""
    ...  # your code


# %%
from ferlab.classroom.exercises import check_common_neighbors

print(check_common_neighbors(common_neighbors))

# %%
guess_seed = ask(
    "Which two spaces will have the most neighbors in common?",
    ["CE and CE + TCL, same seed", "CE and CE + Ad-Corre, same seed", "CE and CE, another seed", "all about the same"],
)
guess_seed

# %% [markdown]
# With one seed, all three networks started from the same weights (as far as they have the same layers) and saw the same
# faces in the same order, if with learning rates of their own. So now train cross-entropy once more, with another seed and nothing else changed. You can pause and
# stop it, and look at the curves while you wait.

# %%
from ferlab.training import TrainSettings
from ferlab.widgets import TrainingMonitor

seed = 1
monitor = TrainingMonitor("ce", TrainSettings(epochs=epochs, seed=seed))
if train_again:
    display(monitor)
    monitor.start()
    await monitor

# %%
from ferlab.evaluation import linear_cka, neighbor_overlap, predict

if train_again:
    spaces["ce, another seed"] = unit(predict(monitor.network, faces.images).embeddings)
of_ce = run.embeddings.query("method == 'ce' and seed == 0").sort_values("index")
right = (of_ce["predicted"] == labels).to_numpy()
rows = {}
for name, space in spaces.items():
    if name != "ce":
        common = neighbor_overlap(spaces["ce"], space)
        rows["CE and " + (method_label(name) if name in run.methods else name.replace("ce", "CE"))] = {
            "neighbors in common": common.mean(),
            "of faces that CE gets right": common[right].mean(),
            "linear CKA": linear_cka(spaces["ce"], space),
        }
table = pd.DataFrame(rows).T
display(table.style.format("{:.3f}"))
Markdown(
    f"By chance {10 / (len(labels) - 1):.1%} of the neighbors would be in common. Most in common: *{table.iloc[:, 0].idxmax()}*; "
    f"fewest: *{table.iloc[:, 0].idxmin()}*. You guessed *{guess_seed.value or 'nothing yet'}*."
)

# %% [markdown]
# **CKA** (centered kernel alignment, Kornblith et al. 2019) compares the centered similarities of *all* pairs at once, and is ruled
# by the directions of largest spread: the arrangement of the classes. Neighbors in common look at the small ones: who lies beside whom *within* a class. Two spaces can
# agree in the first and not in the second.
#
# Read the row of the other seed as a ruler, with care. A change of neighbors no larger than what a new seed brings is not yet
# evidence for the loss; for Ad-Corre, the row of its control says what the heads change without the loss. But the rows are not quite alike: the other methods share cross-entropy's *initial weights*, the other seed
# does not; and it is a single one. A fairer ruler would train all of them with the other seed too. The numbers of section 1
# have a ruler as well, the spread over seeds: notebook 08 is about it.
#
# And your group of exercise 1? It was chosen *because* it is tight under cross-entropy; in any other space such a group
# tends to be looser, as the best of a first exam are on average less good in the second. Has the other seed torn it apart as well?

# %%
from ferlab.evaluation import relative_spread

chosen = np.asarray(explorer.selection, dtype=int)
if len(chosen) > 1:
    text = (
        "Spread of your group: "
        + ", ".join(
            f"{relative_spread(space, chosen):.2f} in {method_label(name) if name in run.methods else 'CE, another seed'}"
            for name, space in spaces.items()
        )
        + "."
    )
else:
    text = "Nothing is selected in the maps of section 3 any more."
Markdown(text)

# %% [markdown]
# ## 6. Walk a face through all three
#
# Move the sliders, or press **Walk**: the face goes from neutral to happiness to surprise, and leaves its trace on each
# map. Watch the class probabilities at the points where the trace crosses an empty region.

# %%
from ferlab.widgets import FaceLab

lab = FaceLab(run_folder, methods)
trace = lab.walk(["neutral", "happiness", "surprise"], steps=12)
lab

# %% [markdown]
# Where does each network change its mind? The same walk in small steps, from nothing to a full happy face:

# %%
guess_mind = ask(
    "At which intensity will the networks answer happiness?",
    ["all at about the same", "CE first", "CE + TCL first", "CE + Ad-Corre first"],
)
guess_mind

# %%
from ferlab.rendering import EXPRESSIONS

happy = next(iter(EXPRESSIONS["happiness"].values()))
levels = np.linspace(0, 1, 21)
answers = {name: [] for name in methods}
for level in levels:
    lab.units = {name: level * intensity for name, intensity in happy.items()}
    for name in methods:
        answers[name].append(lab.probabilities[name][classes.index("happiness")])
figure, axes = plt.subplots(figsize=(7.5, 3.4), layout="constrained")
for method, style in zip(methods, ("-", "--", "-."), strict=False):
    axes.plot(levels, answers[method], style, color=method_color(method), label=method_label(method))
axes.set(xlabel=f"intensity of {' + '.join(happy)}", ylabel="probability of happiness", ylim=(-0.02, 1.02))
axes.legend(frameon=False)
show(axes, alt="Probability of happiness over the intensity of its action units, one curve for each network")
half = {
    name: next((f"{x:.2f}" for x, p in zip(levels, chances, strict=True) if p > 0.5), "never")
    for name, chances in answers.items()
}
Markdown(
    "First above one half at intensity: "
    + ", ".join(f"{method_label(name)} **{at}**" for name, at in half.items())
    + f". You guessed *{guess_mind.value or 'nothing yet'}*. One person, one path, one seed: `lab.identity = 7` in a new cell "
    "shows another person; do the places hold?"
)

# %% [markdown]
# ## What to remember
#
# - Cross-entropy alone makes most of the structure; a metric loss with a weight that was chosen for accuracy adds to it.
# - A map shows where to look. That something *moved* is shown by distances in the full space, relative to the whole space.
# - Two trainings differ even when nothing but the seed does. Without that control, any difference looks like an effect.
# - Large-scale agreement (CKA) and small-scale agreement (common neighbors) are two questions.
#
# **To discuss.** A retrieval system shows users the nearest faces. After retraining with another seed the accuracy is the same, but
# many neighbors are others. Is that a problem? For whom? Would you rather change the loss or average several networks?
#
# ## Where to read on
#
# - Kornblith, Norouzi, Lee, Hinton, *Similarity of Neural Network Representations Revisited*, ICML 2019,
#   [arXiv:1905.00414](https://arxiv.org/abs/1905.00414): which invariances a comparison should have.
# - Musgrave, Belongie, Lim, *A Metric Learning Reality Check*, ECCV 2020, [arXiv:2003.08505](https://arxiv.org/abs/2003.08505).
# - `docs/embedding_explorer.md` of this package: how the maps are aligned over methods and epochs.
