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
# # UMAP with care
#
# The maps of this series are made with UMAP. They show the same faces in two dimensions instead of a hundred, and something
# has to give. Here you find out what: by drawing maps of data that you made yourself, so that you know what they should
# show.
#
# **You will**
# - see what UMAP keeps (neighbors) and what it gives away (sizes, gaps, and how clouds lie to each other);
# - watch a metric loss tighten a space, and find out which maps show it: UMAP, densMAP, the class-mean plane;
# - find clusters in pure noise, and learn which settings and starts to vary before believing a map;
# - compute trustworthiness and continuity, and read a Shepard diagram;
# - compare two maps without being fooled by their rotation, or by chance;
# - place new faces on a map, and make the map of a folder of your own.
#
# **Time:** about 60 minutes, of which the computer needs one or two. **Assumed:** notebook 00. **Needed:** no GPU, no
# network, no data of your own. UMAP compiles itself at its first use on a computer: once, a cell takes half a minute longer.

# %% tags=["setup", "remove-cell"]
# Installs ferlab where it is missing, as on Colab; elsewhere this does nothing.
import importlib.util
import os

if importlib.util.find_spec("ferlab") is None:
    get_ipython().run_line_magic("pip", "install --quiet " + os.environ.get("FERLAB_SOURCE", ".."))

# %% tags=["parameters"]
run_folder = "runs/gallery-strengths"  # a finished run: the gallery's, or one of your own made by "ferlab compare"
my_folder = ""  # section 8: a folder with pictures of one face each; empty: some of the built-in test faces stand in
faces_shown = 1000  # test faces in sections 2 to 8, at most 2,000: more take longer

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown, display

from ferlab.classroom import ask
from ferlab.figures import embedding_map, method_label, show
from ferlab.projection import aligned_layouts, map_quality, pair_distances, procrustes

warnings.filterwarnings("ignore", category=DeprecationWarning)


def umap(points, metric="euclidean", **settings):
    """One map, (N, 2), of points (N, D)."""
    return aligned_layouts({"map": points}, metric=metric, **settings)["map"]


def maps(layouts, labels, classes, columns=4, names=True):
    """Several maps (title -> layout) of the same points, in square panels."""
    rows = -(-len(layouts) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(3.1 * columns, 3.3 * rows), layout="constrained", squeeze=False)
    for ax in axes.flat[len(layouts) :]:
        ax.remove()
    for ax, (title, layout) in zip(axes.flat, layouts.items(), strict=False):
        embedding_map(layout, labels, classes, ax, title, names=names is True)
        for spine in ax.spines.values():
            spine.set(visible=True, color="0.8")
        middle, reach = (layout.max(axis=0) + layout.min(axis=0)) / 2, 0.55 * np.ptp(layout, axis=0).max()
        ax.set(xlim=middle[0] + np.array([-reach, reach]), ylim=middle[1] + np.array([-reach, reach]))
        if names == "above":
            for k, name in enumerate(classes):
                x, top = layout[labels == k].mean(axis=0)[0], layout[labels == k].max(axis=0)[1]
                ax.annotate(name, (x, top), xytext=(0, 4), textcoords="offset points", ha="center")
    return axes


# %% [markdown]
# ## 1. What UMAP keeps
#
# UMAP ([McInnes, Healy & Melville 2018](https://arxiv.org/abs/1802.03426)) makes a map in three steps:
#
# 1. for every point, find its `n_neighbors` nearest;
# 2. link it to each of them, the nearer the stronger;
# 3. move points about in the plane until linked ones are close and others are not.
#
# All it knows of your data in step 3 are the links. So look at step 2. A link to a neighbor at distance $d$ has the strength
#
# $$ p = \exp\Bigl(-\frac{\max(0,\, d - \rho)}{\sigma}\Bigr), $$
#
# with $\rho$ the distance to the nearest neighbor and $\sigma$ chosen **for every point anew**, such that its strengths add
# up to $\log_2 k$ for $k$ neighbors (section 3.1 of the paper). Here are two clouds in 20 dimensions, far from each other;
# the wide one is ten times as wide as the tight one.

# %%
from ferlab.projection import link_strengths

generator = np.random.default_rng(0)
tight, wide = generator.normal(size=(250, 20)), 10 * generator.normal(size=(250, 20))
wide[:, 0] += 200
clouds, cloud = np.concatenate([tight, wide]), np.repeat([0, 1], 250)

nearest = np.sort(pair_distances(clouds, "euclidean"), axis=1)[:, :15]  # each point itself first, as UMAP counts
strengths = link_strengths(nearest)
assert np.allclose(strengths[:, 1], 1) and np.allclose(strengths[:, 1:].sum(axis=1), np.log2(15), atol=1e-3)
table = {
    name: {
        "distance to the nearest": nearest[cloud == k, 1].mean(),
        "distance to the 14th": nearest[cloud == k, 14].mean(),
        "link to the nearest": strengths[cloud == k, 1].mean(),
        "link to the 14th": strengths[cloud == k, 14].mean(),
    }
    for k, name in enumerate(("tight", "wide"))
}
pd.DataFrame(table).T.style.format("{:.2f}")

