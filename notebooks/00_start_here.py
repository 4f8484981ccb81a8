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
# Welcome. A neural network that recognizes facial expressions turns every face into a list of numbers, its
# **embedding**: a point in a space with a hundred or more dimensions. The *loss* it is trained with decides how that
# space is arranged. Here you turn two such losses up by hand and watch the space change; then you train the networks
# yourself.
#
# **You will**
# - turn up Triplet-Center Loss (TCL) and Ad-Corre, from cross-entropy (CE) alone to the strongest dose, and see the
#   points move;
# - say what each loss asks of the space, whether it got it, and what that cost;
# - train the same network with three losses, find one face in all three spaces, and measure what changed.
#
# **Time:** about 30 minutes, of which the computer needs two or three. **Assumed:** you can read Python; you know what a
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
quick = True  # False: section 4 takes all faces and all epochs, as "make compare" does (up to ten minutes)
run_folder = "runs/start_here"  # where section 4 writes; what an earlier run of this notebook left there is replaced
doses_folder = "runs/gallery-strengths"  # of section 2: the gallery's, or your own of "ferlab compare --strengths"

# %% [markdown]
# ## 1. A face is a point
#
# Nothing is trained yet: the package brings trained networks along. Here are three faces that none of them has
# learned from, and what the one trained with cross-entropy makes of each: a stripe a number, red above zero and blue
# below.
#
# (The faces are **rendered**, not photographed; section 3 says more. An error in this cell means that the notebook
# runs outside the environment that `make lab` sets up: close it and start again with `make lab`.)

# %%
import warnings

import numpy as np
import pandas as pd
from IPython.display import Markdown, display

from ferlab.figures import embedding_stripes, show
from ferlab.gallery import open_gallery
from ferlab.runs import RunFolder, first_seed_spaces, load_splits, read_run, read_settings

warnings.filterwarnings("ignore", category=DeprecationWarning)
if doses_folder == "runs/gallery-strengths":
    open_gallery(part="strengths")
dosed = read_run(doses_folder)
test_faces = load_splits(read_settings(RunFolder(doses_folder)), ["test"])["test"]
spaces, labels = first_seed_spaces(dosed)

happy, sad = (np.flatnonzero(labels == test_faces.classes.index(name)) for name in ("happiness", "sadness"))
three = [happy[0], happy[1], sad[0]]
show(
    embedding_stripes(test_faces.images[three], spaces["ce"][three], [test_faces.classes[k] for k in labels[three]]),
    alt="Three rendered faces, two happy and one sad, each beside its embedding as a row of colored stripes",
)

# %%
between = {"two happy faces": (happy, happy), "a happy and a sad face": (happy, sad)}
distances = {
    words: np.linalg.norm(spaces["ce"][a][:100, None] - spaces["ce"][b][-100:], axis=2).mean()
    for words, (a, b) in between.items()
}
Markdown(
    f"Each is a point in {spaces['ce'].shape[1]} dimensions. Points that lie close together are faces that the network finds "
    f"alike: on average, {' and '.join(f'{words} are {value:.1f} apart' for words, value in distances.items())}."
)

# %% [markdown]
# ## 2. Turn the loss up
#
# Cross-entropy asks for right *answers*. Where the points lie does not matter to it, as long as a plane can part the
# classes. Two losses that are added to it ask for more:
#
# | loss | what it asks for |
# |---|---|
# | **cross-entropy** (CE) | the right class gets the largest score |
# | **CE + TCL** | also: each point is nearer to its own class center than to the nearest other center, by a margin ([Rajoli et al. 2023](https://arxiv.org/abs/2302.04108), after He et al. 2018) |
# | **CE + Ad-Corre** | also: embeddings of one class correlate, those of different classes do not ([Fard & Mahoor 2022](https://doi.org/10.1109/ACCESS.2022.3156598)) |
#
# A loss has a **strength**: how many times it counts. At 0 there is cross-entropy alone, at 1 a reference (of
# Ad-Corre: the balance of its paper). For each strength one network was trained, from the same first weights, on the
# same faces in the same order, so that *only the loss differs*. (Ad-Corre's network has several heads, also at 0.)
#
# You are about to turn the strength up. Commit yourself first. (Your guesses are kept in `runs/guesses.json`, so that
# they outlive a restart.)

# %%
from ferlab.classroom import ask

reshaped_guess = ask(
    "From cross-entropy to the strongest dose: what will the faces of one class do, compared with the gaps between classes?",
    ["draw together", "spread", "nothing that one can see", "something else with each loss"],
)
price_guess = ask(
    "And the share of faces that are classified right?",
    ["it rises", "it stays within a point", "it falls by one to five points", "it falls further"],
)
display(reshaped_guess, price_guess)

