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
# # Faces and labels
#
# Every result of this series rests on pictures with a word attached to each. Where do the words come from, how far can they
# be trusted, and what do they *not* say? Here you take faces apart, name some yourself, and find out how little a network
# needs.
#
# **You will**
# - describe faces by action units, and tell a movement, the name of an expression and an emotion apart;
# - see which classes share movements, and how many faces are still read when the movement is weak;
# - see what class imbalance does to accuracy, and compute what it does not spoil;
# - measure how far two annotators agree, and find out what a majority vote can mend and what it cannot;
# - move a face until a network is wrong, count on how many people that works, and list what these data cannot tell.
#
# **Time:** about 90 minutes, of which the computer needs one. **Assumed:** notebook 00. **Needed:** no GPU, no network, no
# data of your own.

# %% tags=["setup", "remove-cell"]
# Installs ferlab where it is missing, as on Colab; elsewhere this does nothing.
import importlib.util
import os

if importlib.util.find_spec("ferlab") is None:
    get_ipython().run_line_magic("pip", "install --quiet " + os.environ.get("FERLAB_SOURCE", ".."))

# %% tags=["parameters"]
run_folder = "runs/gallery"  # a finished run: the gallery's, or one of your own made by "ferlab compare"
fer2013_folder = ""  # section 6, optional: a folder with FER-2013 and FER+'s fer2013new.csv

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown, display

from ferlab.classroom import ask
from ferlab.evaluation import share_interval
from ferlab.figures import CLASS_COLORS, figure_style, image_grid, show

warnings.filterwarnings("ignore", category=DeprecationWarning)

# %% [markdown]
# ## 1. What a face does
#
# The Facial Action Coding System (FACS; Ekman & Friesen 1978, revised with Hager 2002) describes what can be *seen*: every
# visible movement is an **action unit** (AU), roughly one muscle or a few that act together. Trained coders note which units
# are there and how strong each is, from A (a trace) to E (the maximum). Here an intensity is a number: 0 is absent, 1 is E.
#
# FACS says what a face does. It does not say why. These are the units that the built-in faces can show, each alone, at
# intensity 1:

# %%
from ferlab.rendering import ACTION_UNITS, DESCRIPTIONS, random_identity, render

person = random_identity(np.random.default_rng(3))
neutral = render(person, size=128)
alone = {unit: render(person, {unit: 1.0}, size=128) for unit in ACTION_UNITS}
pictures = [neutral, *alone.values()]
names = ["no action unit", *(f"{unit}\n{DESCRIPTIONS[unit]}" for unit in alone)]
rows = [slice(i, i + 8) for i in range(0, len(pictures), 8)]
show(
    image_grid([pictures[row] for row in rows], captions=[names[row] for row in rows]),
    alt=f"The same rendered person with a relaxed face and with each of {len(alone)} action units at intensity 1",
)

# %% [markdown]
# A network does not see muscles. It sees pixels. How much does a unit change them?

# %%
guess_pixels = ask(
    "Which of these changes the picture most?",
    [f"{unit}, {DESCRIPTIONS[unit]}" for unit in ("AU4", "AU6", "AU12", "AU27")],
)
guess_pixels

# %%
change = pd.Series({unit: np.abs(face.astype(float) - neutral).mean() for unit, face in alone.items()}).sort_values()
with figure_style():
    figure, axes = plt.subplots(figsize=(6.5, 5), layout="constrained")
    axes.barh([f"{unit}  {DESCRIPTIONS[unit]}" for unit in change.index], change)
    axes.set(xlabel="mean change of a pixel (0 to 255)")
    axes.tick_params(axis="y", length=0, labelsize=8.5)
show(axes, alt="Bars: how much each action unit alone changes the picture, from the least to the most")
most, least = change.idxmax(), change.idxmin()
Markdown(
    f"Most: {most} ({DESCRIPTIONS[most]}); least: {least} ({DESCRIPTIONS[least]}), the factor between them is {change.max() / change.min():.0f}. "
    f"AU6, which many people look for in a smile, changes {change['AU6'] / change['AU12']:.0%} as much as AU12. You guessed "
    f"*{guess_pixels.value or 'nothing yet'}*."
)

# %% [markdown]
# What moves few pixels can still matter to *you*: people are trained on faces for a lifetime. Look for yourself, also on
# other people. From which intensity on do you see AU6? AU7? AU15?

# %%
from ferlab.widgets import action_unit_slider

action_unit_slider("AU15")

# %% [markdown]
# ## 2. A class is a set of patterns
#
# "Surprise" is not a movement. It is a *name* for some patterns of movements, and names are conventions. The built-in faces
# follow prototypes in the style of EMFACS (a shortened coding that keeps only the units its authors take to be
# related to emotion; some variants and many peaks here are this project's, chosen so that networks which have seen photographs
# only read the faces), several **variants** a class: 1 2 5 27
# below a picture means AU1, AU2, AU5 and AU27 together; a number in brackets is the peak intensity where it is not 1.
# The same person, all variants:

# %%
from textwrap import fill

from ferlab.rendering import EXPRESSIONS

classes = [name for name in EXPRESSIONS if name != "neutral"]
show(
    image_grid(
        [[render(person, units, size=128) for units in EXPRESSIONS[name].values()] for name in classes],
        rows=classes,
        captions=[[fill(text.replace("+", " "), 18) for text in EXPRESSIONS[name]] for name in classes],
        size=1.35,
    ),
    alt="One person in three or four variants of each of six classes, one class a row, the action units below each picture",
)

# %% [markdown]
# Some units stand in several rows. Count AU4, for example. How much do two patterns share? Write the intensities of all
# units as two lists, and divide the sum of the smaller ones by the sum of the larger ones: 1 for the same pattern, 0 for
# nothing in common. For two classes, take the mean over all pairs of variants.

# %%
guess_shared = ask(
    "Which two classes share most?",
    ["surprise and fear", "disgust and anger", "happiness and surprise", "fear and sadness"],
)
guess_shared


# %%
def shared(first, second):
    """Share of two patterns, each a dict of action units with their peaks, that both have in common: 0 to 1."""
    units = first.keys() | second.keys()
    pairs = [(first.get(unit, 0), second.get(unit, 0)) for unit in units]
    return sum(map(min, pairs)) / sum(map(max, pairs))


def mean_shared(one, other):
    return np.mean([shared(a, b) for a in EXPRESSIONS[one].values() for b in EXPRESSIONS[other].values()])


pattern = pd.DataFrame([[mean_shared(one, other) for other in classes] for one in classes], classes, classes)
pairs = pd.Series({(a, b): pattern.loc[a, b] for i, a in enumerate(classes) for b in classes[:i]}).sort_values()
Markdown(
    "Most in common: "
    + "; ".join(f"**{a} and {b}**, {pairs[a, b]:.2f}" for a, b in pairs.index[:-4:-1])
    + f". Least: {' and '.join(pairs.index[0])}, {pairs.iloc[0]:.2f}. You guessed *{guess_shared.value or 'nothing yet'}*."
)

