"""What every `SegmentStore` promises, the bucket and the fake alike. A class of tests takes it and gives `store`."""

from __future__ import annotations

import pytest

from tabletrail.errors import ObjectExistsError, ObjectMissingError
from tabletrail.ports import SegmentStore

BODY = b"\x1f\x8b" + bytes(range(256)) * 40


class StoreContract:
    def test_the_very_bytes_come_back(self, store: SegmentStore) -> None:
        version = store.put("segments/one", BODY)
        assert store.get("segments/one", version) == BODY

    def test_a_key_is_written_once(self, store: SegmentStore) -> None:
        version = store.put("segments/one", BODY)
        for body in (BODY, b"forged"):
            with pytest.raises(ObjectExistsError):
                store.put("segments/one", body)
        assert store.get("segments/one", version) == BODY

    def test_a_missing_object_or_version_is_said(self, store: SegmentStore) -> None:
        version = store.put("segments/one", BODY)
        other = store.put("segments/two", b"two")
        for key, wanted in (("segments/none", version), ("segments/one", other)):
            with pytest.raises(ObjectMissingError):
                store.get(key, wanted)
