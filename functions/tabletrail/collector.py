"""Python's collector of reference cycles, kept away from the work that would only make it search in vain.

Parsed pages are hundreds of thousands of dicts that hold no cycle: counting frees them. The collector walks over all of
them again and again while they are made, and takes longer for it than parsing and converting together.

Called by `tabletrail.capture`.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """No automatic collection within the block, in any thread; afterwards as it was before. Blocks may be nested."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
