"""Losses as ``pytorch_metric_learning`` losses: its distances, reducers and trainers apply."""

from ferlab.losses.ad_corre import AdCorreLoss
from ferlab.losses.base import MetricLoss
from ferlab.losses.center import CenterLoss
from ferlab.losses.centers import ClassCenters
from ferlab.losses.confusion import RunningConfusion
from ferlab.losses.distributed import DistributedLoss
from ferlab.losses.joint import JointLoss, JointLossOutput
from ferlab.losses.pml import PmlLoss
from ferlab.losses.triplet_center import TripletCenterLoss

__all__ = [
    "AdCorreLoss",
    "CenterLoss",
    "ClassCenters",
    "DistributedLoss",
    "JointLoss",
    "JointLossOutput",
    "MetricLoss",
    "PmlLoss",
    "RunningConfusion",
    "TripletCenterLoss",
]
