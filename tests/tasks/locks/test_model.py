"""Any order of asking, releasing, dying and forgetting, by several clients, keeps the rules.

The scripts run in a real Redis whose clock is the test's: TIME is read from a key. What each client
was told is compared with the rules, not with a copy of the algorithm.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from redis import Redis

from tasks.locks import scripts
from tasks.locks.keys import key_family
from tests.tasks.locks import sabotage
from tests.tasks.locks.sabotage import Sabotage
from tests.tasks.locks.servers import PrivateRedis

NAMES = ("a", "b", "c")
CLIENTS = 4
LEASE_MS = 3000
TTL_MS = 10_000_000
"""Also of what is handed over: here locks expire only by the rule `expire`."""
MOST = 2
CLOCK = "test:clock"


@dataclass
class Client:
    """One that wants, waits for or holds some locks; at most one acquisition at a time."""

    number: int
    channel: str
    pubsub: Any
    keys: tuple[str, ...] = ()
    owner: str = ""
    ticket: int = 0
    fence: int = 0
    lease_until: int = 0
    shared: bool = False
    request: bytes | None = None
    expired: set[str] = field(default_factory=set)

    @property
    def waiting(self) -> bool:
        return bool(self.ticket) and not self.fence


class Locks(RuleBasedStateMachine):
    redis: Redis

    def __init__(self) -> None:
        super().__init__()
        self.redis.flushall()
        self.now = 1_000_000_000_000
        self.silent: set[str] = set()
        """Keys that nobody has asked for since time passed, a lock expired or a waiter died."""
        self.newest = dict.fromkeys(NAMES, 0)
        self.count = 0
        self.dead: set[bytes] = set()
        self.clients = [self._client(number) for number in range(CLIENTS)]
        self._tick(0)

    @rule(
        who=st.integers(0, CLIENTS - 1),
        keys=st.sets(st.sampled_from(NAMES), min_size=1),
        queue=st.booleans(),
        shared=st.booleans(),
    )
    def ask(self, who: int, keys: set[str], queue: bool, shared: bool) -> None:
        client = self.clients[who]
        if not client.fence and not client.ticket:
            self._wish(client, keys, shared=shared)
            self._ask(client, queue=queue)

    @rule(who=st.integers(0, CLIENTS - 1))
    def ask_with_a_request(self, who: int) -> None:
        client = self.clients[who]
        if not client.fence and not client.ticket:
            self._wish(client, {NAMES[0]})  # of one key, so that they meet
            client.request = b"request %d" % self.count
            self._ask(client, queue=True)

    def _wish(self, client: Client, keys: set[str], *, shared: bool = False) -> None:
        self.count += 1
        client.owner = f"lk1|{self.count}|host|{client.number}|"
        client.keys, client.shared = tuple(sorted(keys)), shared
        client.expired.clear()

    @rule(who=st.integers(0, CLIENTS - 1))
    def ask_again(self, who: int) -> None:
        if self.clients[who].waiting:
            self._ask(self.clients[who], queue=True)

    @rule(who=st.integers(0, CLIENTS - 1))
    def release(self, who: int) -> None:
        client = self.clients[who]
        if client.fence:
            held = sum(self._holds(client, key) for key in client.keys)
            if client.request is not None:
                self._serve(client, held=bool(held))
                return
            released = self._call(scripts.RELEASE, client.keys, [self._holding(client), TTL_MS])
            assert released == held
            self._forget(client)

    def _serve(self, client: Client, *, held: bool) -> None:
        """Whoever is in line with a request, before the first without, hears the answer to it."""
        [key] = client.keys
        line = [c for c in self.clients if c.waiting and key in c.keys and self._lives(c)]
        served = takewhile(
            lambda waiter: waiter.request is not None, sorted(line, key=lambda c: c.ticket)
        )
        wanted = [(c.owner.encode(), c.request) for c in served][:MOST]
        collected = self._call(scripts.COLLECT, (key,), [self._holding(client), TTL_MS, MOST])
        assert collected == ([part for pair in wanted for part in pair] if held else 0)
        answers = [
            part for owner, request in wanted for part in (owner, b"to %b" % (request or b""))
        ]
        args = [self._holding(client), TTL_MS, *answers]
        assert self._call(scripts.ANSWER, (key,), args) == held
        self._forget(client)
        self._hear()
        if held:
            assert not [c for c in self.clients if c.waiting and c.owner.encode() in dict(wanted)]

    @rule(who=st.integers(0, CLIENTS - 1))
    def leave(self, who: int) -> None:
        client = self.clients[who]
        if client.waiting:
            self._call(scripts.LEAVE, client.keys, [client.owner, TTL_MS])
            self._forget(client)

    @rule(who=st.integers(0, CLIENTS - 1))
    def die(self, who: int) -> None:
        """kill -9: its connection is gone; its locks stay until they expire."""
        client = self.clients[who]
        client.pubsub.close()
        self._until_unheard(client)
        self.silent |= set(client.keys)
        self.dead.add(client.owner.encode())
        self.clients[who] = self._client(who)

    @rule(name=st.sampled_from(NAMES))
    def expire(self, name: str) -> None:
        """As if a holder's ttl were over."""
        self.redis.delete(name)
        self.silent.add(name)
        for client in self.clients:
            client.expired.add(name)

    @rule(seconds=st.integers(0, 5))
    def time_passes(self, seconds: int) -> None:
        self._tick(seconds * 1_000_000)

    @precondition(lambda self: self.count)
    @rule()
    def clock_is_set_back(self) -> None:
        for client in self.clients:
            if client.waiting and not self._lives(client):
                self.leave(client.number)  # or its lapsed place could count again
        self._tick(-3_000_000)

    @invariant()
    def one_holder_a_key_or_readers_only(self) -> None:
        self._hear()
        for name in NAMES:
            holders = [c for c in self.clients if name in c.keys and self._holds(c, name)]
            assert len(holders) <= 1 or all(holder.shared for holder in holders)

    @invariant()
    def no_free_lock_is_kept_from_the_first_in_line(self) -> None:
        """After every step, a free key's first waiter (if it lives) waits for another key too; and
        so does a reader that is first, where readers are inside."""
        self._hear()
        for name in NAMES:
            line = [c for c in self.clients if c.waiting and name in c.keys and self._lives(c)]
            if not line or self.expired_unnoticed(name):
                continue
            first = min(line, key=lambda client: client.ticket)
            value = self._value(name)
            if not value or (first.shared and value.startswith("lk1|shared")):
                assert len(first.keys) > 1

    @invariant()
    def no_holder_is_robbed(self) -> None:
        for client in self.clients:
            if client.fence:
                assert all(self._holds(client, name) for name in set(client.keys) - client.expired)

    @invariant()
    def nobody_is_in_line_without_waiting(self) -> None:
        waiting = {client.owner.encode() for client in self.clients if client.waiting}
        for name in NAMES:
            assert set(self.redis.zrange(key_family(name)[1], 0, -1)) <= waiting | self.dead

    def expired_unnoticed(self, name: str) -> bool:
        """Nobody has asked since the holder's end; a waiter of this key does within a second."""
        return name in self.silent

    # --- what a client does ----------------------------------------------------------------------

    def _ask(self, client: Client, *, queue: bool) -> None:
        older = {
            name
            for other in self.clients
            if other is not client and other.waiting and self._lives(other) and other.ticket
            for name in other.keys
            if not client.ticket or other.ticket < client.ticket
        }
        args = [client.owner, TTL_MS, int(queue), client.ticket, LEASE_MS, TTL_MS, client.channel]
        args += [2 if client.shared else 0] + ([] if client.request is None else [client.request])
        answer = self._call(scripts.ACQUIRE, client.keys, args)
        if isinstance(answer, bytes):
            assert client.fence or not older & set(client.keys), "barged past somebody older"
            self._got(client, int(answer))  # before the readers whom it let in behind it
        self._hear()
        if isinstance(answer, bytes):
            return
        if answer == 0:
            assert not queue
            self._forget(client)
        else:
            client.ticket, _, _ = answer
            client.lease_until = self.now // 1000 + LEASE_MS

    def _got(self, client: Client, fence: int) -> None:
        if client.fence != fence:
            for name in client.keys:
                assert fence > self.newest[name], "a token that doesn't grow"
                self.newest[name] = fence
        client.fence = fence

    def _hear(self) -> None:
        """Every client reads its messages, in the order of their tokens."""
        woken = []
        pipeline: Any = self.redis.pipeline(transaction=False)
        for client in self.clients:
            pipeline.publish(client.channel, "end")  # behind all that is on its way
        pipeline.execute()
        for client in self.clients:
            while (message := self._next_message(client)) != "end":
                head, _, rest = message.partition(" ")
                if head.startswith("="):
                    self._answered(client, rest[: int(head[1:])], rest[int(head[1:]) :])
                elif rest == client.owner and client.waiting and int(head):
                    woken.append((int(head), client))
        for fence, client in sorted(woken, key=lambda turn: turn[0]):
            self._got(client, fence)

    def _next_message(self, client: Client) -> str:
        while not (message := client.pubsub.get_message(timeout=10)):
            pass
        return str(message["data"].decode())

    def _answered(self, client: Client, owner: str, answer: str) -> None:
        if owner == client.owner and client.waiting:
            assert client.request is not None
            assert answer == f"to {client.request.decode()}"
            self._forget(client)

    # --- the machinery ---------------------------------------------------------------------------

    def _client(self, number: int) -> Client:
        redis: Any = self.redis
        pubsub = redis.pubsub()
        channel = f"wake:{number}:{id(pubsub)}:{self.count}"
        pubsub.subscribe(channel)
        while not pubsub.get_message(timeout=1):
            pass
        return Client(number=number, channel=channel, pubsub=pubsub)

    def _until_unheard(self, client: Client) -> None:
        pause = threading.Event()
        while self.redis.pubsub_numsub(client.channel)[0][1]:
            pause.wait(0.001)

    def _call(self, script: scripts.Script, keys: tuple[str, ...], args: list[Any]) -> Any:
        body = script.body.replace(b"redis.call('TIME')", b"clock()")
        clock = (
            f"local function clock() local us = tonumber(redis.call('GET', '{CLOCK}')) "
            "return { math.floor(us / 1000000), us % 1000000 } end\n"
        )
        names = [key for name in keys for key in key_family(name)]
        answer = self.redis.eval(clock + body.decode(), len(names), *names, *args)
        if script not in (scripts.RELEASE, scripts.ANSWER) or answer == len(keys):
            self.silent -= set(keys)
        return answer

    def _tick(self, microseconds: int) -> None:
        self.now += microseconds
        self.redis.set(CLOCK, self.now)
        self.silent = set(NAMES)

    def _value(self, name: str) -> str:
        value = self.redis.get(name)
        return value.decode() if isinstance(value, bytes) else ""

    def _holding(self, client: Client) -> str:
        return f"{client.owner}|{client.fence}" if client.fence else "nothing"

    def _holds(self, client: Client, name: str) -> bool:
        value, mine = self._value(name), self._holding(client)
        return value == mine or (value.startswith("lk1|shared") and f" {mine}\n" in value + "\n")

    def _lives(self, client: Client) -> bool:
        return client.lease_until * 1000 >= self.now

    def _forget(self, client: Client) -> None:
        client.keys, client.owner, client.ticket, client.fence = (), "", 0, 0
        client.shared, client.request = False, None
        client.expired.clear()

    def teardown(self) -> None:
        for client in self.clients:
            client.pubsub.close()


@pytest.fixture
def _machine_redis(shared_redis: PrivateRedis) -> Iterator[None]:
    Locks.redis = shared_redis.client()
    yield
    Locks.redis.close()


def run_machine(*, examples: int, phases: Sequence[Phase] = tuple(Phase)) -> None:
    machine: Any = Locks.TestCase
    machine.settings = settings(
        max_examples=examples,
        stateful_step_count=40,
        deadline=None,
        database=None,
        phases=phases,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    machine("runTest").runTest()


@pytest.mark.usefixtures("_machine_redis")
def test_given_any_order_of_events_then_the_rules_hold() -> None:
    run_machine(examples=40)


@pytest.mark.usefixtures("_machine_redis")
@pytest.mark.parametrize(
    "guard",
    [
        sabotage.without_owner_check,
        sabotage.without_line,
        sabotage.with_writers_among_readers,
        sabotage.without_leaving_when_served,
    ],
)
def test_given_a_guard_is_switched_off_then_a_rule_breaks(
    monkeypatch: pytest.MonkeyPatch, guard: Sabotage
) -> None:
    guard(monkeypatch)

    with pytest.raises((AssertionError, BaseExceptionGroup)):
        run_machine(examples=1000, phases=[Phase.generate])  # no matter how short the proof
