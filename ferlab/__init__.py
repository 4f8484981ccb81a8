"""ferlab: a teaching lab for deep metric learning on faces.

The package is quick to import; heavy parts (umap, timm, rendering, widgets) load on use:

>>> from ferlab.losses import TripletCenterLoss, AdCorreLoss
>>> from ferlab.data import load_dataset
"""

__version__ = "0.1.0"
