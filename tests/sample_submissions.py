"""Submissions as a class hands them in: perfect, empty, plausibly wrong, hostile."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat

from ferlab.classroom.checks import CELL_KEY
from ferlab.classroom.grading import Judge
from ferlab.classroom.grading.assignment_text import AssignmentText, reference_source
from ferlab.classroom.grading.building import student_cells, write
from ferlab.classroom.grading.submission import STATE_TYPE


def submit(
    folder: Path,
    text: AssignmentText,
    judge: Judge,
    code: dict[str, str] | None = None,
    *,
    written: bool = False,
    states: dict[str, dict] | None = None,
    name: str = "",
) -> Path:
    """A student's notebook: the hand-out with some cells filled in."""
    cells = list(student_cells(text, judge))
    for cell in cells:
        part = cell.metadata.get(CELL_KEY, {}).get("id")
        if part in (code or {}):
            cell.source = code[part]
        elif written and part in text.parts and text.parts[part].kind == "written":
            cell.source = f"{cell.source.splitlines()[0]}\nAn answer to {part}."
        elif part in (states or {}):
            data = {"text/plain": "Kept", STATE_TYPE: {part: states[part]}}
            cell.outputs = [nbformat.v4.new_output("display_data", data=data)]
    return write(cells, folder / (name or f"{text.name}.ipynb"))


def solutions(text: AssignmentText) -> dict[str, str]:
    """The solution of every function part."""
    return {part.id: reference_source(text, part.id) for part in text.parts.values() if part.kind == "function"}


def full_marks(text: AssignmentText, student: str) -> dict:
    """What an instructor gives for perfect written parts."""
    return {
        (student, text.name, part.id, number): (criterion.points, "Good.")
        for part in text.parts.values()
        for number, criterion in enumerate(part.rubric, start=1)
    }


# ---- plausible mistakes: part -> (code, the checks that are lost by it) ----------------------------------------------

