"""`python -m tabletrail_lab`: the laboratory as a process of its own, with a journal, a source and a plan if asked.

Rules
- It says its address once it listens: on its output, and in a file that appears whole.
- SIGTERM and SIGINT end it; nothing is lost if it is killed instead.

Called by whoever starts a laboratory beside other processes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from tabletrail_lab.errors import LabError
from tabletrail_lab.journal import Journal, made, new_header
from tabletrail_lab.laboratory import Laboratory
from tabletrail_lab.plan import Plan
from tabletrail_lab.server import listen

PLAN_SECONDS = 1.0
"""How often it is looked at what the plan has due, by the computer's clock."""


def main() -> int:
    options = _options()
    with contextlib.ExitStack() as stack:
        try:
            laboratory = _laboratory(options, stack)
            asyncio.run(_run(laboratory, options))
        except (LabError, OSError) as error:
            print(f"the laboratory cannot run: {error}", file=sys.stderr)
            return 1
    return 0


def _laboratory(options: argparse.Namespace, stack: contextlib.ExitStack) -> Laboratory:
    if options.state is None:
        return made(new_header(options.seed, options.driven, options.speed))
    journal = stack.enter_context(Journal(options.state))
    return journal.laboratory(seed=options.seed, driven=options.driven, speed=options.speed)


async def _run(laboratory: Laboratory, options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server, url = await listen(laboratory, options.port)
    print(url, flush=True)
    if options.address_file is not None:
        _announce(options.address_file, url)
    ended = threading.Event()
    works = [threading.Thread(target=work, args=(ended,)) for work in _works(laboratory, options)]
    for work in works:
        work.start()
    await stop.wait()
    ended.set()
    for work in works:
        await asyncio.to_thread(work.join)
    server.close()


def _works(laboratory: Laboratory, options: argparse.Namespace) -> Iterator[Callable[[threading.Event], None]]:
    """What goes on beside the server until its event is set."""
    if options.upstream is not None:
        from tabletrail_lab.relay import Relay
        from tabletrail_lab.upstream import Upstream

        yield Relay(laboratory, Upstream(options.upstream), options.upstream_shards).run
    if options.plan is not None:
        print(f"plan {options.plan}", flush=True)
        plan = Plan(options.plan, laboratory)

        def follow(ended: threading.Event) -> None:
            while not ended.wait(PLAN_SECONDS):
                try:
                    plan.step()
                except LabError as error:
                    print(f"the plan leaves out a minute: {error}", file=sys.stderr, flush=True)

        yield follow


def _announce(path: Path, url: str) -> None:
    unfinished = path.with_name(path.name + ".new")
    unfinished.write_text(url)
    os.replace(unfinished, path)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tabletrail_lab", description="The stream laboratory.")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--state", type=Path, help="directory that keeps everything over a kill and a restart")
    parser.add_argument("--address-file", type=Path, help="gets the URL once the laboratory listens")
    parser.add_argument("--seed", type=int, default=0, help="fixes ids, numbers and chance of a new laboratory")
    parser.add_argument("--driven", action="store_true", help="the clock stands still until `advance`")
    parser.add_argument("--speed", type=float, default=1.0, help="laboratory seconds in one of the computer's")
    parser.add_argument("--upstream", metavar="URL", help="streams endpoint whose records are taken over")
    parser.add_argument("--upstream-shards", type=int, default=4, help="shards that an adopted stream begins with")
    parser.add_argument(
        "--plan", type=int, metavar="SEED", help="let shards roll and split and troubles come by a plan"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
