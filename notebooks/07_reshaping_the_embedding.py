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
# # Dose and response
#
# A metric loss stands beside cross-entropy with a weight, and the weight decides what happens: too little changes nothing, more
# reshapes the space, too much can break the network. So one point tells little; the whole curve is the lesson. This is the
# notebook with the slider: you turn each loss up from nothing to several times its reference, watch the space give way, read off what a
# point of accuracy buys, and choose a dose yourself.
#
# **You will**
# - turn TCL and Ad-Corre up and down, and see it in the maps, in TCL's own plane and in Ad-Corre's correlations;
# - read dose-response curves on training and on test faces, and a trade-off curve;
# - choose a dose by a rule, on validation faces;
# - hold every change against what another seed changes;
# - lead a face from one expression to another through spaces of rising dose.
#
# **Time:** about 75 minutes, of which the computer needs one. **Assumed:** notebooks 00, 03 and 06. **Needed:** no GPU,
# no network, no data of your own.

# %% tags=["setup", "remove-cell"]
# Installs ferlab where it is missing, as on Colab; elsewhere this does nothing.
import importlib.util
import os

if importlib.util.find_spec("ferlab") is None:
    get_ipython().run_line_magic("pip", "install --quiet " + os.environ.get("FERLAB_SOURCE", ".."))

# %% tags=["parameters"]
run_folder = "runs/gallery-strengths"  # the gallery's, or one of your own made by "ferlab compare --strengths 0,1,4,16"
methods = ["ce", "tcl-nearest", "ad-corre"]  # the maps of section 1; the others are compared with the first
train_again = False  # True: section 6 trains cross-entropy once more, with another seed (a minute or two)

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown, display

from ferlab.classroom import ask
from ferlab.figures import method_color, method_label, show

warnings.filterwarnings("ignore", category=DeprecationWarning)

# %% [markdown]
# ## 1. Turn it up
#
# Training is not the point today, so the package brings the networks along: one for each loss and dose, trained on the same faces,
# from the same initial weights, with the same learning rates for the same number of epochs. The next cell writes them into a run folder. A
# **dose** multiplies a loss's reference weight (of Ad-Corre the paper's; of TCL 1 on the squared distance divided by the dimensions).
# Dose 0 is the control: cross-entropy alone, on the same network.

# %%
from ferlab.gallery import open_gallery, seeds_summary
from ferlab.methods import get_method
from ferlab.runs import asked_by, first_seed_spaces, read_run

is_gallery = run_folder == "runs/gallery-strengths"
if is_gallery:
    open_gallery(part="strengths")
run = read_run(run_folder)
doses = run.summary["doses"]  # of every loss: its strengths, its control, and the measures at each
summary = (
    seeds_summary() if is_gallery else run.summary
)  # the same with several seeds: the numbers of sections 3, 4 and 6
curves = {name: found for name, found in summary["doses"].items() if name in doses}
classes = list(run.summary["methods"]["ce"]["class_recall"])
spaces, labels = first_seed_spaces(run)


def whole(found):
    """Dose -> method as it was trained, for those doses that have not broken their network."""
    trained = dict(zip(found["strengths"], found["methods"], strict=True))
    return {dose: name for dose, name in trained.items() if found["breaks_at"] is None or dose < found["breaks_at"]}


Markdown(
    "\n".join(
        f"- {method_label(name)}: doses {', '.join(f'{dose:g}' for dose in found['strengths'])}; the default is {found['default']:g}, "
        f"the control {method_label(found['control'])}"
        for name, found in doses.items()
    )
    + f"\n\n{len(labels):,} test faces, which no network was trained on; seed {run.summary['seeds'][0]}."
)

# %% [markdown]
# **Within / between** is the mean distance of a face to its class's mean, over the mean distance of two class means, of embeddings scaled to length 1; smaller is tighter.

# %%
guess_map = ask(
    "From dose 0 to the strongest: by how much will within / between fall on test faces, on average of both losses?",
    ["not at all", "by less than a tenth", "by a tenth to a third", "by more than a third"],
)
guess_map

