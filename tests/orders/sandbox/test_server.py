"""The provider's process: many clients at once, and a clean end."""

from __future__ import annotations

import signal
import socket
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from stack.waiting import wait_until
from tests.orders.sandbox.serving import (
    COMMITTING,
    WAIT_S,
    Client,
    Served,
    charged,
    client,
    port_of,
)
from tests.running import DidNotStart, Runner, manage

pytestmark = COMMITTING


CROWD = 20
NEGATIVE_LENGTH = b"POST /charges HTTP/1.1\r\nContent-Length: -1\r\n\r\n"


def ask(served: Served, key: str, card: str, timeout_s: float = WAIT_S) -> int:
    with client(served.url, timeout_s=timeout_s) as asking:
        return asking.charge(key, card).status_code


def test_given_twenty_clients_at_once_then_all_are_answered(served: Served, shop: Client) -> None:
    with ThreadPoolExecutor(CROWD) as pool:
        statuses = list(pool.map(lambda n: ask(served, f"order:{n}:charge", "pm_ok"), range(CROWD)))

    assert statuses == [201] * CROWD
    assert charged() == CROWD


def test_given_clients_that_wait_in_vain_then_others_are_served_and_no_connection_is_held(
    served: Served, shop: Client
) -> None:
    def hang(number: int) -> None:
        with pytest.raises(httpx.ReadTimeout):
            ask(served, f"order:{number}:charge", "pm_timeout", timeout_s=1.5)

    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(hang, number) for number in range(8)]
        wait_until(lambda: charged() == 8, timeout_s=WAIT_S)
        assert shop.charge("order:99:charge").status_code == 201
        wait_until(lambda: served.database_connections() <= 1, timeout_s=WAIT_S)  # the shop's own
        for each in waiting:
            each.result()


def test_given_sigterm_then_it_answers_who_waits_and_ends_with_no_connection_left(
    mortal: Served,
) -> None:
    with ThreadPoolExecutor(1) as pool, client(mortal.url) as idle:
        assert idle.get("/counts").status_code == 200
        waiting = pool.submit(ask, mortal, "order:1:charge", "pm_timeout")
        wait_until(lambda: charged() == 1, timeout_s=WAIT_S)

        mortal.running.process.send(signal.SIGTERM)

        assert waiting.result(WAIT_S) == 201
        wait_until(lambda: not mortal.running.alive, timeout_s=WAIT_S)
    assert "Sandbox payments stopped." in mortal.running.output
    assert "Traceback" not in mortal.running.output
    wait_until(lambda: mortal.database_connections() == 0, timeout_s=WAIT_S)


def test_given_garbage_then_the_connection_ends_and_others_are_served(
    served: Served, shop: Client
) -> None:
    for garbage in (b"\x16\x03\x01\x02\r\n\r\n", NEGATIVE_LENGTH):
        with socket.create_connection(("127.0.0.1", port_of(served.running)), WAIT_S) as line:
            line.sendall(garbage)
            answer = line.makefile("rb").read()
        assert b'"code": "bad_request"' in answer

    assert shop.get("/counts").status_code == 200


def test_given_no_key_then_the_command_says_what_to_set(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    runner = Runner(tmp_path_factory.mktemp("sandbox"))
    with pytest.raises(DidNotStart, match="Set SANDBOX_PAYMENTS_KEY") as refused:
        runner.start(
            "sandbox-payments",
            manage("sandbox_payments", "--port", "0"),
            ready=lambda _: False,
            env={"SANDBOX_PAYMENTS_KEY": ""},
        )
    assert "Traceback" not in str(refused.value)


def test_given_a_port_in_use_then_the_command_says_so(
    served: Served, tmp_path_factory: pytest.TempPathFactory
) -> None:
    runner = Runner(tmp_path_factory.mktemp("sandbox"))
    with pytest.raises(DidNotStart, match="Can't serve on"):
        runner.start(
            "sandbox-payments",
            manage("sandbox_payments", "--port", str(port_of(served.running))),
            ready=lambda _: False,
            env={"SANDBOX_PAYMENTS_KEY": "any"},
        )
