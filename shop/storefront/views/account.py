"""Customers' accounts and their orders. Signing in and out are Django's own views."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import UserCreationForm, UsernameField
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from orders.models import Order
from shop.storefront.progress import HEADLINES

ORDERS_A_PAGE = 20


# Django's form takes no type parameter when it runs, only for mypy.
class RegisterForm(UserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("username", "email")
        field_classes = {"username": UsernameField}


@sensitive_post_parameters("password1", "password2")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """Create an ordinary customer's account and sign it in, keeping the cart."""
    form = RegisterForm(request.POST if request.method == "POST" else None)
    next_page = _next_page(request)
    if form.is_valid():
        login(request, form.save())
        return redirect(next_page or settings.LOGIN_REDIRECT_URL)
    context = {"form": form, "next": next_page}
    return render(
        request, "registration/register.html", context, status=400 if form.errors else 200
    )


@never_cache
@login_required
@require_safe
def orders(request: HttpRequest) -> HttpResponse:
    """The signed-in customer's orders, newest first."""
    mine = Order.objects.filter(user=request.user.pk).prefetch_related("lines")
    page = Paginator(mine, ORDERS_A_PAGE).get_page(request.GET.get("page"))
    rows = [(order, HEADLINES[Order.State(order.state)][0]) for order in page]
    return render(request, "shop/account.html", {"page": page, "rows": rows})


def _next_page(request: HttpRequest) -> str:
    """Where to go afterwards: an address of this site, or an empty string."""
    wish = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(
        wish, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wish if ours else ""
