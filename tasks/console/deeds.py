"""What the console's pages offer to do to jobs, in words, and to whom."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from tasks.bulk import APPLIES_TO, Deed
from tasks.models import Job, JobState


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A deed as a button."""

    deed: Deed
    label: str
    to: str
    """The jobs that it can be done to."""
    done: str
    """What has become of them then."""
    permission: str
    is_first_choice: bool = False
    is_dangerous: bool = False


OFFERS = {
    offer.deed: offer
    for offer in (
        Offer(
            deed=Deed.RETRY,
            label="Retry",
            to="dead, cancelled, expired or discarded",
            done="will run again",
            permission="tasks.retry_job",
            is_first_choice=True,
        ),
        Offer(
            deed=Deed.RUN_NOW,
            label="Run now",
            to="scheduled",
            done="are due now",
            permission="tasks.run_job_now",
            is_first_choice=True,
        ),
        Offer(
            deed=Deed.REPRIORITISE,
            label="Change priority",
            to="not ended yet",
            done="have another priority",
            permission="tasks.reprioritise_job",
        ),
        Offer(
            deed=Deed.DISCARD,
            label="Discard",
            to="dead",
            done="are discarded",
            permission="tasks.discard_job",
            is_dangerous=True,
        ),
        Offer(
            deed=Deed.CANCEL,
            label="Cancel",
            to="not ended yet",
            done="are cancelled or asked to stop",
            permission="tasks.cancel_job",
            is_dangerous=True,
        ),
    )
}


def allowed(request: HttpRequest) -> list[Offer]:
    """What this person may do to jobs at all."""
    return [offer for offer in OFFERS.values() if request.user.has_perm(offer.permission)]


def offered(request: HttpRequest, job: Job) -> list[Offer]:
    """What this person may do to this job as it is now."""
    return [
        offer
        for offer in allowed(request)
        if job.state in APPLIES_TO[offer.deed]
        and not (offer.deed == Deed.CANCEL and job.cancel_requested)
    ]


def offer_named(name: str) -> Offer | None:
    return OFFERS[Deed(name)] if name in set(Deed) else None


TONES = {
    JobState.RUNNING: "",
    JobState.SUCCEEDED: "good",
    JobState.DEAD: "bad",
    JobState.EXPIRED: "warn",
}


def tone(state: str) -> str:
    """The colour of a state: good, warn, bad or none."""
    return TONES.get(JobState(state), "")
