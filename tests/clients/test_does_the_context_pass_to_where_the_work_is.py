"""Does each write know who makes it: in nested blocks, threads, tasks, functions, and by a callable?"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tabletrail_client import Act, AuditedError, audited, carried, current


def actor() -> str:
    act = current()
    return str(act.named().actor) if act else "nobody"


def test_is_a_block_over_when_it_is_over() -> None:
    assert actor() == "nobody"
    with audited(actor="alice"):
        assert actor() == "alice"
    assert actor() == "nobody"
    with pytest.raises(ZeroDivisionError), audited(actor="alice"):
        raise ZeroDivisionError
    assert actor() == "nobody"


def test_does_an_inner_block_say_only_what_differs() -> None:
    with audited(actor="alice", reason="refund", request_id="req-1", service="shop"):
        with audited(reason="second try") as act:
            assert act == Act("alice", "", "shop", "req-1", "second try")
        with audited(actor="bob"):
            assert current() == Act("bob", "", "shop", "req-1", "refund")
        assert current() == Act("alice", "", "shop", "req-1", "refund")


def test_can_one_block_be_entered_again_within_itself() -> None:
    block = audited(actor="alice")
    with block, block:
        assert actor() == "alice"
    assert actor() == "nobody"


def test_does_a_decorated_function_work_in_a_block_of_its_own() -> None:
    @audited(actor="job")
    def work(depth: int) -> str:
        return work(depth - 1) if depth else actor()

    assert work(3) == "job"
    assert actor() == "nobody"


def test_do_threads_have_it_where_they_are_told_to_carry_it() -> None:
    with ThreadPoolExecutor(4) as pool, audited(actor="alice"):
        assert pool.submit(actor).result() == "nobody"
        work = carried(actor)
        assert {pool.submit(work).result() for _ in range(20)} == {"alice"}


def test_do_blocks_of_two_threads_not_mix() -> None:
    both_inside = threading.Barrier(2, timeout=60)

    def work(name: str) -> str:
        with audited(actor=name):
            both_inside.wait()
            return actor()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, ("alice", "bob"))) == ["alice", "bob"]


def test_do_tasks_have_the_block_that_they_begin_in_and_keep_their_own() -> None:
    async def work(name: str) -> str:
        async with audited(actor=name):
            await asyncio.sleep(0)
            return actor()

    async def begun() -> str:
        await asyncio.sleep(0)
        return actor()

    async def main() -> list[str]:
        async with audited(actor="alice"):
            task = asyncio.create_task(begun())
            thread = asyncio.to_thread(actor)
            names = await asyncio.gather(work("bob"), work("carol"), thread)
        return [*names, await task, actor()]

    assert asyncio.run(main()) == ["bob", "carol", "alice", "alice", "nobody"]


def test_is_a_callable_asked_for_each_write() -> None:
    names = iter(["alice", "bob"])
    with audited(actor=lambda: next(names)):
        assert [actor(), actor()] == ["alice", "bob"]


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (Act(), "no actor"),
        (Act(lambda: ""), "no actor"),
        (Act(lambda: None), "no actor"),  # type: ignore[arg-type, return-value]
        (Act("a" * 257), "actor must be a text of at most 256"),
        (Act("a", reason="r" * 1001), "reason must be a text of at most 1000"),
        (Act("a", type="robot"), "type must be one of user, service, system"),
    ],
)
def test_is_what_cannot_be_refused_with_what_to_do(act: Act, words: str) -> None:
    with pytest.raises(AuditedError, match=words):
        act.named()
