"""The API as one thing: its operations, its document and its page for people."""

from __future__ import annotations

from shop.api.authentication import SessionCookie
from shop.api.document import ShopApi
from shop.api.handlers import handle_problems
from shop.api.routes import checkout, orders, products

DESCRIPTION = """Products, orders and what becomes of them. Errors are problems (RFC 9457). Amounts
are minor units, such as pence. `docs/api.md` of the project has an example client."""

api = ShopApi(
    title="Gift shop",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    docs_url="/docs",
    auth=[SessionCookie()],  # of an operation that forgets to name its own
)
handle_problems(api)
for router in (products.router, checkout.router, orders.router):
    api.add_router("", router)
