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
# # Is it better?
#
# "Our loss improves accuracy by 0.8 points." Over what, by how much chance, on which faces? This notebook takes the seven methods
# of this package, trained with several seeds each, and asks what may be said about them.
#
# **You will**
# - see how far a seed alone moves a method, and how often it changes who comes first;
# - follow a paired test line by line, write Holm's correction, and find out what happens without it;
# - learn how many seeds it takes to see a small effect;
# - look behind an average: classes, people, slices, and an ablation table as papers print it.
#
# **Time:** about 60 minutes, of which the computer needs two. **Assumed:** notebook 00, for section 7 also 04 and 06; mean and standard
# deviation; a rough idea of a p-value. **Needed:** no GPU, no network, no data of your own.

# %% tags=["setup", "remove-cell"]
# Installs ferlab where it is missing, as on Colab; elsewhere this does nothing.
import importlib.util
import os

if importlib.util.find_spec("ferlab") is None:
    get_ipython().run_line_magic("pip", "install --quiet " + os.environ.get("FERLAB_SOURCE", ".."))

# %% tags=["parameters"]
ablation_seeds = 1  # section 7 trains this many seeds of four methods, quickly and on few faces
ablation_folder = "runs/ablation"  # where they go; what an earlier run left there is replaced
gallery_folder = "runs/gallery"  # finished trainings that come with the package

# %%
import dataclasses
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown, display

from ferlab.classroom import ask
from ferlab.figures import method_color, method_label, show

warnings.filterwarnings("ignore", category=DeprecationWarning)

# %% [markdown]
# ## 1. One seed
#
# Here are the test accuracies of one seed of a real run: all methods, all built-in faces, hyperparameters chosen for each method
# with the same budget. Suppose this was all you had.

# %%
from ferlab.gallery import open_gallery, seeds_summary

summary = seeds_summary()
seeds, methods = summary["seeds"], list(summary["methods"])
accuracy = pd.DataFrame(
    {name: scores["accuracy"]["values"] for name, scores in summary["methods"].items()}, index=seeds
).T
accuracy.columns = [f"seed {seed}" for seed in seeds]
accuracy.index = [method_label(name) for name in methods]
accuracy[["seed 0"]].style.format("{:.4f}")

# %%
guess_order = ask(
    "Train everything again with other seeds. How many of the methods will keep their rank in every seed?",
    ["all of them", "most", "one or two at most"],
)
guess_order

# %%
ranks = accuracy.rank(ascending=False).astype(int)
display(accuracy.style.format("{:.4f}"), ranks)
kept = int((ranks.nunique(axis=1) == 1).sum())
Markdown(
    f"{kept} of {len(ranks)} methods keep their rank in all {len(seeds)} seeds. First: "
    + ", ".join(f"{accuracy[column].idxmax()} ({column})" for column in accuracy)
    + f". You guessed *{guess_order.value or 'nothing yet'}*."
)

# %% [markdown]
# What does a seed decide? The initial weights, the order of the faces, and how each is shifted and lit before it is shown: things
# nobody would call part of the method. **A seed is a draw; a method is a distribution.**

# %%
figure, axes = plt.subplots(figsize=(7.5, 3.6), layout="constrained")
for row, name in enumerate(methods):
    values = np.array(summary["methods"][name]["accuracy"]["values"])
    axes.plot(values, np.full(len(values), row), "o", color=method_color(name), alpha=0.8)
    axes.plot(values.mean(), row, "|", color=method_color(name), markersize=22, markeredgewidth=2.5)
axes.set_yticks(range(len(methods)), [method_label(name) for name in methods])
axes.set_ylim(len(methods) - 0.3, -0.7)
axes.spines[["top", "right"]].set_visible(False)
axes.set_xlabel("test accuracy: one dot a seed, bar at the mean")
show(
    axes,
    alt="Test accuracy of every method: one dot for each seed and a bar at the mean; the dots of most methods overlap",
)

