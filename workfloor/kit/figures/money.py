"""Exact money: a Decimal and its currency, rounded only where asked."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import (
    ROUND_DOWN,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)

ROUNDINGS = {
    "half-even": ROUND_HALF_EVEN,
    "half-up": ROUND_HALF_UP,
    "half-down": ROUND_HALF_DOWN,
    "up": ROUND_UP,
    "down": ROUND_DOWN,
}

# ISO 4217 list one, and of list three what contracts of the last decades were signed in.
_TWO_DIGITS = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY
COP CRC CUP CVE CZK DEM DKK DOP DZD EEK EGP ERN ETB EUR FIM FJD FKP FRF GBP GEL GHS GIP GMD GTQ GYD HKD HNL
HRK HTG HUF IDR IEP ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL LTL LVL MAD MDL MGA MKD MMK
MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NLG NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR
SBD SCR SDG SEK SGD SHP SKK SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS
VED VES WST XCD XCG YER ZAR ZMW ZWG
"""
_OTHER_DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
}
MINOR_UNITS: dict[str, int] = dict.fromkeys(_TWO_DIGITS.split(), 2) | {
    code: digits for digits, codes in _OTHER_DIGITS.items() for code in codes.split()
}

# Sums and products of anything that a contract can hold fit; what would not is refused, never rounded.
_EXACT = Context(prec=200, traps=[Inexact, InvalidOperation, Overflow])
_ROUNDED = Context(prec=200, traps=[InvalidOperation, DivisionByZero, Overflow])
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount of one currency, not necessarily of whole minor units.

    Raises TypeError for an amount that is not a Decimal (a float has already lost the truth), ValueError for
    an unknown currency or an amount that is not finite.
    """

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal):
            raise TypeError(f"Money needs a Decimal, not {type(self.amount).__name__}.")
        if not self.amount.is_finite():
            raise ValueError(f"{self.amount} is no amount of money.")
        if self.currency not in MINOR_UNITS:
            raise ValueError(f"{self.currency!r} is no currency of ISO 4217.")

    def __add__(self, other: "Money") -> "Money":
        return Money(_EXACT.add(self.amount, self._same(other)), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(_EXACT.subtract(self.amount, self._same(other)), self.currency)

    def __neg__(self) -> "Money":
        return Money(self.amount.copy_negate(), self.currency)

    def __mul__(self, factor: Decimal | int) -> "Money":
        if not isinstance(factor, Decimal | int) or isinstance(factor, bool):
            raise TypeError(f"Money is multiplied by a Decimal or int, not {type(factor).__name__}.")
        return Money(_EXACT.multiply(self.amount, Decimal(factor)), self.currency)

    __rmul__ = __mul__

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount <= self._same(other)

    def __bool__(self) -> bool:
        return bool(self.amount)

    def percent(self, percent: Decimal) -> "Money":
        """Return exactly so many hundredths of this amount."""
        return self * percent.scaleb(-2, _EXACT)

    def rounded(self, mode: str = "half-even") -> "Money":
        """Return the amount in whole minor units; mode is a name of ROUNDINGS."""
        unit = Decimal(1).scaleb(-MINOR_UNITS[self.currency])
        amount = self.amount.quantize(unit, ROUNDINGS[mode], _ROUNDED)
        return Money(amount or amount.copy_abs(), self.currency)  # no minus zero

    def _same(self, other: "Money") -> Decimal:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add up.")
        return other.amount

    def __str__(self) -> str:
        """Return the amount with at least the currency's digits, grouped by thousands: `1,234.50 ILS`."""
        whole = self.amount == self.rounded().amount
        return f"{(self.rounded() if whole else self).amount:,f} {self.currency}"


def parse(text: str, currency: str) -> Money:
    """Read a plain number such as `20000.00`; raises ValueError for anything else, such as `1,5` or `1e3`."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is no amount; write digits and a point, such as 1200.50.")
    return Money(Decimal(text), currency)


def total(amounts: Iterable[Money], currency: str) -> Money:
    """Add the amounts up, zero where there are none."""
    return sum(amounts, start=Money(Decimal(0), currency))
