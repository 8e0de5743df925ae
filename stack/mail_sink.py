"""An SMTP server that delivers nothing: every message becomes a file of a Maildir.

    python -m stack.mail_sink --port 1025 --maildir var/mail     serve
    python -m stack.mail_sink --count --maildir var/mail         how many messages there are

A message counts as taken (250) only once its file is on disk, so whoever was told so will find it.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from email.message import Message
from pathlib import Path

from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP

from stack.ports import LOOPBACK

logger = logging.getLogger(__name__)


class Keeper(Mailbox):
    """Writes messages as they came, with the envelope's addresses as X-MailFrom and X-RcptTo."""

    def __init__(self, maildir: Path) -> None:
        _make(maildir)
        super().__init__(maildir)
        self._maildir = maildir

    def handle_message(self, message: Message) -> None:
        _make(self._maildir)  # somebody may have emptied it by deleting it
        super().handle_message(message)

    async def handle_exception(self, error: Exception) -> str:
        """A full disk is no reason to give a message up: the sender shall try again."""
        logger.error("A message could not be kept: %s", error)
        return f"451 4.3.0 The message could not be kept ({type(error).__name__}); try again"


async def serve(maildir: Path, *, port: int, host: str = LOOPBACK) -> None:
    """Take messages until SIGTERM or SIGINT. Raises `OSError` when the port is taken."""
    keeper = Keeper(maildir)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(keeper, hostname="localhost", enable_SMTPUTF8=True, loop=loop), host, port
    )
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    logger.info("Keeping mails for %s:%d in %s", host, port, maildir)
    async with server:
        await ended.wait()


def _make(maildir: Path) -> None:
    """Mails are private. `mailbox.Maildir` makes nothing in a folder that is there but empty."""
    for folder in (maildir, *(maildir / name for name in ("tmp", "new", "cur"))):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def count(maildir: Path) -> int:
    """How many messages a Maildir holds, read or unread; 0 when there is none yet."""
    return sum(1 for folder in ("new", "cur") for _ in maildir.glob(f"{folder}/*"))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m stack.mail_sink",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--maildir", type=Path, required=True, metavar="DIR")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--port", type=int, help=f"serve SMTP on {LOOPBACK} at this port")
    what.add_argument("--count", action="store_true", help="print how many messages there are")
    options = parser.parse_args()
    if options.count:
        print(count(options.maildir))
        return
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # else three lines for each command
    try:
        asyncio.run(serve(options.maildir, port=options.port))
    except OSError as error:
        parser.exit(1, f"The mail sink can't start: {error}\n")


if __name__ == "__main__":
    main()