# %% [markdown]
# Every point has its own yardstick. Its nearest neighbor always gets a link of 1, whatever the distance.

# %%
guess_size = ask(
    "How many times as wide as the tight cloud will the wide one be on the map?",
    ["ten times", "three times", "about as wide"],
)
guess_size


# %%
def width(points):
    """Root mean square distance of points from their mean."""
    return np.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean())


on_map = umap(clouds)
show(
    maps({"the space (2 of 20)": clouds[:, :2], "UMAP": on_map}, cloud, ("tight", "wide"), columns=2, names="above"),
    alt="Two clouds, one ten times as wide as the other: as they are, and on a UMAP map",
)
Markdown(
    f"In the space the wide cloud is {width(wide) / width(tight):.1f} times as wide, on the map "
    f"{width(on_map[cloud == 1]) / width(on_map[cloud == 0]):.1f} times. You guessed *{guess_size.value or 'nothing yet'}*."
)

# %% [markdown]
# Both clouds have 250 points. What if the tight one had 60 only?

# %%
guess_count = ask(
    "With 60 tight and 250 wide points the wide cloud will be, on the map,",
    ["about as wide still", "much wider", "narrower"],
)
guess_count

# %%
fewer = umap(clouds[190:])  # the last 60 of the tight cloud, and the wide one
Markdown(
    f"Now it is {width(fewer[60:]) / width(fewer[:60]):.1f} times as wide. You guessed *{guess_count.value or 'nothing yet'}*."
)

# %% [markdown]
# The size of a cloud on a map tells how many points it has, not how far they lie apart: remember that where classes are not
# equally common. What holds for sizes holds for gaps. Three clouds of the same width in a row; the second gap is ten times the first.

# %%
guess_gap = ask("On the map, the second gap will be", ["ten times the first", "larger, but less so", "about as large"])
guess_gap

# %%
row = generator.normal(size=(600, 20))
third = np.repeat([0, 1, 2], 200)
row[:, 0] += np.array([0, 10, 110])[third]


def gaps(points):
    means = [points[third == k].mean(axis=0) for k in range(3)]
    return np.linalg.norm(means[1] - means[0]), np.linalg.norm(means[2] - means[1])


rows = {"the space (2 of 20)": row[:, :2], **{f"UMAP, seed {seed}": umap(row, seed=seed) for seed in (0, 1, 2)}}
show(
    maps(rows, third, ("1", "2", "3"), names="above"),
    alt="Three clouds in a row with a small and a large gap, and three UMAP maps of them in which the gaps are alike",
)
Markdown(
    "Second gap over first: "
    + "; ".join(f"{name}: **{np.divide(*gaps(points)[::-1]):.1f}**" for name, points in rows.items())
    + f". You guessed *{guess_gap.value or 'nothing yet'}*."
)

# %% [markdown]
# Between clouds without links there is nothing that step 3 could keep, except that they are apart (clouds that share links do
# keep some of their order). So of two classes that stand alone on a map the farther one may be the nearer one in the space,
# and a class that "is wide" may be tight.
#
# ## 2. What that hides: a loss at work
#
# The point of this whole lab is that metric losses *tighten* classes. The package brings networks along, with and without such a loss. The next cell
# takes, of all of them, the one whose classes are tightest against its control (the same network, cross-entropy alone).

# %%
from ferlab.data import load_dataset
from ferlab.evaluation import within_between_ratio
from ferlab.gallery import open_gallery
from ferlab.methods import reference_of
from ferlab.runs import first_seed_spaces, read_run

if run_folder == "runs/gallery-strengths":
    open_gallery(part="strengths")
run = read_run(run_folder)
spaces, all_labels = first_seed_spaces(run)
test_faces = load_dataset("synthetic", split="test")
some = np.sort(np.random.default_rng(1).permutation(len(all_labels))[:faces_shown])
labels, classes = all_labels[some], list(run.summary["methods"]["ce"]["class_recall"])


def compactness(points):
    """Within / between of points (N, D): mean distance to the own class mean over mean distance of class means."""
    return within_between_ratio(points.astype(np.float64), labels)


def unit(space):
    """Rows scaled to length 1: distances between them are those of angles, as UMAP is given them here."""
    return space / np.linalg.norm(space, axis=1, keepdims=True)