# %% [markdown]
# Does a network mix up what shares movements? The package brings trained networks along, so that nobody has to wait. Here is
# what the one trained with cross-entropy says of the test faces, whose people it has never seen.

# %%
from ferlab.data import load_dataset
from ferlab.gallery import open_gallery
from ferlab.runs import read_run

if run_folder == "runs/gallery":
    open_gallery(run_folder)
run = read_run(run_folder)
test_faces = load_dataset("synthetic", split="test")
labels, metadata, all_classes = test_faces.labels, test_faces.metadata, test_faces.classes
answers = run.embeddings.query("method == 'ce' and seed == 0").sort_values("index")["predicted"].to_numpy()
assert len(answers) == len(labels)

confused = pd.crosstab(labels, answers, normalize="index").to_numpy()
number = {name: k for k, name in enumerate(all_classes)}
mixed = pd.Series(
    {(a, b): (confused[number[a], number[b]] + confused[number[b], number[a]]) / 2 for a, b in pairs.index}
)

with figure_style():
    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    axes.scatter(pairs, mixed, s=30)
    for a, b in {*pairs.index[-3:], *mixed.nlargest(3).index}:
        axes.annotate(f"{a}, {b}", (pairs[a, b], mixed[a, b]), xytext=(-6, 0), textcoords="offset points", ha="right")
    axes.set(xlabel="share of the pattern in common", ylabel="share of faces mixed up", ylim=(-0.01, None))
    axes.yaxis.set_major_formatter("{x:.0%}")
show(
    axes,
    alt="For each pair of classes, how much of their patterns they share against how often the network mixes them up",
)
Markdown(
    f"Rank correlation over the {len(pairs)} pairs: {pairs.corr(mixed, method='spearman'):.2f}; without the two most mixed up, "
    f"{pairs.corr(mixed.drop(mixed.nlargest(2).index), method='spearman'):.2f}: few pairs carry it. Most often mixed up: "
    f"{' and '.join(mixed.idxmax())} ({mixed.max():.0%} of the faces of these classes)."
)

# %% [markdown]
# People confuse too: whether a wrinkled nose is called disgust or anger depends on what else was shown before it ([Pochedly,
# Widen & Russell 2012](https://doi.org/10.1037/a0027998)).
#
# ## 3. You are the annotator
#
# Name these 21 faces. They are test faces, three of each class, in random order and of any intensity; take the first word
# that comes to mind, two minutes will do.

# %%
from ferlab.widgets import FaceLabeling

chosen = metadata.groupby("class").sample(3, random_state=2).sample(frac=1, random_state=3).index.to_numpy()
naming = FaceLabeling(test_faces.images[chosen], all_classes)
naming

# %%
from scipy.stats import binomtest

from ferlab.data import simulate_annotators

units = metadata[list(ACTION_UNITS)].to_numpy()
stand_in = simulate_annotators(units[chosen], count=1, seed=1)[:, 0]  # section 6 says who this is
yours, who = (naming.answers, "you") if naming.done else (stand_in, "a simulated annotator")
posed, strength = labels[chosen], metadata["intensity"].to_numpy()[chosen]
differ = np.flatnonzero(yours != posed)
if len(differ):
    captions = [f"posed: {all_classes[posed[i]]} {strength[i]:.1f}\nnamed: {all_classes[yours[i]]}" for i in differ]
    rows = [slice(i, i + 6) for i in range(0, len(differ), 6)]
    faces = list(test_faces.images[chosen[differ]])
    show(
        image_grid([faces[row] for row in rows], captions=[captions[row] for row in rows], size=1.4),
        alt="The faces that were given another name than the pattern that was posed, with both names",
    )


def with_interval(right):
    """How many are right, and the 95 % interval of the share."""
    low, high = share_interval(np.sum(right), len(right))
    return f"{np.sum(right):,} of {len(right):,} ({low:.0%} to {high:.0%})"


weak = (strength < 0.5) & (posed != number["neutral"])
by_you, by_network = yours == posed, answers[chosen] == posed
only_one = (by_you != by_network).sum()
by_coin = binomtest((by_you & ~by_network).sum(), only_one).pvalue if only_one else 1.0
Markdown(
    ("" if naming.done else "You have not named all faces, so a simulated annotator stands in.\n\n")
    + f"| named as posed | {who} | the network |\n|---|---|---|\n"
    f"| all faces | {with_interval(by_you)} | {with_interval(by_network)} |\n"
    f"| below half strength | {with_interval(by_you[weak])} | {with_interval(by_network[weak])} |\n\n"
    f"{(by_you & by_network).sum()} faces were named as posed by both, {(~by_you & ~by_network).sum()} by neither, {only_one} by exactly "
    f"one: {(by_you & ~by_network).sum()} by {who}, {(by_network & ~by_you).sum()} by the network. Were both equally good, the faces that "
    f"only one reads would fall to either side like a coin. {only_one} coins fall at least this unevenly in {by_coin:.0%} of all throws."
)

# %% [markdown]
# Few faces say little about all the others. So the **95 % interval** of the share stands in brackets (Wilson 1927): of 100 such
# intervals, about 95 hold the share that one would find with very many faces. It is wide for 21 faces, and wider for fewer.
#
# The two columns are not two samples: both judge the *same* 21 faces. A face that both read, or neither, does not tell them apart.
# Only the faces where exactly one is right do, and the last lines count these. Where a coin would often split them as unevenly, the
# counts do not say who is better. Whether the two intervals overlap is not the question.
#
# Who is right where you differ? For these faces there is an answer, because somebody wrote the pattern down before the
# picture was drawn. For a photograph there is no such note. There is only what annotators say.
#
# ## 4. How readable is a weak face?
#
# The same person, one variant of three classes, from nothing to full strength:

# %%
strengths = [0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0]
three = {name: list(EXPRESSIONS[name])[1] for name in ("happiness", "fear", "disgust")}
show(
    image_grid(
        [
            [
                render(person, {unit: peak * s for unit, peak in EXPRESSIONS[name][text].items()}, size=128)
                for s in strengths
            ]
            for name, text in three.items()
        ],
        rows=list(three),
        columns=[f"{s:g}" for s in strengths],
    ),
    alt="Happiness, fear and disgust of one person at seven intensities from 0 to 1; the first pictures look alike",
)

# %%
guess_first = ask(
    "Of the weakest faces, up to intensity 0.4: which class will the network name as posed most often?", classes
)
guess_first

# %%
edges = [0.2, 0.4, 0.6, 0.8, 1.0]
middles = np.add(edges[:-1], edges[1:]) / 2
# Which interval each face is in; none for neutral.
bins = pd.cut(metadata["intensity"], edges, labels=False, include_lowest=True).to_numpy()
expressive = labels != number["neutral"]


