# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [raw] role="assignment"
# title = "Ad-Corre"
# seed = 20262
#
# [[part]]
# id = "standardize"
# kind = "function"
# title = "Correlation, done safely"
#
# [[part]]
# id = "fd"
# kind = "function"
# title = "FD over all pairs"
#
# [[part]]
# id = "weights"
# kind = "function"
# title = "Adaptive weights"
#
# [[part]]
# id = "md"
# kind = "function"
# title = "MD"
#
# [[part]]
# id = "ed"
# kind = "function"
# title = "ED"
#
# [[part]]
# id = "linear"
# kind = "function"
# title = "FD in linear time"
#
# [[part]]
# id = "opposite_heads"
# kind = "hand"
# title = "Heads that disagree"
#
# [[part]]
# id = "proof"
# kind = "written"
# title = "Why both are equal"
#
# [[part.rubric]]
# points = 2
# text = "Says why the absolute value can go, and where that uses that a correlation lies between -1 and 1."
# model = "omega is 1 or -1 and corr lies in [-1, 1], so omega - corr has the sign of omega and its absolute value is 1 - omega corr."
#
# [[part.rubric]]
# points = 3
# text = "Turns the sum over pairs into squared lengths of class sums, with omega = 2 [same class] - 1."
# model = "sum omega u_i.u_j = 2 sum over same-class pairs - sum over all pairs = 2 sum_c |S_c|^2 - |S|^2."
#
# [[part.rubric]]
# points = 1
# text = "Takes care of the diagonal, also of vectors without variance."
# model = "A pair of a face with itself counts 0. It stands in both sums: with 1 - 1 = 0 for a varied vector, with 1 for a flat one, whose u is 0; that is taken out."
#
# [[part]]
# id = "heads_study"
# kind = "written"
# title = "A study of the heads"
#
# [[part.rubric]]
# points = 3
# text = "The plot: ED beside its least possible value over the number of heads, with and without the loss."
# model = "ED with the loss comes near (k - 2) / k; without it stays far above."
#
# [[part.rubric]]
# points = 3
# text = "Compares with the right control: a network with as many heads and cross-entropy alone, not one with a single head."
# model = "The heads change the network by themselves; only the same k with ED's weight 0 shows what the loss does."
#
# [[part.rubric]]
# points = 2
# text = "Says whether the accuracy moved by more than seeds do, and names what the study cannot show."
# model = "The difference of accuracies is compared with the range over seeds; made-up data, a tiny network, few seeds."

# %% [markdown]
# # Assignment 2: Ad-Corre
#
# You write the correlation of embeddings so that nothing breaks it, the three terms of Ad-Corre, its adaptive weights, and the form
# that takes linear time; you prove that it is the same number, and find out what the heads do. Notebook 06 of the series is what you
# need to have read.
#
# **Time:** about 200 minutes, of which the computer needs less than one. **Points:** {points all}.
#
# **How it is graded.** Your *functions* are called, with other numbers than here and with edge cases; the notebook itself is
# not run. So each function must work by itself: it may use the helpers that are given, and functions of your own from other
# cells, but no variables of the notebook. Use PyTorch and NumPy only. Every exercise has several checks with points of their
# own, so a function that fails for one edge case still gets the others: the examples by hand below are only the first of them.
# Work by hand counts as you left it when you ran the cell that keeps it, by the mouse or by code: it is kept in the notebook and in
# `by_hand.json` beside it, one file for all assignments. Hand in both. Write your answers to the written parts into the cells made
# for it; do not delete cells.

# %% role="given"
import numpy as np
import torch

# %%
import matplotlib.pyplot as plt

from ferlab.classroom.grading import by_hand_value, keep, unit_profiles
from ferlab.figures import show
from ferlab.widgets import LossPlayground

# %% [markdown]
# `embeddings` is (B, D), or (B, k, D) with k heads; `labels` is (B,) with numbers from 0 to K - 1. Four faces of two classes to try
# your functions on, whose correlations are 1, 0 and -1:

# %%
example = torch.tensor([[1.0, -1, 0, 0], [3.0, 1, 2, 2], [-1.0, 1, 0, 0], [0.0, 0, 5, -5]])
example_labels = torch.tensor([0, 0, 1, 1])

