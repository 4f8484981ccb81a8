"""A trained network on other faces, and for other programs."""
