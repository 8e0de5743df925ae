"""What a browser may do with our pages."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

_SOURCES = {
    "default-src": "'self'",  # scripts, styles, images, fetch: our own files, nothing inline
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
# The operators' console is drawn by Alpine, which reads its expressions out of attributes, and sets
# its colours in a style element. A script still comes only from a file of ours.
# https://alpinejs.dev/advanced/csp
_CONSOLE_SOURCES = _SOURCES | {
    "script-src": "'self' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data:",
}
CONSOLE = "/admin/"


def _policy(sources: dict[str, str]) -> str:
    return "; ".join(f"{what} {where}" for what, where in sources.items())


CONTENT_SECURITY_POLICY = _policy(_SOURCES)
CONSOLE_CONTENT_SECURITY_POLICY = _policy(_CONSOLE_SOURCES)

PERMISSIONS_POLICY = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


class SecurityHeaders:
    """Adds a strict content security policy to every answer that does not bring its own.

    Django's SecurityMiddleware adds the others (nosniff, referrer policy, HSTS).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_console = request.path.startswith(CONSOLE)
        policy = CONSOLE_CONTENT_SECURITY_POLICY if is_console else CONTENT_SECURITY_POLICY
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        return response
