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
# "Our loss improves accuracy by 0.8 points." Over what, by how much chance, on which faces? And is accuracy what the loss was asked
# for? This notebook takes the methods of this package, trained with several seeds each, and asks what may be said about them: did each loss
# do what it asks for, did that carry over to new faces, what else moved, what did it cost?
#
# **You will**
# - see how far a seed alone moves a method, and how often it changes who comes first;
# - follow a paired test line by line, write Holm's correction, and find out what happens without it;
# - test what each loss asks for, the geometry and the accuracy, and find the dose at which a loss is first heard;
# - learn how many seeds it takes to see a small effect;
# - look behind an average: classes, people, slices, and an ablation table as papers print it.
#
# **Time:** about 60 minutes, of which the computer needs one. **Assumed:** notebooks 00 and 07; mean and standard
# deviation; a rough idea of a p-value. **Needed:** no GPU, no network, no data of your own.

# %% tags=["setup", "remove-cell"]
# Installs ferlab where it is missing, as on Colab; elsewhere this does nothing.
import importlib.util
import os

if importlib.util.find_spec("ferlab") is None:
    get_ipython().run_line_magic("pip", "install --quiet " + os.environ.get("FERLAB_SOURCE", ".."))

# %% tags=["parameters"]
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
# Here are the test accuracies of one seed of a real run: all methods, all built-in faces, one recipe for all of them. A method
# and its control differ in the loss alone, and each loss has the dose of the table, which a rule chose on validation faces (notebook 07, section 5). Suppose
# this was all you had.

# %%
from ferlab.gallery import open_gallery, seeds_summary
from ferlab.methods import METHODS, get_method, reference_of

summary = seeds_summary()
seeds = summary["seeds"]
# The run holds every loss in several doses; the plain name is the table's dose. The others come in section 4.
methods = [name for name in summary["methods"] if name in METHODS]
accuracy = pd.DataFrame({name: summary["methods"][name]["accuracy"]["values"] for name in methods}, index=seeds).T
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
# The fair opponent matters as much: TCL and center loss are compared with cross-entropy on the same network, Ad-Corre with cross-entropy on
# **its** network, the one with several heads.

# %%
from scipy import stats

from ferlab.evaluation import paired_test


def paired(own, reference):
    """Mean difference, both ends of its 95 % interval, p."""
    d = np.subtract(own, reference)
    error, df = d.std(ddof=1) / np.sqrt(len(d)), len(d) - 1
    reach = stats.t.ppf(0.975, df) * error
    return d.mean(), d.mean() - reach, d.mean() + reach, 2 * stats.t.sf(abs(d.mean()) / error, df)


values = {name: summary["methods"][name]["accuracy"]["values"] for name in methods}
controls = {name: control for name in methods if (control := reference_of(name, methods))}
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
# Two things to know before you believe such a difference. Is it the loss? Here it is, as far as a comparison can say: recipe, initial weights and
# order of the faces are the same, and the weight of the loss is the only thing that was chosen, on validation faces. But had every method a recipe of its own, found by a
# search, two *tuned recipes* would be compared (`ferlab compare --tuned` does that), and their difference would be the search's work as well.
# And did pairing help? It does when both methods are lucky with the same seeds:

# %%
recipe = {
    method_label(name): {
        "learning rate": f"{method.learning_rate:g}",
        "dose": f"{method.strength:g}" if method.loss else "",
        "control": method_label(controls[name]) if name in controls else "",
    }
    for name, method in ((name, get_method(name)) for name in methods)
}
together = {name: np.corrcoef(values[name], values[control])[0, 1] for name, control in controls.items()}
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
# Three questions, in this order: did each loss do **what it asks for**? What **else** in the space moved? What did it **cost**? TCL asks for
# shut hinges and a wide margin, center loss for short distances to the own center, Ad-Corre for correlation within classes and none, or less, between
# classes and between heads. All spaces are measured with all these yardsticks.
#
# A family of tests has to be named before looking. Ours: the methods at the table's dose, each against its control. A dot is filled
# where the test, corrected for these methods, rejects chance. (The intervals are not corrected: one can leave zero out while the corrected test does not reject it.)

# %%
guess_filled = ask(
    "On test faces: where will dots be filled for most methods?",
    ["what the loss itself asks for", "accuracy", "both", "nowhere"],
)
guess_filled

# %%
from ferlab.evaluation import comparisons
from ferlab.figures import method_differences
from ferlab.runs import asked_by

