"""Bugs that are seeded into the model, each with the invariant that has to break, so that no invariant is an empty one.

`ALONE_HARMLESS` are those of which the protocol survives each alone, since it has a second guard.

Called by `tests.model.test_does_the_protocol_hold_in_every_state`.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.model.configurations import GENERATIONS, ROLL
from tests.model.sizes import Sizes

ONE = Sizes("one shard", (-1,), (2,), walks=False)
LINEAGE = Sizes("roll", ROLL, (1, 1))
FORGETS = Sizes("a stream that forgets", GENERATIONS, (1, 1, 1), runs=1, trims=True)
STORE = Sizes("orphans", (-1,), (2,), walks=False, orphans=True)
INDEX = Sizes("index", (-1,), (2,), 1, walks=False, indexes=True, backlogs=1)
POISON = Sizes("poison", (-1,), (1,), 1, walks=False, indexes=True, poison=((0, 0),))
LEASE = Sizes("lease", (-1,), (1,), walks=False, lease=True)


@dataclass(frozen=True)
class Seeded:
    """`bugs` in `sizes` break `invariant`."""

    bugs: tuple[str, ...]
    sizes: Sizes
    invariant: str


SEEDED = (
    Seeded(("the version is not compared",), ONE, "no double"),
    Seeded(("the version is not compared",), ONE, "monotone"),
    Seeded(("the version is not compared",), ONE, "order"),
    Seeded(("the lease stands for the version",), LEASE, "no double"),
    Seeded(("the checkpoint moves first",), ONE, "no loss"),
    Seeded(("the segment's row comes first",), ONE, "checkpoint"),
    Seeded(("the segment's row comes first",), ONE, "no double"),
    Seeded(("reading begins at the latest record",), ONE, "no loss"),
    Seeded(("an empty page is taken for the end",), ONE, "no loss"),
    Seeded(("blocked children are read", "the commit does not ask for the parent"), LINEAGE, "order"),
    Seeded(("rows are ready whatever their parents are",), LINEAGE, "order"),
    Seeded(("the walk leaves children to their parents",), LINEAGE, "live"),
    Seeded(("finished rows expire while they are listed",), LINEAGE, "no double"),
    Seeded(("no gap is written",), FORGETS, "gap"),
    Seeded(("a stream's gap is told after its rows are made",), FORGETS, "gap"),
    Seeded(("a taken name is adopted",), STORE, "readable"),
    Seeded(("an object is overwritten",), STORE, "readable"),
    Seeded(("a lost reply is taken for failure",), STORE, "readable"),
    Seeded(("a lost reply is taken for success",), INDEX, "index"),
    Seeded(("marked before it is indexed",), INDEX, "marked"),
    Seeded(("refused documents count as stored",), POISON, "marked"),
)

ALONE_HARMLESS = (
    ("blocked children are read", LINEAGE),
    ("the commit does not ask for the parent", LINEAGE),
    ("children are not made with their parent's end", LINEAGE),
)
