"""``python -m ferlab`` is the command line."""

from ferlab.cli import main

main()
