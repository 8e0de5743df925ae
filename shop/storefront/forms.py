"""What visitors can send us, and the sentence they read when it can't be used.

Only quantities, an e-mail address, a choice of card and the checkout's token are read. A price, a
total or a state in the request has no field here, so nobody ever looks at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from orders.placing import MAX_QUANTITY
from shop.storefront.payment_methods import payment_methods

WHOLE_NUMBER = f"Enter a whole number from 1 to {MAX_QUANTITY:,}."


class SearchForm(forms.Form):
    """`q` and `category` of the catalogue's address. What can't be is refused, not ignored."""

    q = forms.CharField(required=False, max_length=100)
    category = forms.SlugField(required=False, max_length=40)


class QuantityForm(forms.Form):
    """How many units of one product; `most` is what can be had of it now."""

    quantity = forms.IntegerField(
        min_value=1,
        max_value=MAX_QUANTITY,
        error_messages={
            "required": WHOLE_NUMBER,
            "invalid": WHOLE_NUMBER,
            "min_value": WHOLE_NUMBER,
            "max_value": WHOLE_NUMBER,
        },
        widget=forms.NumberInput(
            attrs={"class": "quantity", "inputmode": "numeric", "autocomplete": "off"}
        ),
    )

    def __init__(self, *args: Any, most: int = MAX_QUANTITY, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["quantity"].widget.attrs["max"] = max(1, min(most, MAX_QUANTITY))


def _cards() -> list[tuple[str, str]]:
    return [(method.token, method.label) for method in payment_methods()]


class CheckoutForm(forms.Form):
    """`token` names this one checkout: the same form sent twice is the same order.

    `problems` are sentences about what is not in the form's fields, such as a sold out product.
    """

    token = forms.CharField(required=False, max_length=64)
    email = forms.EmailField(
        label="E-mail address",
        max_length=254,
        help_text="For the confirmation. We send nothing else.",
        error_messages={
            "required": "Enter your e-mail address.",
            "invalid": "Enter an e-mail address like name@example.com.",
            "max_length": "Enter an e-mail address of at most 254 characters.",
        },
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    payment_method = forms.ChoiceField(
        label="Card",
        choices=_cards,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose a card.",
            "invalid_choice": "Choose one of the cards shown.",
        },
    )

    def __init__(self, *args: Any, problems: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.problems = list(problems)

    def clean(self) -> dict[str, Any] | None:
        if self.problems:
            raise forms.ValidationError(self.problems)
        return super().clean()