in_spaces = {name: compactness(unit(space[some])) for name, space in spaces.items()}
losses = {name: in_spaces[name] / in_spaces[control] - 1 for name in spaces if (control := reference_of(name, spaces))}
tightest = min(losses, key=losses.get)
pair = {name: unit(spaces[name][some]) for name in (reference_of(tightest, spaces), tightest)}
control = next(iter(pair))
Markdown(
    f"**{method_label(tightest)}**: within / between {in_spaces[tightest]:.3f}, against {in_spaces[control]:.3f} of its control "
    f"(*{method_label(control)}*): the classes are {abs(losses[tightest]):.0%} {'tighter' if losses[tightest] < 0 else 'looser'}, on {len(some):,} test faces."
)

# %% [markdown]
# Three maps of both spaces:
#
# - **UMAP**, as above.
# - **densMAP** ([Narayan, Berger & Cho 2021](https://doi.org/10.1038/s41587-020-00801-7)): UMAP with a further term, by which dense places stay dense
#   against other places *of the same space*.
# - The **class-mean plane**: no neighbors, no steps, nothing bent. A linear map onto the plane in which the class means lie farthest apart, in units of their mean
#   distance.

# %%
guess_hidden = ask(
    "Which of them will show that the classes are tighter?",
    ["all three", "densMAP and the class-mean plane", "the class-mean plane only", "none"],
)
guess_hidden

# %%
from ferlab.projection import class_mean_epoch_planes

kinds = {"UMAP": False, "densMAP": True}
seeded = {
    kind: [aligned_layouts(pair, seed=seed, densmap=densmap) for seed in (0, 1)] for kind, densmap in kinds.items()
}
planes = {
    name: own[0]
    for name, own in class_mean_epoch_planes({name: [space] for name, space in pair.items()}, labels).items()
}
drawn = {kind: layouts[0] for kind, layouts in seeded.items()} | {"class-mean plane": planes}
figure, axes = plt.subplots(2, 3, figsize=(11, 7.6), layout="constrained")
for column, (kind, layouts) in zip(axes.T, drawn.items(), strict=True):
    middles = {name: (layout.max(axis=0) + layout.min(axis=0)) / 2 for name, layout in layouts.items()}
    reach = 0.55 * max(np.ptp(layout, axis=0).max() for layout in layouts.values())  # one scale for both spaces
    for ax, (name, layout) in zip(column, layouts.items(), strict=True):
        embedding_map(layout, labels, classes, ax, f"{kind}: {method_label(name)}")
        x, y = middles[name]
        ax.set(xlim=(x - reach, x + reach), ylim=(y - reach, y + reach))
        for spine in ax.spines.values():
            spine.set(visible=True, color="0.8")
show(
    axes,
    alt="UMAP, densMAP and the class-mean plane of two spaces, the control above and the one with the metric loss below",
)

# %% [markdown]
# Believe numbers rather than eyes: within / between can be computed of the points on a map as well. UMAP and densMAP are drawn with two seeds each, since what changes with
# the seed is not the loss's. We say that a map *shows* the change if every seed has it in the right direction and, on average, with at least half of its size.


# %%
def on_maps(layouts):
    """Change of within / between from the control's map to the other one's, as a share."""
    return compactness(layouts[tightest]) / compactness(layouts[control]) - 1


change = losses[tightest]
found = {kind: [on_maps(layouts) for layouts in of] for kind, of in seeded.items()} | {
    "class-mean plane": [on_maps(planes)]
}
shows = {
    kind: bool(all(share * change > 0 for share in of) and np.mean(of) / change >= 0.5) for kind, of in found.items()
}
display(
    pd.DataFrame(
        {
            kind: {
                "change of within / between": ", ".join(f"{share:+.0%}" for share in of),
                f"shows the {change:+.0%} of the space": "yes" if shows[kind] else "no",
            }
            for kind, of in found.items()
        }
    ).T
)
yes, no = ([kind for kind, shown in shows.items() if shown is wanted] for wanted in (True, False))
Markdown(
    f"In the space: {change:+.0%}. "
    + (f"Shown by: **{' and '.join(yes)}**. " if yes else "Shown by none of the three. ")
    + (f"Hidden by: **{' and '.join(no)}**. " if no else "Hidden by none. ")
    + f"You guessed *{guess_hidden.value or 'nothing yet'}*."
)

# %% [markdown]
# What can UMAP know? Links are measured with each point's own yardstick, so a class that became twice as tight *in all places* has the same links as before. What does
# change links is that faces of two classes stop being neighbors; that a map can show, and it may look like tightness. densMAP
# adds a term that compares radii within one space, by their correlation; what shrinks everywhere alike leaves a correlation as it is. Whether either shows a change therefore hangs on *where*
# the space became tighter, and the numbers above are about this one. The class-mean plane pays otherwise: classes that differ in a third direction lie on top of each other there.
# How much of the distances between class means does the plane hold?

