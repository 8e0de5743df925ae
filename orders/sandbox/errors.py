"""Everything the provider answers that is not what was asked for.

Each is an HTTP status and a body `{"error": {"code": …, "message": …}}`: the code for programs, the
message for people. Raised anywhere below a view, and turned into the answer by the application.
"""

from __future__ import annotations

import json
from collections.abc import Mapping


class Problem(Exception):
    """Base of the provider's errors. Nothing of the request has happened, unless one says so."""

    status = 400
    code = "bad_request"
    headers: Mapping[str, str] = {}

    @property
    def body(self) -> str:
        return json.dumps({"error": {"code": self.code, "message": str(self)}})


class Invalid(Problem):
    """The request makes no sense. The message names the field and what belongs there."""


class Unauthorized(Problem):
    """The bearer key is missing or wrong."""

    status = 401
    code = "unauthorized"
    headers = {"WWW-Authenticate": "Bearer"}


class NotFound(Problem):
    """There is no such thing, or no such address."""

    status = 404
    code = "not_found"


class MethodNotAllowed(Problem):
    """The address exists but doesn't take this method."""

    status = 405
    code = "method_not_allowed"

    def __init__(self, *allowed: str) -> None:
        super().__init__(f"Use {' or '.join(allowed)} here.")
        self.headers = {"Allow": ", ".join(allowed)}


class InFlight(Problem):
    """Another request with the same key is being worked on. Ask again; what came of it is kept."""

    status = 409
    code = "in_flight"
    headers = {"Retry-After": "1"}


class NotJson(Problem):
    """The body says it is something else than JSON."""

    status = 415
    code = "not_json"


class KeyReused(Problem):
    """The key was first used for something else; the two can't both be meant."""

    status = 422
    code = "key_reused"


class Failed(Problem):
    """What the cards that provoke an error get. The message says whether anything happened."""

    status = 500
    code = "failed"


class Unavailable(Problem):
    """PostgreSQL can't be reached, or went away in between. Look up by the key what happened."""

    status = 503
    code = "unavailable"
    headers = {"Retry-After": "1"}