# %% [markdown]
# ## 2. Paired differences
#
# Comparing clouds of dots wastes something: seed 0 of two methods started from the same weights and saw the same faces in the
# same order. As far as that does the same to both, it cancels in the *difference*. So take the difference seed by seed; its mean
# over its standard error is Student's $t$, and turned round, the same gives a 95 % interval:
#
# $$ t = \frac{\bar d}{s_d / \sqrt{n}}, \qquad d_i = a_i - b_i, \qquad \bar d \pm t_{.975,\,n-1} \cdot \frac{s_d}{\sqrt{n}} $$
#
# The fair opponent matters as much: TCL is compared with cross-entropy on the same network, Ad-Corre with cross-entropy on
# **its** network, the one with several heads.

# %%
from scipy import stats

from ferlab.evaluation import paired_test
from ferlab.methods import get_method


def paired(own, reference):
    """Mean difference, both ends of its 95 % interval, p."""
    d = np.subtract(own, reference)
    error, df = d.std(ddof=1) / np.sqrt(len(d)), len(d) - 1
    reach = stats.t.ppf(0.975, df) * error
    return d.mean(), d.mean() - reach, d.mean() + reach, 2 * stats.t.sf(abs(d.mean()) / error, df)


values = {name: scores["accuracy"]["values"] for name, scores in summary["methods"].items()}
mean, low, high, p = paired(values["ad-corre"], values["ce-heads"])
assert np.allclose((mean, low, high, p), paired_test(values["ad-corre"], values["ce-heads"]))  # the package's
against_ce = paired_test(values["ad-corre"], values["ce"])
Markdown(
    f"Ad-Corre against the control: {100 * mean:+.1f} points, 95 % interval {100 * low:+.1f} to {100 * high:+.1f}, "
    f"p = {p:.2f}. The same against plain cross-entropy: {100 * against_ce[0]:+.1f} points, interval "
    f"{100 * against_ce[1]:+.1f} to {100 * against_ce[2]:+.1f}. The control without the loss lies "
    f"{100 * np.subtract(values['ce-heads'], values['ce']).mean():+.1f} points from plain cross-entropy: so much of the second "
    f"number is there without the loss as well. (With {len(seeds)} seeds the factor $t_{{.975,\\,n-1}}$ is "
    f"{stats.t.ppf(0.975, len(seeds) - 1):.1f}, with 30 it would be {stats.t.ppf(0.975, 29):.1f}: so few seeds hardly know how much they "
    "spread.)"
)

# %% [markdown]
# Two things to know before you believe such a difference. Is it the loss? Every method trains with the values that a search chose for
# it, with the same budget, on validation faces: two *tuned recipes* are compared, not two losses with all else equal. And did pairing
# help? It does when both methods are lucky with the same seeds:

# %%
recipe = {
    method_label(name): {
        "learning rate": f"{method.learning_rate:g}",
        "weight of the loss": f"{method.metric_weight:g}" if method.loss else "",
        "switched on after": f"{method.warm_up:.0%} of the epochs" if method.loss else "",
    }
    for name, method in ((name, get_method(name)) for name in methods)
}
together = {
    name: np.corrcoef(values[name], values["ce-heads" if name == "ad-corre" else "ce"])[0, 1]
    for name in methods
    if name not in ("ce", "ce-heads")
}
display(pd.DataFrame(recipe).T)
Markdown(
    "Correlation of a method's accuracy with its control's, over the seeds: "
    + ", ".join(f"{method_label(name)} {r:+.2f}" for name, r in together.items())
    + ". Above zero, the difference spreads less than two unpaired means would; below zero, pairing gains nothing. (A correlation of "
    f"{len(seeds)} pairs is itself hardly known.)"
)

# %% [markdown]
# ## 3. Many chances to be lucky
#
# Where nothing differs, one test still gives a p-value below .05 in one of twenty cases. Who makes several tests and reports the best has
# more chances.

