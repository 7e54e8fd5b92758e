"""How much memory and time a verification of a million entries takes.

    python benchmarks/verify_a_million.py                          the log alone
    TABLETRAIL_LOCAL_DIR=... python benchmarks/verify_a_million.py --index    the index too, on the running local stack

The log is made by the product's own encoder, in a directory: 1,000 entries a segment, 50 shards, chains as the capture
makes them. Clients that read it stand in for boto3's; OpenSearch is the real one. The verification runs in a process of
its own, whose peak of memory is the whole of what it takes.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / part) for part in ("functions", "cli", "local", "")]

from tabletrail.aws.opensearch_connect import ask  # noqa: E402
from tabletrail.aws.rows import encode_segment, encode_shard  # noqa: E402
from tabletrail.core.chain import link_of  # noqa: E402
from tabletrail.core.checkpoint import GENESIS_CHAIN, SegmentRow, ShardRow  # noqa: E402
from tabletrail.core.entry import Conversion, Source, convert  # noqa: E402
from tabletrail.core.segment import encode  # noqa: E402
from tabletrail_cli.verify import _schema_check  # noqa: E402
from tabletrail_local import info  # noqa: E402
from tabletrail_verify.cut import Question, Tables  # noqa: E402
from tabletrail_verify.state import State  # noqa: E402
from tabletrail_verify.verification import Clients, Verification, Wish  # noqa: E402
from tests.fakes.stream import make_record  # noqa: E402
from tests.ports.opensearch_server import Server  # noqa: E402

IN_SEGMENT, SHARDS = 1_000, 50
AT = 2_300_000_000
"""2042-11-19: an index that no one else has."""
INDEX = "tabletrail-v1-2042.11"
TABLES = Tables("streams", "shards", "segments")
ARN = "arn:aws:dynamodb:eu-central-1:111122223333:table/orders"
NOTE = "a note of the length that notes have, written by somebody who had something to say about this order"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--index", action="store_true", help="compare the index too; it is filled first")
    parser.add_argument("--all-schemas", action="store_true")
    parser.add_argument("--work", type=Path, help="an existing log of an earlier run, or where to make one and keep it")
    parser.add_argument("--verify-only", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.verify_only:
        return verify(args)
    work = args.work or Path(tempfile.mkdtemp(prefix="verify-a-million-"))
    try:
        if not (work / "rows.json").exists():
            make_log(work, args.entries // IN_SEGMENT)
        if args.index:
            fill_index(work)
        words = [sys.executable, __file__, *sys.argv[1:], "--verify-only", "--work", str(work)]
        return subprocess.run(words, check=False).returncode
    finally:
        if args.index:
            server().ask("admin", "DELETE", f"/{INDEX}")
        if not args.work:
            shutil.rmtree(work)


def make_log(work: Path, segments: int) -> None:
    """Objects, segments' rows, shards' rows."""
    started = time.monotonic()
    (work / "objects").mkdir(parents=True)
    chains, records, last = [GENESIS_CHAIN] * SHARDS, [0] * SHARDS, [""] * SHARDS
    rows = []
    for number in range(segments):
        shard = number % SHARDS
        source = Source(
            f"{ARN}/stream/s", f"shard-{shard}", "orders", ARN, "id", "111122223333", "eu-central-1", "shop"
        )
        entries = [
            convert(record(number * IN_SEGMENT + n), source, Conversion("month", "by")) for n in range(IN_SEGMENT)
        ]
        link = link_of(chains[shard], source.stream_arn, source.shard_id, [str(one.sequence_no) for one in entries])
        name = f"run-{number:07d}"
        encoded = encode(name, "run", "g", (link,), entries)
        (work / "objects" / name).write_bytes(encoded.body)
        chains[shard], last[shard] = link.chain, link.last
        records[shard] += IN_SEGMENT
        known = {"entries": IN_SEGMENT, "committed_at": AT + number, "indices": (INDEX,), "links": (link,)}
        facts: dict[str, Any] = {**known, "sha256": encoded.sha256, "size": len(encoded.body), "indexed_at": AT}
        rows.append(encode_segment(SegmentRow(name, "run", "g", name, "v1", **facts)))
    shards = [
        encode_shard(
            ShardRow(f"{ARN}/stream/s", f"shard-{n}", sequence_no=last[n], records=records[n], chain_hash=chains[n])
        )
        for n in range(SHARDS)
        if records[n]
    ]
    (work / "rows.json").write_text(json.dumps({"segments": rows, "shards": shards}, default=lambda data: data.hex()))
    size = sum(path.stat().st_size for path in (work / "objects").iterdir())
    print(f"made {segments * IN_SEGMENT:,} entries, {size / 1e6:,.0f} MB packed, {time.monotonic() - started:.0f} s")


def record(number: int) -> dict[str, Any]:
    keys = {"pk": {"S": f"order#{number}"}}
    old = {**keys, "status": {"S": "paid"}, "price": {"N": str(number % 977)}, "note": {"S": NOTE}, "by": {"S": "bob"}}
    new = {**old, "status": {"S": "shipped"}, "price": {"N": str(number % 971)}, "by": {"S": "alice"}}
    return make_record(str(10**20 + number), created=AT, keys=keys, old=old, new=new)


class Rows:
    """DynamoDB's part: scans in pages of some 1 MB."""

    def __init__(self, work: Path) -> None:
        self._tables = json.loads((work / "rows.json").read_text(), object_hook=_bytes)

    def scan(self, TableName: str, ExclusiveStartKey: int = 0, **_: Any) -> dict[str, Any]:  # noqa: N803
        rows = self._tables.get(TableName, [])
        page = rows[ExclusiveStartKey : ExclusiveStartKey + 1_000]
        following = ExclusiveStartKey + len(page)
        return {"Items": page, "LastEvaluatedKey": following if following < len(rows) else None}


