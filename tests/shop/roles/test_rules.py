from __future__ import annotations

import pytest

from shop.roles.rules import ROLES


def lowest(permission: str) -> str:
    return next(role.name for role in ROLES if role.has(permission))


@pytest.mark.parametrize(
    ("permission", "role"),
    [
        ("orders.view_order", "viewer"),
        ("new_app.view_something", "viewer"),
        ("sessions.view_session", "admin"),
        ("orders.resend_email", "support"),
        ("orders.comment_order", "support"),
        ("orders.cancel_order", "support"),
        ("orders.refund_order", "support"),
        ("tasks.retry_job", "operator"),
        ("tasks.release_lock", "operator"),
        ("tasks.pause_something_new", "operator"),
        ("inventory.adjust_stock", "operator"),
        ("inventory.sync_stock", "operator"),
        ("inventory.decide_sync", "operator"),
        ("django_celery_beat.change_periodictask", "operator"),
        ("tasks.delete_job", "admin"),
        ("inventory.change_product", "admin"),
        ("orders.delete_order", "admin"),
        ("orders.do_something_new", "admin"),
        ("auth.change_user", "admin"),
        ("auth.change_group", "admin"),
    ],
)
def test_a_permission_falls_to_the_lowest_role_that_is_meant_to_have_it(
    permission: str, role: str
) -> None:
    assert lowest(permission) == role


@pytest.mark.parametrize("permission", ["orders.view_order", "orders.cancel_order", "tasks.x"])
def test_a_higher_role_may_do_what_a_lower_one_may(permission: str) -> None:
    answers = [role.has(permission) for role in ROLES]
    assert answers == sorted(answers)