# %%
guess_luck = ask(
    "Five methods, none of them any different from the control. How often is at least one 'significant' at p < .05?",
    ["in 5 % of all studies", "in 10 to 15 %", "in 15 to 30 %", "in most"],
)
guess_luck

# %%
rng = np.random.default_rng(0)


def studies(methods=5, seeds=3, count=4000):
    """p-values (count, methods): paired tests against a common control, and nothing but chance."""
    control = rng.normal(size=(count, 1, seeds))
    own = rng.normal(size=(count, methods, seeds))
    return stats.ttest_1samp(own - control, 0, axis=2).pvalue


chance = studies()
Markdown(
    f"In {(chance < 0.05).any(axis=1).mean():.0%} of {len(chance):,} simulated studies. If the tests were independent, it would be "
    f"1 - 0.95⁵ = {1 - 0.95**5:.0%}; they share a control, and so their luck. You guessed *{guess_luck.value or 'nothing yet'}*."
)

# %% [markdown]
# ### Exercise 1: Holm's correction
#
# Holm (1979) keeps the chance of *any* false alarm at 5 %: sort the p-values, multiply the smallest by the number of tests
# $m$, the next by $m - 1$, and so on; none may become smaller than the one before it, or larger than 1. Write it.
#
# <details><summary>Hint</summary>
#
# `p` is an array. `order = np.argsort(p)`; the factors for the sorted values are `len(p) - np.arange(len(p))`; `np.maximum.accumulate` keeps a
# series from falling. Put the results back with `corrected[order] = ...`.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def holm_correction(p):
#     p = np.asarray(p, dtype=float)
#     order = np.argsort(p)
#     sorted_values = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
#     corrected = np.empty_like(p)
#     corrected[order] = np.minimum(sorted_values, 1)
#     return corrected
# ```
# </details>


# %%
def holm_correction(p):
    """Corrected p-values, in the order of the given ones; both are arrays (m,)."""
    ...  # your code


# %%
from ferlab.classroom.exercises import check_holm

print(check_holm(holm_correction))

# %%
from ferlab.evaluation import holm

corrected = np.array([list(holm(dict(enumerate(row))).items()) for row in chance[:1000]])
false_alarms = (corrected[:, :, 1] < 0.05).any(axis=1).mean()
Markdown(
    f"With the correction, {false_alarms:.1%} of the first 1,000 of these studies report something that is not there."
)

# %% [markdown]
# ## 4. What these seeds say
#
# All methods, the package's own test: differences to the fair control with intervals; a dot is filled where the corrected test
# rejects chance. (The intervals are not corrected: one can leave zero out while the corrected test does not reject it.)

# %%
guess_filled = ask(
    "In the first five columns (accuracy, balanced accuracy, within / between, silhouette, MAP@R), where will dots be filled?",
    ["accuracy only", "the geometry only (within / between, silhouette, MAP@R)", "both", "nowhere"],
)
guess_filled

# %%
from ferlab.figures import method_differences
from ferlab.report import verdict
from ferlab.runs import read_run

show(
    method_differences(summary["comparisons"])[0],
    alt="Differences of every method to its control with 95 % intervals: accuracy, balanced accuracy and three measures of geometry",
)
show(
    method_differences(
        summary["comparisons"],
        (
            ("precision_at_1", "precision@1", 1),
            ("alignment", "alignment", 1),
            ("uniformity", "uniformity", 1),
            ("effective_rank", "effective rank", 1),
        ),
    )[0],
    alt="The same for four further measures of the space: precision@1, alignment, uniformity and effective rank",
)
asked = ("accuracy", "balanced_accuracy", "within_between_ratio", "silhouette", "map_at_r")
in_first = sum(own[name]["p_corrected"] < 0.05 for own in summary["comparisons"].values() for name in asked)
tests = [comparison["p_corrected"] < 0.05 for own in summary["comparisons"].values() for comparison in own.values()]
run = read_run(open_gallery(gallery_folder))
said = verdict(dataclasses.replace(run, summary=summary))
Markdown(
    f"**{said.headline}**\n\n"
    + "\n".join(f"- {line}" for line in said.short or said.sentences)
    + f"\n\nOf all {len(tests)} differences that this package tests, {sum(tests)} are beyond chance. (Macro-F1, calibration, nearest-center "
    "and 10-NN accuracy are not drawn.)"
    + f"\n\nFilled in the first five columns: {in_first}. You guessed *{guess_filled.value or 'nothing yet'}*."
)