def called(name, within, posed_so):
    """Which of the faces of an interval that are posed so, or as one of the other five expressions, are called so."""
    there = expressive & (bins == within) & ((labels == number[name]) == posed_so)
    return answers[there] == number[name]


with figure_style():
    figure, axes = plt.subplots(2, 3, figsize=(7.5, 4.8), layout="constrained", sharex=True, sharey=True)
    for ax, name in zip(axes.flat, classes, strict=True):
        own, others = ([called(name, k, posed_so) for k in range(len(middles))] for posed_so in (True, False))
        share = np.array([called_so.mean() for called_so in own])
        low, high = np.transpose([share_interval(called_so.sum(), len(called_so)) for called_so in own])
        color = CLASS_COLORS[name]
        ax.errorbar(middles, share, [share - low, high - share], color=color, marker="o", capsize=3, lw=2)
        ax.plot(middles, [called_so.mean() for called_so in others], "--", color=color, marker=".", lw=1.2)
        ax.set(title=name, xlim=(0.2, 1.0), ylim=(-0.02, 1.04), xticks=edges)
        ax.xaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_major_formatter("{x:.0%}")
    figure.supxlabel("intensity (a point stands in the middle of an interval of 0.2)", fontsize=10)
    figure.supylabel("called by the name of the panel", fontsize=10)
    keys = [
        plt.Line2D([], [], color="#444", marker="o", lw=2),
        plt.Line2D([], [], color="#444", ls="--", marker=".", lw=1.2),
    ]
    figure.legend(
        keys,
        ["faces posed so (with 95 % interval)", "faces of the other five expressions"],
        loc="outside upper center",
        ncols=2,
    )
show(
    axes,
    alt="One panel for each of six expressions, over four intervals of intensity: the share of test faces posed so that the network "
    "names so, with 95 % intervals, and as a dashed line the share of the other five expressions' faces that get the same name",
)

weak_own, weak_others = ({name: called(name, 0, posed_so) for name in classes} for posed_so in (True, False))
share = pd.Series({name: called_so.mean() for name, called_so in weak_own.items()})
said_so = pd.Series({name: weak_own[name].sum() + weak_others[name].sum() for name in classes})
precise = pd.Series({name: called_so.sum() for name, called_so in weak_own.items()}) / said_so
in_weakest = expressive & (bins == 0)
best_read = share.idxmax()
wrongly = np.bincount(
    labels[in_weakest & (answers == number[best_read]) & (labels != number[best_read])], minlength=len(all_classes)
)
half = {
    name: next((edges[k] for k in range(len(middles)) if called(name, k, True).mean() >= 0.5), None) for name in classes
}


def often_called(name):
    """The commonest wrong name of the weak faces of a class."""
    wrong = np.bincount(
        answers[in_weakest & (labels == number[name]) & (answers != labels)], minlength=len(all_classes)
    )
    return f"*{all_classes[wrong.argmax()]}*, {wrong.max()} of {wrong.sum()}"


def where_half(start):
    """From which intensity on at least half of the faces are named as posed, in words."""
    if start is None:
        return "in no interval"
    return f"from {start:g}" + (", the weakest faces here" if start == edges[0] else "")


Markdown(
    "| weak faces (up to 0.4) | posed so, called so | another expression, called so | the answer is right | commonest wrong name |\n"
    "|---|---|---|---|---|\n"
    + "\n".join(
        f"| {name} | {with_interval(weak_own[name])} | {with_interval(weak_others[name])} | {weak_own[name].sum()} of {said_so[name]} | "
        f"{often_called(name)} |"
        for name in classes
    )
    + f"\n\nNamed as posed most often: {best_read}, {weak_own[best_read].sum()} of {len(weak_own[best_read])}. But the network says "
    f"{best_read} to {said_so[best_read]} of the {in_weakest.sum()} weak faces, and {wrongly.sum()} of these answers are wrong, "
    f"{wrongly.max()} of them {all_classes[wrongly.argmax()]}. The answer that is most often right is {precise.idxmax()} "
    f"({precise.max():.0%}), the least often {precise.idxmin()} ({precise.min():.0%}). At least half of the faces are named as posed: "
    + "; ".join(f"{name} {where_half(start)}" for name, start in half.items())
    + f". No expression here is weaker than {metadata['intensity'][expressive].min():.2f}. You guessed *{guess_first.value or 'nothing yet'}*."
)

# %% [markdown]
# **A high recall can be bought with a preferred answer.** Whoever calls everything surprise reads all of surprise. So the dashed line
# stands beside it: how many of the *other* faces, equally strong, get the same name. Where both lines meet, the name says nothing of
# the face. The distance between them does.
#
# Where is the limit below which nothing can be read? This figure does not reach it, because the data hold no weaker expressions. What it
# can tell: there is no single intensity at which reading stops. The share that is read falls as the movement gets weaker, and it falls
# below a half at another intensity in one class than in another.
#
# A label has no intensity. A trace of fear and the strongest fear get the same word, and a training treats them as equally
# certain.
#
# ## 5. Many smiles, few frightened faces
#
# The training part has the class shares of RAF-DB, a collection of photographs from the web. The test part holds at least
# 250 faces of each class, so that each can be measured.

# %%
train_faces = load_dataset("synthetic", split="train")
splits = {"train": train_faces, "validation": load_dataset("synthetic", split="validation"), "test": test_faces}
prior = pd.DataFrame({name: pd.Series(faces.class_counts()) for name, faces in splits.items()})
prior = prior / prior.sum()
commonest = prior["train"].idxmax()
prior.style.format("{:.1%}").highlight_max(axis=0, props="font-weight: bold")

# %% [markdown]
# A "network" that always answers with the most frequent class has learned nothing. **Accuracy** is the share of faces that
# are right; **balanced accuracy** is the mean over the classes of the share that is right (the *recall*).

# %%
guess_balanced = ask(
    f"Always answering {commonest}: what is the balanced accuracy with seven classes?",
    ["the same as the accuracy", "1/7", "1/2", "0"],
)
guess_balanced


# %%
def accuracy(labels, answers):
    return (answers == labels).mean()


def balanced_accuracy(labels, answers):
    return np.mean([(answers[labels == c] == c).mean() for c in np.unique(labels)])


from ferlab.evaluation import Predictions, classification_scores

certain = np.eye(len(all_classes))[answers]  # probability 1 for the answer: the package wants probabilities
package = classification_scores(labels, Predictions(np.empty((len(labels), 0)), certain))
assert np.isclose(accuracy(labels, answers), package["accuracy"])
assert np.isclose(balanced_accuracy(labels, answers), package["balanced_accuracy"])