# %% [markdown]
# ## 1. Correlation, done safely ({points standardize})
#
# Subtract each vector's own mean and scale it to length 1: then correlations are dot products. A vector whose entries are all
# equal has no shape: it becomes zeros, and **neither its value nor any gradient may be nan**. (A `torch.where` around a division
# by zero keeps the value clean and not the gradient. Why?)


# %% role="exercise" part="standardize"
def standardize(vectors):
    """Of the shape of vectors (.., D): each vector without its mean and of length 1; zeros where all entries are equal."""
    # BEGIN SOLUTION
    centered = vectors - vectors.mean(dim=-1, keepdim=True)
    squares = centered.square().sum(dim=-1, keepdim=True)
    flat = squares <= 1e-12
    return torch.where(flat, 0.0, centered / torch.where(flat, 1.0, squares).sqrt())
    # END SOLUTION


# %%
by_hand_value(
    standardize(torch.tensor([[3.0, 1.0, 2.0, 2.0], [5.0, 5.0, 5.0, 5.0]])),
    [[0.7071, -0.7071, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]],
)


# %% role="judge" part="standardize"
def _with_a_flat_one(draw):
    vectors = draw.normal(6, 7) + 2
    vectors[2] = 1.5
    return vectors


@check(points=2, about="the value")
def standardize_value(draw):
    asked = call(draw.normal(6, 7) + 2)
    answer = yield asked
    (v,) = asked.arguments
    centered = v - v.mean(axis=-1, keepdims=True)
    return compare(
        answer,
        solve(asked),
        mistakes=[
            (v / np.linalg.norm(v, axis=-1, keepdims=True), "The mean of each vector is not subtracted."),
            (centered / v.std(axis=-1, keepdims=True), "You divide by the standard deviation: divide by the length."),
            (
                centered / v.std(axis=-1, ddof=1, keepdims=True),
                "You divide by the standard deviation (with D - 1, as PyTorch does it): divide by the length.",
            ),
            (
                (v - v.mean(axis=0)) / np.linalg.norm(v - v.mean(axis=0), axis=0),
                "The wrong axis: each vector's own mean, along the last dimension.",
            ),
        ],
    )


@check(points=1, about="any number of dimensions before the last")
def standardize_shapes(draw):
    calls = [call(draw.normal(5)), call(draw.normal(2, 3, 4))]
    answers = yield calls
    said = [compare(answer, solve(asked)) for answer, asked in zip(answers, calls)]
    return next((words for words in said if words), "")


@check(points=1, about="a vector without variance: zeros")
def standardize_flat(draw):
    asked = call(_with_a_flat_one(draw))
    answer = yield asked
    return compare(answer, solve(asked), otherwise="One vector has equal entries; the others are as ever.")


@check(points=2, about="the gradient, with a vector without variance")
def standardize_gradient(draw):
    asked = call(_with_a_flat_one(draw), draw.normal(6, 7))
    asked = call(asked.arguments[0], gradients=(0,))
    answer = yield asked
    if answer.no_gradients or not answer.gradients or answer.gradients[0] is None:
        return "No gradient reaches the vectors."
    # The sum of a centered vector is 0, so all gradients are 0 but for rounding: what counts is that none is nan.
    if not np.isfinite(answer.gradients[0]).all():
        return "The gradient holds nan: a root or a division of zero stays in the graph, even behind a torch.where."
    return ""


# %% role="stand-in" part="standardize"
def unit_profiles(vectors):
    """As ferlab.classroom.grading has it."""
    wide = vectors.double()
    centered = wide - wide.mean(dim=-1, keepdim=True)
    squares = centered.square().sum(dim=-1, keepdim=True)
    flat = squares <= 1e-20
    length = torch.where(flat, torch.ones_like(squares), squares).sqrt()
    return torch.where(flat, torch.zeros_like(centered), centered / length).to(vectors.dtype)


# %% [markdown]
# ## 2. FD over all pairs ({points fd})
#
# With $\omega_{ij}$ = 1 for two faces of one class and -1 otherwise, the mean over **all** $B \cdot B$ pairs, where a face with
# itself counts as 0 (also one without variance):
#
# $$ FD = \frac{1}{B^2} \sum_{i \neq j} \lvert \omega_{ij} - \operatorname{corr}(f_i, f_j) \rvert $$
#
# From here on you may use the package's `unit_profiles`, which does what part 1 asks for; so a mistake there costs nothing later.


