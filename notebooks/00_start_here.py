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
# # Start here: one network, three losses, three spaces
#
# Welcome. A neural network that recognizes facial expressions turns every face into a list of numbers, its **embedding**:
# a point in a space with a hundred or more dimensions. The *loss* it is trained with decides how that space is arranged.
# In this notebook you train the same network with three losses and then walk through the spaces they make.
#
# **You will**
# - see the faces and the action units that move them;
# - train a network with cross-entropy (CE), with CE + Triplet-Center Loss (TCL) and with CE + Ad-Corre;
# - find the same face in all three spaces, and measure what changed.
#
# **Time:** about 30 minutes, of which the computer needs one or two. **Assumed:** you can read Python; you know what a
# classifier and a loss are. **Needed:** an ordinary laptop, no GPU, no network, no data of your own.
#
# Run a cell with <kbd>Shift</kbd> + <kbd>Enter</kbd>, one after the other.

# %% tags=["setup", "remove-cell"]
# Installs ferlab where it is missing, as on Colab; elsewhere this does nothing.
import importlib.util
import os

if importlib.util.find_spec("ferlab") is None:
    get_ipython().run_line_magic("pip", "install --quiet " + os.environ.get("FERLAB_SOURCE", ".."))

# %% tags=["parameters"]
quick = True  # False: all faces and all epochs, the comparison as "make compare" runs it (several minutes)
run_folder = "runs/start_here"  # where the results go; what an earlier run of this notebook left there is replaced

# %% [markdown]
# ## 1. Is this machine ready?

# %%
import warnings

import pandas as pd
from IPython.display import Markdown

from ferlab.report import machine_facts

warnings.filterwarnings("ignore", category=DeprecationWarning)
pd.Series(machine_facts(), name="this machine").to_frame()

# %% [markdown]
# If this cell gave a table, you are ready. An error here means that the notebook runs outside the environment that
# `make lab` sets up; close it and start again with `make lab`.

# %% [markdown]
# ## 2. The faces
#
# The built-in faces are **rendered**, not photographed: imaginary people, drawn by a program that controls every muscle
# movement. They can be shared freely, and everything about them is known: who, which movement, how strong, under which
# light. What they are not: evidence of what anyone feels. Each shows a *posed* pattern that carries a class name.

# %%
from ferlab.data import load_dataset
from ferlab.figures import class_counts, contact_sheet, show

train_faces = load_dataset("synthetic", split="train")
test_faces = load_dataset("synthetic", split="test")
show(
    contact_sheet(test_faces.images, test_faces.labels, test_faces.classes, columns=12, seed=1),
    alt="Rendered faces, twelve for each of the seven classes, one class a row",
)

# %% [markdown]
# Look along the rows. Which two classes would *you* mix up? Keep your answer, the network will give its own.
#
# People who collect faces find many smiles and few disgusted faces. The training part imitates this; the test part
# has enough of every class to measure each.

# %%
counts = {"train": train_faces.class_counts(), "test": test_faces.class_counts()}
show(class_counts(counts), alt="Bars: number of training and test faces in each class")
rarest, commonest = (pick(counts["train"], key=counts["train"].get) for pick in (min, max))
Markdown(
    f"Of {len(train_faces):,} training faces, {counts['train'][commonest] / len(train_faces):.0%} show {commonest} and "
    f"{counts['train'][rarest] / len(train_faces):.0%} {rarest}. Always answering *{commonest}* would be right for "
    f"{counts['test'][commonest] / len(test_faces):.0%} of the test faces: accuracy starts there, not at zero."
)

# %% [markdown]
# ### Action units
#
# The Facial Action Coding System (FACS) describes what a face *does* by **action units** (AUs), roughly one muscle
# movement each, with an intensity. Four of them, on one person, at three intensities:

# %%
import numpy as np

from ferlab.figures import image_grid
from ferlab.rendering import DESCRIPTIONS, random_identity, render

person = random_identity(np.random.default_rng(3))
units, intensities = ["AU4", "AU5", "AU12", "AU26"], [0.0, 0.5, 1.0]
pictures = [[render(person, {unit: intensity}, size=128) for intensity in intensities] for unit in units]
show(
    image_grid(
        pictures, rows=[f"{u}\n{DESCRIPTIONS[u]}" for u in units], columns=[f"intensity {i:g}" for i in intensities]
    ),
    alt=f"One rendered person with {', '.join(f'{u} ({DESCRIPTIONS[u]})' for u in units)} at intensities 0, 0.5 and 1",
)