# %% [markdown]
# ### TCL, with its own eyes
#
# TCL compares two distances of a face, and they make a plane: to the right, how far it is from its own class center; upward,
# how far from the nearest other one. Above the curve TCL is content with a face, its *hinge is shut*. Every dot is a test
# face. The numbers at the axes are squared distances, as in the loss, and stand at their square roots: so a small space and
# one many times as large can be read on one scale. The left map is cross-entropy alone and stays; the right one begins there
# too.
#
# Run the cell, then **drag the slider *Strength*** from 0 to the right and back, or press its play button. The curves below
# it say the same in numbers; their marker can be dragged too. What happens first, what last?

# %%
from ferlab.widgets import EmbeddingExplorer

turned_up = EmbeddingExplorer(dosed, test_faces, methods=["ce", "tcl-nearest"])
turned_up.projection = "triplet"
turned_up.strength = 0
turned_up

# %% [markdown]
# TCL compares squared distances with a fixed margin, so a network can please it in two ways: draw its classes together, or
# make the whole space larger. Go to the strongest dose and choose other projections to tell the two apart. On the
# **class-mean plane** the unit is the mean distance between two class means, so a smaller cloud *is* a tighter class;
# **UMAP** keeps neighbors and equalizes densities. How much of what TCL's plane shows is left on each?
#
# ### Ad-Corre, with its own eyes
#
# Ad-Corre compares correlations. Its picture is the matrix below the maps: a cell is a pair of faces, sorted by class, red where
# they correlate and blue where they do the opposite. It wants red squares on the diagonal and blue elsewhere. To the left again
# the same network with cross-entropy alone. Drag the slider, and watch the matrix and its histograms.

# %%
correlated = EmbeddingExplorer(dosed, test_faces, methods=["ce-heads", "ad-corre"])
correlated.projection = "class-means"
correlated.strength = 0
correlated.correlations_shown = True
correlated

# %% [markdown]
# ### What was seen, in numbers
#
# Measured in the full space, on all test faces. **Hinges open** is the share of faces for which TCL is not content
# yet; **within / between** the mean distance of a face to the mean of its class, divided by the mean distance of two
# class means.

# %%
from ferlab.methods import method_label
from ferlab.report import dose_effects, dose_table, told_by

common = {"within_between_ratio": "within / between", "accuracy": "accuracy"}
shown = {
    "tcl-nearest": {"open_hinges": "hinges open", **common},
    "ad-corre": {"correlation_within": "correlation, one class", "correlation_between": "two classes", **common},
}
for method, measures in shown.items():
    display(dose_table(dosed.summary, method, measures).style.format("{:.3f}").set_caption(method_label(method)))

# %%


def told(summary):
    """What the strongest dose of each loss did, against its control."""
    of_losses = [dose_effects(summary, method) for method in shown if method in summary["doses"]]
    parts = [f"**{told_by(found)}**\n\n" + "\n".join(f"- {one.sentence()}" for one in found) for found in of_losses]
    return "\n\n".join(parts) or "These trainings hold no strengths of the two losses."


Markdown(
    told(dosed.summary)
    + f"\n\nYou guessed *{reshaped_guess.value or 'nothing yet'}* and, for the price, *{price_guess.value or 'nothing yet'}*."
)

# %% [markdown]
# That was one network a strength. Would other first weights give the same picture? The same trainings were run with
# several seeds, and what follows is said of all of them; notebook 08 tells how far to trust such intervals.

# %%
from ferlab.gallery import seeds_summary

Markdown(f"Over {len(seeds_summary()['seeds'])} seeds:\n\n{told(seeds_summary())}")

# %% [markdown]
# So a loss is not something that a network has or has not: it has a dose. From which dose on the space moves, and
# from which on the answers suffer, is read off the whole curve; notebook 07 does that.
#
# ## 3. The faces
#
# The built-in faces are **rendered**, not photographed: imaginary people, drawn by a program that controls every muscle
# movement. They can be shared freely, and everything about them is known: who, which movement, how strong, under which
# light. What they are not: evidence of what anyone feels. Each shows a *posed* pattern that carries a class name.

# %%
from ferlab.data import load_dataset
from ferlab.figures import class_counts, contact_sheet

train_faces = load_dataset("synthetic", split="train")
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
# ## 4. Train them yourself
#
# Now the same at one strength, with networks of your own: cross-entropy, CE + TCL, CE + Ad-Corre. Ad-Corre's network
# has several embedding heads instead of one. So that the loss is not credited with what the heads do, the same
# network is also trained with CE alone, as the **control**. Ad-Corre is compared with it, TCL with CE.

# %%
from ferlab.methods import DEFAULT_METHODS, get_method