# %%
rows = {}
for name, space in pair.items():
    centers = np.stack([space[labels == c].mean(axis=0) for c in np.unique(labels)])
    variances = np.linalg.svd(centers - centers.mean(axis=0), compute_uv=False) ** 2
    quality = {kind: map_quality(space, layouts[name]).trustworthiness for kind, layouts in drawn.items()}
    rows[method_label(name)] = {
        "class means' variance on their plane": f"{variances[:2].sum() / variances.sum():.0%}",
        **{f"trustworthiness, {kind}": f"{value:.3f}" for kind, value in quality.items()},
    }
display(pd.DataFrame(rows).T)
best = max(drawn, key=lambda kind: map_quality(pair[tightest], drawn[kind][tightest]).trustworthiness)
Markdown(
    f"(Trustworthiness: are neighbors on the map neighbors in the space? 1 if all are; section 6 takes it apart.) Best at neighbors is {best}. No map is good at everything: **choose the map by the "
    f"question**. For *how tight*, a linear plane with one scale, or a number; for *who is beside whom*, {best}."
)

# %% [markdown]
# ## 3. Clusters out of nothing
#
# 500 points of pure noise, again in 20 dimensions: one cloud, no structure at all. What will a map of it look like? And if
# one counts clusters with a common method (HDBSCAN, at least 15 points each)?

# %%
guess_noise = ask(
    "With which n_neighbors will the map of noise show most clusters?",
    ["3", "15", "100", "none shows any: there are none"],
)
guess_noise

# %%
from sklearn.cluster import HDBSCAN

noise = generator.normal(size=(500, 20))


def clusters(points):
    """How many groups HDBSCAN finds."""
    return HDBSCAN(min_cluster_size=15, copy=True).fit(points).labels_.max() + 1


of_noise = {(k, seed): umap(noise, n_neighbors=k, seed=seed) for k in (3, 15, 100) for seed in (0, 1)}
show(
    maps(
        {f"n_neighbors {k}": layout for (k, seed), layout in of_noise.items() if seed == 0},
        np.zeros(500, int),
        ("noise",),
        columns=3,
        names=False,
    ),
    alt="UMAP maps of noise with 3, 15 and 100 neighbors: strings and clumps with 3, a disk with 100",
)


def disk(seed):
    """500 points spread evenly by lot over a disk."""
    lot = np.random.default_rng(seed)
    radius, angle = np.sqrt(lot.uniform(size=500)), 2 * np.pi * lot.uniform(size=500)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


on_disks = [clusters(disk(seed)) for seed in range(10)]
Markdown(
    f"Clusters in the space: {clusters(noise)}. On the maps, with two seeds each: "
    + "; ".join(
        f"n_neighbors {k}: **{clusters(of_noise[k, 0])}** and **{clusters(of_noise[k, 1])}**" for k in (3, 15, 100)
    )
    + f". On ten disks of points spread evenly by lot, without any map: **{min(on_disks)} to {max(on_disks)}**. You guessed *{guess_noise.value or 'nothing yet'}*."
)

# %% [markdown]
# The disks are the floor: HDBSCAN answers "none" or "two and more", never "one", and in a plane it finds some even in points
# that were spread evenly. A number no larger than theirs says nothing about the map, and nothing about the data. (What the
# eye sees with 3 neighbors, strings and clumps, are links by chance.) **Before you believe in clusters on a map, count them on maps of noise of the same size.**
#
# ## 4. What stays with another seed, and another start?
#
# Now the faces again, in the space of cross-entropy. UMAP begins step 3 with a first arrangement. Usually that is a **spectral** one, which follows the large directions of the
# links; it can also be **random**. The seed decides the rest.

# %%
guess_start = ask(
    "Four maps of the same faces: two seeds with a spectral start, two with a random one. What will differ?",
    [
        "hardly anything",
        "seeds differ little; starts differ, and a random one worsens the neighborhoods",
        "seeds differ little; starts differ, and the neighborhoods are as good",
    ],
)
guess_start

# %%
space = spaces["ce"][some]
starts = {
    f"{start} start, seed {seed}": umap(space, "cosine", seed=seed, start=start)
    for start in ("spectral", "random")
    for seed in (0, 1)
}
show(
    maps(starts, labels, classes),
    alt="Four UMAP maps of the same faces, two with a spectral and two with a random start",
)
reference = starts["spectral start, seed 0"]
table = {
    name: {
        "trustworthiness": map_quality(space, layout).trustworthiness,
        "distance correlation": map_quality(space, layout).distance_correlation,
        "left after turning onto the first": procrustes(reference, layout)[1],
    }
    for name, layout in starts.items()
}
display(pd.DataFrame(table).T.style.format("{:.3f}"))
Markdown(f"You guessed *{guess_start.value or 'nothing yet'}*.")

