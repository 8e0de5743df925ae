"""The environment of the shop's processes, as it is chosen, written and read again."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack import environment
from stack.layout import Layout

AWKWARD = {
    "PLAIN": "postgres://shop:secret@127.0.0.1:5432/shop",
    "QUOTED": """Ann O'Hara "the" <a@b>""",
    "SHELL": "$HOME `id` $(id) \\ ; & | * ~ #",
    "EMPTY": "",
}


def test_given_a_users_value_then_it_wins_over_the_generated_one() -> None:
    chosen = environment.effective(
        {"DATABASE_URL": "theirs", "REDIS_URL": "", "LOG_LEVEL": "DEBUG", "HOME": "/root"},
        {"DATABASE_URL": "ours", "REDIS_URL": "ours"},
        known=["LOG_LEVEL", "PAYMENT_GATEWAY"],
    )

    assert chosen == {"DATABASE_URL": "theirs", "REDIS_URL": "ours", "LOG_LEVEL": "DEBUG"}


def test_given_awkward_values_then_python_and_sh_read_them_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "env"

    environment.write(path, AWKWARD)

    assert environment.read(path) == AWKWARD
    for name, value in AWKWARD.items():
        script = f'. "{path}"; printf %s "${name}"'
        said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
        assert said.stdout == value


@given(
    value=st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])),
)
def test_given_any_one_line_value_then_it_survives(
    value: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("env") / "env"

    environment.write(path, {"NAME": value})

    assert environment.read(path) == {"NAME": value}


def test_given_the_written_file_then_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "env"

    environment.write(path, {"SECRET": "x"})
    environment.write(path, {"SECRET": "y"})

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert environment.read(path) == {"SECRET": "y"}


def test_given_nothing_written_then_nothing_is_read(tmp_path: Path) -> None:
    assert environment.read(tmp_path / "env") == {}


def test_given_a_dotenv_then_the_environment_wins_over_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    monkeypatch.delenv("SITE_URL", raising=False)
    dotenv = tmp_path / ".env"
    dotenv.write_text("LOG_LEVEL=DEBUG\nSITE_URL=https://shop.example\n")

    user = environment.from_user(dotenv)

    assert user["LOG_LEVEL"] == "ERROR"
    assert user["SITE_URL"] == "https://shop.example"
    assert "SITE_URL" not in os.environ


def test_given_the_example_then_its_settings_are_known() -> None:
    known = environment.documented(Layout().dotenv_example)

    assert {"PAYMENT_GATEWAY", "STRIPE_API_KEY", "DJANGO_SECURE"} <= set(known)
