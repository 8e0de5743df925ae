"""docker-compose.yml without Docker: what Compose and the shop would make of it."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from celery.bin.celery import celery as celery_commands
from django.core.management import get_commands
from django.urls import resolve

from shop.queues import TASK_QUEUES
from stack.layout import ROOT, Layout
from stack.machine import Machine

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
EXAMPLE = (ROOT / ".env.example").read_text()
INTERPOLATION = re.compile(r"(?<!\$)\$\{(?P<name>[A-Z_]+)(?P<rest>[^}]*)\}")
SERVICE_KEYS = {
    *("build", "command", "depends_on", "env_file", "environment", "healthcheck", "hostname"),
    *("image", "init", "ports", "restart", "stop_grace_period", "volumes"),
}
IMAGE_COMMAND = ["gunicorn", "shop.wsgi", "--bind", "0.0.0.0:8000"]  # how the Dockerfile's begins
OPTIONAL_SECRETS = {"STRIPE_WEBHOOK_SECRET"}  # without it Stripe's webhooks are refused
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}

ELSEWHERE = {
    "FLOWER_BASIC_AUTH",  # Flower's alone
    "MAIL_DIR",  # Mailpit keeps the mails
}


def ours() -> dict[str, dict[str, Any]]:
    """The services that run in the shop's image."""
    return {name: service for name, service in SERVICES.items() if "build" in service}


def our_commands() -> Iterator[tuple[str, list[str]]]:
    """Each command that runs in the shop's image, by service, without the shell around it."""
    for name, service in ours().items():
        command = service.get("command", IMAGE_COMMAND)
        lines = command[2].split("&&") if command[:2] == ["sh", "-c"] else [shlex.join(command)]
        for line in lines:
            yield name, shlex.split(line)


def interpolations() -> Iterator[tuple[str, str]]:
    """Each variable that the file wants, with what follows its name."""
    for text in _texts(SERVICES):
        for found in INTERPOLATION.finditer(text):
            yield found["name"], found["rest"]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("name", SERVICES)
def test_given_a_service_then_it_has_only_known_keys_and_something_to_run(name: str) -> None:
    service = SERVICES[name]

    assert set(service) <= SERVICE_KEYS
    assert "image" in service
    assert service["image"] == "shop" or ":" in service["image"], "name a version"


def test_given_the_services_then_each_dependency_exists_and_can_be_waited_for() -> None:
    for name, service in SERVICES.items():
        for needed, how in (service.get("depends_on") or {}).items():
            assert needed in SERVICES, f"{name} needs {needed}"
            assert how["condition"] in CONDITIONS
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[needed], f"{needed} says nothing of its health"


def test_given_the_volumes_then_those_used_are_those_declared() -> None:
    used = {
        volume.partition(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if isinstance(volume, str)
    }

    assert used == set(COMPOSE["volumes"])


def test_given_published_ports_then_only_this_machine_reaches_them() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_given_a_secret_then_it_has_no_default_and_its_absence_is_explained() -> None:
    wanted = dict(interpolations())
    secrets = {name for name in wanted if re.search("PASSWORD|SECRET|SANDBOX.*KEY|AUTH", name)}

    assert secrets >= {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "RABBITMQ_PASSWORD"}
    for name in secrets - OPTIONAL_SECRETS:
        assert wanted[name].startswith(f":?Set {name} "), f"{name} may be left out"


def test_given_every_variable_then_the_example_documents_it() -> None:
    documented = set(re.findall(r"^#([A-Z_]+)=", EXAMPLE, re.MULTILINE))

    assert {name for name, _ in interpolations()} <= documented


@pytest.mark.parametrize("name", ours())
def test_given_what_run_sets_for_its_programs_then_each_service_of_ours_has_it_too(
    name: str, tmp_path: Path
) -> None:
    shutil.copy2(ROOT / ".env.example", tmp_path)

    generated = set(Machine(Layout(tmp_path)).generated)

    assert generated >= {"SANDBOX_WEBHOOK_URL", "SUPPLIER_FEED_URL"}
    assert generated - ELSEWHERE <= set(SERVICES[name]["environment"])
    assert "FLOWER_BASIC_AUTH" in SERVICES["flower"]["environment"]


@pytest.mark.parametrize("name", ours())
def test_given_a_setting_of_the_users_then_each_service_of_ours_has_it_too(name: str) -> None:
    """Also suppliers' credentials, which have names of the user's."""
    assert SERVICES[name]["env_file"] == ".env"


def test_given_addresses_among_containers_then_they_lead_to_a_service_and_its_port() -> None:
    for name in ("SANDBOX_PAYMENTS_URL", "SANDBOX_WEBHOOK_URL", "SUPPLIER_FEED_URL"):
        address = urlsplit(SERVICES["web"]["environment"][name])
        host, port = str(address.hostname), str(address.port)

        command = SERVICES[host].get("command", IMAGE_COMMAND)

        assert port in command or f"0.0.0.0:{port}" in command, name


def test_given_the_webhook_then_the_shop_knows_its_path_and_answers_to_its_host() -> None:
    environment = SERVICES["web"]["environment"]
    address = urlsplit(environment["SANDBOX_WEBHOOK_URL"])

    assert resolve(address.path).view_name == "webhook-sandbox"
    assert address.hostname in environment["DJANGO_ALLOWED_HOSTS"].split(",")
    assert "127.0.0.1" in environment["DJANGO_ALLOWED_HOSTS"].split(","), "the health check asks it"


@pytest.mark.parametrize("name", ours())
def test_given_suppliers_files_then_they_are_where_the_shop_looks_for_them(name: str) -> None:
    (volume,) = SERVICES[name]["volumes"]

    assert volume["type"] == "bind"
    assert volume["source"] == "${SUPPLIER_FILES_DIR:-./var/suppliers}"
    assert volume["target"] == SERVICES[name]["environment"]["SUPPLIER_FILES_DIR"]
    assert volume["read_only"] is True


@pytest.mark.parametrize(("service", "command"), list(our_commands()))
def test_given_a_command_then_it_is_one_of_ours(service: str, command: list[str]) -> None:
    match command:
        case ["python", "manage.py", name, *_]:
            assert name in get_commands()
        case ["python", "-m", module, *_]:
            assert importlib.util.find_spec(module)
        case ["celery", "-A", "shop", name, *_]:
            assert name in celery_commands.commands
        case _:
            assert command[:2] == ["gunicorn", "shop.wsgi"]


def test_given_the_workers_then_together_they_consume_every_queue() -> None:
    consumed = [
        queue
        for _, command in our_commands()
        if "--queues" in command
        for queue in command[command.index("--queues") + 1].split(",")
    ]

    assert sorted(consumed) == sorted(queue.name for queue in TASK_QUEUES)


def test_given_the_image_then_its_default_command_serves_the_shop() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()

    assert f"CMD {json.dumps(IMAGE_COMMAND)[:-1]}" in dockerfile
    assert "\nUSER shop\n" in dockerfile
    assert "--require-hashes" in dockerfile