strengths = {method_label(name): get_method(name).strength for name in DEFAULT_METHODS}
accuracy_guess = ask(
    "Which one gets the most test faces right?",
    ["CE", "CE + TCL", "CE, k heads (control)", "CE + Ad-Corre", "one run cannot tell"],
)
geometry_guess = ask(
    "In which space do faces of one class lie closest together?",
    ["CE", "CE + TCL", "CE, k heads (control)", "CE + Ad-Corre"],
)
display(accuracy_guess, geometry_guess)
Markdown(
    "The strengths: " + ", ".join(f"{label} {strength:g}" for label, strength in strengths.items() if strength) + "."
)

# %% [markdown]
# Every network starts from the same initial weights and sees the same faces in the same order, as far as the networks
# agree. With `quick = True` each learns from a small part of the faces for a few epochs: enough to see every part
# work, too little for a verdict on the losses. The table says what will do the work.

# %%
from ferlab.report import machine_facts

pd.Series(machine_facts(), name="this machine").to_frame()

# %%
from ferlab.experiments import CompareSettings, run_compare

settings = CompareSettings(out=run_folder, quick=quick, overwrite=True, no_figures=quick)
summary = run_compare(settings)

# %% [markdown]
# ## 5. What the numbers say

# %%
from ferlab.report import score_table, verdict

run = read_run(run_folder)
score_table(run).style.format("{:.3f}", na_rep="n/a")

# %% [markdown]
# The first three columns look at the *answers* of the classifier. The other four look at the *space* and do not use the
# classifier at all: **within / between** as in section 2, and
#
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

# %% [markdown]
# ## 6. The three spaces
#
# Each dot is a test face; the three maps show the same faces. UMAP has squeezed the dimensions into two, and the maps
# are turned so that they can be compared. (UMAP keeps neighbors and equalizes densities: it can hide what section 2
# showed.)
#
# - **Hover** over a dot: its face appears, and the crosshairs in the other maps show where the same face lies.
# - **Drag a loop** around dots: they light up in all maps, and the faces are listed below.
# - Switch the color to **right or wrong**: where do the mistakes live?
# - Press **One map, morphing** and then the play button: the points travel from space to space.
# - Press **Validation faces, epoch by epoch** and play: so the spaces form while the network learns.

# %%
faces = load_splits(settings)["test"]
explorer = EmbeddingExplorer(run_folder, faces)
explorer

# %% [markdown]
# UMAP keeps *neighbors*, not distances: the size of a cloud and the gap between two clouds say little. The table in
# section 5 and the neighbors listed below the maps are measured in the full space; when they disagree with a map,
# believe them. *Projection, and how far to believe it*, below the maps, has UMAP's settings: how much of the picture
# survives another seed?
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
# fear share (section 3)?
#
# ### Exercise 2: measure it yourself
#
# Write the ratio *within / between* as a function. `embeddings` is a matrix with one row of length 1 a face, `labels`
# the classes as numbers.
#
# <details><summary>Hint</summary>
#
# The mean of class `c` is `embeddings[labels == c].mean(axis=0)`; `np.linalg.norm(..., axis=1)` gives the length of
# each row of a matrix. Average over *faces* above the fraction line and over *pairs of different classes* below it.
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
# Was your guess from section 3 right? Rows are true classes, columns the network's answers.

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
# - A metric loss has a dose. How far each moved the space, and at what price, stands in section 2: in its own terms,
#   and over several seeds.
# - Accuracy does not see the space: it has to be measured for itself. In notebook 02, section 7, two spaces with the
#   same answers have very different shapes.
# - Each loss looks at the space with eyes of its own, and a map shows what it was made to show: numbers measured in
#   the full space decide.
# - One run cannot rank methods by accuracy: another seed moves the numbers too.
#
# **To discuss.** For which task would you pay for a tight space even when accuracy stays the same? What could go
# wrong when a network is trained on posed, rendered faces and used on people?
#
# ## Where to go next
#
# - **The report of this run** holds the maps with every detail, the curves and all confusion matrices in one file, and
#   opens in any browser without network. The next cell says where it is.
# - **The full comparison**: `make compare` trains on all built-in faces for the full number of epochs, or set `quick
#   = False` at the top of this notebook.
# - **Several seeds**, so that accuracy can be compared: `ferlab compare --seeds 3 --out runs/seeds`.
# - **Real photographs**: with FER-2013 on your disk, `ferlab compare --dataset fer2013 --root FOLDER --out
#   runs/fer2013`.
# - **Your own training**: the losses are ordinary PyTorch modules, `from ferlab.losses import TripletCenterLoss,
#   AdCorreLoss`.

# %%
from pathlib import Path

Markdown(f"Open this file in your browser: `{(Path(run_folder) / 'report.html').resolve()}`")