chosen = {name: summary["methods"][name] for name in methods}
tests = comparisons(chosen, controls)  # the package's paired tests, with Holm's correction over these methods
drawn = {name: {key: dataclasses.asdict(test) for key, test in of.items()} for name, of in tests.items()}
show(
    method_differences(
        drawn,
        (
            ("test.open_hinges", "TCL: open hinges", 1),
            ("test.mean_margin", "TCL: own - other", 1),
            ("test.own_distance", "center: own dist.", 1),
            ("test.correlation_within", "Ad-Corre: within", 1),
            ("test.correlation_between", "Ad-Corre: between", 1),
            ("test.correlation_of_heads", "Ad-Corre: heads", 1),
        ),
    )[0],
    alt="Differences of every method to its control with 95 % intervals, in what TCL, center loss and Ad-Corre ask for, on test faces",
)
show(
    method_differences(drawn)[0],
    alt="Differences of every method to its control with 95 % intervals: accuracy, balanced accuracy and three measures of geometry",
)
show(
    method_differences(
        drawn,
        (
            ("precision_at_1", "precision@1", 1),
            ("alignment", "alignment", 1),
            ("uniformity", "uniformity", 1),
            ("effective_rank", "effective rank", 1),
        ),
    )[0],
    alt="The same for four further measures of the space: precision@1, alignment, uniformity and effective rank",
)


def did_as_asked(name, of, split="test"):
    """How many of its loss's wishes moved to where the loss pulls, beyond chance; and how many there are."""
    wishes = asked_by(name)
    fulfilled = [
        test.is_real and (test.difference > 0) == wish.wants_more
        for wish in wishes
        if (test := of.get(f"{split}.{wish.key}")) is not None
    ]
    return sum(fulfilled), len(fulfilled)


rows = {}
for name, of in tests.items():
    cost = of["accuracy"]
    rows[method_label(name)] = {
        **{
            f"wishes granted, {words}": "{} of {}".format(*did_as_asked(name, of, split))
            for split, words in (("train", "training faces"), ("test", "test faces"))
        },
        "within / between": f"{of['within_between_ratio'].difference:+.3f}{'' if of['within_between_ratio'].is_real else ' (chance?)'}",
        "accuracy, points": f"{100 * cost.difference:+.1f}{'' if cost.is_real else ' (chance?)'}",
    }
display(pd.DataFrame(rows).T)
granted = [name for name, of in tests.items() if np.equal(*did_as_asked(name, of))]
paid = [name for name, of in tests.items() if of["accuracy"].is_real]
Markdown(
    f"Of {len(tests)} methods, **{len(granted)}** do all that their loss asks for on test faces, beyond chance"
    + (f" ({', '.join(map(method_label, granted))})" if granted else "")
    + f"; in accuracy, **{len(paid)}** differ from their control beyond chance"
    + (
        ": "
        + ", ".join(f"{method_label(name)} by {100 * tests[name]['accuracy'].difference:+.1f} points" for name in paid)
        if paid
        else ""
    )
    + f". You guessed *{guess_filled.value or 'nothing yet'}*."
)

# %% [markdown]
# The package's report, which `ferlab compare` writes, puts it in sentences. They begin so:

# %%
from ferlab.report import verdict
from ferlab.runs import read_run

run = read_run(open_gallery(gallery_folder))
said = verdict(dataclasses.replace(run, summary={**summary, "methods": chosen, "comparisons": drawn}))
once = {  # what stands both for itself and among the measures of the test faces counts once
    name: {
        key: test for key, test in of.items() if key.removeprefix("test.") == key or key.removeprefix("test.") not in of
    }
    for name, of in tests.items()
}
all_tests = [test.is_real for of in once.values() for test in of.values()]
Markdown(
    f"**{said.headline}**\n\n"
    + "\n".join(f"- {line}" for line in (said.short or said.sentences)[:3])
    + f"\n\nOf all {len(all_tests)} differences that were tested here, {sum(all_tests)} are beyond chance."
)

# %% [markdown]
# (The columns of the third picture: notebook 02, section 6, explains them; precision@1 is how often the nearest face is of the same
# class. The tests are corrected for several methods within each measure, not for looking at many measures: if nothing differed, each
# measure would still have a filled dot by luck in one of twenty studies.)
#
# ### At which dose is a loss heard?
#
# The run holds every loss in several doses. Who tries them all and reports the ones that came out has made many more tests, and has to correct
# for all of them. So here is the larger family, every loss at every dose.

# %%
guess_family = ask(
    "The same difference, now one among all doses: its corrected p-value will be ...",
    ["smaller", "the same", "larger, or the same"],
)
guess_family