# %% role="exercise" part="fd"
def feature_discriminator(embeddings, labels):
    """A tensor with one number; (B, D) and (B,) come in."""
    # BEGIN SOLUTION
    unit = unit_profiles(embeddings)
    omega = torch.where(labels[:, None] == labels, 1.0, -1.0)
    terms = (omega - unit @ unit.T).abs()
    return (terms * (1 - torch.eye(len(labels)))).mean()
    # END SOLUTION


# %%
by_hand_value(feature_discriminator(example, example_labels), 6 / 16)


# %% role="judge" part="fd"
def _pairs_batch(draw, faces=14, size=6, classes=4):
    return draw.normal(faces, size), draw.labels(faces, classes)


def _correlations(f):
    return np.corrcoef(f.astype(np.float64))


@check(points=3, about="the value")
def fd_value(draw):
    asked = call(*_pairs_batch(draw))
    answer = yield asked
    f, y = asked.arguments
    corr, omega = _correlations(f), np.where(y[:, None] == y, 1.0, -1.0)
    terms = np.abs(omega - corr)
    np.fill_diagonal(terms, 0)
    zero_one = np.abs(np.where(y[:, None] == y, 1.0, 0.0) - corr)
    np.fill_diagonal(zero_one, 0)
    n = len(y)
    cosine = f / np.linalg.norm(f, axis=1, keepdims=True)
    of_cosine = np.abs(omega - cosine @ cosine.T)
    np.fill_diagonal(of_cosine, 0)
    return compare(
        answer,
        solve(asked),
        mistakes=[
            (terms.sum() / (n * (n - 1)), "You average over the pairs of different faces only: divide by all B * B."),
            (terms.sum(), "This is the sum: take the mean."),
            (terms.mean() / 2, "You count every pair once: all B * B, in both orders."),
            (zero_one.mean(), "omega is -1 for two classes, not 0."),
            (np.abs(-omega - corr).mean(), "The sign of omega is wrong: 1 for the same class."),
            (of_cosine.mean(), "These are cosines: subtract each vector's own mean first."),
            ((terms**2).mean(), "You took squares: the absolute value is asked for."),
        ],
    )


@check(points=1, about="a face without variance, paired with itself")
def fd_flat(draw):
    f, y = _pairs_batch(draw, faces=6, classes=2)
    f[1] = 0.5
    asked = call(f, y)
    answer = yield asked
    return compare(
        answer, solve(asked), otherwise="A face with itself counts 0, whatever its correlation: clear the diagonal."
    )


@check(points=1, about="the gradient")
def fd_gradient(draw):
    asked = call(*_pairs_batch(draw), gradients=(0,))
    answer = yield asked
    return compare(answer, solve(asked), gradient=0)


# %% [markdown]
# ## 3. Adaptive weights ({points weights})
#
# Ad-Corre lets pairs of badly recognized classes count more. From a matrix of *counts*, a row a true class and a column a predicted
# one, let $\rho_c$ be the share of class $c$ that was named right; 0 for a class of which nothing has been seen. Then
#
# $$ w_{ij} = 1 + (1 - \rho_{y_i}) + (1 - \rho_{y_j}) $$


# %% role="exercise" part="weights"
def adaptive_weights(labels, counts):
    """Float (B, B), from labels (B,) and counts (K, K), which are float too."""
    # BEGIN SOLUTION
    right = counts.diagonal() / counts.sum(dim=1).clamp_min(1)
    hard = (1 - right)[labels]
    return 1 + hard[:, None] + hard
    # END SOLUTION


# %%
by_hand_value(
    adaptive_weights(torch.tensor([1, 0, 2]), torch.tensor([[3.0, 1.0, 0.0], [2.0, 2.0, 0.0], [0.0, 0.0, 0.0]])),
    [[2.0, 1.75, 2.5], [1.75, 1.5, 2.25], [2.5, 2.25, 3.0]],
)


# %% role="judge" part="weights"
def _counts(draw, classes=4):
    return (draw.rng.integers(1, 30, size=(classes, classes)) + 20 * np.eye(classes)).astype(np.float32)


