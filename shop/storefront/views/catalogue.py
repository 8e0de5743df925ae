"""The catalogue: every product, a page at a time, by category, and the search."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from inventory import catalogue
from shop.storefront.forms import SearchForm

PAGE_SIZE = 20
"""Fills whole rows of 2, 4 and 5 cards."""


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    categories = catalogue.list_categories()
    if not form.is_valid():
        problem = "We can't search for that. Try a few plain words."
        refused = {"problem": problem, "categories": categories}
        return render(request, "shop/catalogue.html", refused, status=400)
    query, slug = form.cleaned_data["q"], form.cleaned_data["category"]
    category = next((each for each in categories if each.slug == slug), None)
    if slug and category is None:
        raise Http404(slug)
    page = catalogue.list_products(
        query=query,
        category=slug,
        page=_page_number(request.GET.get("page", "1")),
        page_size=PAGE_SIZE,
    )
    context: dict[str, object] = {"query": query, "categories": categories}
    context |= {"category": category, "page": page}
    return render(request, "shop/catalogue.html", context)


def _page_number(text: str) -> int:
    """1 for whatever is no page's number."""
    return int(text) if text.isdecimal() and len(text) < 7 else 1
