"""What the shop sells, how much of it there is, and every reason why that changed."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex, GinIndex, OpClass
from django.contrib.postgres.search import SearchVector
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

from tasks.locks.fencing import Fenced

DEFAULT_LOCATION = "main"

PRODUCT_WORDS = SearchVector("name", weight="A", config="english") + SearchVector(
    "description", weight="B", config="english"
)
"""What a search by words reads: the same expression in the index and in `inventory.searching`."""


class Category(models.Model):
    """A part of the catalogue, such as "Bags". `slug` is its name in addresses."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=60)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    """Something that can be bought. `sku` is the shop's and its suppliers' common name for it."""

    sku = models.CharField("SKU", max_length=40, unique=True)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    category = models.ForeignKey(
        Category, null=True, blank=True, on_delete=models.SET_NULL, related_name="products"
    )
    price_minor = models.PositiveBigIntegerField(help_text="Price in minor units (pence, cents).")
    currency = models.CharField(max_length=3, default="GBP")
    is_active = models.BooleanField(default=True, help_text="Only active products can be bought.")
    low_stock_at = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Send an alert when so few units, or fewer, can be promised. Empty: never.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["sku"]
        permissions = [("sync_stock", "Can start a stock sync")]
        indexes = [
            GinIndex(PRODUCT_WORDS, name="products_by_words"),
            # Parts of words and SKUs; UPPER is how Django compares without case.
            GinIndex(OpClass(Upper("name"), "gin_trgm_ops"), name="products_by_name_parts"),
            GinIndex(OpClass(Upper("sku"), "gin_trgm_ops"), name="products_by_sku_parts"),
        ]

    def __str__(self) -> str:
        return f"{self.sku} {self.name}"


class Stock(Fenced):
    """How much of a product lies at one location.

    `on_hand` is always the sum of the row's movements, `reserved` the sum of its held
    reservations. Whoever promises or counts units does it under the lock `stock:<product id>`
    and is refused by `fence` when it has lost the lock. Settling what is promised already needs
    no lock: the row's own lock is enough. `inventory.guard` tells more.
    """

    product = models.ForeignKey(
        Product,
        on_delete=models.PROTECT,
        related_name="stocks",
        db_index=False,  # the unique constraint's index begins with it
    )
    location = models.CharField(max_length=40, default=DEFAULT_LOCATION)
    on_hand = models.PositiveBigIntegerField(default=0)
    reserved = models.PositiveBigIntegerField(default=0)
    as_of = models.DateTimeField(
        null=True, blank=True, help_text="Time of the newest supplier snapshot merged into the row."
    )

    class Meta:
        verbose_name_plural = "stock"
        constraints = [
            models.UniqueConstraint(fields=["product", "location"], name="one_stock_per_location"),
            models.CheckConstraint(
                condition=Q(reserved__gte=0, reserved__lte=F("on_hand")),
                name="stock_never_oversold",
            ),
        ]
        permissions = [("adjust_stock", "Can adjust stock by hand")]

    def __str__(self) -> str:
        return (
            f"{self.product_id}@{self.location}: {self.on_hand} on hand, {self.reserved} reserved"
        )

    @property
    def available(self) -> int:
        """Units that can still be promised (>= 0)."""
        return self.on_hand - self.reserved


class StockMovement(models.Model):
    """One change of `Stock.on_hand`. Append-only: a trigger refuses UPDATE and DELETE."""

    class Kind(models.TextChoices):
        RECEIVED = "received", "received"
        SOLD = "sold", "sold"
        RETURNED = "returned", "returned"
        ADJUSTED = "adjusted", "adjusted"
        SYNCED = "synced", "synced"

    stock = models.ForeignKey(
        Stock, on_delete=models.PROTECT, related_name="movements", db_index=False
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    quantity = models.BigIntegerField(help_text="Signed change of on_hand, in units.")
    reference = models.CharField(
        max_length=80, help_text="What caused it: order:42, sync:7, admin:3, …"
    )
    note = models.CharField(max_length=200, blank=True)
    actor = models.CharField(max_length=150, blank=True, help_text="The person who did it, if any.")
    job_id = models.UUIDField(null=True, blank=True, help_text="The job that wrote it, if any.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(quantity=0), name="movement_changes_something")
        ]
        indexes = [
            models.Index(fields=["reference"]),
            # A sync sums up what moved on a stock after its snapshot.
            models.Index(fields=["stock", "created_at"], name="movements_of_stock"),
            # Rows are only ever appended, so time and place in the table go together.
            BrinIndex(fields=["created_at"], name="movements_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.quantity:+d} ({self.reference})"


class Reservation(models.Model):
    """Units of one product promised to a reference (an order) until they are paid or let go.

    asked ─▶ held ─▶ committed (paid: the units leave on_hand; `returned` of them are back)
      │       ▲ └──▶ released  (failed, cancelled or expired: the units can be sold again)
      │       └────────┘ ▲       (the same reference reserves the same goods again)
      └──────────────────┘       (too few, or not wanted any more)

    What is only asked for counts for nothing yet.

    All rows of a reference come into being together, so a reference always means the same goods.
    """

    class State(models.TextChoices):
        ASKED = "asked", "asked"
        HELD = "held", "held"
        COMMITTED = "committed", "committed"
        RELEASED = "released", "released"

    reference = models.CharField(max_length=80)
    stock = models.ForeignKey(Stock, on_delete=models.PROTECT, related_name="reservations")
    quantity = models.PositiveBigIntegerField()
    returned = models.PositiveBigIntegerField(default=0, help_text="Units that came back.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.HELD)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="reservation_holds_something"),
            models.CheckConstraint(
                condition=Q(returned=0)
                | Q(state="committed", returned__gt=0, returned__lte=F("quantity")),
                name="reservation_returns_what_was_sold",
            ),
            models.UniqueConstraint(
                fields=["reference", "stock"], name="one_reservation_per_reference"
            ),
        ]
        indexes = [
            models.Index(
                fields=["stock", "expires_at"], condition=Q(state="held"), name="held_reservations"
            ),
            models.Index(fields=["expires_at"], condition=Q(state="held"), name="held_by_expiry"),
            models.Index(
                fields=["stock", "id"], condition=Q(state="asked"), name="asked_reservations"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} for {self.reference} ({self.state})"


class LowStockAlert(models.Model):
    """One time that a product fell to its limit. Open until it is above it again."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="low_stock_alerts")
    units = models.BigIntegerField(help_text="Units that could be promised when it was noticed.")
    limit_units = models.PositiveIntegerField("limit", help_text="The product's limit then.")
    crossed_at = models.DateTimeField(auto_now_add=True)
    recovered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["product"],
                condition=Q(recovered_at__isnull=True),
                name="one_open_alert_per_product",
            )
        ]

    def __str__(self) -> str:
        return f"{self.product_id}: {self.units} left"


