from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0002_payment_notice"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="order",
            options={
                "ordering": ["-id"],
                "permissions": [
                    ("cancel_order", "Can cancel an order"),
                    ("refund_order", "Can refund an order"),
                    ("resend_email", "Can resend an order's e-mail"),
                    ("comment_order", "Can comment on an order"),
                ],
            },
        ),
    ]