# %% [markdown]
# - **Trustworthiness**: are neighbors on the map neighbors in the space? 1 if all are. Section 6 takes it apart.
# - **Distance correlation**: does farther on the map mean farther in the space? (Spearman's rank correlation over pairs.)
# - **Left after turning**: how far two maps differ in shape, when the one is shifted, turned, mirrored and scaled onto the
#   other as well as can be (Procrustes analysis). 0 is the same shape, 1 is nothing in common.
#
# Compare the columns. Neighborhoods are about as good in all four. How the clouds lie *to each other* is another matter: a
# random start leaves that partly to chance ([Kobak & Linderman 2021](https://doi.org/10.1038/s41587-020-00809-z)). Which
# classes touch in one of the maps and not in another?
#
# ## 5. Two knobs
#
# `n_neighbors` says how far step 1 looks; `min_dist` how closely step 3 may pack points.

# %%
guess_knobs = ask(
    "Which one changes the trustworthiness more?", ["n_neighbors", "min_dist", "neither: it is the same space"]
)
guess_knobs

# %%
few = slice(0, 600)
grid = {(k, m): umap(space[few], "cosine", n_neighbors=k, min_dist=m) for k in (4, 15, 100) for m in (0.0, 0.1, 0.8)}
titles = {f"n_neighbors {k}, min_dist {m:g}": layout for (k, m), layout in grid.items()}
show(
    maps(titles, labels[few], classes, columns=3),
    alt="Nine UMAP maps of 600 faces: n_neighbors grows from row to row, min_dist from left to right",
)
measured = pd.Series({key: map_quality(space[few], layout).trustworthiness for key, layout in grid.items()}).unstack()
display(
    measured.rename_axis(index="n_neighbors", columns="min_dist").style.format("{:.3f}").format_index("{:g}", axis=1)
)
by_seed = abs(np.subtract(*(table[f"spectral start, seed {seed}"]["trustworthiness"] for seed in (0, 1))))
by_neighbors, by_distance = (np.ptp(measured, axis=axis).mean() for axis in (0, 1))
Markdown(
    f"Mean difference of the largest to the smallest trustworthiness: {by_neighbors:.3f} over n_neighbors, {by_distance:.3f} "
    f"over min_dist; between the two seeds with a spectral start of section 4 {by_seed:.3f}. All are small. You guessed *{guess_knobs.value or 'nothing yet'}*."
)

# %% [markdown]
# All nine are maps of the same faces. There is no true one; a small `n_neighbors` shows detail and invents strings, a large
# one shows the large shape. `min_dist` is mostly taste: 0 packs points into lines and lumps, 0.8 spreads them evenly. Before
# you publish a map, show that what you say of it survives a walk over this grid.
#
# ## 6. How far to believe it
#
# **Trustworthiness** (Venna & Kaski 2001) looks for *intruders*: points among the $k$ nearest on the map that are not among
# the $k$ nearest in the space. Each costs as much as its rank in the space exceeds $k$:
#
# $$ T = 1 - \frac{2}{N k (2N - 3k - 1)} \sum_{\text{intruders}} (\text{rank in the space} - k) $$
#
# The factor makes the worst possible map 0.


# %%
def ranks(distances):
    """Of every point (row) the rank of all others: 1 the nearest; itself last."""
    others = distances + np.diag(np.full(len(distances), np.inf))
    return others.argsort(axis=1).argsort(axis=1) + 1


def trustworthiness(in_space, on_map, k):
    """Both are (N, N), the distances of all pairs."""
    n, true, shown = len(in_space), ranks(in_space), ranks(on_map)
    intruders = (shown <= k) & (true > k)
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * (true[intruders] - k).sum()


from sklearn.manifold import trustworthiness as of_scikit_learn

in_space = pair_distances(space)
own = trustworthiness(in_space, pair_distances(reference, "euclidean"), 15)
theirs = of_scikit_learn(in_space, reference, n_neighbors=15, metric="precomputed")
packages = map_quality(space, reference).trustworthiness
assert np.isclose(own, theirs, atol=1e-6) and np.isclose(own, packages, atol=1e-6)
Markdown(f"Ours: {own:.6f}, scikit-learn's: {theirs:.6f}, the package's: {packages:.6f}.")

# %% [markdown]
# ### Exercise 1: the other mistake
#
# An intruder is a point that the map *wrongly brings close*. A map can also *tear apart* what is close in the space.
# **Continuity**, from the same paper, counts that: the points among the $k$ nearest in the space that are not among the $k$
# nearest on the map, each by how much its rank **on the map** exceeds $k$; same factor. Write it.
#
# <details><summary>Hint</summary>
#
# Trustworthiness ranks the points in one of its two arguments and asks the other who is near. Say its definition aloud, then that of
# continuity: which words change places?
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def continuity(in_space, on_map, k):
#     return trustworthiness(on_map, in_space, k)
# ```
# </details>


# %%
def continuity(in_space, on_map, k):
    """Both are (N, N), the distances of all pairs."""
    ...  # your code