# %%
everything = summary["methods"]
references = {name: control for name in everything if (control := reference_of(name, everything))}
of_all = comparisons(everything, references)
lines = []
for name, found in summary["doses"].items():
    named = [(dose, own) for dose, own in zip(found["strengths"], found["methods"], strict=True) if dose]
    heard = next((dose for dose, own in named if np.equal(*did_as_asked(own, of_all[own]))), None)
    tighter = next(
        (dose for dose, own in named if (test := of_all[own]["within_between_ratio"]).is_real and test.difference < 0),
        None,
    )
    costs = next(
        (dose for dose, own in named if (test := of_all[own]["accuracy"]).is_real and test.difference < 0), None
    )
    lines.append(
        f"- **{method_label(name)}**: does all that it asks for, on test faces, "
        + (
            f"from dose {heard:g} on"
            if heard is not None
            else f"at no dose up to {named[-1][0]:g} that these seeds could tell from chance"
        )
        + "; tighter classes "
        + (f"from dose {tighter:g} on" if tighter is not None else "at no dose")
        + "; accuracy falls beyond chance "
        + (f"from dose {costs:g} on" if costs is not None else "at no dose")
        + "."
    )
shared = [(tests[name][key].p_corrected, of_all[name][key].p_corrected) for name in once for key in once[name]]
fell_out = sum(small < 0.05 <= large for small, large in shared)
grown = sum(large >= small - 1e-12 for small, large in shared)
Markdown(
    "\n".join(lines)
    + f"\n\nThat is {len(of_all)} methods instead of {len(tests)}: of the {sum(all_tests)} filled dots above, {fell_out} would be open in this "
    f"family; {grown / len(shared):.0%} of the corrected p-values grew or stayed. You guessed *{guess_family.value or 'nothing yet'}*."
)

# %% [markdown]
# Which family is right? The one that was named *before* looking. A default dose, chosen on validation faces, makes a small family; a
# study of the dose makes a large one, and needs more seeds for the same power.
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


def power(effect, count):
    """Share of studies whose paired test finds an effect, given in standard deviations of the differences."""
    limit, shift = stats.t.ppf(0.975, count - 1), effect * np.sqrt(count)
    wrong_side = np.nan_to_num(stats.nct.cdf(-limit, count - 1, shift))  # where it is tiny, SciPy answers nan
    return stats.nct.sf(limit, count - 1, shift) + wrong_side


found = {effect: [power(effect, count) for count in counts] for effect in (0.5, 1.0, 2.0)}
figure, axes = plt.subplots(figsize=(7.5, 3.4), layout="constrained")
for (effect, values_of), style in zip(found.items(), (":", "--", "-"), strict=True):
    axes.plot(counts, values_of, style, color="#5a56c7", marker="o", label=f"effect of {effect:g} standard deviations")
axes.axhline(0.8, color="#7d848c", linewidth=1)
axes.set(xlabel="seeds", ylabel="power: share of studies that find it", xticks=counts, ylim=(0, 1.03))
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False)
show(axes, alt="Share of studies that find an effect over the number of seeds, for small, medium and large effects")


def sizes_of(measure, split=None):
    """Of every method: differences to its control over the seeds, (S,)."""

    def of(name):
        scores = summary["methods"][name]
        return np.array((scores["measures"][split] if split else scores)[measure]["values"])

    return {name: of(name) - of(control) for name, control in controls.items()}


