"""What the admin's pages of the locks show of each one."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from tasks.locks import wording
from tasks.locks.inspection import HolderInfo, LockInfo, WaiterInfo
from tasks.locks.owner import Owner


@dataclass(frozen=True, kw_only=True)
class Who:
    """Process and job of a holder or waiter; the link is empty for people who may not see jobs."""

    process: str
    job: str = ""
    job_url: str = ""


@dataclass(frozen=True, kw_only=True)
class HolderRow:
    who: Who
    age: str
    expiry: str
    token: str
    foreign_value: str
    release_url: str


@dataclass(frozen=True, kw_only=True)
class WaiterRow:
    place: int
    who: Who
    waiting: str


@dataclass(frozen=True, kw_only=True)
class LockRow:
    key: str
    holders: list[HolderRow]
    waiters: list[WaiterRow]
    more_waiters: int


def lock_row(request: HttpRequest, lock: LockInfo) -> LockRow:
    return LockRow(
        key=lock.key,
        holders=[holder_row(request, lock.key, holder) for holder in lock.holders],
        waiters=[
            _waiter_row(request, place, waiter)
            for place, waiter in enumerate(lock.waiters, start=1)
        ],
        more_waiters=lock.waiting - len(lock.waiters),
    )


def holder_row(request: HttpRequest, key: str, holder: HolderInfo) -> HolderRow:
    query = urlencode({"key": key, "value": holder.value})
    return HolderRow(
        who=_who(request, holder.owner),
        age=wording.age(holder),
        expiry=wording.expiry(holder),
        token=str(holder.owner.token or "") if holder.owner else "",
        foreign_value="" if holder.owner else holder.value,
        release_url=f"{reverse('admin:tasks_lock_release')}?{query}",
    )


def _waiter_row(request: HttpRequest, place: int, waiter: WaiterInfo) -> WaiterRow:
    return WaiterRow(
        place=place,
        who=_who(request, waiter.owner),
        waiting=wording.duration(waiter.waiting_s),
    )


def _who(request: HttpRequest, owner: Owner | None) -> Who:
    job = owner.job if owner else ""
    visible = bool(job) and request.user.has_perm("tasks.view_job")
    return Who(
        process=wording.process(owner),
        job=job,
        job_url=reverse("admin:tasks_job_change", args=[job]) if visible else "",
    )