@check(points=2, about="the value")
def weights_value(draw):
    asked = call(draw.labels(9, 4), _counts(draw))
    answer = yield asked
    y, counts = asked.arguments

    def of(share):
        hard = (1 - share)[y]
        return 1 + hard[:, None] + hard

    row = counts.diagonal() / counts.sum(axis=1)
    return compare(
        answer,
        solve(asked),
        mistakes=[
            (
                of(counts.diagonal() / counts.sum(axis=0)),
                "The wrong axis: a row is a true class, so divide by the sums of the rows.",
            ),
            (of(counts.diagonal() / counts.sum()), "Divide by what was seen of the class, not by all."),
            (of(row) - 1, "The 1 that every pair counts at least is missing."),
            (1 + row[y][:, None] + row[y], "Badly recognized classes count more: 1 - share."),
        ],
    )


@check(points=1, about="a class of which nothing was seen")
def weights_unseen(draw):
    counts = _counts(draw)
    counts[2] = 0
    asked = call(draw.labels(9, 4), counts)
    answer = yield asked
    return compare(answer, solve(asked), otherwise="Its share counts as 0, so its weight is largest.")


# %% [markdown]
# ## 4. MD ({points md})
#
# The same for the *means* of the classes that are in the batch: the mean over all pairs of classes, a class with itself as 0, of
# $1 + \operatorname{corr}$. A class without a face is left out, and does not count among the pairs.


# %% role="exercise" part="md"
def mean_discriminator(embeddings, labels):
    """A tensor with one number; (B, D) and (B,) come in."""
    # BEGIN SOLUTION
    unit = unit_profiles(torch.stack([embeddings[labels == c].mean(dim=0) for c in labels.unique()]))
    return ((1 + unit @ unit.T) * (1 - torch.eye(len(unit)))).mean()
    # END SOLUTION


# %%
by_hand_value(mean_discriminator(example, example_labels), (1 - 1 / (2 * 13) ** 0.5) / 2)


# %% role="judge" part="md"
@check(points=3, about="the value")
def md_value(draw):
    asked = call(*_pairs_batch(draw, faces=21))
    answer = yield asked
    f, y = asked.arguments
    means = np.stack([f[y == c].mean(axis=0) for c in np.unique(y)])
    terms = 1 + _correlations(means)
    with_diagonal = terms.mean()
    np.fill_diagonal(terms, 0)
    k = len(means)
    unit = f - f.mean(axis=1, keepdims=True)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    of_unit = 1 + _correlations(np.stack([unit[y == c].mean(axis=0) for c in np.unique(y)]))
    np.fill_diagonal(of_unit, 0)
    return compare(
        answer,
        solve(asked),
        mistakes=[
            (terms.sum() / (k * (k - 1)), "You average over pairs of different classes only: divide by all K * K."),
            (with_diagonal, "The diagonal is forgotten: a class with itself counts 0."),
            (terms.sum(), "This is the sum: take the mean."),
            (of_unit.mean(), "Take the means of the embeddings as they are, and standardize the means."),
        ],
    )


@check(points=1, about="a batch without some class")
def md_missing(draw):
    f, y = _pairs_batch(draw, faces=12, classes=3)
    asked = call(f, y * 2)
    answer = yield asked
    return compare(answer, solve(asked), otherwise="Classes 1 and 3 have no face: go over labels.unique().")


@check(points=1, about="the gradient")
def md_gradient(draw):
    asked = call(*_pairs_batch(draw), gradients=(0,))
    answer = yield asked
    return compare(answer, solve(asked), gradient=0)


# %% [markdown]
# ## 5. ED ({points ed})
#
# For each face and its k heads: the mean of $1 + \operatorname{corr}$ over all $k \cdot k$ pairs of heads, a head with itself as 0;
# then the mean over the faces. With one head it is 0.


# %% role="exercise" part="ed"
def embedding_discriminator(embeddings):
    """A tensor with one number; (B, k, D) comes in."""
    # BEGIN SOLUTION
    unit = unit_profiles(embeddings)
    terms = 1 + unit @ unit.transpose(1, 2)
    return (terms * (1 - torch.eye(embeddings.shape[1]))).mean()
    # END SOLUTION


# %%
by_hand_value(embedding_discriminator(example.reshape(2, 2, 4)), 0.75)


