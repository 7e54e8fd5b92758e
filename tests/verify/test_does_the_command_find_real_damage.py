"""Does `tabletrail verify` find damage on the real OpenSearch and the local AWS, and say so by its exit code?

Indices are append-only, so no document can be altered in place: who administers OpenSearch can still delete an index
and make another one, with other documents and without that setting.
"""

from __future__ import annotations

import copy
import gzip
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tabletrail.core.document import hash_of_document
from tabletrail.ports import Page
from tabletrail_local.info import StackInfo
from tests.verify.real_log import PERIOD, ROOT, RealLog, planted_log, streamed_log

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def planted(stack: StackInfo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealLog]:
    with planted_log(stack, tmp_path_factory.mktemp("planted")) as log:
        yield log


@pytest.fixture
def streamed(stack: StackInfo, tmp_path: Path) -> Iterator[RealLog]:
    with streamed_log(stack, tmp_path) as log:
        yield log


def put(log: RealLog, *numbers: int) -> None:
    for number in numbers:
        log.dynamodb.put_item(TableName=log.table, Item={"id": {"S": f"item-{number}"}, "n": {"N": str(number)}})


def test_each_damage_of_an_index_is_found(planted: RealLog) -> None:
    """One index with all of it: altered, altered with a right hash, missing, doubled and foreign documents."""
    clean = planted.verify_apart("--period", PERIOD)
    assert (clean.code, clean.findings) == (0, []), clean.err
    assert clean.result["entries"] == 40
    assert planted.verify("--period", PERIOD, "--since", "1d").code == 0
    documents = planted.documents()
    assert len(documents) == 40
    altered, resealed, missing, doubled, foreign = sorted(documents)[::8]
    damaged = copy.deepcopy(documents)
    damaged[altered]["after"]["note"] = "altered"
    damaged[resealed]["message"] = "altered"
    damaged[resealed]["event"]["hash"] = hash_of_document(damaged[resealed])
    del damaged[missing]
    damaged["a-copy"] = damaged[doubled]
    forged = copy.deepcopy(damaged[foreign])
    forged["event"]["id"] = "ab" * 32
    damaged["ab" * 32] = forged
    planted.recreate(damaged)
    said = planted.verify_apart("--period", PERIOD)
    assert said.found == {
        ("document-altered", altered),
        ("document-altered", resealed),
        ("document-missing", missing),
        ("document-doubled", doubled),
        ("document-foreign", "ab" * 32),
    }
    assert said.code == 1
    assert sum(said.result["counts"].values()) == 5
    told = planted.tell("--period", PERIOD, "--limit", "2")
    assert told.code == 1
    assert "1 x document-missing: an entry of the log is not in the index. What to do: rebuild" in told.out
    assert "and 3 more" in told.out
    assert told.out.endswith("Damage was found.\n")
    assert "segments: 4 of 4, 40 entries" in told.err
    planted.recreate(documents)
    told = planted.tell("--period", PERIOD)
    assert (told.code, told.out.splitlines()[-1]) == (0, "Nothing is wrong.")


def test_damage_of_objects_is_found(planted: RealLog) -> None:
    """A version that was deleted, and one that was put in its place and written into the row; then a lost row."""
    gone, altered = planted.segments()[-2:]
    where = {"Bucket": planted.bucket, "Key": gone["key"]["S"]}
    planted.s3.delete_object(**where, VersionId=gone["version_id"]["S"])
    body = planted.s3.get_object(Bucket=planted.bucket, Key=altered["key"]["S"])["Body"].read()
    text = gzip.decompress(body).replace(b"turn", b"torn")
    version = planted.s3.put_object(Bucket=planted.bucket, Key=altered["key"]["S"], Body=gzip.compress(text))
    forged = {**altered, "version_id": {"S": version["VersionId"]}}
    planted.dynamodb.put_item(TableName=planted.tables.segments, Item=forged)
    said = planted.verify("--log-only")
    assert said.code == 1
    codes = {one["code"]: one["segment"] for one in said.findings if one["code"] != "entry-hash"}
    assert codes.pop("object-altered") == altered["segment_id"]["S"]
    assert set(codes) <= {"object-missing", "version-missing"}
    assert list(codes.values()) == [gone["segment_id"]["S"]]
    hashes = [one for one in said.findings if one["code"] == "entry-hash"]
    assert len(hashes) == int(altered["entries"]["N"])
    planted.dynamodb.put_item(TableName=planted.tables.segments, Item=altered)
    planted.dynamodb.delete_item(TableName=planted.tables.segments, Key={"segment_id": gone["segment_id"]})
    foreign = [one for one in planted.verify("--period", PERIOD).findings if one["code"] == "document-foreign"]
    assert {one["segment"] for one in foreign} == {gone["segment_id"]["S"]}
    assert len(foreign) == int(gone["entries"]["N"])


