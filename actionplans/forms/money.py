"""Pounds as people type them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from iom.forms import CleanCharField

MOST = Decimal("99999.99")


class MoneyField(CleanCharField):
    """An amount in pounds: `120`, `£120`, `1,200.50`. None where nothing is typed and nothing is required."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "spellcheck": "false"})
        super().__init__(max_length=14, widget=widget, **options)

    def clean(self, value: Any) -> Decimal | None:
        text = super().clean(value).removeprefix("£").replace(",", "").strip()
        if not text:
            return None
        if not all(each in "0123456789." for each in text):
            raise ValidationError(self.starts("must be an amount in pounds, such as 120 or 45.50"))
        try:
            amount = Decimal(text)
        except InvalidOperation:
            raise ValidationError(self.starts("must be an amount in pounds, such as 120 or 45.50")) from None
        if amount != amount.quantize(Decimal("0.01")) or amount > MOST:
            raise ValidationError(self.starts(f"must be in pounds and pence, and no more than £{MOST:,}"))
        return amount