# %% [markdown]
# (The columns of the second picture: notebook 02, section 6, explains them; precision@1 is how often the nearest face is of the same
# class. The tests are corrected for several methods within each measure, not for looking at many measures: if nothing differed, each
# measure would still have a filled dot by luck in one of twenty studies.)
#
# "No difference that these seeds can tell" is not "no difference". How large would an effect have to be to be seen?
#
# ## 5. How many seeds?
#
# The share of studies that find an effect of some size is a test's **power** for that size.

# %%
guess_seeds = ask(
    "How many seeds does it take, so that four of five studies find an effect as large as one standard deviation of the differences?",
    ["3", "5", "10", "30"],
)
guess_seeds

# %%
counts = (3, 5, 7, 10, 15, 20, 30)


def power(effect, seeds):
    """Share of studies whose paired test finds an effect, given in standard deviations of the differences."""
    limit, shift = stats.t.ppf(0.975, seeds - 1), effect * np.sqrt(seeds)
    wrong_side = np.nan_to_num(stats.nct.cdf(-limit, seeds - 1, shift))  # where it is tiny, SciPy answers nan
    return stats.nct.sf(limit, seeds - 1, shift) + wrong_side


found = {effect: [power(effect, seeds) for seeds in counts] for effect in (0.5, 1.0, 2.0)}
figure, axes = plt.subplots(figsize=(7.5, 3.4), layout="constrained")
for (effect, values_of), style in zip(found.items(), (":", "--", "-"), strict=True):
    axes.plot(counts, values_of, style, color="#5a56c7", marker="o", label=f"effect of {effect:g} standard deviations")
axes.axhline(0.8, color="#7d848c", linewidth=1)
axes.set(xlabel="seeds", ylabel="power: share of studies that find it", xticks=counts, ylim=(0, 1.03))
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False)
show(axes, alt="Share of studies that find an effect over the number of seeds, for small, medium and large effects")
differences = {
    name: np.subtract(values[name], values["ce-heads" if name == "ad-corre" else "ce"])
    for name in methods
    if name not in ("ce", "ce-heads")
}
typical = np.median([difference.std(ddof=1) for difference in differences.values()])
enough = next(seeds for seeds, share in zip(counts, found[1.0], strict=True) if share >= 0.8)
Markdown(
    f"For an effect of one standard deviation, {enough} seeds are the first of these that find it in 80 % of the studies. You "
    f"guessed *{guess_seeds.value or 'nothing yet'}*. In the run above the differences between two methods have a standard "
    f"deviation of {100 * typical:.1f} points (median over the methods): so it takes about {enough} seeds to see an effect of that "
    f"size, and far more for half of that. {len(seeds)} seeds find it in {power(1.0, len(seeds)):.0%} of the studies. Two warnings: a "
    f"standard deviation that is itself estimated from {len(seeds)} seeds may be off by a factor of two or more, and a correction for "
    "several methods costs further seeds."
)

# %% [markdown]
# Take a published comparison: how many seeds did it run, and which effect could it have seen?
#
# ## 6. Behind the average
#
# **Faces are not independent.** Several test faces show the same person. Drawing *people* with replacement (a bootstrap over groups)
# instead of single faces asks: what if other people had been in the test? (One seed of cross-entropy, the gallery's; its weights are
# rounded, which moves a face in a thousand.)

