"""A drawing for each product, in place of a photo: the same one each time, and nobody's copyright.

A word of the name chooses what is drawn, another the colours if it names one, and the SKU's hash
the rest. The drawing is SVG in the page itself, coloured by the style sheet (also in the dark): no
file is asked for, and the content security policy has nothing to object to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b

TINTS = 8
"""As many as `style.css` has classes `tint-0` to `tint-7`."""

DOTS = 9
WIDTH, HEIGHT = 120, 90  # of the drawing, as the motifs have it

# The first word found in the name counts, so particular ones come before general ones.
MOTIFS = {
    motif: re.compile(rf"\b(?:{words})", re.IGNORECASE)
    for motif, words in {
        "teapot": "teapot",
        "cake": "cake",
        "spoon": "spoon|teaspoon|cutlery",
        "mug": r"mug|cups?\b|teacup|tea plate",
        "light": "light|t-light|candle|lamp|lantern",
        "clock": "clock|alarm",
        "bag": "bag|lunch",
        "bunting": "bunting|paper chain|garland",
        "frame": "frame|picture|chalkboard",
        "hook": "coat|rack|hanger|hook",
        "blocks": "block|building|jigsaw|playhouse|doll",
        "bird": "bird|rabbit|panda",
        "globe": "globe",
        "leaf": "garden|plant|flower",
        "paper": "card|sticker|tape|paint|paper",
        "box": "box|tin|jar",
        "heart": "heart|warmer|bottle|hottie|love",
    }.items()
}
OTHER = "gift"

COLOURS = {
    colour: tint
    for tint, colours in enumerate(
        ("red", "yellow cream ivory gold", "green", "turquoise", "blue", "purple", "pink", "wooden")
    )
    for colour in colours.split()
}
"""The tint for a name with this word in it."""


@dataclass(frozen=True)
class Dot:
    """A piece of confetti."""

    x: int
    y: int
    radius: int


@dataclass(frozen=True)
class Picture:
    """`motif` names a file in `templates/shop/motifs/`, `tint` a class in `style.css`."""

    motif: str
    tint: int
    dots: tuple[Dot, ...]


def picture_of(*, sku: str, name: str) -> Picture:
    digest = blake2b(sku.encode(), digest_size=1 + 3 * DOTS).digest()
    motif = next((motif for motif, words in MOTIFS.items() if words.search(name)), OTHER)
    named = (COLOURS[word] for word in re.findall(r"\w+", name.lower()) if word in COLOURS)
    return Picture(
        motif=motif,
        tint=next(named, digest[0] % TINTS),
        dots=tuple(_dot(*digest[at : at + 3]) for at in range(1, 1 + 3 * DOTS, 3)),
    )


def _dot(x: int, y: int, size: int) -> Dot:
    return Dot(x=x * WIDTH // 255, y=y * HEIGHT // 255, radius=2 + size % 5)