# %% [markdown]
# The maps show the test faces with the losses' own eyes. Above, **TCL's plane**: to the right the distance of a face to its own center, upward that to the
# nearest other one, numbered by the squares and spaced by their roots; above the curve TCL is content. Below, **Ad-Corre's correlations** of every face with every other, sorted by class. (On TCL's plane Ad-Corre's faces
# stand near the origin, since its embeddings have length 1; and TCL's network has one head.) Take your time:
#
# - **Strength**: drag the slider to 0 and back, slowly; the points travel. At 0, TCL's map is that of cross-entropy, and Ad-Corre's that of its control. The curves below the
#   slider show what you get and pay; drag their marker instead, if you like.
# - **Draw a loop** around faces below the curve at 0, and drag: which of them climb, and which never do?
# - **Projection**: choose the *class-mean plane*, nothing is bent there, and a smaller cloud is a tighter one; drag again. Then UMAP: how much of the change can you still see?
#   (Notebook 10 says why.)
# - **Validation faces, epoch by epoch**, then play: when in the training does it happen? (The losses are not on from the beginning: centers want a network that has learned
#   something.)

# %%
from ferlab.data import load_dataset
from ferlab.widgets import EmbeddingExplorer

explorer = EmbeddingExplorer(run, methods=methods)
explorer.projection = "triplet"  # TCL's plane
explorer.correlations_shown = True  # what Ad-Corre sees
explorer

# %%
from ferlab.evaluation import within_between_ratio


def unit(space):
    """Rows scaled to length 1, as all numbers of this section are measured."""
    space = space.astype(np.float64)
    return space / np.linalg.norm(space, axis=1, keepdims=True)


ratios = {name: within_between_ratio(unit(space), labels) for name, space in spaces.items()}
lines, changes = [], []
for name, found in doses.items():
    first, last = whole(found)[0.0], whole(found)[max(whole(found))]
    change = ratios[last] / ratios[first] - 1
    changes.append(change)
    lines.append(
        f"- **{method_label(name)}**, from dose 0 to {max(whole(found)):g}: within / between {ratios[first]:.3f} to {ratios[last]:.3f}, "
        f"{'classes are **tighter** by' if change < 0 else 'classes are **looser** by'} {abs(change):.0%}"
        + (", hardly a change" if abs(change) < 0.05 else "")
    )
Markdown(
    "\n".join(lines) + f"\n\nOn average {np.mean(changes):+.0%}. You guessed *{guess_map.value or 'nothing yet'}*."
)

# %% [markdown]
# (Measured in the full space, not on a map.) The average says less than the plane did: a loss is best seen in what it asks for. Section 2 counts that.
#
# ### Exercise 1: torn apart
#
# The average hides what happens to single faces. Find a group of at least 20 faces that lies **close together in the cross-entropy
# space** and is **torn apart in another one**, at a dose of your choice: its spread there should be twice as large at least. Spread is measured in the full
# space: mean distance of the faces to their mean, as a share of the same for all faces. Select it with a loop, then run the next cell.
#
# <details><summary>Hint</summary>
#
# Choose the UMAP maps, and dose 0. Where two classes touch, the loss has to decide for every face where it belongs. Take a small loop there,
# and drag the slider: does the group split? *Close under CE, far now* below the maps lists faces whose neighbors went away. The check says how far you are.
# </details>

# %%
from ferlab.classroom.exercises import check_torn_apart

print(check_torn_apart(explorer, at_least=20, growth=2.0))

# %% [markdown]
# Why these? Color them by *predicted class* and by *intensity*. Do the networks agree on them?
#
# ## 2. With the losses' own eyes
#
# A loss does not ask for a tidy map. TCL asks that every face be nearer to its own center than to the nearest other one, by a margin;
# where that holds, its hinge is **shut** and it pulls no more.

# %%
guess_hinges = ask(
    "Under cross-entropy alone, for which share of test faces is TCL's hinge open? And at the strongest dose?",
    [
        "nearly all, then nearly none",
        "most, then fewer than half of them",
        "few, and no fewer then",
        "about half, both times",
    ],
)
guess_hinges

# %%
from ferlab.figures import correlation_views, triplet_planes
from ferlab.projection import open_hinges, triplet_plane