# %%
guess_people = ask(
    "When people are drawn instead of faces, the interval of accuracy will be ...",
    ["wider by more than a tenth", "about as wide", "narrower by more than a tenth"],
)
guess_people

# %%
from ferlab.data import load_dataset
from ferlab.evaluation import bootstrap_difference, bootstrap_scores

faces = load_dataset("synthetic", "test")
rows = run.embeddings.query("method == 'ce'").sort_values("index")
predicted, labels = rows["predicted"].to_numpy()[None], rows["label"].to_numpy()
people = faces.metadata["identity"].to_numpy()
intervals = {
    "single faces drawn": bootstrap_scores(labels, predicted, np.arange(len(labels)), len(faces.classes)),
    "people drawn": bootstrap_scores(labels, predicted, people, len(faces.classes)),
}
table = pd.DataFrame(
    {
        name: {score: f"{low:.3f} to {high:.3f}" for score, (low, high) in scores.items()}
        for name, scores in intervals.items()
    }
).T
display(table)
widths = [high - low for low, high in (scores["accuracy"] for scores in intervals.values())]
Markdown(
    f"The second interval of accuracy is {widths[1] / widths[0]:.2f} times as wide. You guessed *{guess_people.value or 'nothing yet'}*."
)

# %% [markdown]
# Where the two agree, people hardly differ in how difficult they are; that can be so for rendered people and otherwise for
# photographed ones.
#
# Now look back at section 4. Its intervals say what *other seeds* would have changed; test faces and people stayed the same. This one
# says what *other people* would have changed, for one trained network. Neither holds the other. For a difference of two networks,
# draw people once and score both on them:

# %%
answers = {
    name: run.embeddings.query("method == @name").sort_values("index")["predicted"].to_numpy() == labels
    for name in ("ce", "tcl-nearest", "ce-heads", "ad-corre")
}


def over_people(own, reference):
    """Difference in accuracy of two networks in points, and its 95 % interval over draws of people."""
    is_own = np.arange(2 * len(labels)) < len(labels)
    right = np.concatenate([answers[own], answers[reference]])
    value, drawn = bootstrap_difference(right, is_own, ~is_own, np.tile(people, 2))
    return 100 * value, *(100 * np.quantile(drawn, [0.025, 0.975]))


Markdown(
    "One seed, in points, 95 % interval over people: "
    + "; ".join(
        "{} against {} {:+.1f} ({:+.1f} to {:+.1f})".format(
            method_label(own), method_label(reference), *over_people(own, reference)
        )
        for own, reference in (("tcl-nearest", "ce"), ("ad-corre", "ce-heads"))
    )
    + ". So one pair of networks on one test set can differ by more than the methods do on average."
)

# %% [markdown]
# **Accuracy hides rare classes.** Recall is accuracy within one class; balanced accuracy is its mean. A method may win one and lose
# the other.

# %%
guess_even = ask(
    "Which method will have the smallest gap between its best and its worst class?",
    [method_label(name) for name in ("ce", "tcl-nearest", "ce-heads", "ad-corre")],
)
guess_even

# %%
from ferlab.figures import class_recall

shown = ("ce", "tcl-nearest", "ce-heads", "ad-corre")
recalls = {name: summary["methods"][name]["class_recall"] for name in shown}
show(
    class_recall(recalls, title=f"Recall of each class, mean over {len(seeds)} seeds"),
    alt="Recall of each class for four methods; the rare classes have much lower recall than happiness",
)
spread = {name: np.ptp([recall["mean"] for recall in per_class.values()]) for name, per_class in recalls.items()}
Markdown(
    "Best minus worst class: "
    + ", ".join(f"{method_label(name)} {100 * gap:.0f} points" for name, gap in spread.items())
    + f". You guessed *{guess_even.value or 'nothing yet'}*. (No test was made of this: a question that the data may answer, not an answer.)"
)