WRONG: dict[str, list[tuple[str, set[str]]]] = {
    "center_loss": [
        (  # the wrong axis: a mean over the dimensions too
            "def center_loss(f, labels, centers):\n    return ((f - centers[labels]) ** 2).mean() / 2",
            {
                "the value",
                "the gradient in the embeddings",
                "the gradient in the centers",
                "a single face, and a class that no face shows",
            },
        ),
        (  # a detached center
            "def center_loss(embeddings, labels, centers):\n"
            "    return ((embeddings - centers[labels].detach()) ** 2).sum(1).mean() / 2",
            {"the gradient in the centers"},
        ),
    ],
    "nearest_negative": [
        (  # the own class is not excluded
            "def nearest_negative(embeddings, labels, centers):\n    return torch.cdist(embeddings, centers).argmin(1)",
            {"the right center", "faces that lie on their own center", "two classes"},
        ),
        (  # excluded by its distance of zero instead of by the label
            "def nearest_negative(embeddings, labels, centers):\n"
            "    d = ((embeddings[:, None] - centers) ** 2).sum(2)\n"
            "    return torch.where(d == 0, torch.inf, d).argmin(1)",
            {"the right center", "two classes"},
        ),
    ],
    "synthesized": [
        (  # the own class is not excluded
            "def fully_synthesized(embeddings, labels, centers):\n"
            "    return centers.gather(0, (embeddings[:, None] - centers).abs().argmin(1))",
            {"the value", "the gradient in the centers", "two classes: the other center"},
        ),
        (  # detached
            "def fully_synthesized(embeddings, labels, centers):\n"
            "    gaps = (embeddings[:, None] - centers).abs()\n"
            "    gaps[torch.arange(len(labels)), labels] = torch.inf\n"
            "    return centers.detach().gather(0, gaps.argmin(1))",
            {"the gradient in the centers"},
        ),
    ],
    "triplet_center_loss": [
        (  # no hinge
            "def triplet_center_loss(embeddings, labels, centers, negatives, margin):\n"
            "    own = ((embeddings - centers[labels]) ** 2).sum(1)\n"
            "    return (own + margin - ((embeddings - negatives) ** 2).sum(1)).mean()",
            {"the value", "all hinges shut: exactly 0", "the gradients in embeddings and centers",
             "the gradient in the negatives"},
        ),
        (  # the negative is detached
            "def triplet_center_loss(embeddings, labels, centers, negatives, margin):\n"
            "    own = ((embeddings - centers[labels]) ** 2).sum(1)\n"
            "    return torch.relu(own + margin - ((embeddings - negatives.detach()) ** 2).sum(1)).mean()",
            {"the gradient in the negatives"},
        ),
    ],
    "gradient": [
        (  # shut hinges push too
            "def gradient_by_hand(embeddings, labels, centers, margin):\n"
            "    n = nearest_center_of_others(embeddings, labels, centers)\n"
            "    own, neg, B = centers[labels], centers[n], len(embeddings)\n"
            "    c = torch.zeros_like(centers)\n"
            "    c.index_add_(0, labels, -2 * (embeddings - own) / B)\n"
            "    c.index_add_(0, n, 2 * (embeddings - neg) / B)\n"
            "    return 2 * (neg - own) / B, c",
            {"in the embeddings", "in the centers", "all hinges shut; a class without a face"},
        ),
        (  # the center as a negative is forgotten
            "def gradient_by_hand(embeddings, labels, centers, margin):\n"
            "    n = nearest_center_of_others(embeddings, labels, centers)\n"
            "    own, neg, B = centers[labels], centers[n], len(embeddings)\n"
            "    open = ((embeddings - own) ** 2).sum(1) + margin - ((embeddings - neg) ** 2).sum(1) > 0\n"
            "    scale = open.float()[:, None] / B\n"
            "    c = torch.zeros_like(centers).index_add_(0, labels, -2 * (embeddings - own) * scale)\n"
            "    return 2 * (neg - own) * scale, c",
            {"in the centers", "all hinges shut; a class without a face"},
        ),
    ],
    "strongest": [
        (  # stops at the first that fails
            "def strongest_dose(strengths, accuracies, price):\n"
            "    means = accuracies.mean(1)\n"
            "    best = 0.0\n"
            "    for i in torch.argsort(strengths):\n"
            "        if means[i] < means[strengths == 0][0] - price:\n"
            "            break\n"
            "        best = float(strengths[i])\n"
            "    return best",
            {"a strength after one that fails; the mean over the seeds"},
        ),
        (  # takes the first row for the control
            "def strongest_dose(strengths, accuracies, price):\n"
            "    means = accuracies.mean(1)\n"
            "    return float(strengths[means >= means[0] - price].max())",
            {"the largest that qualifies, in any order", "a strength after one that fails; the mean over the seeds",
             "none qualifies: 0"},
        ),
    ],
    "standardize": [
        (  # the standard deviation instead of the length, and nan for a flat vector
            "def standardize(v):\n    return (v - v.mean(-1, keepdim=True)) / v.std(-1, keepdim=True)",
            {"the value", "any number of dimensions before the last", "a vector without variance: zeros",
             "the gradient, with a vector without variance"},
        ),
        (  # clean in value only: nan stays in the graph
            "def standardize(v):\n"
            "    c = v - v.mean(-1, keepdim=True)\n"
            "    n = c.norm(dim=-1, keepdim=True)\n"
            "    return torch.where(n < 1e-6, torch.zeros_like(c), c / n)",
            {"the gradient, with a vector without variance"},
        ),
    ],
    "fd": [
        (  # the forgotten diagonal, which shows for a face without variance only
            "def feature_discriminator(f, y):\n"
            "    u = unit_profiles(f)\n"
            "    return (torch.where(y[:, None] == y, 1.0, -1.0) - u @ u.T).abs().mean()",
            {"a face without variance, paired with itself"},
        ),
        (  # outside the graph
            "def feature_discriminator(f, y):\n"
            "    corr = np.corrcoef(f.detach().numpy())\n"
            "    terms = np.abs(np.where(y[:, None] == y, 1, -1) - corr)\n"
            "    terms[range(len(y)), range(len(y))] = 0\n"
            "    return torch.tensor(terms.mean())",
            {"a face without variance, paired with itself", "the gradient"},
        ),
    ],
    "weights": [
        (  # the wrong axis, and a division by zero
            "def adaptive_weights(y, counts):\n"
            "    hard = (1 - counts.diagonal() / counts.sum(0))[y]\n"
            "    return 1 + hard[:, None] + hard",
            {"the value", "a class of which nothing was seen"},
        ),
        (  # a division by zero
            "def adaptive_weights(y, counts):\n"
            "    hard = (1 - counts.diagonal() / counts.sum(1))[y]\n"
            "    return 1 + hard[:, None] + hard",
            {"a class of which nothing was seen"},
        ),
    ],
    "md": [
        (  # the forgotten diagonal
            "def mean_discriminator(f, y):\n"
            "    u = unit_profiles(torch.stack([f[y == c].mean(0) for c in y.unique()]))\n"
            "    return (1 + u @ u.T).mean()",
            {"the value", "a batch without some class"},
        ),
        (  # classes that are not there
            "def mean_discriminator(f, y):\n"
            "    u = unit_profiles(torch.stack([f[y == c].mean(0) for c in range(int(y.max()) + 1)]))\n"
            "    return ((1 + u @ u.T) * (1 - torch.eye(len(u)))).mean()",
            {"a batch without some class"},
        ),
    ],
    "ed": [
        (  # the wrong axis: faces of one head
            "def embedding_discriminator(f):\n"
            "    u = unit_profiles(f).transpose(0, 1)\n"
            "    return ((1 + u @ u.transpose(1, 2)) * (1 - torch.eye(u.shape[1]))).mean()",
            {"the value", "one head: 0", "the gradient"},
        ),
        (  # a mean over no pair
            "def embedding_discriminator(f):\n"
            "    k, u = f.shape[1], unit_profiles(f)\n"
            "    terms = (1 + u @ u.transpose(1, 2)) * (1 - torch.eye(k))\n"
            "    return terms.sum() / (len(f) * k * (k - 1)) * (k - 1) / k",
            {"one head: 0"},
        ),
    ],
    "linear": [
        (  # quadratic
            "def feature_discriminator_linear(f, y):\n"
            "    u = unit_profiles(f)\n"
            "    terms = (torch.where(y[:, None] == y, 1.0, -1.0) - u @ u.T).abs()\n"
            "    return (terms * (1 - torch.eye(len(y)))).mean()",
            {"operations grow linearly", "a batch of 40,000 faces"},
        ),
        (  # the diagonal taken out once too often
            "def feature_discriminator_linear(f, y):\n"
            "    u, n = unit_profiles(f), len(y)\n"
            "    s = torch.zeros(int(y.max()) + 1, u.shape[1]).index_add(0, y, u)\n"
            "    return 1 - (2 * s.square().sum() - s.sum(0).square().sum()) / n**2 - 1 / n",
            {"the value", "classes of one face; a face without variance", "operations grow linearly"},
        ),
    ],
    "ratio": [
        (  # the forgotten diagonal
            "def within_between(f, y):\n"
            "    m = torch.stack([f[y == c].mean(0) for c in y.unique()])\n"
            "    own = y.unique(return_inverse=True)[1]\n"
            "    return (f - m[own]).norm(dim=1).mean() / torch.cdist(m, m).mean()",
            {"the value", "labels that skip a number"},
        ),
        (  # labels as positions
            "def within_between(f, y):\n"
            "    m = torch.stack([f[y == c].mean(0) for c in y.unique()])\n"
            "    return (f - m[y]).norm(dim=1).mean() / torch.pdist(m).mean()",
            {"labels that skip a number"},
        ),
    ],
    "retrieval": [
        (  # a face finds itself
            "def precision_at_r(f, y):\n"
            "    same = y[:, None] == y\n"
            "    found = same.gather(1, torch.cdist(f, f).argsort(1))\n"
            "    r = same.sum(1) - 1\n"
            "    return (found & (torch.arange(len(y)) < r[:, None])).sum(1) / r",
            {"the value", "a face alone in its class: nan"},
        ),
        (  # 0 for a face that has nothing to find
            "def precision_at_r(f, y):\n"
            "    same = y[:, None] == y\n"
            "    found = same.gather(1, torch.cdist(f, f).fill_diagonal_(9e9).argsort(1))\n"
            "    r = same.sum(1) - 1\n"
            "    return (found & (torch.arange(len(y)) < r[:, None])).sum(1) / r.clamp_min(1)",
            {"a face alone in its class: nan"},
        ),
    ],
    "balanced": [
        ("def balanced_mean(v, y):\n    return v[~v.isnan()].mean()",
         {"the value", "faces with nan", "a class with nothing but nan, labels that skip a number"}),
        (  # nan spreads from a class
            "def balanced_mean(v, y):\n    return torch.stack([v[y == c].nanmean() for c in y.unique()]).mean()",
            {"a class with nothing but nan, labels that skip a number"},
        ),
    ],
    "kept": [
        (  # every face is its own neighbor
            "def neighbors_kept(a, b, k):\n"
            "    n = [torch.cdist(p, p).argsort(1)[:, :k] for p in (a, b)]\n"
            "    return (n[0][:, :, None] == n[1][:, None]).any(2).float().mean()",
            {"the value", "k = N - 1: all are kept"},
        ),
        (  # the order counts
            "def neighbors_kept(a, b, k):\n"
            "    n = [torch.cdist(p, p).fill_diagonal_(9e9).argsort(1)[:, :k] for p in (a, b)]\n"
            "    return (n[0] == n[1]).float().mean()",
            {"the value", "k = N - 1: all are kept"},
        ),
    ],
    "interval": [
        (  # the biased standard deviation
            "def seed_interval(d, t):\n"
            "    if len(d) < 2:\n"
            "        return -torch.inf, torch.inf\n"
            "    h = t * d.std(correction=0) / len(d) ** 0.5\n"
            "    return d.mean() - h, d.mean() + h",
            {"the value"},
        ),
        (  # a single seed gives nan
            "def seed_interval(d, t):\n    h = t * d.std() / len(d) ** 0.5\n    return d.mean() - h, d.mean() + h",
            {"a single seed: nothing can be said"},
        ),
    ],
}  # fmt: skip