# %% role="judge" part="ed"
@check(points=3, about="the value")
def ed_value(draw):
    asked = call(draw.normal(5, 3, 8))
    answer = yield asked
    (f,) = asked.arguments
    terms = 1 + np.stack([_correlations(face) for face in f])
    with_diagonal = terms.mean()
    terms[:, range(3), range(3)] = 0
    across = 1 + np.stack([_correlations(f[:, head]) for head in range(3)])
    across[:, range(5), range(5)] = 0
    return compare(
        answer,
        solve(asked),
        mistakes=[
            (terms.sum() / (5 * 3 * 2), "You average over pairs of different heads only: divide by all k * k."),
            (with_diagonal, "The diagonal is forgotten: a head with itself counts 0."),
            (terms.sum(axis=(1, 2)).mean(), "This is the sum over the pairs of heads: take the mean."),
            (across.mean(), "The wrong axis: compare the heads of one face, not the faces of one head."),
        ],
    )


@check(points=1, about="one head: 0")
def ed_single(draw):
    asked = call(draw.normal(4, 1, 6))
    answer = yield asked
    return compare(answer, solve(asked))


@check(points=1, about="the gradient")
def ed_gradient(draw):
    asked = call(draw.normal(5, 3, 8), gradients=(0,))
    answer = yield asked
    return compare(answer, solve(asked), gradient=0)


# %% [markdown]
# ## 6. FD in linear time ({points linear})
#
# The same number as in part 2, gradient included, by sums over classes: no tensor of B times B, no loop over pairs. What is judged
# is the number of *operations*, not the time: with four times as many faces there may be at most six times as many. A large batch
# must fit into the memory too. Mind the diagonal of vectors without variance.


# %% role="exercise" part="linear"
def feature_discriminator_linear(embeddings, labels):
    """A tensor with one number; (B, D) and (B,) come in."""
    # BEGIN SOLUTION
    unit, faces = unit_profiles(embeddings), len(labels)
    sums = torch.zeros(int(labels.max()) + 1, unit.shape[1], dtype=unit.dtype).index_add(0, labels, unit)
    signed = 2 * sums.square().sum() - sums.sum(dim=0).square().sum()
    on_the_diagonal = faces - unit.square().sum()  # 1 - 1 for each, and 1 - 0 where there is no variance
    return (faces**2 - signed - on_the_diagonal) / faces**2
    # END SOLUTION


# %%
by_hand_value(feature_discriminator_linear(example, example_labels), 6 / 16)


# %% role="judge" part="linear"
@check(points=2, about="the value")
def linear_value(draw):
    asked = call(*_pairs_batch(draw, faces=30))
    answer = yield asked
    right, (f, y) = solve(asked), asked.arguments
    n = len(y)
    unit = f - f.mean(axis=1, keepdims=True)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    sums = np.stack([unit[y == c].sum(axis=0) for c in np.unique(y)])
    within, every = (sums**2).sum(), (sums.sum(axis=0) ** 2).sum()
    return compare(
        answer,
        right,
        mistakes=[
            (1 - (2 * within - every) / n**2 - 1 / n, "The diagonal is taken out once too often: 1 - 1 is 0 already."),
            (
                1 - (2 * within - every) / n**2 + 1 / n,
                "The diagonal counts 0: B of the ones and B of the signed sum go together.",
            ),
            (1 - (within - every) / n**2, "omega = 2 [same class] - 1: twice the sum over the classes."),
            (right.value * n / (n - 1), "You average over the pairs of different faces only: divide by all B * B."),
        ],
    )


@check(points=1, about="classes of one face; a face without variance")
def linear_edge(draw):
    f, y = draw.normal(7, 5), np.arange(7, dtype=np.int64)
    flat = f.copy()
    flat[3] = -2.0
    calls = [call(f, y), call(flat, y % 2)]
    answers = yield calls
    cases = ("classes of one face each", "a face without variance: its diagonal counts 0 too")
    said = [f"Not right with {case}." for case, a, c in zip(cases, answers, calls) if compare(a, solve(c))]
    return (1 - len(said) / 2, said[0]) if said else ""


@check(points=2, about="the gradient")
def linear_gradient(draw):
    asked = call(*_pairs_batch(draw), gradients=(0,))
    answer = yield asked
    return compare(answer, solve(asked), gradient=0)


@check(points=2, about="operations grow linearly")
def linear_growth(draw):
    calls = [call(*_pairs_batch(draw, faces=faces, size=8), count=True) for faces in (256, 1024)]
    answers = yield calls
    if compare(answers[0], solve(calls[0])):
        return "It must be right to be fast: see the value."
    return grows(*answers, at_most=6)


