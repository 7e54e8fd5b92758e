"""What every `Tables` promises, the account's tables and the fake alike.

A class of tests takes it and gives `lab`: tables `tagged` (its stream is on), `plain` (no stream, no tag).
"""

from __future__ import annotations

from dataclasses import dataclass

from tabletrail.ports import Tables


@dataclass(frozen=True)
class TablesLab:
    tables: Tables
    tagged: str
    plain: str
    """ARNs."""


class TablesContract:
    def test_tables_are_found_by_tag(self, lab: TablesLab) -> None:
        found = lab.tables.tagged()
        assert lab.tagged in found
        assert lab.plain not in found
        assert lab.tables.is_tagged(lab.tagged)
        assert not lab.tables.is_tagged(lab.plain)
        assert not lab.tables.is_tagged(lab.plain + "-missing")

    def test_tables_are_found_by_name(self, lab: TablesLab) -> None:
        name = lab.plain.partition("/")[2]
        assert lab.tables.named([name, name + "-missing"]) == {lab.plain}
        assert lab.tables.named([]) == frozenset()

    def test_a_table_is_shown_with_its_stream_and_service(self, lab: TablesLab) -> None:
        for _ in range(2):
            view = lab.tables.view(lab.tagged)
            assert view is not None
            assert view.arn == lab.tagged
            assert view.arn.endswith(f":{view.region}:{view.account}:table/{view.name}")
            assert view.id
            assert view.stream_arn is not None
            assert view.stream_arn.startswith(lab.tagged + "/stream/")
            assert (view.stream_enabled, view.view_type) == (True, "NEW_AND_OLD_IMAGES")
            assert view.service == "shop"
            assert 1_700_000_000 < view.made_at < 2_000_000_000
            lab.tables.tagged()

    def test_a_table_without_a_stream_shows_none(self, lab: TablesLab) -> None:
        view = lab.tables.view(lab.plain)
        assert view is not None
        assert (view.stream_arn, view.stream_enabled, view.view_type, view.service) == (None, False, "", "")
        assert lab.tables.view(lab.plain + "-missing") is None

    def test_a_table_whose_items_do_not_expire_has_no_attribute_for_it(self, lab: TablesLab) -> None:
        assert lab.tables.ttl_attribute(lab.tagged.partition("/")[2]) == ""

    def test_a_missing_stream_is_switched_on(self, lab: TablesLab) -> None:
        arn = lab.tables.enable_stream(lab.plain.partition("/")[2])
        view = lab.tables.view(lab.plain)
        assert view is not None
        assert (view.stream_arn, view.stream_enabled, view.view_type) == (arn, True, "NEW_AND_OLD_IMAGES")
        assert lab.tables.enable_stream(view.name) == arn