# %% [markdown]
# Move one yourself. Try AU6 beside AU12: which of the two makes a smile look real to you?

# %%
from ferlab.widgets import action_unit_slider

action_unit_slider("AU12")

# %% [markdown]
# Each class is a pattern of action units, in several variants. The ones that share units are the ones that get confused:

# %%
from ferlab.rendering import EXPRESSIONS

patterns = {
    name: " or ".join(" + ".join(units) if units else "none" for units in list(variants.values())[:3])
    for name, variants in EXPRESSIONS.items()
}
pd.Series(patterns, name="action units (up to three variants)").to_frame().style.set_properties(
    **{"text-align": "left"}
)

# %% [markdown]
# ## 3. Predict first
#
# You are about to train the same network on the same faces with three losses:
#
# | loss | what it asks for |
# |---|---|
# | **cross-entropy** (CE) | the right class gets the largest score; where the points lie does not matter otherwise |
# | **CE + TCL** | also: each point is nearer to its own class center than to the nearest other center, by a margin ([Rajoli et al. 2023](https://arxiv.org/abs/2302.04108), after He et al. 2018) |
# | **CE + Ad-Corre** | also: embeddings of one class correlate, those of different classes do not ([Fard & Mahoor 2022](https://doi.org/10.1109/ACCESS.2022.3156598)) |
#
# Ad-Corre's network has several embedding heads instead of one. So that the loss is not credited with what the heads do, the same
# network is also trained with CE alone, as the **control**. Ad-Corre is compared with it, TCL with CE.
#
# Before you look, commit yourself. (Your guesses are kept in `runs/guesses.json`, so that they outlive a restart.)

# %%
from IPython.display import display

from ferlab.classroom import ask

accuracy_guess = ask(
    "Which one gets the most test faces right?",
    ["CE", "CE + TCL", "CE, k heads (control)", "CE + Ad-Corre", "one run cannot tell"],
)
geometry_guess = ask(
    "In which space do faces of one class lie closest together?",
    ["CE", "CE + TCL", "CE, k heads (control)", "CE + Ad-Corre"],
)
display(accuracy_guess, geometry_guess)

# %% [markdown]
# ## 4. Train
#
# Every network starts from the same initial weights and sees the same faces in the same order, as far as the networks
# agree. With `quick = True` each learns from 1,920 faces for three epochs: enough to see every part work, too little for a verdict
# on the losses.

# %%
from ferlab.experiments import CompareSettings, run_compare
from ferlab.runs import load_splits

settings = CompareSettings(out=run_folder, quick=quick, overwrite=True)
summary = run_compare(settings)

# %% [markdown]
# ## 5. What the numbers say

# %%
from ferlab.report import score_table, verdict
from ferlab.runs import read_run

run = read_run(run_folder)
score_table(run).style.format("{:.3f}", na_rep="n/a")

# %% [markdown]
# The first three columns look at the *answers* of the classifier. The other four look at the *space* and do not use the
# classifier at all:
#
# - **within / between**: mean distance of a face to the mean of its class, divided by the mean distance of two class means;
# - **silhouette**: how much closer a face is to its own class than to the next one, from -1 to 1;
# - **10-NN accuracy**: right when the ten nearest faces vote;
# - **MAP@R**: how well a search with one face brings faces of the same class first.
#
# An arrow says which way is better. What may be concluded, and what not:

# %%
said = verdict(run)
tightest = score_table(run)["within / between ↓"].idxmin()
Markdown(
    f"**{said.headline}**\n\n"
    + "\n".join(f"- {sentence}" for sentence in said.sentences)
    + f"\n\nYou guessed *{accuracy_guess.value or 'nothing yet'}* for accuracy, "
    + f"and *{geometry_guess.value or 'nothing yet'}* for the tightest space. "
    + f"Within / between is smallest for {tightest}."
)

# %%
from ferlab.figures import learning_curves

show(
    learning_curves(run.history, title="Accuracy on the validation faces while training"),
    alt="Learning curves: validation accuracy over the epochs, one line for each of the four networks",
)

# %% [markdown]
# ## 6. The three spaces
#
# Each dot is a test face; the three maps show the same faces. UMAP has squeezed the dimensions into two, and the maps
# are turned so that they can be compared.
#
# - **Hover** over a dot: its face appears, and the crosshairs in the other maps show where the same face lies.
# - **Drag a loop** around dots: they light up in all maps, and the faces are listed below.
# - Switch the color to **right or wrong**: where do the mistakes live?
# - Press **One map, morphing** and then the play button: the points travel from space to space.
# - Press **Validation faces, epoch by epoch** and play: so the spaces form while the network learns.