always = np.full_like(labels, number[commonest])
Markdown(
    "| | accuracy | balanced accuracy |\n|---|---|---|\n"
    f"| always *{commonest}* | {accuracy(labels, always):.1%} | {balanced_accuracy(labels, always):.1%} |\n"
    f"| cross-entropy | {accuracy(labels, answers):.1%} | {balanced_accuracy(labels, answers):.1%} |\n\n"
    f"Both agree with the package's. You guessed *{guess_balanced.value or 'nothing yet'}*."
)

# %% [markdown]
# Balanced accuracy counts every class alike, however rare. Is the rarest class the one that is read worst?

# %%
guess_worst = ask("Which class has the lowest recall?", all_classes)
guess_worst

# %%
recall = pd.Series([(answers[labels == c] == c).mean() for c in range(len(all_classes))], index=all_classes)
faces = pd.Series(test_faces.class_counts())[list(all_classes)]
hits = (recall * faces).round().astype(int)
low, high = (pd.Series(ends, index=all_classes) for ends in zip(*map(share_interval, hits, faces), strict=True))

from ferlab.evaluation import bootstrap_difference

correct = answers == labels


def difference(first, second, shares=None, seed=0):
    """By how many points more faces of the first part are named as posed, and the same with people drawn anew."""
    value, drawn = bootstrap_difference(
        correct, first, second, metadata["identity"].to_numpy(), labels, shares, seed=seed
    )
    return 100 * value, 100 * drawn


def ends(drawn, level=0.95):
    return np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])


rows = prior["train"].sort_values().index  # the rarest on top
with figure_style():
    figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    for row, name in enumerate(rows):
        reach = [[recall[name] - low[name]], [high[name] - recall[name]]]
        axes.errorbar(
            recall[name], row, xerr=reach, color=CLASS_COLORS[name], fmt="o", ms=5, lw=2, capsize=4, capthick=2
        )
        axes.text(1.03, row, f"{hits[name]} of {faces[name]:,}", va="center")
    axes.set_yticks(
        range(len(rows)), [f"{name}, {prior.loc[name, 'train']:.1%} of the training faces" for name in rows]
    )
    axes.set(xlabel="recall on the test faces, with 95 % interval", xlim=(0, 1.0), xticks=np.linspace(0, 1, 6))
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
show(
    axes,
    alt="Recall of each class on the test faces with its 95 % interval, from the rarest class of the training to the commonest",
)
rarest, (worst, second) = rows[0], recall.nsmallest(2).index
told = {name: with_interval(answers[labels == number[name]] == number[name]) for name in rows}
more, drawn = difference(labels == number[second], labels == number[worst])
least_more, most_more = ends(drawn)
settled = "This leaves out 0" if least_more > 0 else "This holds 0, so the order of the two is not settled"
Markdown(
    f"Rarest in training: {rarest} ({prior['train'].min():.1%}), recall {told[rarest]}. Lowest recall: {worst}, {told[worst]}, "
    f"{prior.loc[worst, 'train']:.1%} of the training faces. The next lowest is {second}, {told[second]}. "
    f"{second.capitalize()} less {worst}: {more:+.1f} points, 95 % interval {least_more:+.1f} to {most_more:+.1f}. {settled}. "
    f"You guessed *{guess_worst.value or 'nothing yet'}*."
)

# %% [markdown]
# **To compare two shares, ask for the interval of their difference.** Whether their own intervals overlap does not answer it: two
# shares can differ clearly though their intervals overlap a little. The interval of the difference is a **bootstrap**: draw as many
# people as there are, some twice and some not at all, compute the difference anew, and repeat. The middle 95 % of the results are the
# interval. It is even a little too kind here: the two classes were picked *because* they came out lowest.
#
# The intervals say how far the recalls of *this* network can be trusted. Those in the figure take every face for another person,
# although some people are in a class several times; the bootstrap draws people, so it does not. And another training of the same network has other recalls; notebook 08 is about that.
#
# Two things make a class hard: that it is rare, and that it resembles another (section 2). One network cannot tell them
# apart; what would you train to find out?
#
# And accuracy belongs to a network *and a place*. If recalls stay what they are, the accuracy among faces with other class
# shares is a weighted mean of them:

# %%
guess_prior = ask(
    "Suppose nine of ten faces are neutral, as among people in a street. The accuracy of the same network will",
    ["rise", "fall", "stay the same"],
)
guess_prior

# %%
street = np.where(prior.index == "neutral", 0.9, 0.1 / (len(prior) - 1))
places = {
    "the test faces": prior["test"],
    "the training faces' shares": prior["train"],
    "all classes alike": 1 / len(prior),
    "nine of ten neutral": street,
}
Markdown(
    "| shares | accuracy | always the commonest class |\n|---|---|---|\n"
    + "\n".join(f"| {name} | {(recall * shares).sum():.1%} | {np.max(shares):.1%} |" for name, shares in places.items())
    + f"\n\nThe third row is the balanced accuracy. You guessed *{guess_prior.value or 'nothing yet'}*."
)

# %% [markdown]
# Higher, then, and yet of less use than a rule that needs no network. Read an accuracy beside the share of the commonest class.
#
# ## 6. Who says so?
#
# Photographs are labeled by people, and people differ. To see what follows, let us simulate some. A simulated annotator
#
# 1. sees the intensity of every action unit with a random error,
# 2. looks for the prototype (class, variant, intensity) that lies nearest to what was seen,
# 3. answers with its class, or with neutral where it is weaker than the annotator's own threshold.
#
# This is a model to think with, not a model of people: it has no culture, no mood and no hurry. Ten of them name
# the test faces. These are the faces on which they disagree most:

# %%
error = 0.3  # standard deviation, on the scale of the intensities
named = simulate_annotators(units, count=10, own=error)
votes = (named[:, :, None] == np.arange(len(all_classes))).sum(axis=1)  # (faces, classes)
split = np.argsort(votes.max(axis=1), kind="stable")[:7]
show(
    image_grid(
        [list(test_faces.images[split])],
        captions=[
            [
                f"posed: {all_classes[labels[i]]} {metadata['intensity'][i]:.1f}\n"
                + "\n".join(
                    f"{votes[i, k]} {all_classes[k]}" for k in np.argsort(-votes[i], kind="stable") if votes[i, k]
                )
                for i in split
            ]
        ],
        size=1.45,
    ),
    alt="Seven test faces on whose names ten simulated annotators disagree, with the votes for each class",
)
Markdown(
    f"A single annotator names {accuracy(labels[:, None], named):.0%} of the faces as they were posed; all ten give the same "
    f"name to {(votes.max(axis=1) == 10).mean():.0%}."
)