# %% [markdown]
# **Slices.** The built-in faces know how strong an expression is, how far the head is turned, which action units move. A method that
# helps might help in one slice only, and an average over slices depends on who collected the data. Four kinds of slices (the report
# of a run has all; the number of faces stands in brackets):

# %%
from ferlab.figures import slice_accuracy

slices = {name: summary["methods"][name]["slices"] for name in shown}
kinds = ("intensity", "yaw (degrees, either side)", "skin tone (0 light, 1 dark)", "glasses")
show(
    slice_accuracy({name: [part for part in parts if part["kind"] in kinds] for name, parts in slices.items()})[0],
    alt="Accuracy by intensity, by how far the head is turned, by skin tone and by glasses, for four methods",
)

# %%
guess_slice = ask(
    "Ad-Corre less its control, in each slice. The largest difference of all will be in a slice with ...",
    ["few faces (below 100)", "100 to 1,000 faces", "more than 1,000 faces"],
)
guess_slice

# %%
gaps = pd.DataFrame(
    [
        {"slice": f"{own['kind']}: {own['part']}", "faces": own["faces"]}
        | {
            f"seed {seed}": 100 * (a - b)
            for seed, a, b in zip(seeds, own["accuracy"]["values"], control["accuracy"]["values"], strict=True)
        }
        for own, control in zip(slices["ad-corre"], slices["ce-heads"], strict=True)
    ]
).set_index("slice")
gaps["mean"] = gaps.drop(columns="faces").mean(axis=1)
display(gaps.loc[gaps["mean"].abs().nlargest(5).index].style.format("{:+.1f}").format("{:.0f}", subset="faces"))
largest = gaps.loc[gaps["mean"].abs().idxmax()]
Markdown(
    f"The five largest of {len(gaps)} slices, in points. First: {largest.name}, {largest['mean']:+.1f} points on {largest['faces']:.0f} "
    f"faces, of which one is {100 / largest['faces']:.1f} points. You guessed *{guess_slice.value or 'nothing yet'}*."
)

# %% [markdown]
# Among many slices one is always the largest, and mostly a small one, where luck is large. No test was made here; a slice that was
# found by looking needs new data before it is a finding.

# %% [markdown]
# ## 7. An ablation table
#
# Papers show that every part counts by leaving parts out. For TCL, a row a sampling strategy, from the same seeds as above, mean ±
# standard deviation over them. But the rows differ in more than the strategy: each has the weight, margin, warm-up and learning rate
# of the table in section 2.

# %%
tcl = {
    method_label(name): {
        label: f"{100 * scores[score]['mean']:.1f} ± {100 * scores[score]['std']:.1f}"
        for label, score in (("accuracy, %", "accuracy"), ("balanced accuracy, %", "balanced_accuracy"))
    }
    for name, scores in summary["methods"].items()
    if name == "ce" or name.startswith("tcl")
}
pd.DataFrame(tcl).T

# %% [markdown]
# For Ad-Corre, its three terms added one by one. That needs trainings of its own; here they are, quick ones on few faces. A method is one row of a table of data, so leaving a term out is one argument.
# (The weight is the paper's, so that the terms are heard; the recipe above has a smaller one. See below what that means.)

# %%
guess_term = ask("Which step will move within / between most?", ["+ FD", "+ MD", "+ ED"])
guess_term

# %%
from ferlab.experiments import CompareSettings, run_compare
from ferlab.methods import METHODS

