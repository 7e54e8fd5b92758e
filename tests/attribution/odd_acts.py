"""What spoils marks: copies, restores, imports, replays, forgeries; and the hard cases that no mark alone tells.

Rules
- Whoever does these writes as it is: the items carry marks that others made.
- Hard cases happen within seconds, as the page says that they must to mislead. In tables without an outbox each may
  cost a wrong name at `likely`; in tables with one, none.

Called by `story`, by name and weight.
"""

from __future__ import annotations

import copy as copying
from collections.abc import Callable, Generator, Mapping

from tabletrail_client import marks, outbox
from tabletrail_client.context import Act as Said
from tests.attribution.cast import MALLORY, OPS, PEOPLE
from tests.attribution.story import Act, Story
from tests.attribution.table_model import Item
from tests.attribution.world import Table


def save_a_copy(story: Story) -> Act:
    """An item that somebody read some time ago, put back as it was."""
    if not story.copies:
        return
    table, item = story.chance.choice(story.copies)
    yield
    story.put(story.someone(), table, item, "saved back")


def copy(story: Story) -> Act:
    """To another key, or to another table."""
    table, _, found = story.existing()
    target, key = story.place()
    same = dict(found) if target.keys == table.keys else {n: v for n, v in found.items() if n != "sk"}
    story.put(story.someone(), target, same | key, "copied")
    yield


def restore(story: Story) -> Act:
    """An export is taken, and a part of an older one is put back."""
    old = list(story.export.values())
    for table in story.tables:
        for place, item in story.ledger.model.items.items():
            if place[0] == table.name and story.chance.random() < 0.3:
                story.export[place] = table, item
    yield
    for table, item in story.chance.sample(old, min(len(old), 3)):
        story.put(OPS, table, item, "restored")
        yield


def bring_in(story: Story) -> Act:
    """Items of another system, with marks and names of its own."""
    table, key = story.place()
    theirs = marks.mark(Said("their-user"), story.chance.choice(("orders-old", table.name)), {"pk": {"S": "x"}})
    story.put(
        OPS, table, key | story.content(OPS, table) | {"_audit": theirs, "updatedBy": {"S": "their-user"}}, "imported"
    )
    yield


def replay(story: Story) -> Act:
    """The same bytes again, by a script that works through a queue of failed requests."""
    recent = story.ledger.sent[-400:]
    operation, body = story.chance.choice(recent) if recent else ("", {})
    if operation in ("PutItem", "UpdateItem", "TransactWriteItems"):
        again = copying.deepcopy(dict(body))
        again.pop("ClientRequestToken", None)
        with story.ledger.acting(OPS, "replayed"):
            story.stage.call(OPS, "", operation, again)
    yield


def forge(story: Story) -> Act:
    """Another's name in a mark that is made of one that was seen."""
    table, key, found = story.existing()
    seen = found.get("_audit", {}).get("M")
    if not seen:
        return
    victim = {"actor": {"S": story.chance.choice(PEOPLE).name}}
    fields = {
        "same id": victim,
        "new id, old binding": victim | {"id": {"S": marks.new_id()}},
        "made up": victim | {"id": {"S": marks.new_id()}, "for": {"S": "0" * 32}},
    }[story.chance.choice(("same id", "new id, old binding", "made up"))]
    values = {"n": {"N": str(story.chance.randrange(10**6))}, "_audit": {"M": seen | fields}}
    story.update(MALLORY, table, key, values, "forged")
    yield


def forge_row(story: Story) -> Act:
    """Another's name in the row of a write that was made before."""
    table, key, found = story.existing(outbox=True)
    mark_id = found.get("_audit", {}).get("M", {}).get("id", {}).get("S", "")
    if mark_id:
        row = outbox.row(Said(story.chance.choice(PEOPLE).name), "update", table.name, key, mark_id)
        with story.ledger.acting(MALLORY, "forged"):
            story.stage.call(MALLORY, "", "PutItem", {"TableName": story.ledger.outbox, "Item": row})
    yield


def replace_and_save_back(story: Story) -> Act:
    """Hard: the item is replaced by one without a mark, and another puts back what he had read before."""
    table, key, found = yield from _fresh(story)
    story.put(PEOPLE[9], table, key | {"n": {"N": "0"}}, "nothing")
    yield
    story.put(story.someone(), table, found, "saved back")