tcl = whole(doses["tcl-nearest"])
margin = float(get_method("tcl-nearest").options["margin"])
shown = [tcl[dose] for dose in dict.fromkeys([0.0, min(filter(None, tcl)), max(tcl)])]
show(
    triplet_planes({name: spaces[name] for name in shown}, labels, classes, margin=margin),
    alt="TCL's plane at doses from none to the strongest: every face by its distance to its own center and to the nearest other "
    "one, with the curve above which the hinge is shut",
)
planes = {dose: triplet_plane(spaces[name], labels) for dose, name in tcl.items()}
opened = {dose: open_hinges(plane, margin) for dose, plane in planes.items()}
lost = {dose: (plane[:, 0] > plane[:, 1]).mean() for dose, plane in planes.items()}
Markdown(
    "Hinge open: "
    + ", ".join(f"**{share:.0%}** of the faces at dose {dose:g}" for dose, share in opened.items())
    + f". You guessed *{guess_hinges.value or 'nothing yet'}*. Nearer to another class's center than to their own, below the line y = x: "
    + ", ".join(f"{share:.1%}" for share in lost.values())
    + "."
)

# %% [markdown]
# Look at both axes. The loss can shut its hinges in two ways: faces move towards their own center (to the left), or centers move
# away from each other (upward). Which does more here?

# %%
moved = {
    dose: {"to the own center": plane[:, 0].mean(), "to the nearest other": plane[:, 1].mean()}
    for dose, plane in planes.items()
}
table = pd.DataFrame(moved).T.rename_axis("dose")
table["other less own"] = table.iloc[:, 1] - table.iloc[:, 0]
display(table.style.format("{:.2f}").format_index("{:g}"))
own, other = (table.iloc[-1] - table.iloc[0]).iloc[:2]
Markdown(
    f"From dose 0 to {max(tcl):g} the mean distance to the own center {'fell' if own < 0 else 'rose'} by {abs(own):.2f}, that to the nearest other "
    f"center {'rose' if other > 0 else 'fell'} by {abs(other):.2f} (squared, divided by D; the margin is {margin:g}): "
    + (
        "the larger part is pulling."
        if -own > max(other, 0)
        else "the larger part is pushing."
        if other > max(-own, 0)
        else "neither opened the gap."
    )
)

# %% [markdown]
# Ad-Corre looks at correlations: of faces within a class (1 wanted), of faces of two classes (-1 wanted), of a face's heads with each
# other (-1 wanted). Notebook 06 reads this picture in detail.

# %%
adcorre = whole(doses["ad-corre"])
shown = [adcorre[dose] for dose in (0.0, max(adcorre))]
show(
    correlation_views({name: spaces[name] for name in shown}, labels, classes),
    alt="Correlations of test faces sorted by class, their distributions, and the heads with each other: the control and the strongest dose",
)

# %% [markdown]
# ## 3. The whole curve
#
# Now every dose, in numbers. Solid lines are test faces, dashed ones faces of the training split: a loss acts on the second and is judged by the
# first. Bands are 95 % intervals over seeds, a ring marks the default dose, a cross the dose at which a network has broken
# (less than half of its control's balanced accuracy, or no finite numbers any more: then the cross ends a dotted line).

# %%
guess_curve = ask(
    "Both losses want tight classes. At which dose will the classes of test faces be tightest?",
    ["at the strongest, for both losses", "at a middle one, for both losses", "it differs from loss to loss"],
)
guess_curve

# %%
from ferlab.figures import dose_panels

measures = {
    "balanced_accuracy": "balanced accuracy",
    "within_between_ratio": "within / between",
    "silhouette": "silhouette",
    "open_hinges": "TCL: share of open hinges",
    "correlation_within": "Ad-Corre: correlation within",
    "correlation_between": "Ad-Corre: correlation between",
}
show(
    dose_panels(curves, measures),
    alt="Six measures over the dose of every loss: balanced accuracy, within / between, silhouette and what the losses ask for",
)


def means(name, measure, split="test"):
    """Mean over the seeds at every dose of a loss that leaves the network whole: strengths, values."""
    points = [point for point in curves[name]["measures"][split][measure] if point["strength"] in whole(curves[name])]
    return np.array([point["strength"] for point in points]), np.array([point["mean"] for point in points])


