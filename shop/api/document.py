"""The OpenAPI document: what django-ninja writes of the operations, made complete.

It knows one media type for all answers, and no headers of answers.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from shop.api.problems import MEDIA_TYPE
from shop.api.schemas import ProblemOut

JSON = "application/json"

# What any operation may answer.
ALWAYS = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
)

# Of a list of ways to be let in, an empty one means: nobody has to say who they are.
OPEN_TO_ALL: dict[str, Any] = {"security": [{}]}


def problems(*more: HTTPStatus) -> dict[int, type[ProblemOut]]:
    """The answers of an operation that are problems: those that any has, and `more`."""
    return {int(status): ProblemOut for status in (*ALWAYS, *more)}


HEADERS = {
    "RateLimit-Policy": "The allowance: q requests in w seconds.",
    "RateLimit": "What is left: r requests, and all are back in t seconds.",
    "WWW-Authenticate": "How to say who is asking.",
    "Retry-After": "Seconds until the next request is welcome.",
}


class ShopApi(NinjaAPI):
    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        document = super().get_openapi_schema(**options)
        document["components"]["headers"] = {
            name: {"description": description, "schema": {"type": "string"}}
            for name, description in HEADERS.items()
        }
        for operations in document["paths"].values():
            for operation in operations.values():
                for status, answer in operation["responses"].items():
                    _complete(int(status), answer)
        return document


def _complete(status: int, answer: dict[str, Any]) -> None:
    headers = answer.setdefault("headers", {})
    for name in _headers(status):
        headers[name] = {"$ref": f"#/components/headers/{name}"}
    if status >= HTTPStatus.BAD_REQUEST and JSON in answer.get("content", {}):
        answer["content"][MEDIA_TYPE] = answer["content"].pop(JSON)


def _headers(status: int) -> list[str]:
    names = ["RateLimit-Policy", "RateLimit"]
    if status == HTTPStatus.UNAUTHORIZED:
        names.append("WWW-Authenticate")
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        names.append("Retry-After")
    return names
