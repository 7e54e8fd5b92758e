"""What rules say of the writers of tables, as `tabletrail rules` shows it.

Called by `rules` and `rules_try`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tabletrail_cli.output import visible

if TYPE_CHECKING:
    from tabletrail.core.attribution_policy import Attribution
    from tabletrail.core.policy import Policy
    from tabletrail_cli.trial import Named


def counted(policy: Policy) -> str:
    """`, attribution of 2 groups of tables, claims of 3 groups of principals`; empty if nothing is said of either."""
    tables = sum(1 for one in as_rows(policy) if one["table"] != ["*"] or _is_more_than_claims(one))
    claims = len({claim for _, one in policy.attributions for claim in one.claims})
    groups = [(tables, "attribution of", "tables"), (claims, "claims of", "principals")]
    return "".join(f", {what} {number} groups of {whose}" for number, what, whose in groups if number)


def as_rows(policy: Policy) -> list[dict[str, Any]]:
    """One for each entry that says something, in the order in which they count."""
    return [_row(list(globs), one) for globs, one in policy.attributions if globs != ("*",) or one != type(one)()]


def lines(policy: Policy) -> Iterator[str]:
    """The same in words."""
    for row in as_rows(policy):
        yield f"  {visible(', '.join(row['table']))}: {'; '.join(_words(row))}"


def tried_lines(named: Mapping[str, Named]) -> Iterator[str]:
    """How many changes of each table an attribute would have given an actor."""
    for table, found in sorted(named.items()):
        yield (
            f"{visible(table)}: an attribute names the actor of {found.now:,} of {found.changes:,} changes,"
            f" and did of {found.then:,}"
        )


def _row(globs: list[str], one: Attribution) -> dict[str, Any]:
    claims = [
        {
            "principal": list(claim.principals),
            "actors": claim.actors if isinstance(claim.actors, str) else list(claim.actors),
        }
        for claim in one.claims
    ]
    said = {"attribute": one.attribute, "type": one.type, "outbox": one.outbox, "deletes": one.deletes}
    return {"table": globs, **said, "claims": claims}


def _is_more_than_claims(row: Mapping[str, Any]) -> bool:
    return (row["attribute"], row["type"], row["outbox"], row["deletes"]) != (None, "user", False, "any")


def _words(row: Mapping[str, Any]) -> Iterator[str]:
    attribute = row["attribute"]
    if attribute == "":
        yield "no attribute names an actor"
    else:
        name = "the attribute of ActorAttribute" if attribute is None else visible(attribute)
        yield f"{name} names a {row['type']}"
    if row["outbox"]:
        yield "the outbox is read"
    if row["deletes"] != "any":
        yield "unmarked deletes are refused"
    for claim in row["claims"]:
        actors = claim["actors"]
        whom = {"any": "anybody", "self": "themselves alone"}.get(str(actors)) or ", ".join(actors)
        yield f"{visible(', '.join(claim['principal']))} may name {visible(whom)}"