tightest = {
    name: (strengths[values.argmin()], strengths[-1])
    for name in curves
    for strengths, values in [means(name, "within_between_ratio")]
}
at_the_end = {name: dose == last for name, (dose, last) in tightest.items()}
Markdown(
    "Tightest: "
    + ", ".join(
        f"{method_label(name)} at dose **{dose:g}**" + (", the strongest" if at_the_end[name] else "")
        for name, (dose, _) in tightest.items()
    )
    + ". "
    + (
        "More was tighter, up to the last dose that was tried: where it ends, this run does not say."
        if all(at_the_end.values())
        else "Beyond the best dose the classes loosen again: more is not always tighter."
        if not any(at_the_end.values())
        else "How much is too much depends on the loss."
    )
    + f" You guessed *{guess_curve.value or 'nothing yet'}*."
)

# %% [markdown]
# In words, loss by loss: what it asked for, where the classes are tightest, what that cost, and whether it breaks.

# %%
lines = []
for name, found in curves.items():
    sentences = []
    for wish in asked_by(name):
        strengths, values = means(name, wish.key)
        steps = np.diff(values) * (1 if wish.wants_more else -1)
        course = (
            "at every dose further"
            if (steps > 0).all()
            else "at no dose"
            if (steps <= 0).all()
            else "not at every dose further"
        )
        sentences.append(f"{wish.words}: {values[0]:.2f} to {values[-1]:.2f}, {course} where the loss pulls it")
    strengths, tight = means(name, "within_between_ratio")
    _, right = means(name, "balanced_accuracy")
    best = tight.argmin()
    sentences.append(
        f"classes are tightest at dose {strengths[best]:g} (within / between {tight[best]:.3f}, {tight[best] / tight[0] - 1:+.0%}), for "
        f"{100 * (right[best] - right[0]):+.1f} points of balanced accuracy"
        if best
        else "no dose makes the classes tighter than the control's"
    )
    broken = found["breaks_at"]
    sentences.append(
        f"from dose {broken:g} on the network is broken"
        if broken is not None
        else f"up to dose {strengths[-1]:g} no network breaks ({100 * (right[-1] - right[0]):+.1f} points there)"
    )
    lines.append(f"- **{method_label(name)}**: " + "; ".join(sentences) + ".")
Markdown("\n".join(lines))

# %% [markdown]
# And the gap between the lines of training and test faces? A loss that tidies up the training faces alone would show a dashed line
# that falls while the solid one stays.

# %%
rows = {}
for name in curves:
    (strengths, on_test), (_, on_train) = (means(name, "within_between_ratio", split) for split in ("test", "train"))
    rows[method_label(name)] = {
        "on training faces": on_train.min() / on_train[0] - 1,
        "on test faces": on_test[on_train.argmin()] / on_test[0] - 1,
        "at dose": strengths[on_train.argmin()],
    }
table = pd.DataFrame(rows).T
display(table.style.format("{:+.0%}").format("{:g}", subset="at dose"))
carried = [name for name, row in rows.items() if row["on test faces"] < 0.5 * row["on training faces"] < 0]
Markdown(
    "Change of within / between at the dose that is tightest on training faces. Carried over to faces it has never seen by half at least: "
    + (", ".join(carried) if carried else "none")
    + "."
)

# %% [markdown]
# ## 4. What does a point of accuracy buy?
#
# Put the two curves together: accuracy upward, compactness to the side, one path a loss, a dose a dot. Up and to the left is what
# one would like.

# %%
guess_price = ask(
    "Who makes the classes tighter for the same price in accuracy?",
    ["TCL", "Ad-Corre", "they are alike", "it costs nothing: accuracy rises with the dose"],
)
guess_price

# %%
from ferlab.figures import trade_off

show(
    trade_off(curves, label="within / between, test faces (tighter to the left)"),
    alt="Balanced accuracy against within / between: one path for each loss from dose 0 on, the doses written at the dots",
)
rows = {}
for name in curves:
    strengths, tight = means(name, "within_between_ratio")
    _, right = means(name, "balanced_accuracy")
    for dose, ratio, score in zip(strengths[1:], tight[1:], right[1:], strict=True):
        gained, paid = 1 - ratio / tight[0], 100 * (right[0] - score)
        rows[method_label(name), f"{dose:g}"] = {
            "tighter by": gained,
            "points paid": paid,
            "tighter by, per point": gained / paid if gained > 0 and paid > 0.1 else np.nan,
        }