# %%
from ferlab.widgets import EmbeddingExplorer

faces = load_splits(settings)["test"]
explorer = EmbeddingExplorer(run_folder, faces)
explorer

# %% [markdown]
# UMAP keeps *neighbors*, not distances: the size of a cloud and the gap between two clouds say little. The table in
# section 5 and the neighbors listed below the maps are measured in the full space; when they disagree with a map, believe
# them. *Projection, and how far to believe it*, below the maps, has UMAP's settings: how much of the picture survives
# another seed?
#
# ### Exercise 1: the border
#
# Find the border between **surprise** and **fear** in the cross-entropy map and select at least 20 faces on it. Then run
# the next cell. In all exercises: what the check says begins with ✓ when it is solved, and else says what to change.

# %%
from ferlab.classroom.exercises import check_selection

print(check_selection(explorer, classes=("surprise", "fear"), at_least=20))

# %% [markdown]
# Where do these faces lie in the other two maps: still on a border, or on one side? Which action units do surprise and
# fear share (section 2)?
#
# ### Exercise 2: measure it yourself
#
# Write the ratio *within / between* as a function. `embeddings` is a matrix with one row of length 1 a face, `labels` the
# classes as numbers.
#
# <details><summary>Hint</summary>
#
# The mean of class `c` is `embeddings[labels == c].mean(axis=0)`; `np.linalg.norm(..., axis=1)` gives the length of each row
# of a matrix. Average over *faces* above the fraction line and over *pairs of different classes* below it.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def within_between(embeddings, labels):
#     means = np.stack([embeddings[labels == c].mean(axis=0) for c in np.unique(labels)])
#     within = np.linalg.norm(embeddings - means[labels], axis=1).mean()
#     pairs = [(i, j) for i in range(len(means)) for j in range(i)]
#     between = np.mean([np.linalg.norm(means[i] - means[j]) for i, j in pairs])
#     return within / between
# ```
# </details>


# %%
def within_between(embeddings, labels):
    """Mean distance to the own class mean, over the mean distance of two class means."""
    ...  # your code


# %%
from ferlab.classroom.exercises import check_within_between

print(check_within_between(within_between, run_folder))

# %% [markdown]
# ## 7. What is taken for what
#
# Was your guess from section 2 right? Rows are true classes, columns the network's answers.

# %%
from ferlab.figures import confusion_matrices

matrices = {
    name: np.array(scores["confusion"]) for name, scores in summary["methods"].items() if name in ("ce", "tcl-nearest")
}
show(
    confusion_matrices(matrices, faces.classes),
    alt="Two confusion matrices, cross-entropy and CE + TCL: rows are true classes, columns predicted ones",
)
errors = matrices["ce"] - np.diag(np.diag(matrices["ce"]))
true, predicted = np.unravel_index(errors.argmax(), errors.shape)
Markdown(
    f"Cross-entropy's most frequent mistake: {errors[true, predicted]} of {matrices['ce'][true].sum()} faces that show "
    f"{faces.classes[true]} are taken for {faces.classes[predicted]}."
)

# %% [markdown]
# ## What to remember
#
# - Accuracy does not see the space: it has to be measured for itself. How much the losses change it here, the verdict above says; in
#   notebook 02, section 7, two spaces with the same answers have very different shapes.
# - A map is for finding questions; numbers measured in the full space answer them.
# - One run cannot rank methods by accuracy: another seed moves the numbers as much as the method does.
#
# **To discuss.** For which task would you pay for a tight space even when accuracy stays the same? What could go wrong when
# a network is trained on posed, rendered faces and used on people?
#
# ## Where to go next
#
# - **The report of this run** holds the maps with every detail, the curves and all confusion matrices in one file, and
#   opens in any browser without network. The next cell says where it is.
# - **The full comparison**: `make compare` trains on all built-in faces for the full number of epochs, or set `quick = False`
#   at the top of this notebook.
# - **Several seeds**, so that accuracy can be compared: `ferlab compare --seeds 3 --out runs/seeds`.
# - **Real photographs**: with FER-2013 on your disk, `ferlab compare --dataset fer2013 --root FOLDER --out runs/fer2013`.
# - **Your own training**: the losses are ordinary PyTorch modules, `from ferlab.losses import TripletCenterLoss, AdCorreLoss`.

# %%
from pathlib import Path

Markdown(f"Open this file in your browser: `{(Path(run_folder) / 'report.html').resolve()}`")
