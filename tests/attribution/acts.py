"""What writers do: each act is a generator that stops where others may come in between.

Called by `story`, by name and weight. What spoils marks is in `odd_acts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.attribution.cast import CAST, RIVALS
from tests.attribution.story import MARKED, Act, Story


def edit(story: Story) -> Act:
    table, key, _ = story.existing()
    writer = story.someone()
    story.update(writer, table, key, story.content(writer, table))
    yield


def race(story: Story) -> Act:
    """Both services read one item, and each writes what it made of it; neither waits for the other."""
    table, key, found = story.existing()
    for _ in range(story.chance.randrange(1, 3)):
        for name in story.chance.sample(RIVALS, 2):
            writer = CAST[name]
            if story.chance.random() < 0.5:
                story.update(writer, table, key, story.content(writer, table))
            else:
                story.put(writer, table, found | story.content(writer, table))
            if story.chance.random() < 0.5:
                yield


def save(story: Story) -> Act:
    """Reads, thinks, and saves the whole item: a stale one, if others wrote. The package replaces the mark in it."""
    table, _, found = story.existing()
    writer = story.someone()
    for _ in range(story.chance.randrange(0, 4)):
        yield
    story.remember(table, found)
    label = "" if writer.way in MARKED or "_audit" not in found else "saved back"
    story.put(writer, table, found | story.content(writer, table), label)


def create(story: Story) -> Act:
    table, key = story.place()
    writer = story.someone()
    story.put(writer, table, key | story.content(writer, table))
    yield


def delete(story: Story) -> Act:
    table, key, found = story.existing()
    story.remember(table, found)
    story.delete(story.someone(), table, key)
    yield


def batch(story: Story) -> Act:
    """Puts, which can be marked, and a delete, which cannot."""
    table, _ = story.place()
    writer = story.someone()
    way = story.way(writer, table)
    places = {str(key): key for one, key in (story.place() for _ in range(40)) if one is table}
    keys = list(places.values())[:5]
    if not keys:
        return
    puts = [{"PutRequest": {"Item": key | story.content(writer, table)}} for key in keys]
    label = "mark" if way else story._label(writer, way)
    with story.ledger.acting(writer, label):
        story.stage.call(writer, "mark" if way else "", "BatchWriteItem", {"RequestItems": {table.name: puts}})
    yield


def transact(story: Story) -> Act:
    """Several items at once, under a token; sent again by whoever did not see the answer."""
    writer = story.someone()
    places = {table.name: (table, key) for table, key in (story.place(outbox=True) for _ in range(4))}
    way = story.way(writer, story.tables[0])
    items = [
        {"Put": {"TableName": table.name, "Item": key | story.content(writer, table)}} for table, key in places.values()
    ]
    body = {"TransactItems": items, "ClientRequestToken": f"{story.prefix}{story.seed}-{story.number}"}
    with story.ledger.acting(writer, story._label(writer, way)):
        story.stage.call(writer, way, "TransactWriteItems", body)
        if story.chance.random() < 0.4:
            story.stage.call(writer, way, "TransactWriteItems", body)
    yield


def retry(story: Story) -> Act:
    """The application does it again, with another mark, though the first time had worked."""
    table, key, _ = story.existing()
    writer = story.someone()
    values = story.content(writer, table)
    for _ in range(2):
        story.update(writer, table, key, values)
        yield


def no_op(story: Story) -> Act:
    """The same values again: no record where nothing marks it, a call in CloudTrail nonetheless."""
    table, key, found = story.existing()
    writer = story.someone()
    story.update(writer, table, key, {"status": found["status"]} if "status" in found else found)
    yield
    story.put(writer, table, story.stage.read(table.name, key) or found, "saved back")


def statement(story: Story) -> Act:
    table, key, _ = story.existing()
    writer = story.someone()
    story.number += 1
    where = " AND ".join(f"{name} = ?" for name in table.keys)
    body = {
        "Statement": f'UPDATE "{table.name}" SET n = ? WHERE {where}',
        "Parameters": [{"N": str(story.number)}, *(key[name] for name in table.keys)],
    }
    with story.ledger.acting(writer, "nothing"):
        story.stage.call(writer, "", "ExecuteStatement", body)
    yield


ACTS: Mapping[str, Callable[[Story], Act]] = {
    "edit": edit,
    "race": race,
    "save": save,
    "create": create,
    "delete": delete,
    "batch": batch,
    "transact": transact,
    "retry": retry,
    "no-op": no_op,
    "statement": statement,
}
WEIGHTS = {
    "edit": 30.0,
    "race": 10.0,
    "save": 14.0,
    "create": 8.0,
    "delete": 14.0,
    "batch": 2.0,
    "transact": 3.0,
    "retry": 3.0,
    "no-op": 3.0,
    "statement": 2.0,
}
