import django.db.models.deletion
from django.db import migrations, models

# A movement is history. Corrections are movements of their own; TRUNCATE (tests' flush) still works.
APPEND_ONLY = """
CREATE FUNCTION inventory_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'inventory_stockmovement is append-only; write a movement that corrects it'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER movements_append_only BEFORE UPDATE OR DELETE ON inventory_stockmovement
  FOR EACH ROW EXECUTE FUNCTION inventory_refuse_change();
"""
APPENDABLE = """
DROP TRIGGER movements_append_only ON inventory_stockmovement;
DROP FUNCTION inventory_refuse_change();
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Product",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sku", models.CharField(max_length=40, unique=True, verbose_name="SKU")),
                ("name", models.CharField(max_length=200)),
                ("description", models.TextField(blank=True)),
                (
                    "price_minor",
                    models.PositiveBigIntegerField(
                        help_text="Price in minor units (pence, cents)."
                    ),
                ),
                ("currency", models.CharField(default="GBP", max_length=3)),
                (
                    "is_active",
                    models.BooleanField(
                        default=True, help_text="Only active products can be bought."
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "ordering": ["sku"],
                "permissions": [("sync_stock", "Can start a stock sync")],
            },
        ),
        migrations.CreateModel(
            name="Supplier",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.SlugField(max_length=40, unique=True)),
                (
                    "feed_url",
                    models.CharField(
                        help_text="http(s):// or file:// address of the feed.", max_length=500
                    ),
                ),
                (
                    "feed_format",
                    models.CharField(
                        choices=[("csv", "CSV"), ("json", "JSON")], default="csv", max_length=4
                    ),
                ),
                ("is_enabled", models.BooleanField(default=True)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Stock",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "fence",
                    models.PositiveBigIntegerField(
                        default=0,
                        editable=False,
                        help_text="Token of the newest lock holder that wrote the row.",
                    ),
                ),
                ("location", models.CharField(default="main", max_length=40)),
                ("on_hand", models.PositiveBigIntegerField(default=0)),
                ("reserved", models.PositiveBigIntegerField(default=0)),
                (
                    "as_of",
                    models.DateTimeField(
                        blank=True,
                        help_text="Time of the newest supplier snapshot merged into the row.",
                        null=True,
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="stocks",
                        to="inventory.product",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "stock",
                "permissions": [("adjust_stock", "Can adjust stock by hand")],
            },
        ),
        migrations.CreateModel(
            name="Reservation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reference", models.CharField(max_length=80)),
                ("quantity", models.PositiveBigIntegerField()),
                (
                    "returned",
                    models.PositiveBigIntegerField(default=0, help_text="Units that came back."),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("held", "held"),
                            ("committed", "committed"),
                            ("released", "released"),
                        ],
                        default="held",
                        max_length=10,
                    ),
                ),
                ("expires_at", models.DateTimeField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                (
                    "stock",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reservations",
                        to="inventory.stock",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="StockMovement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("received", "received"),
                            ("sold", "sold"),
                            ("returned", "returned"),
                            ("adjusted", "adjusted"),
                            ("synced", "synced"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "quantity",
                    models.BigIntegerField(help_text="Signed change of on_hand, in units."),
                ),
                (
                    "reference",
                    models.CharField(
                        help_text="What caused it: order:42, sync:7, admin:3, …", max_length=80
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=200)),
                (
                    "actor",
                    models.CharField(
                        blank=True, help_text="The person who did it, if any.", max_length=150
                    ),
                ),
                (
                    "job_id",
                    models.UUIDField(
                        blank=True, help_text="The job that wrote it, if any.", null=True
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, db_index=True)),
                (
                    "stock",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="movements",
                        to="inventory.stock",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SyncRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("running", "running"), ("done", "done"), ("failed", "failed")],
                        default="running",
                        max_length=10,
                    ),
                ),
                ("job_id", models.UUIDField(blank=True, null=True)),
                ("rows_total", models.PositiveIntegerField(blank=True, null=True)),
                ("rows_done", models.PositiveIntegerField(default=0)),
                ("changed", models.PositiveIntegerField(default=0)),
                ("unchanged", models.PositiveIntegerField(default=0)),
                (
                    "outdated",
                    models.PositiveIntegerField(
                        default=0, help_text="Rows older than a snapshot that was merged before."
                    ),
                ),
                ("failed", models.PositiveIntegerField(default=0)),
                ("error", models.TextField(blank=True)),
                ("started_at", models.DateTimeField(auto_now_add=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "supplier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="runs",
                        to="inventory.supplier",
                    ),
                ),
            ],
            options={
                "ordering": ["-started_at"],
            },
        ),
        migrations.CreateModel(
            name="SyncRowError",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("line", models.PositiveIntegerField()),
                ("sku", models.CharField(blank=True, max_length=80)),
                ("reason", models.CharField(max_length=300)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="row_errors",
                        to="inventory.syncrun",
                    ),
                ),
            ],
            options={
                "ordering": ["line"],
            },
        ),
        migrations.AddConstraint(
            model_name="stock",
            constraint=models.UniqueConstraint(
                fields=("product", "location"), name="one_stock_per_location"
            ),
        ),
        migrations.AddConstraint(
            model_name="stock",
            constraint=models.CheckConstraint(
                condition=models.Q(("reserved__gte", 0), ("reserved__lte", models.F("on_hand"))),
                name="stock_never_oversold",
            ),
        ),
        migrations.AddIndex(
            model_name="reservation",
            index=models.Index(
                condition=models.Q(("state", "held")),
                fields=["stock", "expires_at"],
                name="held_reservations",
            ),
        ),
        migrations.AddIndex(
            model_name="reservation",
            index=models.Index(
                condition=models.Q(("state", "held")), fields=["expires_at"], name="held_by_expiry"
            ),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gt", 0)), name="reservation_holds_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("returned", 0),
                    models.Q(
                        ("returned__gt", 0),
                        ("returned__lte", models.F("quantity")),
                        ("state", "committed"),
                    ),
                    _connector="OR",
                ),
                name="reservation_returns_what_was_sold",
            ),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.UniqueConstraint(
                fields=("reference", "stock"), name="one_reservation_per_reference"
            ),
        ),
        migrations.AddIndex(
            model_name="stockmovement",
            index=models.Index(fields=["reference"], name="inventory_s_referen_16defd_idx"),
        ),
        migrations.AddIndex(
            model_name="stockmovement",
            index=models.Index(fields=["stock", "created_at"], name="movements_of_stock"),
        ),
        migrations.AddConstraint(
            model_name="stockmovement",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity", 0), _negated=True),
                name="movement_changes_something",
            ),
        ),
        migrations.RunSQL(APPEND_ONLY, APPENDABLE),
    ]