# %%
from ferlab.classroom.exercises import check_continuity

print(check_continuity(continuity))

# %% [markdown]
# Is UMAP the better map, then? Beside it, the plainest one: the first two principal components (PCA).

# %%
guess_pca = ask(
    "UMAP against PCA:",
    [
        "UMAP has the better trustworthiness and the better distance correlation",
        "UMAP has the better trustworthiness, PCA the better distance correlation",
        "PCA is better in both",
    ],
)
guess_pca

# %%
from ferlab.projection import pca_layouts

kinds = {
    "UMAP": reference,
    "UMAP, random start": starts["random start, seed 0"],
    "PCA": pca_layouts({"map": space})["map"],
    "drawn by lot": generator.normal(size=reference.shape),
}
show(maps(kinds, labels, classes), alt="The same faces by UMAP with two starts, by PCA, and at random places")
table = {}
for name, layout in kinds.items():
    quality, on_map = map_quality(space, layout), pair_distances(layout, "euclidean")
    table[name] = {
        "trustworthiness": quality.trustworthiness,
        "continuity": continuity(in_space, on_map, 15),  # yours
        "distance correlation": quality.distance_correlation,
    }
display(pd.DataFrame(table).T.astype(float).style.format("{:.3f}", na_rep="write it above"))
Markdown(f"You guessed *{guess_pca.value or 'nothing yet'}*.")

# %% [markdown]
# Read the last row first: a map drawn by lot has a trustworthiness of about one half, not 0. So 0.9 is less than it sounds.
#
# One number hides where it fails. A **Shepard diagram** shows all pairs: their distance in the space to the right, on the
# map upwards. A map that kept all distances would be one line.

# %%
from ferlab.figures import figure_style, shepard_diagram

with figure_style():
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.5), layout="constrained")
for ax, name in zip(axes, ("UMAP", "UMAP, random start", "PCA"), strict=True):
    shepard_diagram(space, kinds[name], ax, name)
show(axes, alt="Shepard diagrams of UMAP with two starts and of PCA: distance in the space against distance on the map")

# %% [markdown]
# Choose a distance on the map, say 1, and go to the right: how different are the pairs that the map shows that far apart?
#
# ## 7. Comparing two maps
#
# Cross-entropy's map and TCL's side by side: what of the difference is in the *spaces*, and what only in the maps? First the
# trap. A map may be turned,
# mirrored and arranged anew at will, so two separate maps differ even when they show the *same* space. Procrustes analysis
# takes out the turning, not the arranging. So every comparison needs a **floor**: how far do two maps of one space differ?

# %%
guess_floor = ask(
    "With random starts: which pair of maps differs more in shape?",
    ["cross-entropy and TCL", "two seeds of cross-entropy", "no telling"],
)
guess_floor

# %%
methods = [name for name in ("ce", "tcl-nearest", "ad-corre") if name in spaces]
shown = {name: spaces[name][some] for name in methods}
separate = {name: umap(embeddings, "cosine", start="random") for name, embeddings in shown.items()}
common = aligned_layouts(shown)


def apart(a, b):
    """What is left between two maps after Procrustes analysis."""
    return procrustes(a, b)[1]


table = {
    "two seeds of cross-entropy: the floor": {
        "made separately, random starts": apart(separate["ce"], umap(space, "cosine", start="random", seed=1)),
        "from a common start": apart(common["ce"], umap(space, "cosine", seed=1)),
    }
}
for name in methods[1:]:
    table[f"cross-entropy and {method_label(name)}"] = {
        "made separately, random starts": apart(separate["ce"], separate[name]),
        "from a common start": apart(common["ce"], common[name]),
    }
display(pd.DataFrame(table).T.style.format("{:.3f}"))
Markdown(f"You guessed *{guess_floor.value or 'nothing yet'}*.")

# %% [markdown]
# Read column by column: only what lies clearly above the floor can be about the spaces. Even that need not be the *loss*:
# cross-entropy trained again gives another space too, and notebook 07 has that floor. The package makes the maps of
# several methods **from a common start** (`aligned_layouts`): each space is laid out on its own links, but all begin at the
# same places. For its floor two seeds of one space will do: a spectral start is computed from the links, so both begin alike.
#
# And the question can be asked without any map: which share of a face's nearest faces do two spaces have in common? (Notebook
# 07 has the floor for that.)

# %%
from ferlab.evaluation import neighbor_overlap

Markdown(
    "Share of the ten nearest faces in common with cross-entropy: "
    + ", ".join(
        f"{method_label(name)} **{neighbor_overlap(shown['ce'], shown[name]).mean():.0%}**" for name in methods[1:]
    )
    + f"; by chance it would be {10 / (len(space) - 1):.0%}."
)

