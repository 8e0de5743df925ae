"""Takes personal data out of texts that other systems write and we pass on.

Nothing of ours puts a customer's address into a log line or a job's arguments. But a mail server
that refuses a recipient says whom, and PostgreSQL quotes the row that broke a constraint, and such
an error goes a long way: the job's error and traceback, its attempt, the effect, the worker's log,
Celery's event and so Flower. Each of these passes its text through `scrub`.

It knows e-mail addresses, the values that PostgreSQL quotes, and what `JOBS_PRIVATE_PATTERNS` adds.
It can't know a name or a street: don't put such things into the message of an exception.
"""

from __future__ import annotations

import re
from functools import cache

from tasks.conf import conf

HIDDEN = "[hidden]"

# Bounds everywhere: a text of any length and shape costs time in proportion. Left alone are the
# user in a server's address and a Message-ID of our own, by which people look for a mail.
_EMAIL = re.compile(
    r"(?P<keep>\b[a-z][a-z0-9+.-]{0,20}://[^\s/@]{0,200}@|Message-ID <[^\s>]{1,300}>)"
    r"|(?<![\w.!#$%*+^~-])[\w!#$%*+^~-][\w.!#$%'*+^`~-]{0,255}(?:@|%40)"
    r"[^\W_](?:[\w-]{0,62}\.)+[\w-]{1,63}"
)

# https://www.postgresql.org/docs/current/protocol-error-fields.html: the D field of the errors of
# unique, foreign key and exclusion constraints, and that of all others.
_QUOTED_KEY = re.compile(
    r"(Key \(.{1,400}?\)=)\(.{0,4000}?\)"
    r"(?= already exists| is duplicated| is not present| is still referenced| conflicts with"
    r"|\.?\s*$)",
    re.DOTALL,
)
_QUOTED_ROW = re.compile(
    r"(Failing row contains )\(.{0,20000}?\)\.(?=\s*(?:\n|$)|\\n|['\"])", re.DOTALL
)


def scrub(text: str) -> str:
    """The text with `[hidden]` for each piece of personal data that can be recognised."""
    if "@" in text or "%40" in text:
        text = _EMAIL.sub(lambda found: found["keep"] or HIDDEN, text)
    if "Key (" in text:
        text = _QUOTED_KEY.sub(rf"\1({HIDDEN})", text)
    if "Failing row" in text:
        text = _QUOTED_ROW.sub(rf"\1({HIDDEN}).", text)
    for pattern in _compiled(conf().private_patterns):
        text = pattern.sub(HIDDEN, text)
    return text


@cache
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, patterns))