class Supplier(models.Model):
    """Who tells us how much there is: a feed by URL (http, https) or path (file:)."""

    class Format(models.TextChoices):
        CSV = "csv", "CSV"
        JSON = "json", "JSON"

    name = models.SlugField(max_length=40, unique=True)
    feed_url = models.CharField(
        max_length=500, help_text="http(s):// or file:// address of the feed."
    )
    feed_format = models.CharField(max_length=4, choices=Format.choices, default=Format.CSV)
    is_enabled = models.BooleanField(default=True)

    # What a sync may do without a person; `inventory.policy` compares them with its plan.
    max_drop_percent = models.PositiveSmallIntegerField(
        default=50,
        validators=[MaxValueValidator(100)],
        help_text="A run that takes away more of the units of its SKUs is held.",
    )
    max_zeroed_percent = models.PositiveSmallIntegerField(
        default=25,
        validators=[MaxValueValidator(100)],
        help_text="A run that empties more of its SKUs is held.",
    )
    max_bad_percent = models.PositiveSmallIntegerField(
        default=5,
        validators=[MaxValueValidator(100)],
        help_text="A run in which more of the rows can't be used is held.",
    )
    max_below_reserved = models.PositiveIntegerField(
        default=0,
        help_text="A run in which more rows say less than is promised to customers is held.",
    )
    max_age_hours = models.PositiveIntegerField(
        default=30 * 24, help_text="A row that was counted longer ago can't be used."
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class SyncRun(models.Model):
    """One run of a supplier's stock sync and what it did. `inventory.runs` writes it.

    running ─▶ done
       │ └───▶ failed (the feed; or nobody came back for it)
       └─────▶ held ─▶ approved ─▶ running ─▶ done   (a person decides about a suspicious one)
                 └───▶ rejected
    """

    class State(models.TextChoices):
        RUNNING = "running", "running"
        HELD = "held", "held"
        APPROVED = "approved", "approved"
        DONE = "done", "done"
        REJECTED = "rejected", "rejected"
        FAILED = "failed", "failed"

    class Phase(models.TextChoices):
        """What is done next; a run that stopped goes on there."""

        FETCH = "fetch", "fetching the feed"
        CHECK = "check", "checking what it would do"
        MERGE = "merge", "merging"

    supplier = models.ForeignKey(Supplier, on_delete=models.CASCADE, related_name="runs")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    phase = models.CharField(max_length=10, choices=Phase.choices, default=Phase.FETCH)
    epoch = models.PositiveIntegerField(
        default=1, help_text="Number of the newest start. Only who made it may write."
    )
    job_id = models.UUIDField(null=True, blank=True)
    rows_total = models.PositiveIntegerField(
        null=True, blank=True, help_text="About how many, until all are fetched."
    )
    rows_staged = models.PositiveIntegerField(default=0, help_text="Rows fetched and kept.")
    rows_done = models.PositiveIntegerField(default=0, help_text="Rows merged or refused.")
    added = models.PositiveIntegerField(default=0, help_text="Products that had no stock before.")
    changed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    outdated = models.PositiveIntegerField(
        default=0, help_text="Rows older than a snapshot that was merged before."
    )
    failed = models.PositiveIntegerField(default=0)
    plan = models.JSONField(null=True, blank=True, help_text="What it would do, when checked.")
    problems = models.JSONField(
        default=list, blank=True, help_text="Why it was held, a sentence each."
    )
    error = models.TextField(blank=True)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["supplier"], condition=Q(state="running"), name="one_running_sync"
            )
        ]
        permissions = [("decide_sync", "Can approve or reject a held stock sync")]

    def __str__(self) -> str:
        return f"{self.supplier_id} run {self.pk} ({self.state})"


