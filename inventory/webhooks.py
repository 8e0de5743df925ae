"""`POST /webhooks/stock/<supplier>`: a supplier pushes its stock. See `inventory.feeds.pushes`."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from inventory.errors import PushRefused
from inventory.feeds.pushes import MAX_BYTES, Push


@csrf_exempt  # no cookie counts here: every request is signed
@require_POST
def stock(request: HttpRequest, name: str) -> JsonResponse:
    """202 with the delivery's id and that of its job; otherwise one sentence."""
    try:
        delivery = Push.announced(name, request.headers).receive(_body(request))
    except PushRefused as refused:
        answer = JsonResponse({"detail": str(refused)}, status=refused.status)
        if refused.retry_after_s is not None:
            answer["Retry-After"] = str(refused.retry_after_s)
        return answer
    told = {"delivery": delivery.key, "job": str(delivery.job_id), "state": delivery.state}
    return JsonResponse(told, status=202)


def _body(request: HttpRequest) -> bytes:
    """At most `MAX_BYTES`, whatever was announced. Raises `PushRefused`."""
    try:
        body = request.read(MAX_BYTES + 1)
    except UnreadablePostError as error:
        raise PushRefused("The body broke off.", status=400) from error
    if len(body) > MAX_BYTES:
        raise PushRefused(f"A push may have {MAX_BYTES:,} bytes.", status=413)
    return body