differences = sizes_of("accuracy")
typical = np.median([difference.std(ddof=1) for difference in differences.values()])
enough = next(count for count, share in zip(counts, found[1.0], strict=True) if share >= 0.8)
in_units = {
    words: np.median([abs(d.mean()) / d.std(ddof=1) for d in sizes.values() if d.std(ddof=1) > 0])
    for words, sizes in {"accuracy": differences, "within / between": sizes_of("within_between_ratio", "test")}.items()
}
Markdown(
    f"For an effect of one standard deviation, {enough} seeds are the first of these that find it in 80 % of the studies. You "
    f"guessed *{guess_seeds.value or 'nothing yet'}*. In the run above the differences in accuracy between two methods have a standard "
    f"deviation of {100 * typical:.1f} points (median over the methods): so it takes about {enough} seeds to see an effect of that "
    f"size, and far more for half of that. {len(seeds)} seeds find it in {power(1.0, len(seeds)):.0%} of the studies.\n\nHow large are the effects? In standard "
    "deviations of the differences, median over the methods: "
    + ", ".join(
        f"{words} **{size:.1f}**, which {len(seeds)} seeds find in {power(size, len(seeds)):.0%} of the studies"
        for words, size in in_units.items()
    )
    + "."
    + (
        " So the same seeds can be enough for the geometry and too few for accuracy."
        if power(in_units["accuracy"], len(seeds)) < 0.8 <= power(in_units["within / between"], len(seeds))
        else ""
    )
    + " Two warnings: a "
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
    + ". Over all seeds the same two differences are "
    + " and ".join(f"{100 * differences[name].mean():+.1f}" for name in ("tcl-nearest", "ad-corre"))
    + ": one pair of networks on one test set is not the method."
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
# Papers show that every part counts by adding parts one by one. Ad-Corre changes two things at once: the network gets seven heads, and a loss
# comes on top. From the same seeds as above, mean ± standard deviation over them:

# %%
guess_part = ask(
    "Cross-entropy, then its network with heads, then the loss. Which step moves within / between more, and which the effective rank?",
    [
        "the heads move both more",
        "the loss moves both more",
        "the heads the rank, the loss the ratio",
        "the other way round",
    ],
)
guess_part

# %%
columns = {
    "accuracy, %": ("accuracy", 100),
    "balanced accuracy, %": ("balanced_accuracy", 100),
    "within / between": ("within_between_ratio", 1),
    "effective rank": ("effective_rank", 1),
}


def on_test(name, measure):
    """Values over the seeds, (S,)."""
    return np.array(summary["methods"][name]["measures"]["test"][measure]["values"])


def ablation(rows):
    """Mean ± standard deviation of some methods (label -> name), as papers print it."""
    return pd.DataFrame(
        {
            label: {
                heading: f"{factor * on_test(name, key).mean():.{1 if factor > 1 or key == 'effective_rank' else 3}f} ± "
                f"{factor * on_test(name, key).std(ddof=1):.{1 if factor > 1 or key == 'effective_rank' else 3}f}"
                for heading, (key, factor) in columns.items()
            }
            for label, name in rows.items()
        }
    ).T


parts = {"cross-entropy": "ce", "+ k heads": "ce-heads", "+ FD, MD, ED": "ad-corre"}
display(ablation(parts))
steps = {
    label: {
        key: on_test(after, key).mean() - on_test(before, key).mean()
        for key in ("within_between_ratio", "effective_rank")
    }
    for (label, after), before in zip(list(parts.items())[1:], list(parts.values())[:-1], strict=True)
}
larger = {
    key: max(steps, key=lambda label: abs(steps[label][key])) for key in ("within_between_ratio", "effective_rank")
}
Markdown(
    "; ".join(
        f"{label}: {step['within_between_ratio']:+.3f} in within / between, {step['effective_rank']:+.1f} in effective rank"
        for label, step in steps.items()
    )
    + f". The larger step in within / between is *{larger['within_between_ratio']}*, in effective rank *{larger['effective_rank']}*. You guessed "
    f"*{guess_part.value or 'nothing yet'}*. Who compares Ad-Corre with plain cross-entropy credits the loss with both."
)

# %% [markdown]
# And one row a sampling strategy for TCL, and center loss, which has no negative at all. The rows differ in the dose too, as the table of section 2 has it; and the same dose is not
# equally strict for all negatives (notebook 04).

# %%
ablation({method_label(name): name for name in methods if controls.get(name, name) == "ce"})

# %% [markdown]
# These have the *shape* of ablation tables. What do they lack to be good ones?
#
# <details><summary>What we would say</summary>
#
# Intervals of the paired *differences* between rows, not a standard deviation of each: two rows can overlap and differ in every seed. Rows that leave out *each* part in
# turn, not only in one order: FD, MD and ED are added all at once here. A dose chosen for each row by the same rule, or a curve over doses for each: a dose that is too large
# hurts in every row. And a choice made on validation, with the test left for the end.
#
# Leaving terms out is one argument, since a method is one row of a table of data. This trains Ad-Corre without its heads' term:
#
# ```python
# METHODS["ad-corre-fd-md"] = dataclasses.replace(METHODS["ad-corre"], options={"terms": ("FD", "MD")})
# run_compare(CompareSettings(out="runs/ablation", methods=("ce-heads", "ad-corre-fd-md", "ad-corre"), seeds=3))
# ```
#
# (`run_compare` and `CompareSettings` are in `ferlab.experiments`; a training takes a minute or two.)
# </details>
#
# ### Exercise 2: what may be said?
#
# You know the numbers now. Which of these sentences do they support? Choose for each, then run the check.

# %%
options = ["supported", "not supported"]
claims = {
    "one_seed": ask("“The method with the highest accuracy in seed 0 is the best of them.”", options),
    "control": ask("“How far Ad-Corre lies from plain cross-entropy is what its terms do.”", options),
    "absence": ask("“Where no difference beyond chance was found, the loss has no effect.”", options),
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
# - Ask first whether a loss did what it asks for, then what else moved, then what it cost.
# - Many tests make luck likely: name the family before looking, correct, and say how many were made.
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
# - `docs/tuning/README.md` of this package: how recipe and doses were chosen.