table = pd.DataFrame(rows).T.rename_axis(["", "dose"])
display(
    table.style.format(
        {"tighter by": "{:+.1%}", "points paid": "{:+.1f}", "tighter by, per point": "{:.1%}"}, na_rep="no price"
    )
)
free = table[(table["tighter by"] > 0) & (table["points paid"] <= 0.1)]
dear = table[table["tighter by"] <= 0]
Markdown(
    (
        "Tighter, and no less accurate (by more than a tenth of a point): "
        + ", ".join(f"{name} at dose {dose}" for name, dose in free.index)
        + ". "
        if len(free)
        else "No dose is tighter at no price at all. "
    )
    + (
        "Paid, and not tighter: " + ", ".join(f"{name} at dose {dose}" for name, dose in dear.index) + ". "
        if len(dear)
        else ""
    )
    + (
        "Most for a point: **{} at dose {}**. ".format(*table.iloc[:, 2].idxmax())
        if table.iloc[:, 2].notna().any()
        else "None has a price to compare. "
    )
    + f"You guessed *{guess_price.value or 'nothing yet'}*."
)

# %% [markdown]
# Accuracy and compactness of embeddings need not trade at all times: here both are judged on the same faces, by a classifier on one
# side and by distances on the other. What is the tighter space good for? Search, grouping, new classes from few examples, a
# threshold that says "like nobody I know".
#
# ## 5. Choose a dose
#
# A rule, so that nobody chooses by liking: **the strongest dose whose balanced accuracy on *validation* faces is within one point of
# its control's.** Not on test faces: who chooses on them has used them up.
#
# ### Exercise 2: the rule
#
# Write it. `control` is the control's balanced accuracy on validation faces, `of_doses` a dictionary: dose -> balanced accuracy on
# the same faces. The answer is a dose; 0 if none is good enough. ("Within one point": a share of 0.01 below at most. Curves are not always
# falling: a strong dose may pass where a weaker one fails.)
#
# <details><summary>Hint</summary>
#
# Collect the doses that pass in a list; `max(passed, default=0)`. For numbers such as 0.90 - 0.89, computers are off by a hair:
# compare with a tolerance of `1e-9`.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def choose_dose(control, of_doses):
#     passed = [dose for dose, accuracy in of_doses.items() if accuracy >= control - 0.01 - 1e-9]
#     return max(passed, default=0)
# ```
# </details>


# %%
def choose_dose(control, of_doses):
    """The strongest dose within one point of the control; both are shares, 0 to 1."""
    ...  # your code


# %%
from ferlab.classroom.exercises import check_chosen_dose

print(check_chosen_dose(choose_dose))

# %% [markdown]
# The run's history knows the validation faces after the last epoch. Your rule, on this run:

# %%
last = run.history.sort_values("epoch").groupby("method")["validation_balanced_accuracy"].last()
rows = {}
for name, found in doses.items():
    trained = dict(zip(found["strengths"], found["methods"], strict=True))
    of_doses = {dose: last[method] for dose, method in trained.items() if dose}
    chosen = choose_dose(last[found["control"]], of_doses)
    rows[method_label(name)] = {
        "control": last[found["control"]],
        **{f"dose {dose:g}": accuracy for dose, accuracy in of_doses.items()},
        "your choice": "write it above" if chosen is None else f"{chosen:g}",
        "the table's default": f"{found['default']:g}",
    }
table = pd.DataFrame(rows).T
numbers = [column for column in table if column == "control" or column.startswith("dose ")]
display(table.style.format("{:.3f}", subset=numbers, na_rep=""))
agrees = [row["your choice"] == row["the table's default"] for row in rows.values()]
Markdown(
    f"On these validation faces, of one seed, your rule agrees with the default of {sum(agrees)} of {len(agrees)} losses."
    if choose_dose(1.0, {}) is not None
    else "Write the rule above, and run this cell again."
)

# %% [markdown]
# Where the two differ, ask what differs: the defaults come from a recorded search with several seeds, here is a single one, and
# a point is little. How little is the next section.
#
# ## 6. The loss, or the seed?
#
# Now the control that is missing most often. Train the *same* method again with another seed: other initial weights, another order
# of the faces. How far does each measure move by that alone? A change that is no larger is not yet evidence for the loss.

# %%
guess_seed = ask(
    "At the weakest dose: what will be larger than what another seed changes?",
    ["the change of within / between", "the change of accuracy", "both", "neither"],
)
guess_seed