def _bytes(value: dict[str, Any]) -> dict[str, Any]:
    return {"B": bytes.fromhex(value["B"])} if value.keys() == {"B"} else value


class Objects:
    """S3's part."""

    def __init__(self, work: Path) -> None:
        self._folder = work / "objects"

    def get_object(self, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        return {"Body": io.BytesIO((self._folder / Key).read_bytes())}


def server() -> Server:
    return Server(info.load())


def fill_index(work: Path) -> None:
    """By bulk requests of 5 MB, as the product makes them."""
    started = time.monotonic()
    where = server()
    where.install()
    where.ask("admin", "DELETE", f"/{INDEX}")
    assert where.ask("index-owner", "PUT", f"/{INDEX}", {"settings": {"index.append_only.enabled": True}}).ok
    count = 0
    for body, documents in bulks(work):
        reply = ask(where.client("writer"), "POST", "/_bulk", body, {"filter_path": "errors"})
        assert reply.ok, reply.reason
        assert reply.data == {"errors": False}
        count += documents
    assert where.ask("admin", "POST", f"/{INDEX}/_refresh").ok
    print(f"indexed {count:,} documents, {time.monotonic() - started:.0f} s")


def bulks(work: Path) -> Iterator[tuple[bytes, int]]:
    import gzip

    pieces: list[bytes] = []
    for path in sorted((work / "objects").iterdir()):
        for line in gzip.decompress(path.read_bytes()).splitlines()[1:]:
            entry = json.loads(line)["entry"]
            action = {"create": {"_index": INDEX, "_id": entry["event"]["id"]}}
            pieces.append(f"{json.dumps(action)}\n{json.dumps(entry)}\n".encode())
            if len(pieces) == 3_000:
                yield b"".join(pieces), len(pieces)
                pieces = []
    if pieces:
        yield b"".join(pieces), len(pieces)


def verify(args: argparse.Namespace) -> int:
    """In a process that does nothing else; prints its figures."""
    marks: dict[str, tuple[float, int]] = {}

    def search(method: str, path: str, body: Any, params: Any) -> tuple[int, Any]:
        reply = ask(client, method, path, body, params)
        return reply.status, reply.data

    client: Any = server().client("reader") if args.index else None
    started = time.monotonic()
    state = State(args.work / "state", restart=True)
    verification = Verification(
        Clients(Rows(args.work), Objects(args.work), None, search),
        TABLES,
        "bucket",
        state,
        # Other logs may lie in this OpenSearch: their documents are none of ours.
        Wish(Question(index=INDEX) if args.index else Question(), index=args.index, all_schemas=args.all_schemas),
        _schema_check()[0],
        lambda what, _done, _total, entries: marks.update({what: (time.monotonic() - started, entries)}),
        time.time,
        lambda _: None,
    )
    result = verification.run()
    seconds = time.monotonic() - started
    size = sum(path.stat().st_size for path in (args.work / "state").iterdir())
    state.close(finished=True)
    for what, (at, entries) in marks.items():
        print(f"{what}: {entries:,} entries done after {at:.1f} s")
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak, cpu = used.ru_maxrss / 1024, used.ru_utime + used.ru_stime
    print(
        f"{result.entries:,} entries in {result.segments:,} segments, index {'compared' if args.index else 'left out'}"
    )
    rate = result.entries / seconds
    print(f"{seconds:.1f} s ({cpu:.1f} s of CPU), {rate:,.0f} entries/s")
    print(f"peak {peak:,.0f} MB RSS, state {size / 1e6:,.0f} MB")
    print(f"findings: {result.counts or 'none'}")
    return 0 if result.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