class SyncRow(models.Model):
    """One row of a run's feed as it was fetched, and what became of it.

    Kept for the newest runs only (`inventory.staging`). A million are written at once, so there is
    one index and no check of the key; they are deleted with or before their run.
    """

    class Verdict(models.TextChoices):
        ADDED = "added", "added"
        CHANGED = "changed", "changed"
        UNCHANGED = "unchanged", "unchanged"
        OUTDATED = "outdated", "outdated"
        BELOW = "below", "below what is promised"

    pk = models.CompositePrimaryKey("run_id", "number")
    run = models.ForeignKey(
        SyncRun, on_delete=models.CASCADE, related_name="rows", db_constraint=False, db_index=False
    )
    number = models.PositiveIntegerField(help_text="From 1, in the order they came.")
    line = models.PositiveIntegerField(help_text="As the feed has it; in JSON its item.")
    sku = models.CharField(max_length=80, blank=True)
    quantity = models.BigIntegerField(null=True, blank=True)
    as_of = models.DateTimeField(null=True, blank=True)
    error = models.CharField(
        max_length=300, blank=True, db_default="", help_text="Why it can't be used."
    )
    verdict = models.CharField(max_length=10, choices=Verdict.choices, blank=True, db_default="")
    before = models.BigIntegerField(null=True, blank=True, help_text="On hand before the merge.")
    change = models.BigIntegerField(null=True, blank=True, help_text="Signed, in units.")

    def __str__(self) -> str:
        return f"line {self.line}: {self.quantity} {self.sku} {self.verdict or self.error}"


class SyncRowError(models.Model):
    """A feed row that could not be used, with its line (JSON: item) number and the reason."""

    run = models.ForeignKey(SyncRun, on_delete=models.CASCADE, related_name="row_errors")
    line = models.PositiveIntegerField()
    sku = models.CharField(max_length=80, blank=True)
    reason = models.CharField(max_length=300)

    class Meta:
        ordering = ["line"]

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"