# %%
looked_at = {
    "balanced_accuracy": "balanced accuracy",
    "within_between_ratio": "within / between",
    "silhouette": "silhouette",
    "open_hinges": "open hinges",
    "correlation_within": "correlation within",
}
rows = {}
for name, found in curves.items():
    of = {method: summary["methods"][method]["measures"]["test"] for method in found["methods"]}
    for dose, method in zip(found["strengths"], found["methods"], strict=True):
        if dose:
            rows[method_label(name), f"{dose:g}"] = {
                # Two trainings with different seeds differ by the spread of one, times the root of two.
                words: (of[method][key]["mean"] - of[found["control"]][key]["mean"])
                / (np.sqrt(2) * of[found["control"]][key]["std"] or np.nan)
                for key, words in looked_at.items()
            }
table = pd.DataFrame(rows).T.rename_axis(["", "dose"])
display(
    table.style.format("{:+.1f}", na_rep="?").background_gradient(cmap="PuOr", vmin=-6, vmax=6)
    if len(summary["seeds"]) > 1
    else "One seed alone says nothing of this: make a run with --seeds 3."
)
larger = table.abs() > 2
first = {
    name: next((dose for dose in own.index.get_level_values(1) if own.loc[(name, dose), "within / between"]), None)
    for name, own in larger.groupby(level=0, sort=False)
}
weakest = table.groupby(level=0, sort=False).head(1).abs().mean()
Markdown(
    f"A cell is the change against the control, in units of what another seed changes ({len(summary['seeds'])} seeds). Twice that is reached by "
    "within / between "
    + "; ".join(
        f"with {name} {'at no dose' if dose is None else f'from dose {dose} on'}" for name, dose in first.items()
    )
    + f". At the weakest doses: within / between {weakest['within / between']:.1f}, balanced accuracy {weakest['balanced accuracy']:.1f} on "
    f"average. You guessed *{guess_seed.value or 'nothing yet'}*."
)

# %% [markdown]
# (A spread that is estimated from so few seeds may be off by a factor of two. Notebook 08 makes tests of it.)
#
# There is a finer question than averages. Take two spaces, and ask of every face: how many of its ten nearest neighbors are
# the same in both? The measure is blind for turning and scaling, which mean nothing. By chance almost none would be common;
# between a space and itself all are.
#
# ### Exercise 3: neighbors in common
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
guess_common = ask(
    "Neighbors in common with cross-entropy: which space will have fewest?",
    ["TCL at the weakest dose", "TCL at the strongest dose", "cross-entropy with another seed", "all about the same"],
)
guess_common

# %% [markdown]
# All networks of this run started from the same weights and saw the same faces in the same order. With `train_again = True` at the top, the
# next cell trains cross-entropy once more, with another seed and nothing else changed, and the table below gets its ruler.

# %%
from ferlab.training import TrainSettings
from ferlab.widgets import TrainingMonitor

if train_again:
    monitor = TrainingMonitor("ce", TrainSettings(epochs=run.summary["epochs"], seed=1))
    display(monitor)
    monitor.start()
    await monitor

# %%
from ferlab.evaluation import linear_cka, neighbor_overlap, predict

pairs = {
    f"{method_label(name)}, dose {dose:g}": (spaces[found["control"]], spaces[method])
    for name, found in doses.items()
    for dose, method in whole(found).items()
    if dose
}
if train_again:
    again = predict(monitor.network, load_dataset("synthetic", "test").images).embeddings
    pairs["cross-entropy, another seed"] = (spaces["ce"], again)
rows = {}
for name, (first, second) in pairs.items():
    first, second = unit(first), unit(second)
    rows[name] = {
        "neighbors in common": neighbor_overlap(first, second).mean(),
        "linear CKA": linear_cka(first, second),
    }
table = pd.DataFrame(rows).T
display(table.style.format("{:.3f}"))
ruler = rows.get("cross-entropy, another seed", {}).get("neighbors in common")
Markdown(
    f"Each space with its control's. By chance {10 / (len(labels) - 1):.1%} of the neighbors would be in common. Fewest: "
    f"*{table.iloc[:, 0].idxmin()}*, {table.iloc[:, 0].min():.0%}. "
    + (
        f"Another seed leaves {ruler:.0%}; of the {len(rows) - 1} doses, {int((table.iloc[:-1, 0] < ruler).sum())} leave fewer. "
        if ruler is not None
        else "The ruler, another seed, is missing: set `train_again = True`. "
    )
    + f"You guessed *{guess_common.value or 'nothing yet'}*."
)

