"""The catalogue: every product, a page at a time, and the search."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from inventory import catalogue
from shop.storefront.forms import SearchForm

PAGE_SIZE = 20
"""Fills whole rows of 2, 4 and 5 cards."""


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    if not form.is_valid():
        problem = "We can't search for that. Try a few plain words."
        return render(request, "shop/catalogue.html", {"problem": problem}, status=400)
    query = form.cleaned_data["q"]
    page = catalogue.list_products(
        query=query, page=_page_number(request.GET.get("page", "1")), page_size=PAGE_SIZE
    )
    return render(request, "shop/catalogue.html", {"query": query, "page": page})


def _page_number(text: str) -> int:
    """1 for whatever is no page's number."""
    return int(text) if text.isdecimal() and len(text) < 7 else 1
