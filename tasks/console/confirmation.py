"""The page between a wish and its deed: what would happen, and a form that says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tasks.model_admin import ModelAdmin


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=200,
        help_text="Why; it stays in the audit log.",
        widget=forms.TextInput(attrs={"autofocus": True}),
    )


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a person is asked before something is done."""

    title: str
    sentences: Sequence[str]
    """What will happen, one paragraph each."""
    button: str
    back: str
    facts: Sequence[tuple[str, str]] = ()
    is_dangerous: bool = False


def ask(
    request: HttpRequest, question: Question, form: forms.Form, *, model_admin: ModelAdmin
) -> HttpResponse:
    """The page with the question and the form, which posts to the same address."""
    context: dict[str, Any] = {
        **model_admin.admin_site.each_context(request),
        "title": question.title,
        "question": question,
        "form": form,
    }
    status = 400 if form.errors else 200
    return render(request, "tasks/admin/confirmation.html", context, status=status)
