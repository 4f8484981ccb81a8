"""The methods compared: a table of data, read by one training loop. A new one is a row here."""

from __future__ import annotations

from ferlab.losses import AdCorreLoss, CenterLoss, PmlLoss, TripletCenterLoss
from ferlab.methods.method import TRAINING, LineStyle, Method, Range
from ferlab.samplers import (
    FullySynthesizedNegative,
    NearestNegative,
    NegativeCenterSampler,
    PredictedNegative,
    SemiSynthesizedNegative,
)

_CENTERS = TRAINING | {"metric_weight": Range(0.25, 8.0), "warm_up": Range(0.0, 0.9, log=False)}


def _tcl(
    label: str,
    negatives: NegativeCenterSampler,
    *,
    margin: float,
    color: str,
    line_style: LineStyle = "-",
    metric_weight: float,
    warm_up: float,
    learning_rate: float,
    weight_decay: float,
    trial: int,
) -> Method:
    return Method(
        label,
        color,
        line_style,
        loss=TripletCenterLoss,
        options={"negatives": negatives, "margin": margin},
        strength_options={"margin": 2.0},
        metric_weight=metric_weight,
        warm_up=warm_up,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        trial=trial,
        search=TRAINING
        | {"metric_weight": Range(0.25, 8.0), "margin": Range(0.1, 2.0), "warm_up": Range(0.0, 0.9, log=False)},
    )


# The numbers are the best on validation of six trainings a method on the built-in faces: the trial named in the row, in
# docs/tuning/synthetic.csv, which `ferlab tune --trials 6 --jobs 2` wrote. Trial 0 of each is the table before.
METHODS: dict[str, Method] = {
    "ce": Method("Cross-entropy", "#7d848c", learning_rate=0.07, weight_decay=0.0017, control=None, trial=1),
    "tcl-nearest": _tcl(
        "CE + TCL (nearest)", NearestNegative(), color="#1685cf",
        metric_weight=0.69, margin=0.46, warm_up=0.8, learning_rate=0.1, weight_decay=0.0016, trial=3,
    ),
    "tcl-fully-synthesized": _tcl(
        "CE + TCL (fully synthesized)", FullySynthesizedNegative(), color="#5a56c7", line_style="-.",
        metric_weight=1.7, margin=0.37, warm_up=0.38, learning_rate=0.074, weight_decay=0.00011, trial=2,
    ),
    "tcl-semi-synthesized": _tcl(
        "CE + TCL (semi-synthesized)", SemiSynthesizedNegative(candidates=2), color="#12a594", line_style=":",
        metric_weight=1.7, margin=0.37, warm_up=0.38, learning_rate=0.074, weight_decay=0.00011, trial=2,
    ),
    "tcl-predicted": _tcl(
        "CE + TCL (predicted)", PredictedNegative(), color="#a35fc0", line_style=(0, (5, 1, 1, 1, 1, 1)),
        metric_weight=0.25, margin=0.25, warm_up=0.13, learning_rate=0.07, weight_decay=0.0017, trial=1,
    ),
    # Seven heads of 64.
    "ce-heads": Method(
        "CE, k heads (control)", "#a38560", "--", heads=7, embedding_size=64,
        learning_rate=0.1, weight_decay=0.0016, control=None, trial=3,
    ),
    "ad-corre": Method(
        "CE + Ad-Corre", "#d9660a", loss=AdCorreLoss, heads=7, embedding_size=64, control="ce-heads",
        metric_weight=0.02, reference_weight=0.14,  # the paper's: lambda 50, with CE as a mean over the 7 classes
        warm_up=0.27, learning_rate=0.07, weight_decay=0.0017, trial=1,
        search=TRAINING | {"metric_weight": Range(0.02, 1.0), "warm_up": Range(0.0, 0.9, log=False)},
    ),
    "center": Method(
        "CE + center loss", "#3f7d3a", (0, (3, 1, 1, 1)), loss=CenterLoss,
        warm_up=0.25, learning_rate=0.07, weight_decay=0.0017, search=_CENTERS,
    ),
}  # fmt: skip
# What "all" means: the methods whose values the recorded search chose.
ALL_METHODS = tuple(name for name, method in METHODS.items() if method.trial is not None)


def pml_method(expression: str) -> Method:
    """A row for any embedding loss of pytorch-metric-learning, such as ``SupConLoss(temperature=0.1)``."""
    return Method(
        f"CE + {expression}",
        color="",  # dealt by ferlab.methods.names
        loss=PmlLoss,
        options={"expression": expression},
        warm_up=0.25,
        learning_rate=0.07,
        weight_decay=0.0017,
        search=TRAINING | {"metric_weight": Range(0.02, 2.0), "warm_up": Range(0.0, 0.9, log=False)},
    )