# %% [markdown]
# ### Exercise 2: catch the map lying
#
# Find a face with a **torn** neighborhood: one of its six nearest faces in a space must be beyond no. 1,000 on that space's map.
# (These maps hold all test faces of the run, not only the part above.)
#
# Click on a dot. *Nearest to ...* below the maps lists its six true neighbors in every space, with their rank on the map
# ("map #12" is the twelfth nearest there). Under *Projection, and how far to believe it* are UMAP's settings, PCA, and the two
# numbers for every map.
#
# <details><summary>Hint</summary>
#
# Where does a map have to decide? Try dots at the rim of a cloud that faces another one, and lonely dots between clouds.
# </details>
#
# <details><summary>Solution</summary>
#
# In Python, all faces can be asked. This chooses the one with the worst neighbor:
#
# ```python
# points = explorer.points
# first = explorer.methods[0]
# layout = points.layouts[first][0]
# true, seen = ranks(pair_distances(points.space(first, 1))), ranks(pair_distances(layout, "euclidean"))
# explorer.selection = [points.indices[np.where(true <= 6, seen, 0).max(axis=1).argmax()]]
# ```
# </details>

# %%
from ferlab.widgets import EmbeddingExplorer

explorer = EmbeddingExplorer(run, methods=methods)
explorer

# %%
from ferlab.classroom.exercises import check_lost_neighbor

print(check_lost_neighbor(explorer, rank=1000))

# %% [markdown]
# ## 8. New faces, and your own
#
# A finished map can take in new points: each is put among its nearest neighbors, weighted with the links of section 1, and
# nobody else moves. How well does that work? Hold out a tenth of the faces, place them, and compare with a map that was made
# with them.

# %%
guess_placed = ask(
    "Placed faces will miss their place in that map by",
    ["about as much as faces that are in both maps", "two or three times as much", "ten times as much"],
)
guess_placed

# %%
from ferlab.projection import placing_error

placed = placing_error(space)
display(placed.table().style.format("{:.3f}"))
Markdown(
    f"By the median, {np.median(placed.placed) / np.median(placed.refit):.1f} times as much. You guessed "
    f"*{guess_placed.value or 'nothing yet'}*."
)

# %% [markdown]
# In units of the map's radius: how far the placed faces lie from where the new map has them. The last row is the floor: how
# far the faces moved that are in *both* maps. (The middle one is the naive way: on top of the single nearest face.)

# %%
guess_stranger = ask(
    "Where will a map of faces put a picture of pure noise?", ["outside all clouds", "at the rim", "among the faces"]
)
guess_stranger

# %%
from ferlab.evaluation import predict
from ferlab.projection import FittedMap
from ferlab.runs import RunFolder

network, _, size = RunFolder(run.path).network("ce")
stranger = predict(network, np.random.default_rng(0).integers(0, 256, (1, size, size, 3), dtype=np.uint8)).embeddings
fitted = FittedMap(space, reference)
(place,) = fitted.place(stranger)


def to_nearest(embeddings, others):
    """Cosine distance of each embedding to the nearest of the others."""
    unit, other = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in (embeddings, others))
    return (1 - unit @ other.T).min(axis=1)


axes = embedding_map(reference, labels, classes)
axes.plot(*place, "X", ms=16, mfc="white", mec="black", mew=2, zorder=2.5)
show(axes, alt="The map of the faces with a cross where a picture of noise is placed")
usual = np.sort(in_space + 2 * np.eye(len(space)), axis=1)[:, 0]
distance = to_nearest(stranger, space)[0]
Markdown(
    f"On the map it lies {np.linalg.norm(reference - place, axis=1).min():.2f} from the nearest face (the map's radius is 1). "
    f"In the space its distance to the nearest face is {distance:.3f}; of the faces themselves, {(usual < distance).mean():.1%} "
    f"have a nearer one. You guessed *{guess_stranger.value or 'nothing yet'}*."
)

# %% [markdown]
# A map cannot say "elsewhere": a new point lies between its neighbors by construction. The distance in the space can, though
# not for every network and every kind of strange picture: try `"tcl-nearest"`, or a face upside down.
#
# ### A folder of your own
#
# `ferlab embed RUN FOLDER --out FILE` shows a folder of pictures to a trained network: embeddings, answers, and a map of
# their own. (In a notebook `%run -m ferlab` does the same as `ferlab` in a terminal.) Set `my_folder` at the top to yours.
# Pictures should show one face each, cropped like the built-in ones, from forehead to chin. Without a folder, some test
# faces stand in.

# %%
from pathlib import Path

from PIL import Image

folder = Path(my_folder or "runs/my_faces").expanduser()
Path("runs/my_faces.parquet").unlink(missing_ok=True)  # of an earlier folder
assert not my_folder or folder.is_dir(), f"There is no folder {folder}: correct my_folder at the top."
if not my_folder:
    folder.mkdir(parents=True, exist_ok=True)
    others = test_faces.metadata.drop(index=some)  # that are not on the map
    chosen = others.groupby("class").sample(8, random_state=1).index
    for i in chosen:
        Image.fromarray(test_faces.images[i]).save(folder / f"{test_faces.metadata['class'][i]}_{i}.png")

