"""Redis Cluster, Sentinel, fail-over, passwords, and the client that django-redis gives."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from django_redis import get_redis_connection
from redis import Redis, RedisCluster, Sentinel
from redis.cluster import ClusterNode
from redis.crc import key_slot

from tasks.locks import Lock, Locker, LockError, LockUnavailable, scripts
from tasks.locks.inspection import find_locks
from tasks.locks.keys import key_family
from tasks.locks.metrics import LockMetrics, totals, totals_key
from tasks.locks.reporting import Reporter, Totals
from tasks.locks.timing import Timing
from tests.tasks.locks.crowd import Waiter
from tests.tasks.locks.servers import PrivateRedis
from tests.tasks.locks.waiting import until

LONGEST_TTL = """
local longest = 0
for _, key in ipairs(redis.call('KEYS', '*')) do
  local ttl = redis.call('PTTL', key)
  longest = math.max(longest, ttl < 0 and 1e12 or ttl)
end
return string.format('%.0f', longest)
"""
DISTINCT_KEYS = 200_000 * int(os.environ.get("CHAOS_ROUNDS", "0")) or 20_000
"""A million in `./run chaos`."""
EXPIRE_ALL = "for _, key in ipairs(redis.call('KEYS', '*')) do redis.call('PEXPIRE', key, 10) end"


def take_and_release(client: Redis, names: list[str]) -> None:
    """What `with lock(name)` has Redis do, for many names in two round trips."""
    keys = [key_family(name) for name in names]
    taking: Any = client.pipeline(transaction=False)
    for script in (scripts.ACQUIRE, scripts.RELEASE):
        taking.script_load(script.body)
    args = ["lk1|1|host|1|", 30_000, 0, 0, 3000, 1000, "nowhere", 0]
    for family in keys:
        taking.evalsha(scripts.ACQUIRE.sha.decode(), 4, *family, *args)
    _, _, *tokens = taking.execute()
    letting_go: Any = client.pipeline(transaction=False)
    for family, token in zip(keys, tokens, strict=True):
        value = b"lk1|1|host|1||" + token
        letting_go.evalsha(scripts.RELEASE.sha.decode(), 4, *family, value, 1000)
    assert letting_go.execute() == [1] * len(names)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ClusterServer(PrivateRedis):
    """A node of a Redis Cluster that serves some of the slots."""

    def __init__(self, folder: Path, first_slot: int, last_slot: int) -> None:
        self.port, self.bus_port = free_port(), free_port()
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--cluster-enabled", "yes"]
        super().__init__(folder, options=[*options, "--cluster-port", str(self.bus_port)])
        self.cluster("ADDSLOTSRANGE", first_slot, last_slot)

    def cluster(self, *command: str | int) -> str:
        client: Any = self.client(decode_responses=True)
        return str(client.execute_command("CLUSTER", *command))

    def is_ready(self) -> bool:
        return "cluster_state:ok" in self.cluster("INFO")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[RedisCluster]:
    """A cluster of one node, which refuses commands across slots like one of many."""
    server = ClusterServer(tmp_path, 0, 16383)
    until(server.is_ready)
    node: Any = ClusterNode("127.0.0.1", server.port)  # type: ignore[no-untyped-call]
    yield RedisCluster(startup_nodes=[node])
    server.stop()


def test_given_a_client_that_asks_the_wrong_node_then_it_is_unavailable(tmp_path: Path) -> None:
    folders = [tmp_path / "low", tmp_path / "high"]
    for folder in folders:
        folder.mkdir()
    low, high = ClusterServer(folders[0], 0, 8191), ClusterServer(folders[1], 8192, 16383)
    low.cluster("MEET", "127.0.0.1", high.port, high.bus_port)
    until(lambda: low.is_ready() and high.is_ready(), within_s=30)
    names = (f"key:{number}" for number in range(1000))
    on_the_other = next(name for name in names if key_slot(f"lock:{name}".encode()) > 8191)
    asks_low = Locker(low.client())  # a plain client, which knows of no cluster
    began = time.monotonic()

    with pytest.raises(LockUnavailable, match="MOVED"):
        asks_low.lock(on_the_other, wait=0)
    assert time.monotonic() - began < 2
    low.stop()
    high.stop()


def test_given_a_cluster_then_locks_are_taken_awaited_and_shown(cluster: RedisCluster) -> None:
    locker = Locker(cluster)
    with locker.lock("a"):
        waiter = Waiter(lambda: locker.lock("a", wait=5).release())
        until(lambda: any(lock.waiters for lock in find_locks(locker, limit=9).locks))
    assert waiter.result() is None

    with locker.lock_all(["order:{42}:a", "order:{42}:b"]) as held:
        assert held.token > 0


def test_given_a_cluster_then_the_numbers_of_processes_add_up(cluster: RedisCluster) -> None:
    for _ in range(2):
        reporter = Reporter(LockMetrics(acquired=3))
        reporter.totals = lambda: Totals(cluster, totals_key("lock:"), 5.0)
        reporter.report()

    assert totals(cluster, "lock:").acquired == 6


def test_given_a_cluster_when_keys_lie_in_different_slots_then_it_says_what_to_do(
    cluster: RedisCluster,
) -> None:
    with pytest.raises(LockError, match="hash tag"):
        Locker(cluster).lock_all(["a", "b"])


def test_given_a_cluster_then_redis_pys_lock_works(cluster: RedisCluster) -> None:
    with Lock(cluster, "a", timeout=5) as lock:
        assert lock.owned()


def test_given_a_fail_over_to_a_stale_replica_then_tokens_grow(
    own_redis: PrivateRedis, tmp_path: Path
) -> None:
    port = free_port()
    folder = tmp_path / "replica"
    folder.mkdir()
    replica = PrivateRedis(folder, options=["--port", str(port), "--bind", "127.0.0.1"])
    primary, tokens = Locker(own_redis.client()), []
    tokens.append(primary.lock("a", wait=0).token)
    # The replica never saw the lock: its link was down. It takes over.
    replica.client().replicaof("127.0.0.1", str(free_port()))
    with pytest.raises(LockUnavailable):
        Locker(replica.client()).lock("a", wait=0)
    replica.client().replicaof("NO", "ONE")
    tokens.append(Locker(replica.client()).lock("a", wait=0).token)
    replica.stop()

    assert tokens == sorted(set(tokens))


def test_given_sentinel_then_the_lock_is_taken_on_the_master(
    own_redis: PrivateRedis, tmp_path: Path
) -> None:
    master_port, port = free_port(), free_port()
    own_redis.client().config_set("bind", "127.0.0.1")
    own_redis.client().config_set("port", str(master_port))
    folder = tmp_path / "sentinel"
    folder.mkdir()
    config = folder / "sentinel.conf"
    config.write_text(f"sentinel monitor shop 127.0.0.1 {master_port} 1\n")
    sentinel = PrivateRedis(
        folder, options=["--port", str(port), "--bind", "127.0.0.1"], sentinel=config
    )
    sentinels: Any = Sentinel([("127.0.0.1", port)])  # type: ignore[no-untyped-call]
    client = sentinels.master_for("shop")

    with Locker(client).lock("a"):
        assert own_redis.client().exists("lock:a")
    sentinel.stop()


def test_given_a_password_then_it_is_used_and_a_wrong_one_is_refused(
    own_redis: PrivateRedis,
) -> None:
    own_redis.client().config_set("requirepass", "secret")

    with Locker(own_redis.client(password="secret")).lock("a"):
        pass
    with pytest.raises(LockUnavailable):
        Locker(own_redis.client(password="wrong")).lock("a")


def test_given_a_server_of_redis_that_may_not_publish_then_it_says_so(
    own_redis: PrivateRedis,
) -> None:
    own_redis.client().acl_setuser(
        "locks", enabled=True, nopass=True, commands=["+@all"], keys=["*"], reset_channels=True
    )
    quick = Timing(socket_timeout_s=0.5)

    with pytest.raises(LockUnavailable, match="NOPERM"):
        Locker(own_redis.client(username="locks", password=""), timing=quick).lock("a")


def test_given_django_redis_then_its_client_locks(shared_redis: PrivateRedis, redis: Redis) -> None:
    cache = {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": shared_redis.url,
        "OPTIONS": {"CLIENT_CLASS": "django_redis.client.DefaultClient"},
    }
    with override_settings(CACHES={"default": cache}):
        client = get_redis_connection("default")
        with client.lock("report", timeout=5, lock_class=Lock) as lock:
            assert lock.fence


@pytest.mark.chaos
def test_given_many_distinct_keys_then_the_memory_comes_back(own_redis: PrivateRedis) -> None:
    client = own_redis.client()
    client.config_set("hz", "100")  # expired keys are reclaimed ten times as fast as usual
    locker = Locker(client)
    locker.lock("warm").release()
    before = client.info("memory")["used_memory"]
    for first in range(0, DISTINCT_KEYS, 1000):
        take_and_release(client, [f"key:{first + number}" for number in range(1000)])
    peak = client.info("memory")["used_memory"]
    assert int(client.eval(LONGEST_TTL, 0)) <= 10_001  # none stays for ever

    client.eval(EXPIRE_ALL, 0)  # as if those 10 s were over
    until(lambda: client.dbsize() == 0)
    after = client.info("memory")["used_memory"]
    assert peak - before > 1_000_000
    assert after - before < 1_000_000