# %% [markdown]
# ### Exercise 1: agreement beyond luck
#
# Two annotators who throw dice also agree sometimes, and the more often, the more they both like one class. **Cohen's
# kappa** (Cohen 1960) takes the luck away:
#
# $$ \kappa = \frac{p_\text{same} - p_\text{luck}}{1 - p_\text{luck}} $$
#
# $p_\text{same}$ is the share of equal answers. $p_\text{luck}$ is what it would be if both answered independently, each
# with their own class shares. Write it for two arrays of class numbers.
#
# <details><summary>Hint</summary>
#
# The chance that both say class `c` by luck is `(a == c).mean() * (b == c).mean()`. Sum it over all classes.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def kappa(a, b):
#     same = (a == b).mean()
#     luck = sum((a == c).mean() * (b == c).mean() for c in np.unique([a, b]))
#     return (same - luck) / (1 - luck)
# ```
# </details>


# %%
def kappa(a, b):
    """Agreement of two annotators beyond luck: 1 always, 0 as by luck."""
    ...  # your code


# %%
from ferlab.classroom.exercises import check_kappa

print(check_kappa(kappa))

# %% [markdown]
# ### What a vote can mend
#
# So let ten vote. The errors so far are each annotator's own. But some errors are *shared*: a shadow that deepens a brow, a
# camera angle, a convention that all have learned. Below, the same total error is mostly shared, so that every single
# annotator is about as good as before. Which ten one gets is luck, too: each has a threshold of their own. So 20 teams of ten are
# drawn of each kind. The band in the figure goes from the lowest to the highest team.

# %%
guess_vote = ask(
    "Compared with errors of their own, when errors are mostly shared ...",
    [
        "annotators agree less, and the vote is worse",
        "annotators agree less, and the vote is better",
        "annotators agree more, and the vote is worse",
        "annotators agree more, and the vote is better",
    ],
)
guess_vote

# %%
from itertools import combinations

from sklearn.metrics import cohen_kappa_score

kinds = {
    "errors of their own": {"own": error},
    "mostly shared errors": {"own": error * np.sqrt(0.2), "shared": error * np.sqrt(0.8)},  # the same variance
}
teams = {
    who: [simulate_annotators(units, count=10, **errors, seed=seed) for seed in range(20)]
    for who, errors in kinds.items()
}


def vote(named):
    """The most frequent answer of each row; a tie is broken by chance."""
    votes = (named[:, :, None] == np.arange(len(all_classes))).sum(axis=1)
    return (votes + 0.5 * np.random.default_rng(0).random(votes.shape)).argmax(axis=1)


def agreement(named):
    """Mean kappa over all pairs of annotators."""
    return np.mean([cohen_kappa_score(named[:, i], named[:, j]) for i, j in combinations(range(named.shape[1]), 2)])


def over_teams(values, form=".1%"):
    """Mean over the teams, and from the lowest to the highest."""
    return f"{np.mean(values):{form}} ({np.min(values):{form}} to {np.max(values):{form}})"


numbers = [1, 2, 3, 5, 7, 10]
styles = {"errors of their own": ("#1f6fb5", "o-"), "mostly shared errors": ("#d9660a", "s--")}
rightly = {
    who: np.array([[accuracy(labels, vote(team[:, :n])) for n in numbers] for team in teams[who]]) for who in kinds
}
with figure_style():
    figure, axes = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
    for who, (color, style) in styles.items():
        axes.fill_between(numbers, rightly[who].min(axis=0), rightly[who].max(axis=0), color=color, alpha=0.18, lw=0)
        axes.plot(numbers, rightly[who].mean(axis=0), style, color=color, label=who)
    axes.set(xlabel="annotators that vote", ylabel="named as posed", xticks=numbers)
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.legend(title=f"mean of {len(teams[who])} teams; band: lowest to highest", alignment="left")
show(
    axes,
    alt="Share of faces that a vote names as posed over the number of annotators, for own and for shared errors: "
    f"the mean of {len(teams[who])} teams, and a band from the lowest to the highest team",
)
Markdown(
    "| mean (lowest to highest) | one annotator, mean of the ten | mean kappa of two | vote of ten |\n|---|---|---|---|\n"
    + "\n".join(
        f"| {who} | {over_teams([accuracy(labels[:, None], team) for team in their_teams])} | "
        f"{over_teams([agreement(team) for team in their_teams], '.2f')} | {over_teams(rightly[who][:, -1])} |"
        for who, their_teams in teams.items()
    )
    + f"\n\nYou guessed *{guess_vote.value or 'nothing yet'}*."
)

# %% [markdown]
# A vote mends what annotators do *differently*. What they all do alike stays, and looks like certainty: **agreement is not
# correctness**. Whoever has only the answers would trust the row with the higher kappa. Here we can look, because we posed
# the faces.
#
# <details><summary>A question in between: why is a vote of two no better than one annotator?</summary>
#
# Where both agree, the vote is what each of them says. Where they do not, a coin decides between the two. On average over
# the faces that is the mean of the two annotators.
# </details>
#
# ### Scored against noisy labels
#
# Labels are not only trained on. They are also what a network is *scored* with. Take the same network and the same answers,
# and score them against other labels.

# %%
guess_ceiling = ask(
    "Scored against one annotator's labels instead of what was posed, its accuracy will",
    ["rise", "fall", "stay the same"],
)
guess_ceiling


# %%
def against_first(team, others):
    """How often the first annotator of a team says the same as `others`."""
    return accuracy(team[:, 0], others)


own = teams["errors of their own"]
versions = {
    "what was posed": f"{accuracy(labels, answers):.1%}",
    "vote of ten": over_teams([accuracy(vote(team), answers) for team in own]),
    "one annotator": over_teams([against_first(team, answers) for team in own]),
}
posers = {who: np.array([against_first(team, labels) for team in their_teams]) for who, their_teams in teams.items()}
likers = {
    who: np.array([against_first(team, vote(team[:, 1:])) for team in their_teams])
    for who, their_teams in teams.items()
}
higher = [f"in {(likers[who] > posers[who]).sum()} of {len(their_teams)} teams" for who, their_teams in teams.items()]
Markdown(
    "| labels | accuracy of the same answers, mean (lowest to highest) |\n|---|---|\n"
    + "\n".join(f"| {name} | {text} |" for name, text in versions.items())
    + f"\n\n| scored against one annotator | {' | '.join(teams)} |\n|---|---|---|\n"
    + f"| always answers as it was posed | {' | '.join(map(over_teams, posers.values()))} |\n"
    + f"| answers like the vote of the other nine | {' | '.join(map(over_teams, likers.values()))} |\n"
    + f"| the second scores higher | {' | '.join(higher)} |\n"
    + f"\nYou guessed *{guess_ceiling.value or 'nothing yet'}*."
)

# %% [markdown]
# Being right is not what such a score rewards; matching the annotators is. Where they share their errors, whoever has learned these
# habits comes out above the truth. Where they do not, a single team may say so by chance, and the last row shows how easily. Small
# differences on photographs may be differences in that.
#
# **The real case.** FER-2013's labels began as search words. Barsoum et al. (2016) had ten people name each face anew:
# **FER+**. With both on your disk, set `fer2013_folder` at the top and the next cell compares them.

