"""What every `Segments` promises, the table and the fake alike. A class of tests takes it and gives `ports`."""

from __future__ import annotations

import pytest

from tabletrail.core.checkpoint import Commit
from tabletrail.errors import TabletrailError
from tests.ports.checkpoint_rows import NOW, segment, shard
from tests.ports.checkpoints_contract import Ports


class SegmentsContract:
    def test_what_waits_comes_oldest_first(self, ports: Ports) -> None:
        for number in (3, 9, 1, 4, 8, 2, 5, 7, 6):
            row = segment(f"s{number}", shard(), committed_at=NOW + number, indices=(f"index-{number}", "index-0"))
            ports.checkpoints.commit(Commit(ports.token(f"t{number}"), row))
        names = [f"s{number}" for number in range(1, 10)]
        assert [row.segment_id for row in ports.segments.waiting(NOW + 10, 5)] == names[:5]
        assert [row.segment_id for row in ports.segments.waiting(NOW + 3, 10)] == names[:2]
        assert ports.segments.waiting(NOW + 9, 1)[0].links == segment("s", shard()).links
        assert [row.segment_id for row in ports.segments.waiting(NOW + 10, 5, (NOW + 4, "s4"))] == names[4:9]
        assert [row.segment_id for row in ports.segments.waiting(NOW + 10, 1, (NOW + 4, ""))] == names[3:4]
        assert ports.segments.waiting(NOW + 10, 5, (NOW + 9, "s9")) == []
        assert ports.segments.count_waiting() == (9, NOW + 1)
        assert ports.segments.waiting_indices() == {f"index-{number}" for number in range(10)}

    def test_what_is_indexed_waits_no_more_and_may_be_marked_again(self, ports: Ports) -> None:
        ports.checkpoints.commit(Commit(ports.token("t1"), segment("s1", alerts=2)))
        for _ in range(2):
            ports.segments.mark_indexed("s1", NOW + 7, parked=1)
        assert ports.segments.get("s1") == segment("s1", alerts=2, indexed_at=NOW + 7, parked=1)
        assert ports.segments.waiting(NOW + 9, 10) == []
        assert ports.segments.count_waiting() == (0, 0)
        assert ports.segments.waiting_indices() == frozenset()

    def test_what_owes_alerts_comes_oldest_first_until_it_is_marked(self, ports: Ports) -> None:
        for number in (3, 1, 2):
            row = segment(f"s{number}", committed_at=NOW + number, alerts=number)
            ports.checkpoints.commit(Commit(ports.token(f"t{number}"), row))
        ports.checkpoints.commit(Commit(ports.token("t4"), segment("quiet", committed_at=NOW)))
        assert [row.segment_id for row in ports.segments.unalerted(2)] == ["s1", "s2"]
        assert [row.segment_id for row in ports.segments.unalerted(2, (NOW + 1, "s1"))] == ["s2", "s3"]
        assert ports.segments.count_unalerted() == (3, NOW + 1)
        for _ in range(2):
            ports.segments.note_alerted("s1", (("bus", 1), ("topic", 0)))
        assert ports.segments.unalerted(1)[0].alerted_to == (("bus", 1), ("topic", 0))
        for _ in range(2):
            ports.segments.mark_alerted("s1", NOW + 9)
        assert ports.segments.get("s1") == segment("s1", committed_at=NOW + 1, alerts=1, alerted_at=NOW + 9)
        assert [row.segment_id for row in ports.segments.unalerted(5)] == ["s2", "s3"]
        assert ports.segments.count_waiting() == (4, NOW), "indexing is another matter"

    def test_only_a_committed_segment_can_be_marked(self, ports: Ports) -> None:
        with pytest.raises(TabletrailError, match="no row"):
            ports.segments.mark_indexed("never", NOW, parked=0)
        with pytest.raises(TabletrailError, match="no row"):
            ports.segments.mark_alerted("never", NOW)
        assert ports.segments.get("never") is None