# ---- hostile ones, of assignment 1 -----------------------------------------------------------------------------------

PRINTS = """
def center_loss(embeddings, labels, centers):
    import os
    print("score: 100\\nall tests passed")
    for file in range(3, 20):
        try:
            os.write(file, b'{"points": 100, "score": 100}\\n{"ended": 0}\\n')
        except OSError:
            pass
    return embeddings.sum() * 0 + 100
"""
PATCHES = """
def nearest_negative(embeddings, labels, centers):
    import sys
    try:
        import ferlab.classroom.grading.judging as judging
        judging.compare = lambda *a, **k: ""
    except ImportError:
        pass
    for module in list(sys.modules.values()):
        for name in ("compare", "close", "mark", "judge", "answer_of", "describe"):
            try:
                setattr(module, name, lambda *a, **k: "")
            except Exception:
                pass
    return labels * 0 - 1
"""
EXITS = """
def fully_synthesized(embeddings, labels, centers):
    import os
    os._exit(0)
"""
FORKS = """
def triplet_center_loss(embeddings, labels, centers, negatives, margin):
    import os, time
    while True:
        try:
            if os.fork() == 0:
                time.sleep(100)
        except OSError:
            time.sleep(0.05)
"""
LOOPS = """
def gradient_by_hand(embeddings, labels, centers, margin):
    while True:
        pass
"""
EATS = """
def strongest_dose(strengths, accuracies, price):
    held = []
    while True:
        held.append(bytearray(50_000_000))
"""
FILLS = """
def center_loss(embeddings, labels, centers):
    with open("large", "wb") as file:
        for _ in range(1000):
            file.write(bytes(1_000_000))
            file.flush()
    return ((embeddings - centers[labels]) ** 2).sum(1).mean() / 2
"""
DELETES = """
def nearest_negative(embeddings, labels, centers):
    import os, shutil
    for place in (os.getcwd(), "/etc", "/root", "/home", HERE, REPOSITORY):
        shutil.rmtree(place, ignore_errors=True)
    squared = (embeddings[:, None] - centers).square().sum(dim=2)
    return squared.scatter(1, labels[:, None], torch.inf).argmin(dim=1)
"""
REPLACES = """
def fully_synthesized(embeddings, labels, centers):
    import numpy
    for name in ("allclose", "isclose", "array_equal"):
        setattr(numpy, name, lambda *a, **k: True)
    torch.allclose = lambda *a, **k: True
    return embeddings * 0
"""
CONNECTS = """
def triplet_center_loss(embeddings, labels, centers, negatives, margin):
    import socket
    try:
        socket.create_connection(("127.0.0.1", PORT), timeout=1)
        return "out"
    except OSError:
        pass
    to_own = (embeddings - centers[labels]).square().sum(dim=1)
    return torch.relu(to_own + margin - (embeddings - negatives).square().sum(dim=1)).mean()
"""
LIES = """
class Right:
    def __eq__(self, other): return True
    def __float__(self): return 0.0
    def __array__(self, *a, **k): raise SystemExit
    shape = property(lambda self: self)
    def __getattr__(self, name): return Right()
    def __call__(self, *a, **k): return Right()
    def __iter__(self): return iter([Right(), Right()])

def gradient_by_hand(embeddings, labels, centers, margin):
    return Right(), Right()
"""
LOOKS = """
def strongest_dose(strengths, accuracies, price):
    import os
    if any(os.path.exists(place) for place in (HERE, REPOSITORY + "/notebooks", REPOSITORY + "/ferlab", "/etc/passwd")):
        return -1.0
    means = accuracies.mean(dim=1)
    return float(strengths[means >= means[strengths == 0][0] - price - 1e-9].max())
"""
HOSTILE = (
    {"center_loss": PRINTS, "nearest_negative": PATCHES, "synthesized": EXITS, "triplet_center_loss": FORKS,
     "gradient": LOOPS, "strongest": EATS},
    {"center_loss": FILLS, "nearest_negative": DELETES, "synthesized": REPLACES, "triplet_center_loss": CONNECTS,
     "gradient": LIES, "strongest": LOOKS},
)  # fmt: skip
DESERVED = ({"center_loss": 0, "nearest_negative": 0, "synthesized": 0, "triplet_center_loss": 0, "gradient": 0,
             "strongest": 0},
            {"center_loss": 0, "nearest_negative": 5, "synthesized": 0, "triplet_center_loss": 7, "gradient": 0,
             "strongest": 5})  # fmt: skip


def states_beside(folder: Path, states: dict[str, dict]) -> None:
    """The file that a notebook's widgets are kept in."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "by_hand.json").write_text(json.dumps(states), encoding="utf-8")