# %%
if fer2013_folder:
    fer = load_dataset("fer2013", split="test", root=fer2013_folder)
    columns = [column for column in fer.metadata if column.startswith("ferplus_")]  # ten answers, "unknown" among them
    voted = fer.metadata.dropna(subset=columns)
    their_votes = voted[columns].to_numpy(dtype=int)
    published = [columns.index(f"ferplus_{fer.classes[k]}") for k in fer.labels[voted.index]]
    text = (
        f"{len(voted):,} test faces. All ten people give the same name to {(their_votes.max(axis=1) == 10).mean():.0%}. The "
        f"most frequent name is FER-2013's label for {(their_votes.argmax(axis=1) == published).mean():.0%}; on average, "
        f"{their_votes[np.arange(len(voted)), published].mean():.1f} of ten people chose that label."
    )
else:
    text = "`fer2013_folder` is empty, so there is nothing to compare. All else works without it."
Markdown(text)

# %% [markdown]
# ## 7. Move the face
#
# The sliders move a rendered face. Below the maps stand the answers of three networks; the ringed dot is where each network
# puts the face among the test faces.
#
# - Press one of the expressions, then pull its units down one by one. Which one does a network need?
# - Under **Head and light**, turn the head and move the light. When does an answer change though the expression does not?
#
# ### Exercise 2: as little as possible
#
# Make **cross-entropy** answer *surprise* with as little movement as you can: the intensities of all units together must be
# 1 at most. Start from the neutral face. The next cell says how much movement the surprise of its training had.
#
# <details><summary>Hint</summary>
#
# A fifth of the faces of every class talks, so a mouth alone says little. What has surprise that a talking face has not?
# </details>
#
# <details><summary>Solution</summary>
#
# Try upper lids and a wide mouth together: in Python, `lab.units = {"AU5": 0.4, "AU27": 0.5}`. On other people it takes another
# value, which may be more or less; the cells below count.
# </details>

# %%
surprised = train_faces.metadata[train_faces.metadata["class"] == "surprise"]
moves = surprised[list(ACTION_UNITS)].sum(axis=1)
full = [sum(pattern.values()) for pattern in EXPRESSIONS["surprise"].values()]
Markdown(
    f"At full strength the patterns of surprise have {min(full):g} to {max(full):g} in all. But training has weak surprise too, from "
    f"intensity {surprised['intensity'].min():.2f}: half of its {len(surprised)} faces of surprise have {moves.median():.1f} or less in all, "
    f"{(moves <= 1).sum()} have 1 or less, and the least is {moves.min():.2f}, spread over several units."
)

# %%
from ferlab.widgets import FaceLab

lab = FaceLab(run_folder)
lab

# %%
from ferlab.classroom.exercises import check_little_movement

print(check_little_movement(lab, expression="surprise", method="ce", at_most=1.0))

# %% [markdown]
# That was one face. It may have been a lucky one: some people are taken for surprise before anything moves. So give *your* movement
# to 30 other people, in the pose and light of the lab, and count.

# %%
guess_crowd = ask(
    "For how many of 30 other people does the same movement make the network say surprise?",
    ["at most 10", "11 to 20", "more than 20"],
)
guess_crowd

# %%
from ferlab.rendering import Light, Pose, Scene

crowd = [random_identity(np.random.default_rng(seed)) for seed in range(100, 130)]


def pictures_of(units, pose, light):
    """Everybody with these action units, as the lab shows a face."""
    scenes = [Scene(background=who.seed, blur=0.22, noise=0.006) for who in crowd]
    faces = zip(crowd, scenes, strict=True)
    return np.stack([render(who, units, pose, light, lab.spaces.size, scene=scene) for who, scene in faces])


def answered(units):
    """What cross-entropy says to everybody with these action units, in the pose and light of the lab."""
    seen = lab.spaces.see(pictures_of(units, Pose(**lab.pose), Light(**lab.light)))
    return np.array(lab.spaces.classes)[seen["ce"].probabilities.argmax(axis=1)]


moved = {unit: value for unit, value in lab.units.items() if value > 0}
movement = moved or {"AU5": 0.3}
what = ", ".join(f"{unit} {value:.2f}" for unit, value in movement.items())
before, after = answered({}) == "surprise", answered(movement) == "surprise"
remark = (
    "" if moved else f"Nothing was moved above, so this is {what}; move something in the lab and run the cell again."
)
Markdown(
    remark
    + "\n\n| cross-entropy says surprise to | people (95 % interval of the share) |\n|---|---|\n"
    + f"| the unmoved face | {with_interval(before)} |\n| the face with {what} | {with_interval(after)} |\n"
    + f"| the face with {what}, but not to the same face unmoved | {with_interval(after[~before])} |\n"
    + f"\nThe last row leaves out who needs no movement. You guessed *{guess_crowd.value or 'nothing yet'}*."
)

# %% [markdown]
# What holds for one face need not hold for most. Which movement, 1 in all at most, brings the most people to *surprise*? Set it in the
# lab and run the cell again.
#
# Nobody told the network to look at the whole pattern. It uses whatever separates the training faces:

# %%
relaxed = train_faces.metadata[train_faces.metadata["class"] == "neutral"]
dropped = (relaxed[["AU26", "AU27"]] > 0).any(axis=1).sum()
parted = (relaxed["AU25"] > 0).sum()
Markdown(
    f"Of {len(relaxed):,} neutral training faces, {dropped:,} have a dropped jaw (AU26 or AU27) and {parted:,} parted lips "
    f"(AU25, never above {relaxed['AU25'].max():.2f})."
)

# %% [markdown]
# People open their mouths for many reasons, to breathe or to speak, and a fifth of the faces of every class does so here. So in training,
# a dropped jaw does not rule neutral out, but it is commoner where surprise was posed. Does the network lean on it where nothing else
# moves? Open the mouth of the same 30 people a little, more, and wide. The last row is the whole face at a quarter: brows and lids
# too, and no more of the jaw than in the third row.

