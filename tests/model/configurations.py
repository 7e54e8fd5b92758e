"""Which sizes are explored: `CI` by the test, at each change; `DEEP` as well by `python -m tests.model --deep`.

A roll is a shard with one child, a split one with two. Each configuration gives room to other powers of the world, as
all of them at once would be more states than fit.
"""

from __future__ import annotations

from tests.model.sizes import Sizes

ROLL = (-1, 0)
SPLIT = (-1, 0, 0)
GENERATIONS = (-1, 0, 1)

CI = (
    Sizes("roll, two runs and a walk", ROLL, (2, 1)),
    Sizes("three generations, two runs and a walk", GENERATIONS, (1, 1, 1)),
    Sizes("one shard, three runs", (-1,), (3,), runs=3, walks=False),
    Sizes("two runs under a lease", ROLL, (1, 1), lease=True),
    Sizes("roll, one run, a stream that forgets", ROLL, (2, 1), runs=1, trims=True),
    Sizes("two runs, orphans, index and backlog", (-1,), (2,), walks=False, indexes=True, backlogs=1, orphans=True),
    Sizes("poison, a run and two backlogs", (-1,), (3,), 1, walks=False, indexes=True, backlogs=2, poison=((0, 1),)),
    Sizes("forgetting and indexing", (-1,), (2,), 1, trims=True, indexes=True, backlogs=1),
)

DEEP = (
    Sizes("roll, two runs, a walk, index and backlog", ROLL, (1, 1), indexes=True, backlogs=1),
    Sizes("split, two runs and a walk", SPLIT, (1, 1, 1)),
    Sizes("two roots and a child, two runs and a walk", (-1, -1, 0), (1, 1, 1)),
    Sizes("three generations, one run, a stream that forgets", GENERATIONS, (1, 0, 1), runs=1, trims=True),
    Sizes("roll, two runs, a stream that forgets", ROLL, (1, 1), trims=True),
)