# The paper's balance, so that the terms are heard.
paper = dataclasses.replace(METHODS["ad-corre"], metric_weight=7 / 50)
METHODS["ad-corre-fd"] = dataclasses.replace(paper, options={"terms": ("FD",)})
METHODS["ad-corre-fd-md"] = dataclasses.replace(paper, options={"terms": ("FD", "MD")})
METHODS["ad-corre-all"] = paper
steps = {
    "ce-heads": "CE, k heads",
    "ad-corre-fd": "+ FD",
    "ad-corre-fd-md": "+ FD + MD",
    "ad-corre-all": "+ FD + MD + ED",
}
quick = run_compare(
    CompareSettings(out=ablation_folder, methods=tuple(steps), quick=True, seeds=ablation_seeds, overwrite=True)
)
display(
    pd.DataFrame(
        {
            label: {
                "accuracy, %": f"{100 * quick['methods'][name]['accuracy']['mean']:.1f}",
                "balanced accuracy, %": f"{100 * quick['methods'][name]['balanced_accuracy']['mean']:.1f}",
                "within / between": f"{quick['methods'][name]['geometry']['within_between_ratio']['mean']:.3f}",
            }
            for name, label in steps.items()
        }
    ).T
)
moved = np.diff([quick["methods"][name]["geometry"]["within_between_ratio"]["mean"] for name in steps])
Markdown(
    ", ".join(f"+ {term}: {by:+.3f}" for term, by in zip(("FD", "MD", "ED"), moved, strict=True))
    + f" in within / between. You guessed *{guess_term.value or 'nothing yet'}*.\n\nThe weight of the terms is "
    f"{paper.metric_weight:g} here, and {METHODS['ad-corre'].metric_weight:g} in the sections above; and these networks saw few faces, for "
    "few epochs. So the table says nothing about the recipe above."
)

# %% [markdown]
# It has the *shape* of an ablation table. What does it lack to be one?
#
# <details><summary>What we would say</summary>
#
# Several seeds, and with them intervals of the differences. A training that is finished: after a few epochs one sees who learns
# faster. A weight (and learning rate) chosen for each row with the same budget, or a reason for one weight: a weight that is too large
# hurts in every row. Rows that leave out *each* term in turn, not only in one order. And a choice made on validation, with the test
# left for the end.
# </details>
#
# ### Exercise 2: what may be said?
#
# You know the numbers now. Which of these sentences do they support? Choose for each, then run the check.

# %%
options = ["supported", "not supported"]
claims = {
    "one_seed": ask("“The method with the highest accuracy in seed 0 is the best of the seven.”", options),
    "control": ask("“Ad-Corre’s terms raise accuracy by as much as Ad-Corre lies above plain cross-entropy.”", options),
    "absence": ask("“No difference beyond chance was found, so the losses have no effect on accuracy.”", options),
    "seeds": ask("“With these seeds, an effect of half a standard deviation would usually go unseen.”", options),
}
display(*claims.values())

# %%
from ferlab.classroom.exercises import check_claims

print(check_claims({name: choice.value for name, choice in claims.items()}))

# %% [markdown]
# ## What to remember
#
# - A seed is a draw. Rank methods by distributions, never by one number each.
# - Compare seed by seed, with a control that differs in the loss and as little else as possible; say what else differs.
# - Many tests make luck likely: correct, and say how many were made.
# - What was not found may be there: say which size of effect the study could have seen.
# - Choose hyperparameters on validation, with the same budget for all; look at the test once, at the end.
#
# **To discuss.** A reviewer asks for "the best of five seeds", because a rival paper reports that. What do you answer? And what
# if the rival's number is the mean, but over hyperparameters that were chosen on the test set?
#
# ## Where to read on
#
# - Bouthillier et al., *Accounting for Variance in Machine Learning Benchmarks*, MLSys 2021,
#   [arXiv:2103.03098](https://arxiv.org/abs/2103.03098).
# - Musgrave, Belongie, Lim, *A Metric Learning Reality Check*, ECCV 2020, [arXiv:2003.08505](https://arxiv.org/abs/2003.08505).
# - Holm, *A Simple Sequentially Rejective Multiple Test Procedure*, Scandinavian Journal of Statistics 1979.
# - `docs/tuning/README.md` of this package: how the hyperparameters were chosen.
