"""What each view of an embedding space can show and what it cannot: sentences for the report, figures, explorer."""

from __future__ import annotations

# By projection, as the explorer names them, and "correlations" for Ad-Corre's.
CAPTIONS = {
    "embedding": (
        "The network's two numbers, as they are: nothing is projected, so directions, distances and gaps are those of "
        "the space itself. Neighbors are listed by angle, seen from the origin."
    ),
    "umap": "UMAP keeps neighbors, not distances: the size of a cloud and the gap between two clouds say little.",
    "pca": "PCA keeps the two directions of largest spread: what differs in the others lies on top of each other.",
    "densmap": (
        "densMAP keeps neighbors and how dense a place is against the rest of its own space: a class smaller than "
        "another is tighter. It cannot show that a whole space has become tighter, and gaps between clouds say "
        "little."
    ),
    "triplet": (
        "What a triplet-center loss compares: the squared distance to the center of the face's own class (to the "
        "right) and to the nearest other one (upward), both divided by D. The numbers are these squares; the axes "
        "are those of their roots, so that small and large spaces can be read on one scale, and so the hinge's line "
        "y = x + m is a curve. Above it the hinge is shut, and the loss pulls no more. It shows no neighbors, and two "
        "faces in one place here may lie far apart in the space. Ad-Corre's heads have length 1, so that its faces "
        "stand near the origin."
    ),
    "class-means": (
        "A linear map onto the plane in which the class means lie farthest apart; the unit is the mean distance of "
        "two class means, so that a smaller cloud is a tighter one, in every space alike. Classes that differ in "
        "other directions lie on top of each other."
    ),
    "correlations": (
        "What Ad-Corre compares: the correlation of every face with every other, 1 wanted within a class and −1 "
        "between classes. All pairs of three or more classes cannot reach −1. It shows no sizes and no distances: "
        "correlation leaves out how long an embedding is."
    ),
}
