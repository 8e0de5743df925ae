"""Which products a visitor's words mean: words first, then parts of words, then slips of the pen.

    "candle"     every product with candle or candles in its name or description, names first
    "0-fro GIFT" every word is a part of the name or the SKU
    "teapto"     nothing so far? then names with a word that looks like it (trigrams)

Everything is answered by indexes of PostgreSQL: no search engine to run, and what was saved a
moment ago is found. Measured on 5,000 products in docs/decisions/0059-search-in-postgresql.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from operator import add, and_

from django.contrib.postgres.search import SearchQuery, SearchRank, TrigramWordSimilarity
from django.db.models import F, FloatField, Q, QuerySet, Value
from django.db.models.functions import Cast

from inventory.models import PRODUCT_WORDS, Product

MAX_WORDS = 10
"""Words of a query that count; more only cost time."""

ALIKE = 0.4
"""Share of a word's trigrams that a name must have: "teapto" has 0.57 of "teapot"."""

SHORTEST_SLIP = 3
"""Letters of a word that is looked for with slips; shorter ones look like everything."""

TOKEN = re.compile(r"[^\W_]+")


def matching(products: QuerySet[Product], words: Sequence[str]) -> QuerySet[Product]:
    """The products that every word means, best first."""
    words = words[:MAX_WORDS]
    query = _prefixes(words)
    in_words = Q(searched=query) if query else Q(pk__in=[])
    in_parts = reduce(and_, (Q(name__icontains=word) | Q(sku__icontains=word) for word in words))
    rank = SearchRank(PRODUCT_WORDS, query) if query else Value(0.0, FloatField())
    return (
        products.alias(searched=PRODUCT_WORDS)
        .filter(in_words | in_parts)
        .alias(rank=rank)
        .order_by(F("rank").desc(), "sku")
    )


def alike(products: QuerySet[Product], words: Sequence[str]) -> QuerySet[Product]:
    """The products in whose name each word has one that looks like it, most alike first."""
    slips = [word for word in words[:MAX_WORDS] if len(word) >= SHORTEST_SLIP]
    if not slips:
        return products.none()
    likeness = {f"like_{n}": TrigramWordSimilarity(word, "name") for n, word in enumerate(slips)}
    close = reduce(and_, (Q(**{f"{name}__gte": ALIKE}) for name in likeness))
    total = reduce(add, (Cast(F(name), FloatField()) for name in likeness))
    return products.alias(**likeness).filter(close).alias(total=total).order_by("-total", "sku")


def _prefixes(words: Sequence[str]) -> SearchQuery | None:
    """All of the words, each as the beginning of one: `'blu':* & 'mug':*`.

    A single letter begins too many words; it has to be one.
    """
    tokens = [token for word in words for token in TOKEN.findall(word)]
    if not tokens:
        return None
    text = " & ".join(f"'{token}':*" if len(token) > 1 else f"'{token}'" for token in tokens)
    return SearchQuery(text, config="english", search_type="raw")