def test_what_only_the_stream_shows_is_found(streamed: RealLog) -> None:
    """A record that was skipped inside a commit, over the real API of DynamoDB Streams."""
    put(streamed, 1, 2)
    streamed.capture()
    read = streamed.wiring.stream.read

    def blind(iterator: str) -> Page:
        page = read(iterator)
        records = [one for one in page.records if one["dynamodb"]["Keys"]["id"]["S"] != "item-4"]
        return Page(records, page.next_iterator, page.size)

    put(streamed, 3, 4, 5)
    streamed.wiring.stream.read = blind  # type: ignore[method-assign]
    streamed.capture()
    of_table = ("--table", streamed.table)
    without = streamed.verify(*of_table)
    assert (without.code, without.findings) == (0, []), without.err
    said = streamed.verify(*of_table, "--stream")
    assert said.code == 1
    (found,) = said.findings
    assert found["code"] == "record-missing"
    assert streamed.table in found["stream"]
    assert said.result["records"] == 5
    missing = found["detail"].split()[2]
    assert missing not in str(streamed.segments()), "it names the record that no link knows"


def test_damage_of_tables_is_found(streamed: RealLog) -> None:
    for number in range(3):
        put(streamed, number)
        streamed.capture()
    client, tables = streamed.dynamodb, streamed.tables
    of_table = ("--table", streamed.table, "--log-only")
    clean = streamed.verify(*of_table, "--stream", "--orphans")
    assert (clean.code, clean.findings) == (0, []), clean.err
    middle = streamed.segments()[-2]
    client.delete_item(TableName=tables.segments, Key={"segment_id": middle["segment_id"]})
    assert {code for code, _ in streamed.verify(*of_table).found} == {"chain-hole"}
    client.put_item(TableName=tables.segments, Item=middle)
    items = client.scan(TableName=tables.shards, ConsistentRead=True)["Items"]
    (row,) = [item for item in items if "chain_hash" in item]
    moved = {**row, "sequence_no": {"S": "9" * 39}}
    client.put_item(TableName=tables.shards, Item=moved)
    assert {code for code, _ in streamed.verify(*of_table).found} == {"checkpoint-position"}
    client.put_item(TableName=tables.shards, Item=row)
    assert streamed.verify(*of_table).code == 0


def test_a_killed_command_goes_on(planted: RealLog, tmp_path: Path) -> None:
    """kill -9 in the middle of the segments; the second run finds what a run without a kill finds."""
    work = str(tmp_path / "work")
    words = ["verify", "--log-only", "--json", "--work", work]
    # Each object takes a while, so that there is a middle: the signal comes when the state shows one that is done.
    code = "import tabletrail_verify.log_walk as w, time; w.STEP_SECONDS = 0; "
    code += "get = w.get_object; w.get_object = lambda *a: (time.sleep(0.5), get(*a))[1]; w.FETCHERS = 1; "
    code += "from tabletrail_cli.main import main; import sys; sys.exit(main(sys.argv[1:]))"
    slow = subprocess.Popen(
        [sys.executable, "-c", code, *words], env=planted.environment, cwd=ROOT, stdout=subprocess.DEVNULL
    )
    state = tmp_path / "work" / "state.sqlite"
    until = time.monotonic() + 60
    while time.monotonic() < until and _done(state) < 1:
        time.sleep(0.05)
    slow.send_signal(signal.SIGKILL)
    assert slow.wait() == -signal.SIGKILL
    done = _done(state)
    assert done >= 1
    resumed = planted.verify("--log-only", "--work", work)
    assert "going on with the verification" in resumed.err
    fresh = planted.verify("--log-only")
    assert resumed.found == fresh.found
    assert {**resumed.result, "begun_at": 0} == {**fresh.result, "begun_at": 0}


def _done(state: Path) -> int:
    if not state.exists():
        return 0
    try:
        with sqlite3.connect(f"file:{state}?mode=ro", uri=True) as db:
            return int(db.execute("SELECT count(*) FROM segments WHERE is_done").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def test_no_access_and_no_sense_have_codes_of_their_own(planted: RealLog) -> None:
    away: dict[str, Any] = {**planted.environment, "TABLETRAIL_SEGMENTS_TABLE": "no-such-table"}
    there, planted.environment = planted.environment, away
    try:
        said = planted.verify_apart("--log-only")
        assert (said.code, said.lines) == (3, [])
        assert "no-such-table" in said.err or "ResourceNotFound" in said.err
    finally:
        planted.environment = there
    assert planted.verify("--stream", "--period", PERIOD).code == 2
    assert planted.verify("--since", "yesterday at noon").code == 2
    nowhere = planted.verify("--work", "/dev/null/state")
    assert nowhere.code == 2
    assert "name another directory with --work" in nowhere.err
    assert "wait for it" not in nowhere.err


def test_given_opensearch_is_away_a_verification_is_kept(planted: RealLog, tmp_path: Path) -> None:
    there, words = planted.environment, ("--work", str(tmp_path / "work"))
    planted.environment = {**there, "TABLETRAIL_OPENSEARCH_ENDPOINT": "https://127.0.0.1:9"}
    try:
        said = planted.verify_apart(*words)
    finally:
        planted.environment = there
    assert (said.code, said.lines) == (3, [])
    assert "OpenSearch cannot be reached" in said.err
    assert "said again with the same options, the verification goes on" in said.err
    assert "going on with the verification" in planted.verify(*words).err