# %%
openings = {
    "the unmoved face": {},
    "AU26 0.1": {"AU26": 0.1},
    "AU26 0.25": {"AU26": 0.25},
    "AU27 1": {"AU27": 1.0},
    "AU1, AU2, AU5 and AU26, 0.25 each": dict.fromkeys(("AU1", "AU2", "AU5", "AU26"), 0.25),
}
heard = {name: answered(opening) for name, opening in openings.items()}
unmoved = heard["the unmoved face"]
jaw, whole = (heard[name] == "surprise" for name in ("AU26 0.25", "AU1, AU2, AU5 and AU26, 0.25 each"))
apart = (jaw != whole).sum()
coin = binomtest((whole & ~jaw).sum(), apart).pvalue if apart else 1.0
Markdown(
    f"| movement | called neutral, of {len(crowd)} | called surprise | of those not called so unmoved |\n|---|---|---|---|\n"
    + "\n".join(
        f"| {name} | {(replies == 'neutral').sum()} | {(replies == 'surprise').sum()} | "
        f"{((replies == 'surprise') & (unmoved != 'surprise')).sum()} of {(unmoved != 'surprise').sum()} |"
        for name, replies in heard.items()
    )
    + f"\n\nThe same jaw, without and with brows and lids: for {apart} people, only one of the two faces is called surprise, and for "
    f"{(whole & ~jaw).sum()} of these it is the one with brows and lids. {apart} coins fall at least this unevenly in {coin:.0%} of all throws."
)

# %% [markdown]
# Compare the rows: does the network still call the face neutral when the mouth opens a little, and when it opens wide, as no talking
# face does in training? And *not neutral* is not yet *surprise*: the other units may add to it, and the coin says how sure that is
# with so few people.
#
# In an earlier version of these faces nobody spoke: no neutral face had a dropped jaw, and a network learned that a jaw
# alone means *not neutral*. A rule that serves on the training faces and fails elsewhere is called a
# **shortcut**. It stays invisible on test faces that were made in the same way. (Why the answer is more often *surprise* than fear,
# these counts do not say. Try the brows and lids of surprise without its mouth.)
#
# ### No answer is not an option
#
# What does it say of pictures that belong to none of the classes? One person may again be a lucky case, so the same 30 people
# make each of these faces. Pictures of pure noise there are 30, too.

# %%
strange = {
    "dimples": {"AU14": 1.0},
    "a pucker": {"AU18": 1.0, "AU22": 0.8},
    "eyes half closed": {"AU43": 1.0},
    "a yawn": {"AU27": 1.0, "AU43": 1.0},
    "smile, sad brows": {"AU1": 0.7, "AU4": 0.6, "AU6": 0.7, "AU12": 0.9},
}
guess_strange = ask(
    "Its largest probability for these, and for pictures of pure noise, will be (high: above 80 %)",
    ["low for all: it has never seen them", "high for all", "high for some, low for others"],
)
display(guess_strange)

# %%
noise = np.random.default_rng(0).integers(0, 256, (len(crowd), lab.spaces.size, lab.spaces.size, 3), dtype=np.uint8)
images = {name: pictures_of(units, Pose(), Light()) for name, units in strange.items()} | {"noise": noise}
said = {name: lab.spaces.see(pictures)["ce"].probabilities for name, pictures in images.items()}


def best(probabilities):
    return f"{lab.spaces.classes[probabilities.argmax()]} {probabilities.max():.0%}"


few = range(3)
show(
    image_grid(
        [[pictures[i] for pictures in images.values()] for i in few],
        columns=list(images),
        captions=[[best(probabilities[i]) for probabilities in said.values()] for i in few],
        size=1.45,
    ),
    alt=f"Three of the {len(crowd)} people with {len(strange)} faces that belong to none of the classes, and three pictures of noise, "
    "with the network's answers. "
    + " ".join(
        f"{name.capitalize()}: {', '.join(best(probabilities[i]) for i in few)}."
        for name, probabilities in said.items()
    ),
)


def answers_to(probabilities):
    votes = pd.Series(np.array(lab.spaces.classes)[probabilities.argmax(axis=1)]).value_counts()
    return ", ".join(f"{name} {count}" for name, count in votes.items())


every = np.concatenate([probabilities.max(axis=1) for probabilities in said.values()])
Markdown(
    f"| picture | answers to {len(crowd)} | largest probability above 80 % |\n|---|---|---|\n"
    + "\n".join(
        f"| {name} | {answers_to(probabilities)} | {with_interval(probabilities.max(axis=1) > 0.8)} |"
        for name, probabilities in said.items()
    )
    + f"\n\nLargest probabilities from {every.min():.0%} to {every.max():.0%}. You guessed *{guess_strange.value or 'nothing yet'}*."
)

# %% [markdown]
# Where a row has several names, the answer depends on who makes the face: one person alone would have told one of several stories.
#
# The probabilities of the seven classes add up to 1 for *any* picture. They compare the classes with each other; they do not
# say whether one of them applies.
#
# ## 8. A movement, a name, an emotion
#
# | | example | how one would find out |
# |---|---|---|
# | **movement** | AU6 and AU12, moderate | look: FACS coders, electrodes on the skin |
# | **expression** | "happiness" | ask people what they would call it: a convention, with disagreement |
# | **emotion** | she is glad | the face is not enough: the situation, what she says and does, over time |

# %%
guess_claim = ask(
    "A network says of a photograph of you: happiness, 97 %. What has been found out?",
    [
        "you are probably happy",
        "you show the expression of happiness",
        "the picture resembles those that were called happiness in training",
    ],
)
guess_claim

# %% [markdown]
# <details><summary>What we would say</summary>
#
# The third, and only if your photograph is like the training pictures (section 7). For the second, people would have to
# agree on it. For the first, the step from a face to a feeling would have to hold.
# </details>
#
# Does that step hold? [Barrett et al. (2019)](https://doi.org/10.1177/1529100619832930) went through the studies, for the
# six categories of this notebook. People do smile when happy or scowl when angry *more often than chance*. But how they move
# their faces differs much between cultures, situations and people, the same movements accompany different emotions, and
# often none: a scowl can be concentration. They conclude that a feeling cannot be read off a face with confidence.
#
# The built-in labels make no such claim. They say which pattern a program was told to draw, and nobody in these pictures
# feels anything. That is why this series writes "named as posed", not "recognized emotion".
#
# ## 9. Who is not here
#
# What is not in the data cannot be learned, and, worse, cannot be *measured*. Of the people in the test part:

# %%
people = metadata.drop_duplicates("identity")
with figure_style():
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.4), layout="constrained", sharey=True)
    panels = {
        "age": "age (1/3 child, 2/3 young adult, 1 old)",
        "skin_tone": "skin tone (0 light, 1 dark)",
        "gender": "gender of the body model (0 male, 1 female)",
    }
    for ax, (column, text) in zip(axes, panels.items(), strict=True):
        ax.hist(people[column], bins=np.linspace(0, 1, 21))
        ax.set(xlabel=text)
    axes[0].set_ylabel("people")
show(axes, alt="Histograms of the 500 test people's age, skin tone and gender of the body model")
glasses, beard, scarf = people["glasses"] != "none", people["beard"] != "none", people["hair_style"] == "headscarf"
Markdown(
    f"{len(people)} people, of whom {glasses.mean():.0%} wear glasses, {beard.mean():.0%} have a beard, and {scarf.mean():.0%} "
    f"wear a headscarf. Ages run from {people['age'].min():.2f} to {people['age'].max():.2f} of the body model's scale."
)

