"""Stories of items whose writers use the outbox, or a mark alone, or nothing, and of copies, forgeries and deletes.

Called by the tests of evidence, over the core alone and over whole runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.core.naive_marks import uuid_at
from tests.core.outboxed import NOW, Item, change, marked, out

PEOPLE = ("alice", "bob", "carol")
KEYS: tuple[Item, ...] = ({"pk": {"S": "1"}}, {"pk": {"S": "2"}})


@dataclass
class Made:
    """A record, who really made it, and whether a row that is right beyond doubt was written with it."""

    who: str
    record: Item
    is_outboxed: bool = False


@dataclass
class Story:
    """Items of one shard as they are, copies that somebody has read, rows, and records in their order."""

    items: dict[str, Item] = field(default_factory=dict)
    copies: list[Item] = field(default_factory=list)
    rows: list[Item] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)
    now_ms: int = NOW * 1000
    ids: int = 0

    def next_id(self) -> str:
        """Made now, greater than those before."""
        self.ids += 1
        return uuid_at(self.now_ms, self.ids)

    def becomes(self, key: Item, who: str, new: Item | None, row: Item | None = None) -> bool:
        """A write, with its row in the same transaction. What changes nothing makes no record, but its row stands."""
        place = key["pk"]["S"]
        old, new = self.items.get(place), None if new is None else new | key
        self.now_ms += 130
        if row is not None:
            self.rows.append(row)
        if old == new:
            return False
        number = 90 + len(self.made)
        seconds = self.now_ms // 1000 - NOW
        self.made.append(Made(who, change(old, new, number, seconds, Keys=key), row is not None))
        if new is None:
            del self.items[place]
        else:
            self.items[place] = new
            self.copies.append(new)
        return True

    def current(self, key: Item) -> Item | None:
        return self.items.get(key["pk"]["S"])

    def edited(self, key: Item) -> Item:
        """The item with a new value, its mark left where it is."""
        return (self.current(key) or {}) | {"n": {"N": str(len(self.made))}}


Step = Callable[[Story, Item, str, Item], None]


def write(story: Story, key: Item, who: str, copy: Item) -> None:
    mark_id = story.next_id()
    row = out(mark_id, who, "update" if story.current(key) else "put", key=key)
    story.becomes(key, who, story.edited(key) | marked(mark_id, who, key=key), row)


def write_overtaken(story: Story, key: Item, who: str, copy: Item) -> None:
    """Made before another's write, and in the table behind it: its mark is not newer than the one that it finds."""
    mark_id = story.next_id()
    write(story, key, "dora", copy)
    row = out(mark_id, who, "update", key=key)
    if story.becomes(key, who, story.edited(key) | marked(mark_id, who, key=key), row):
        story.made[-1].is_outboxed = False


def write_marked_only(story: Story, key: Item, who: str, copy: Item) -> None:
    story.becomes(key, who, story.edited(key) | marked(story.next_id(), who, key=key))


def forget(story: Story, key: Item, who: str, copy: Item) -> None:
    story.becomes(key, who, story.edited(key))


def replace_plainly(story: Story, key: Item, who: str, copy: Item) -> None:
    """Takes the mark away, so that the next copy's looks new."""
    story.becomes(key, who, {"n": {"N": str(len(story.made))}, "updatedBy": {"S": who}})


def save_a_copy(story: Story, key: Item, who: str, copy: Item) -> None:
    """At once: of whatever item, over whatever is there."""
    story.becomes(key, who, copy)


def forge(story: Story, key: Item, who: str, copy: Item) -> None:
    """A mark that was seen, under another's name."""
    seen = copy.get("_audit", {}).get("M")
    if seen:
        story.becomes(key, who, story.edited(key) | {"_audit": {"M": seen | {"actor": {"S": "victim"}}}})


def delete_marked(story: Story, key: Item, who: str, copy: Item) -> None:
    current = story.current(key)
    if current is not None:
        mark_id = story.next_id()
        story.becomes(key, who, current | marked(mark_id, who, "delete", key=key))
        story.made[-1].is_outboxed = True
        story.becomes(key, who, None, out(mark_id, who, "delete", key=key))


def delete_beside_a_marked_one(story: Story, key: Item, who: str, copy: Item) -> None:
    """Another removes it between the two steps: the second fails, and writes no row."""
    current = story.current(key)
    if current is not None:
        story.becomes(key, who, current | marked(story.next_id(), who, "delete", key=key))
        story.becomes(key, "mallory", None)


def delete_with_row(story: Story, key: Item, who: str, copy: Item) -> None:
    if story.current(key) is not None:
        story.becomes(key, who, None, out(story.next_id(), who, "delete", key=key))
        story.made[-1].is_outboxed = False


def delete_nothing(story: Story, key: Item, who: str, copy: Item) -> None:
    if story.current(key) is None:
        story.becomes(key, who, None, out(story.next_id(), who, "delete", key=key))


def delete_plainly(story: Story, key: Item, who: str, copy: Item) -> None:
    if story.current(key) is not None:
        story.becomes(key, who, None)


def wait(story: Story, key: Item, who: str, copy: Item) -> None:
    story.now_ms += 61_000


STEPS: tuple[Step, ...] = (
    write, write, write, write_overtaken, write_marked_only, forget, replace_plainly, replace_plainly, save_a_copy,
    save_a_copy, forge, delete_marked, delete_marked, delete_beside_a_marked_one, delete_with_row, delete_nothing,
    delete_plainly, delete_plainly, wait,
)  # fmt: skip