def delete_and_save_back(story: Story) -> Act:
    """Hard: the item is deleted, and another puts back what he had read before."""
    table, key, found = yield from _fresh(story)
    story.delete(PEOPLE[9], table, key, "plain delete")
    yield
    story.put(story.someone(), table, found, "saved back")


def save_back_twice(story: Story) -> Act:
    """Hard: an old copy is put back, and then a less old one."""
    table, key, found = yield from _fresh(story)
    writer = story.someone()
    story.put(writer, table, key | story.content(writer, table), forget=False)
    newer = story.stage.read(table.name, key) or found
    story.put(writer, table, key | story.content(writer, table), forget=False)
    yield
    for item in (found, newer):
        story.put(PEOPLE[9], table, item, "saved back")


def impersonate(story: Story) -> Act:
    """Hard: a mark made as it should be, by one who says that he is another."""
    table, key, _ = story.existing(outbox=False)
    said = marks.mark(Said(story.chance.choice(PEOPLE).name), table.name, key)
    values = {"n": {"N": str(story.chance.randrange(10**6))}, "_audit": said}
    story.update(MALLORY, table, key, values, "impersonated")
    yield


def leave_a_row(story: Story) -> Act:
    """Hard: a transaction deletes what is not there, and its row belongs to nothing; then another deletes plainly."""
    table, key, _ = story.existing(outbox=True)
    if table.deletes == "marked":
        return
    writer = next(one for one in PEOPLE if one.way == "outbox")
    story.delete(PEOPLE[9], table, key, "plain delete")
    body = {"TransactItems": [{"Delete": {"TableName": table.name, "Key": key}}]}
    with story.ledger.acting(writer, "plain delete and row"):
        story.stage.call(writer, "outbox", "TransactWriteItems", body)
    story.put(writer, table, key | story.content(writer, table), forget=False)
    yield
    story.delete(story.someone(), table, key)


def delete_with_row(story: Story) -> Act:
    """A plain delete by one who uses the outbox."""
    table, key, _ = story.existing(outbox=True)
    writer = story.chance.choice([one for one in PEOPLE if one.way == "outbox" and one.deletes == "plain"])
    story.delete(writer, table, key)
    yield


def expire(story: Story) -> Act:
    """TTL removes what is due. Only where the clock is the story's."""
    due = [
        (table, item)
        for table in story.tables
        if table.ttl
        for place, item in story.ledger.model.items.items()
        if place[0] == table.name and int(item.get(table.ttl, {"N": "0"})["N"] or 0) < story.stage.now()
    ]
    for table, item in due[:4]:
        if story.stage.read(table.name, {"pk": item["pk"]}) is not None:
            story.ledger.expire(table.name, {"pk": item["pk"]}, story.stage.now())
    yield


def _fresh(story: Story) -> Generator[None, None, tuple[Table, Item, Item]]:
    """An item that was marked a moment ago. In a table with an outbox in most cases: there it must not mislead."""
    table, key, _ = story.existing(outbox=story.chance.random() < 0.85)
    ways = ("outbox",) if table.outbox and story.chance.random() < 0.8 else ("mark", "outbox")
    writer = next(one for one in story.chance.sample(PEOPLE, len(PEOPLE)) if one.way in ways)
    story.put(writer, table, key | story.content(writer, table), forget=False)
    found = story.stage.read(table.name, key) or key
    story.remember(table, found)
    yield
    return table, key, found


ODD_ACTS: Mapping[str, Callable[[Story], Act]] = {
    "save a copy": save_a_copy,
    "copy": copy,
    "restore": restore,
    "import": bring_in,
    "replay": replay,
    "forge": forge,
    "forge row": forge_row,
    "expire": expire,
    "delete with row": delete_with_row,
    "replace and save back": replace_and_save_back,
    "delete and save back": delete_and_save_back,
    "save back twice": save_back_twice,
    "impersonate": impersonate,
    "leave a row": leave_a_row,
}
ODD_WEIGHTS = {
    "save a copy": 3.0,
    "copy": 3.0,
    "restore": 1.5,
    "import": 2.0,
    "replay": 3.0,
    "forge": 2.0,
    "forge row": 0.5,
    "expire": 2.0,
    "delete with row": 1.5,
    "replace and save back": 0.5,
    "delete and save back": 0.5,
    "save back twice": 0.3,
    "impersonate": 0.1,
    "leave a row": 0.1,
}
HARD = frozenset(list(ODD_ACTS)[9:])
"""What is not told apart by a mark alone."""
