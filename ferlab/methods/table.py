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

MARGIN = 2.0  # of every TCL, in squared distance divided by D
PAPERS_BALANCE = 7 / 50  # of Ad-Corre: lambda 50, with cross-entropy as a mean over the 7 classes
_FROM = {"warm_up": Range(0.0, 0.9, log=False)}
_CENTERS = TRAINING | _FROM | {"metric_weight": Range(0.25, 32.0)}


def _tcl(
    label: str,
    negatives: NegativeCenterSampler,
    *,
    color: str,
    line_style: LineStyle = "-",
    strength: float = 4.0,
    tuned: dict[str, float],
    trial: int,
) -> Method:
    return Method(
        label,
        color,
        line_style,
        loss=TripletCenterLoss,
        options={"negatives": negatives, "margin": MARGIN},
        metric_weight=strength,
        search=_CENTERS | {"margin": Range(0.1, 2.0)},
        tuned=tuned,
        trial=trial,
    )


# One recipe for all, the defaults of Method: a method differs from its control by its loss alone. Its weight is the
# strongest that costs at most a point of balanced accuracy on validation, in docs/tuning/strengths.csv, which
# data_scripts/choose_strengths.py wrote. `tuned` holds what --tuned takes instead: the best on validation of six
# trainings a method, the trial named in the row, in docs/tuning/synthetic.csv, which `ferlab tune --trials 6 --jobs 2`
# wrote.
METHODS: dict[str, Method] = {
    "ce": Method(
        "Cross-entropy", "#7d848c", control=None,
        tuned={"learning_rate": 0.07, "weight_decay": 0.0017}, trial=1,
    ),
    "tcl-nearest": _tcl(
        "CE + TCL (nearest)", NearestNegative(), color="#1685cf",
        tuned={"metric_weight": 0.69, "margin": 0.46, "warm_up": 0.8, "learning_rate": 0.1, "weight_decay": 0.0016},
        trial=3,
    ),
    "tcl-fully-synthesized": _tcl(
        "CE + TCL (fully synthesized)", FullySynthesizedNegative(), color="#5a56c7", line_style="-.",
        tuned={"metric_weight": 1.7, "margin": 0.37, "warm_up": 0.38, "learning_rate": 0.074, "weight_decay": 0.00011},
        trial=2,
    ),
    "tcl-semi-synthesized": _tcl(
        "CE + TCL (semi-synthesized)", SemiSynthesizedNegative(candidates=2), color="#12a594", line_style=":",
        strength=16.0,
        tuned={"metric_weight": 1.7, "margin": 0.37, "warm_up": 0.38, "learning_rate": 0.074, "weight_decay": 0.00011},
        trial=2,
    ),
    "tcl-predicted": _tcl(
        "CE + TCL (predicted)", PredictedNegative(), color="#a35fc0", line_style=(0, (5, 1, 1, 1, 1, 1)),
        tuned={"metric_weight": 0.25, "margin": 0.25, "warm_up": 0.13, "learning_rate": 0.07, "weight_decay": 0.0017},
        trial=1,
    ),
    # Seven heads of 64.
    "ce-heads": Method(
        "CE, k heads (control)", "#a38560", "--", heads=7, embedding_size=64, control=None,
        tuned={"learning_rate": 0.1, "weight_decay": 0.0016}, trial=3,
    ),
    "ad-corre": Method(
        "CE + Ad-Corre", "#d9660a", loss=AdCorreLoss, heads=7, embedding_size=64, control="ce-heads",
        metric_weight=16 * PAPERS_BALANCE, reference_weight=PAPERS_BALANCE,
        search=TRAINING | _FROM | {"metric_weight": Range(0.02, 4.0)},
        tuned={"metric_weight": 0.02, "warm_up": 0.27, "learning_rate": 0.07, "weight_decay": 0.0017}, trial=1,
    ),
    "center": Method(
        "CE + center loss", "#3f7d3a", (0, (3, 1, 1, 1)), loss=CenterLoss, metric_weight=16.0, search=_CENTERS,
    ),
}  # fmt: skip
ALL_METHODS = tuple(METHODS)


def pml_method(expression: str) -> Method:
    """A row for any embedding loss of pytorch-metric-learning, such as ``SupConLoss(temperature=0.1)``."""
    return Method(
        f"CE + {expression}",
        color="",  # dealt by ferlab.methods.names
        loss=PmlLoss,
        options={"expression": expression},
        search=TRAINING | _FROM | {"metric_weight": Range(0.02, 2.0)},
    )