# %% [markdown]
# Not here at all: small children; anyone whose face moves unevenly by more than a little, after a stroke for example; hands
# before the mouth, masks, tears; people who speak, chew or sing; blends of two expressions; contempt; and every way of
# showing a feeling that is not one of the prototypes.
#
# Skin tone is drawn independently of class, pose and light. So it carries no information on the label.

# %%
guess_fair = ask(
    "Is the network then equally right for light and dark skin?",
    ["yes: skin tone is independent of class, pose and light", "not necessarily"],
)
guess_fair

# %%
from ferlab.evaluation import bootstrap_scores, slices_of

parts = []
for kind, part, inside in slices_of(metadata):
    if kind.startswith(("skin tone", "glasses", "light from")):
        who = metadata["identity"].to_numpy()[inside]
        low, high = bootstrap_scores(labels[inside], answers[None, inside], who, len(all_classes))["accuracy"]
        name = f"{kind.split(' (')[0]}: {part}  ({inside.sum():,})"
        parts.append((kind, name, accuracy(labels[inside], answers[inside]), low, high))
parts = pd.DataFrame(parts, columns=["kind", "name", "accuracy", "low", "high"])

with figure_style():
    figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
    axes.hlines(parts["name"], parts["low"], parts["high"], lw=2)
    axes.plot(parts["accuracy"], parts["name"], "o")
    axes.set(xlabel="named as posed, with 95 % interval (people drawn anew)")
    axes.xaxis.set_major_locator(plt.MultipleLocator(0.05))
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.invert_yaxis()
show(axes, alt="Share of test faces named as posed, with intervals, by skin tone, light from the side and glasses")
Markdown(f"You guessed *{guess_fair.value or 'nothing yet'}*.")

# %% [markdown]
# Here, too, ask for the interval of the difference itself (section 5), people drawn anew. And one cause can be held fixed without any
# new picture: by luck, the parts have other shares of the classes. Section 5's weighted mean mends that. Give the recalls of both parts the
# *same* class shares, and compare again.

# %%
tone, bare = metadata["skin_tone"].to_numpy(), (metadata["glasses"] == "none").to_numpy()
compared = {
    "light skin (below 0.33) less dark skin (from 0.67)": (tone < 0.33, tone >= 0.67),
    "without glasses less with glasses of any kind": (bare, ~bare),
}
weights = {
    "as they are": None,
    "both with the test's class shares": prior["test"][list(all_classes)],
    "both with all classes alike": np.full(len(all_classes), 1 / len(all_classes)),
}
found = {
    (name, text): difference(*parts, shares) for name, parts in compared.items() for text, shares in weights.items()
}


def from_to(drawn, level):
    return "{:+.1f} to {:+.1f}".format(*ends(drawn, level))


def holds_0(drawn):
    low, high = ends(drawn)
    return low <= 0 <= high


seeds = range(10)
held = {key: sum(holds_0(difference(*compared[key[0]], weights[key[1]], seed)[1]) for seed in seeds) for key in found}
Markdown(
    f"| more faces named as posed, in points | class shares | difference | 95 % interval | holds 0 with how many of {len(seeds)} seeds | "
    "97.5 % interval |\n|---|---|---|---|---|---|\n"
    + "\n".join(
        f"| {name} | {text} | {value:+.1f} | {from_to(drawn, 0.95)} | {held[name, text]} | {from_to(drawn, 0.975)} |"
        for (name, text), (value, drawn) in found.items()
    )
    + "\n\nThe intervals shown are those of the first seed."
)

# %% [markdown]
# How to read it:
#
# - **An interval that ends near 0 settles little.** Whether it just leaves 0 out or just holds it can hang on the seed. Read all of it:
#   these faces go with hardly any difference, and with a large one. It does not show that the parts are read equally well, either.
# - **The class shares are part of the difference as it is.** What is left with equal shares depends on *which* shares, because a part is
#   not read better or worse by the same amount in every class. Say which shares you took.
# - **Two questions, two chances to be wrong.** Of two 95 % intervals, one or the other misses in up to 10 of 100 cases. The 97.5 %
#   intervals are wider, so that of two, *both* hold in at least 95 of 100 (Bonferroni).
# - **These parts were not chosen beforehand.** The figure above had shown them, next to others that could have been picked. Beforehand
#   means: the question is written down before anybody has seen a result. Then it can be tested on faces that nobody has looked at.
#
# Drawn independently of the label is not the same as equally legible. If a part *is* read worse, such a table does not say why: folds and
# shadows need contrast, a frame hides a brow, few people to learn from, and here dark skin also comes with other shapes of the face
# (the body model's). These are guesses until each cause is changed alone and the same faces are drawn again. With photographs that is
# not possible. The data card (`docs/DATA_CARD.md`) has the numbers of all networks.
#
# ## What to remember
#
# - FACS describes movements. An expression is a name for some patterns of them. An emotion is something else again.
# - Two pairs of classes that share movements get mixed up most; weak smiles and weak sadness pass for neutral. Neither shows in a label.
# - Accuracy depends on the class shares of the test faces; balanced accuracy is the mean recall and does not.
# - Kappa measures agreement beyond luck. A vote mends errors that annotators make on their own, not those they share.
# - One face, one person or one draw is an anecdote: count over several, and give an interval.
# - A classifier always answers. Its probabilities compare the classes it knows; shortcuts do not show in its test score.
#
# **To discuss.** A company offers software that "recognizes emotions" of applicants in video calls and quotes an accuracy of
# 95 %. Which five questions would you ask? And: would you train on single labels, on votes, or on the shares of the votes?
#
# ## Where to read on
#
# - Ekman, Friesen & Hager, *Facial Action Coding System: The Manual*, 2002.
# - Barrett, Adolphs, Marsella, Martinez & Pollak, *Emotional Expressions Reconsidered: Challenges to Inferring Emotion From
#   Human Facial Movements*, Psychological Science in the Public Interest 20(1), 2019,
#   [doi:10.1177/1529100619832930](https://doi.org/10.1177/1529100619832930).
# - Barsoum, Zhang, Canton Ferrer & Zhang, *Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label
#   Distribution*, ICMI 2016, [arXiv:1608.01041](https://arxiv.org/abs/1608.01041): FER+, and four ways to train on votes.
# - Cohen, *A Coefficient of Agreement for Nominal Scales*, Educational and Psychological Measurement 20, 1960.
# - Wilson, *Probable Inference, the Law of Succession, and Statistical Inference*, Journal of the American Statistical
#   Association 22, 1927: the interval of a share.
# - Geirhos et al., *Shortcut learning in deep neural networks*, Nature Machine Intelligence 2020,
#   [arXiv:2004.07780](https://arxiv.org/abs/2004.07780).
# - `docs/DATA_CARD.md` of this project: how the built-in faces were made, and their known limits.
