"""The mail sink, as a process of its own, spoken to over SMTP."""

from __future__ import annotations

import shutil
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from mailbox import Maildir
from pathlib import Path

import pytest

from stack.mail_sink import count
from stack.ports import LOOPBACK, answers, free_port
from stack.processes import spawn
from stack.waiting import wait_until

MODULE = (sys.executable, "-m", "stack.mail_sink")


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    return tmp_path / "var" / "mail"


@pytest.fixture
def port(maildir: Path, tmp_path: Path) -> Iterator[int]:
    """Of a running sink."""
    port = free_port()
    process = spawn(
        [*MODULE, "--port", str(port), "--maildir", str(maildir)], log=tmp_path / "sink.log"
    )
    wait_until(lambda: answers(port), timeout_s=20, what="the mail sink")
    yield port
    assert process.stop(timeout_s=10), "it did not end when asked"


def mail(*, subject: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = (
        "shop@localhost",
        "ann@example.com",
        subject,
    )
    message["Message-ID"] = f"<order.42.email.{subject}@localhost>"
    message.set_content("Thank you. £2.95")
    message.add_alternative("<p>Thank you. £2.95</p>", subtype="html")
    return message


def test_given_a_sink_when_mails_are_sent_then_each_is_a_file_with_its_headers(
    port: int, maildir: Path
) -> None:
    with smtplib.SMTP(LOOPBACK, port) as smtp:
        for subject in ("confirmation", "refund"):
            assert smtp.send_message(mail(subject=subject)) == {}

    kept = list(Maildir(maildir))
    assert count(maildir) == len(kept) == 2
    assert {message["Message-ID"] for message in kept} == {
        "<order.42.email.confirmation@localhost>",
        "<order.42.email.refund@localhost>",
    }
    assert {message["X-RcptTo"] for message in kept} == {"ann@example.com"}
    assert all(message.is_multipart() for message in kept)


def test_given_mails_when_counted_then_the_command_says_how_many(port: int, maildir: Path) -> None:
    with smtplib.SMTP(LOOPBACK, port) as smtp:
        smtp.send_message(mail(subject="confirmation"))

    counted = subprocess.run(
        [*MODULE, "--count", "--maildir", str(maildir)], capture_output=True, text=True, check=True
    )

    assert counted.stdout == "1\n"


def test_given_a_maildir_that_was_deleted_when_a_mail_comes_then_it_is_made_again(
    port: int, maildir: Path
) -> None:
    shutil.rmtree(maildir)
    maildir.mkdir()

    with smtplib.SMTP(LOOPBACK, port) as smtp:
        smtp.send_message(mail(subject="confirmation"))

    assert count(maildir) == 1


def test_given_no_maildir_yet_when_counted_then_none(maildir: Path) -> None:
    assert count(maildir) == 0


def test_given_a_sink_that_cannot_write_when_a_mail_comes_then_the_sender_shall_try_again(
    port: int, maildir: Path
) -> None:
    (maildir / "tmp").rmdir()
    (maildir / "tmp").write_text("in the way")

    with smtplib.SMTP(LOOPBACK, port) as smtp, pytest.raises(smtplib.SMTPDataError) as refused:
        smtp.send_message(mail(subject="confirmation"))

    assert refused.value.smtp_code == 451


def test_given_a_taken_port_when_started_then_one_sentence_says_so(
    port: int, maildir: Path
) -> None:
    second = subprocess.run(
        [*MODULE, "--port", str(port), "--maildir", str(maildir)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert second.returncode == 1
    assert second.stderr.startswith("The mail sink can't start: ")
    assert "Traceback" not in second.stderr
