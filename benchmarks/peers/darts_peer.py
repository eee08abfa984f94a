"""What the versions of the peer for series are."""

import darts
import torch


def versions():
    """Of what takes part."""
    return f"darts {darts.__version__}, torch {torch.__version__}"