# %% [markdown]
# **CKA** (centered kernel alignment, Kornblith et al. 2019) compares the centered similarities of *all* pairs at once, and is ruled
# by the directions of largest spread: the arrangement of the classes. Neighbors in common look at the small ones: who lies beside whom
# *within* a class. Two spaces can agree in the first and not in the second. And a ruler that starts from other initial weights is
# larger than one that shares them: a fair one would train the doses with the other seed too, as the table with several seeds does.
#
# ## 7. Walk a face through three doses
#
# Move the sliders, or press **Walk**: the face goes from neutral to happiness to surprise, and leaves its trace on each
# map. Watch the class probabilities at the points where the trace crosses an empty region.

# %%
from ferlab.widgets import FaceLab

walked = [tcl[dose] for dose in dict.fromkeys([0.0, min(filter(None, tcl)), max(tcl)])]
lab = FaceLab(run_folder, walked)
trace = lab.walk(["neutral", "happiness", "surprise"], steps=8)
lab

# %% [markdown]
# Where does each network change its mind? The same walk in small steps, from nothing to a full happy face:

# %%
guess_mind = ask(
    "With a stronger dose, the step from one answer to another will be ...",
    ["steeper", "flatter", "about as steep"],
)
guess_mind

# %%
from ferlab.rendering import EXPRESSIONS

happy = next(iter(EXPRESSIONS["happiness"].values()))
levels = np.linspace(0, 1, 15)
answers = {name: [] for name in walked}
for level in levels:
    lab.units = {name: level * intensity for name, intensity in happy.items()}
    for name in walked:
        answers[name].append(lab.probabilities[name][classes.index("happiness")])
figure, axes = plt.subplots(figsize=(7.5, 3.4), layout="constrained")
for method, style in zip(walked, ("-", "--", "-."), strict=False):
    axes.plot(levels, answers[method], style, color=method_color(method), label=method_label(method))
axes.set(xlabel=f"intensity of {' + '.join(happy)}", ylabel="probability of happiness", ylim=(-0.02, 1.02))
axes.legend(frameon=False)
show(axes, alt="Probability of happiness over the intensity of its action units, one curve for each dose")
steps = {name: np.abs(np.diff(chances)).max() for name, chances in answers.items()}
half = {
    name: next((f"{x:.2f}" for x, chance in zip(levels, chances, strict=True) if chance > 0.5), "never")
    for name, chances in answers.items()
}
Markdown(
    "; ".join(
        f"{method_label(name)}: above one half from intensity **{half[name]}**, largest single step {steps[name]:.2f}"
        for name in walked
    )
    + f". You guessed *{guess_mind.value or 'nothing yet'}*. One person, one path, one seed: `lab.identity = 7` in a new cell "
    "shows another person; does it hold?"
)

# %% [markdown]
# ## What to remember
#
# - A loss has a dose. Show the curve, not one point of it, and say which dose a claim is about.
# - What a loss does is seen first in what it asks for, on training faces; then whether that carries over to faces it has not seen;
#   then what else moved, and what it cost.
# - Choose a dose on validation faces, by a rule that was written down before.
# - Two trainings differ even when nothing but the seed does. Without that control, any difference looks like an effect.
# - Large-scale agreement (CKA) and small-scale agreement (common neighbors) are two questions.
#
# **To discuss.** A retrieval system shows users the nearest faces. With a stronger dose search gets better and the classifier worse
# by a point. Who decides, and on which faces? And after retraining with another seed the accuracy is the same, but many neighbors are
# others: is that a problem? For whom?
#
# ## Where to read on
#
# - Kornblith, Norouzi, Lee, Hinton, *Similarity of Neural Network Representations Revisited*, ICML 2019,
#   [arXiv:1905.00414](https://arxiv.org/abs/1905.00414): which invariances a comparison should have.
# - Musgrave, Belongie, Lim, *A Metric Learning Reality Check*, ECCV 2020, [arXiv:2003.08505](https://arxiv.org/abs/2003.08505).
# - `docs/embedding_explorer.md` of this package: how the maps are aligned over methods, doses and epochs.