@check(points=1, about="a batch of 40,000 faces")
def linear_large(draw):
    asked = call(*_pairs_batch(draw, faces=40_000, size=4))
    answer = yield asked
    return compare(answer, solve(asked))


# %% [markdown]
# ## 7. Heads that disagree ({points opposite_heads})
#
# By hand: with the weights of FD and MD at zero, make ED of this playground as small as you can, at most 0.05. Then run the cell
# that keeps it.

# %%
profiles = LossPlayground("ad-corre", seed=21)
profiles

# %% role="hand" part="opposite_heads"
keep("opposite_heads", profiles)


# %% role="judge" part="opposite_heads"
@check(points=3, about="ED of at most 0.05, FD and MD out of play")
def heads_opposite(state):
    from ferlab.classroom.exercises import check_heads_disagree

    profiles = state.array("profiles", None, 2, 8)
    if profiles.std(axis=2).min() < 1e-3:
        return "A profile without any shape disagrees with nothing: give every head a shape."
    said = check_heads_disagree(state.playground(3))
    return "" if said.startswith("✓") else said


# %% [markdown]
# ## 8. Why both are equal ({points proof})
#
# Prove that part 6 gives the number of part 2: why the absolute value can go, how sums over pairs become lengths of sums, and what
# happens on the diagonal. Half a page to a page.

# %% [markdown] role="answer" part="proof"
# A correlation lies in $[-1, 1]$ and $\omega$ is 1 or -1, so $\omega - corr$ has the sign of $\omega$ (or is 0), and
# $|\omega - corr| = \omega (\omega - corr) = 1 - \omega\, corr$. With standardized vectors $u_i$ the correlations are dot products,
# and with $\omega_{ij} = 2 [y_i = y_j] - 1$, $\sum_{ij} \omega_{ij}\, u_i \cdot u_j = 2 \sum_c \lVert S_c \rVert^2 - \lVert S \rVert^2$,
# where $S_c$ is the sum of the $u_i$ of class c and S that of all. In $B^2$ minus this sum a pair of a face with itself has
# $1 - \lVert u_i \rVert^2$, which is 0 for a varied vector and 1 for a flat one; taking the sum of these out leaves FD.

# %% [markdown]
# ## 9. A study of the heads ({points heads_study})
#
# The cell below trains a small network with k heads on made-up faces, on cross-entropy plus a weight times *your* ED.


# %%
def train_heads(heads, weight, seed, steps=120, size=12):
    """Accuracy on test faces, and ED there."""
    torch.manual_seed(seed)
    means = 1.2 * torch.randn(5, 20, generator=torch.Generator().manual_seed(7))
    labels = torch.arange(500) % 5
    faces, test = (
        means[labels] + 1.6 * torch.randn(500, 20, generator=torch.Generator().manual_seed(s))
        for s in (2 * seed, 2 * seed + 1)
    )
    body = torch.nn.Sequential(torch.nn.Linear(20, 32), torch.nn.ReLU(), torch.nn.Linear(32, heads * size))
    classifier = torch.nn.Linear(heads * size, 5)
    optimizer = torch.optim.Adam([*body.parameters(), *classifier.parameters()], lr=0.01)
    for _ in range(steps):
        flat = body(faces)
        loss = torch.nn.functional.cross_entropy(classifier(flat), labels)
        if weight:
            loss = loss + weight * embedding_discriminator(flat.reshape(-1, heads, size))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        flat = body(test)
        unit = unit_profiles(flat.reshape(-1, heads, size))
        ed = ((1 + unit @ unit.transpose(1, 2)) * (1 - torch.eye(heads))).mean()
        return (classifier(flat).argmax(1) == labels).float().mean().item(), ed.item()


# %% [markdown]
# **Do the study**: one to five heads, with and without the loss, at least three seeds. Plot ED over the number of heads beside the
# least value it can take, $(k - 2) / k$ for two heads and more. Then write: what does the loss do to the heads, and what do the heads
# do without it? Does the accuracy move, by more than seeds do? Against which control? What can this study *not* show? One page at
# most.

# %%
# your study

# %% [markdown] role="answer" part="heads_study"
# With the loss, ED comes close to $(k - 2) / k$ for every k; without it the heads correlate weakly and ED stays far above. The control
# for k heads is the network with the same k heads and weight 0, since more heads alone change the network. The accuracy differs by
# less than the range over the seeds, so nothing can be said about it. Made-up data, a tiny network and three seeds cannot show more.