# %%
# %run -m ferlab embed "{run_folder}" "{folder}" --out runs/my_faces.parquet --method ce

# %%
mine = pd.read_parquet("runs/my_faces.parquet")
mine[["file", "predicted", "confidence", "x", "y"]].head()

# %% [markdown]
# Two maps of your faces are possible now: their own, made by UMAP from these few points, and the large one of section 4, on
# which each is placed among the test faces. (The explorer shows your faces alone, and turns both maps so that they agree.)

# %%
guess_own = ask(
    "Which one keeps the neighborhoods of these faces better?", ["their own map", "the large map", "both about alike"]
)
guess_own

# %%
from ferlab.apply import read_face

embeddings = np.stack(mine["embedding"])
places = fitted.place(embeddings)
pictures = np.stack([read_face(folder / file, size, network.in_channels) for file in mine["file"]])
axes = embedding_map(reference, labels, classes)
axes.scatter(*places.T, marker="X", s=50, c="white", edgecolors="black", zorder=2.5)
show(axes, alt="The large map with a white cross where each picture of the folder is placed")

# %%
answers = pd.DataFrame({"label": mine["predicted"], "embedding": list(embeddings), "confidence": mine["confidence"]})
views = {"placed on the large map": answers.assign(x=places[:, 0], y=places[:, 1])}
if mine["x"].notna().all():  # from ten faces on
    views = {"their own map": answers.assign(x=mine["x"], y=mine["y"]), **views}
EmbeddingExplorer(views, pictures)

# %%
layouts = {name: table[["x", "y"]].to_numpy() for name, table in views.items()}
quality = {name: map_quality(embeddings, layout, n_neighbors=5) for name, layout in layouts.items() if len(layout) > 10}
away = to_nearest(embeddings, space)
Markdown(
    "\n".join(
        f"- {name}: trustworthiness {measured.trustworthiness:.2f} (5 neighbors), distance correlation {measured.distance_correlation:.2f}"
        for name, measured in quality.items()
    )
    + ("" if quality else "- Eleven pictures or more are needed to measure a map.")
    + f"\n- Distance to the nearest test face in the space: median {np.median(away):.3f}; among the test faces "
    f"{np.median(usual):.3f}; the picture of noise had {distance:.3f}.\n\nYou guessed *{guess_own.value or 'nothing yet'}*."
)

# %% [markdown]
# The colors are the network's answers, not the truth. If you took photographs: compare the two medians, and the noise. A
# network that was trained on rendered faces has never seen a photograph, and it will answer all the same.
#
# ## What to remember
#
# - UMAP sees links between near neighbors, on a yardstick that every point has for itself. Sizes of clouds and gaps between
#   them are not among what it keeps.
# - So it is the wrong witness for a loss that makes classes compact. Take a number, or a map with one scale for both spaces; test densMAP before you trust it.
# - A method that counts clusters finds some on a map of noise, and on any flat noise. Measure distances in the space.
# - How clouds lie to each other depends on the start. Vary seed, start, `n_neighbors` and `min_dist` before you believe a
#   map.
# - Trustworthiness asks for intruders, continuity for torn neighborhoods; a map drawn by lot has about one half.
# - Two maps need a common start and a floor before their difference means anything. A map cannot say "elsewhere".
#
# **To discuss.** [Chari & Pachter (2023)](https://doi.org/10.1371/journal.pcbi.1011288) argue that such maps mislead more
# than they help; [Lause, Berens & Kobak (2024)](https://doi.org/10.1371/journal.pcbi.1012403) answer them. With what you
# measured here: for which questions would you still draw one?
#
# ## Where to read on
#
# - McInnes, Healy & Melville, *UMAP: Uniform Manifold Approximation and Projection for Dimension Reduction*,
#   [arXiv:1802.03426](https://arxiv.org/abs/1802.03426): section 3 for the computation.
# - Coenen & Pearce, [*Understanding UMAP*](https://pair-code.github.io/understanding-umap/): with figures to play with.
# - Wattenberg, Viégas & Johnson, *How to Use t-SNE Effectively*, Distill 2016,
#   [doi:10.23915/distill.00002](https://doi.org/10.23915/distill.00002): the same traps with another method.
# - Venna & Kaski, *Neighborhood Preservation in Nonlinear Projection Methods: An Experimental Study*, ICANN 2001:
#   trustworthiness and continuity.
# - Kobak & Linderman, *Initialization is critical for preserving global data structure in both t-SNE and UMAP*, Nature
#   Biotechnology 2021.
# - `docs/embedding_explorer.md` of this project: how the explorer's maps are made comparable.
