"""The fleet's laboratory as a process of its own: the product works on one core, the streams on another.

Called by `story` (`laboratory_process`), which also ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tabletrail_lab.client import LabClient
from tabletrail_lab.clocks import DrivenClock
from tabletrail_lab.server import listen
from tests.soak.fleet import FleetLaboratory

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def laboratory_process(seed: int) -> Iterator[LabClient]:
    """A client of a laboratory that ends with this block."""
    command = [sys.executable, "-m", "tests.soak.laboratory_process", "--seed", str(seed)]
    paths = [str(ROOT / name) for name in ("functions", "cli", "local", ".")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            if not url:
                raise OSError("the laboratory did not start")
            client = LabClient(url)
            yield client
            client.close()
        finally:
            process.terminate()


async def _serve(seed: int) -> None:
    _, url = await listen(FleetLaboratory(DrivenClock(), seed))
    sys.stdout.write(url + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)  # it ends with whoever started it, however that ends


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, required=True)
    asyncio.run(_serve(parser.parse_args().seed))


if __name__ == "__main__":
    main()
