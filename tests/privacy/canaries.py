"""Values of one customer that look like nobody else's."""

from __future__ import annotations

ADDRESS = "127.0.0.77"
"""The client's: on Linux every 127.x.x.x is loopback, so one can come from there."""

FORWARDED_FOR = "203.0.113.77"
EMAIL = "quilla.kanari@kanarivogel.example"
USERNAME = "quilla_kanari_717"
PASSWORD = "Kanari-Parole-717"
STREET = "Kanarigasse 1717b"
PHONE = "+44 7700 900717"
CARD = "pm_kanari4242717"
BROWSER = "KanariBrowser/7.17"
FULL_NAME = "Zoë Kanari-Quilla"

CANARIES = {
    "client's address": ADDRESS,
    "forwarded address": FORWARDED_FOR,
    "e-mail": EMAIL,
    "domain of the e-mail": EMAIL.partition("@")[2],
    "user's name": USERNAME,
    "password": PASSWORD,
    "street": STREET,
    "phone": PHONE,
    "card's token": CARD,
    "browser": BROWSER,
    "full name": FULL_NAME,
}
