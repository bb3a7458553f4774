"""An invoice as EN 16931 knows it: parties, lines, allowances, taxes and totals that add up, exact; and its XML."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Context, Decimal, Inexact
from functools import partial
from typing import Any, Literal

from lxml import etree

from workfloor.kit.figures import money
from workfloor.kit.text import masks

Kind = Literal["380", "381"]  # of UNTDID 1001: an invoice, a credit note
INVOICE: Kind = "380"
CREDIT_NOTE: Kind = "381"
# What the standard asks for where no tax is charged (BT-121): the code that says why.
REASONS = {"AE": "VATEX-EU-AE", "K": "VATEX-EU-IC", "G": "VATEX-EU-G", "O": "VATEX-EU-O"}
UNCHARGED = frozenset({*REASONS, "E"})
OUTSIDE = "O"  # outside the scope of tax: neither a rate nor anybody's tax number may be said

_EXACT = Context(prec=200, traps=[Inexact])
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Party:
    """Who sells or buys; `endpoint` is an electronic address as SCHEME:ADDRESS, such as `0088:5790000436057`."""

    name: str
    street: str
    city: str
    postcode: str
    country: str  # ISO 3166-1, two letters
    vat_id: str = ""
    legal_id: str = ""  # in the register of companies
    endpoint: str = ""
    region: str = ""
    contact: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Payment:
    """How to pay: an IBAN or another account number, the bank's BIC, and by when, in words and as a day."""

    account: str
    bic: str = ""
    terms: str = ""
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class Tax:
    """A tax category (UNCL 5305) with its rate in percent, and what the document calls it."""

    category: str
    rate: Decimal
    title: str

    @property
    def key(self) -> tuple[str, Decimal]:
        """What a breakdown groups by."""
        return self.category, self.rate.normalize()


@dataclass(frozen=True, slots=True)
class Line:
    """What is charged: `quantity` of `unit` (UNECE 20) at `price` for each `per` of them; negative takes off."""

    id: str
    title: str
    quantity: Decimal
    unit: str
    price: Decimal
    amount: Decimal
    tax: Tax
    per: Decimal = Decimal(1)
    note: str = ""
    opens: str = ""  # the figure whose items it counts, as `workfloor billing explain` takes it


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is taken off the whole document, or added to it where the amount is negative."""

    reason: str
    amount: Decimal
    tax: Tax
    opens: str = ""


@dataclass(frozen=True, slots=True)
class TaxLine:
    """One tax over the document: what it is on and what it comes to."""

    tax: Tax
    base: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Reference:
    """An earlier invoice that this document is about."""

    number: str
    issued_on: date


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of a document; each is what the standard defines it to be of the others."""

    lines: Decimal
    allowances: Decimal
    charges: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice or credit note, complete: what its documents say and nothing else."""

    kind: Kind
    number: str
    issued_on: date
    currency: str
    seller: Party
    buyer: Party
    payment: Payment
    starts_on: date
    ends_on: date
    contract: str
    lines: tuple[Line, ...]
    allowances: tuple[Allowance, ...]
    taxes: tuple[TaxLine, ...]
    totals: Totals
    buyer_reference: str = ""
    order: str = ""
    references: tuple[Reference, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_credit(self) -> bool:
        return self.kind == CREDIT_NOTE


def add(amounts: Iterable[Decimal]) -> Decimal:
    """Add exactly; raises decimal.Inexact rather than round."""
    found = _ZERO
    for amount in amounts:
        found = _EXACT.add(found, amount)
    return found


def totals(lines: Sequence[Line], allowances: Sequence[Allowance], taxes: Sequence[TaxLine]) -> Totals:
    """Add a document up: lines less allowances plus charges is net, with the taxes gross."""
    charged = add(line.amount for line in lines)
    less = add(each.amount for each in allowances if each.amount > 0)
    more = add(-each.amount for each in allowances if each.amount < 0)
    net = add([charged, -less, more])
    tax = add(each.amount for each in taxes)
    return Totals(charged, less, more, net, tax, add([net, tax]))


def merged(taxes: Iterable[TaxLine]) -> tuple[TaxLine, ...]:
    """Group taxes by category and rate, as a document lists them; those of one group add up."""
    groups: dict[tuple[str, Decimal], TaxLine] = {}
    for line in taxes:
        known = groups.get(line.tax.key)
        same = [known, line] if known else [line]
        base, amount = add(each.base for each in same), add(each.amount for each in same)
        groups[line.tax.key] = TaxLine(same[0].tax, base, amount)
    return tuple(groups.values())


def is_outside(invoice: Invoice) -> bool:
    """Say whether the whole document is outside the scope of tax, and so names nobody's tax number."""
    return bool(invoice.taxes) and all(each.tax.category == OUTSIDE for each in invoice.taxes)


def written(amount: Decimal, currency: str) -> str:
    """Write an amount with its currency's decimals, two where a third says nothing; never rounds.

    The standard knows no third decimal: a dinar of 1000 fils is written with two where its last digit is 0.
    """
    digits = money.MINOR_UNITS[currency]
    for places in sorted({min(digits, 2), digits}):
        short = round(amount, places)
        if short == amount:
            return f"{short:f}"
    return f"{amount:f}"


def plain(number: Decimal) -> str:
    """Write a quantity, rate or percent without what says nothing: `10`, `0.98`."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def is_iban(account: str) -> bool:
    """Say whether an account number is written as an IBAN: two letters, then two check digits."""
    found = account.replace(" ", "")
    return len(found) > 4 and found[:2].isalpha() and found[2:4].isdigit() and found.isalnum() and found.isascii()


def iban_checks(account: str) -> bool:
    """Say whether an IBAN's check digits fit (ISO 13616), and it is as long as its country has them."""
    return masks.is_iban(account.replace(" ", ""))


def credit_note(of: Invoice, *, number: str, issued_on: date, why: str) -> Invoice:
    """Return the note that takes back a whole invoice; its amounts are what is given back."""
    payment = Payment(of.payment.account, of.payment.bic, f"Set off against invoice {of.number}")
    return replace(
        of,
        kind=CREDIT_NOTE,
        number=number,
        issued_on=issued_on,
        payment=payment,
        references=(Reference(of.number, of.issued_on),),
        notes=(why,),
    )


# --- As XML: UBL 2.1 and UN/CEFACT CII -------------------------------------------------------------------------------
# In the order that the schemas ask for. Comments name the business terms (BT) of EN 16931-1 where a tag does not.

STANDARD = "urn:cen.eu:en16931:2017"
_CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
_CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
_UBL = "urn:oasis:names:specification:ubl:schema:xsd:{}-2"
_RSM = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
_RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
_UDT = "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"
_QDT = "urn:un:unece:uncefact:data:standard:QualifiedDataType:100"

Node = etree._Element
_TRANSFER = "30"  # UNTDID 4461: by credit transfer
_LINE_OBJECT = "130"  # UNTDID 1001: a reference to what is invoiced


class _Written:
    """An element being written: each tag with its text goes to the end; what has no text is left out."""

    def __init__(self, node: Node, within: str) -> None:
        self.node, self.within = node, within

    def put(self, tag: str, text: str | None, /, **attributes: str) -> None:
        if text:
            etree.SubElement(self.node, f"{{{self.within}}}{tag}", attributes).text = text

    def into(self, path: str) -> "_Written":
        node = self.node
        for tag in path.split("/"):
            node = etree.SubElement(node, f"{{{self.within}}}{tag}")
        return _Written(node, self.within)


def _bytes(root: Node) -> bytes:
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def _percent(tax: Tax) -> str | None:
    return None if tax.category == OUTSIDE else plain(tax.rate)


def _reason(tax: Tax) -> str | None:
    return tax.title if tax.category in UNCHARGED else None


# --- UBL --------------------------------------------------------------------------------------------------------


class _Ubl(_Written):
    """UBL tells what holds others (cac) from what holds text (cbc)."""

    def __init__(self, node: Node) -> None:
        super().__init__(node, _CBC)

    def into(self, path: str) -> "_Ubl":
        node = self.node
        for tag in path.split("/"):
            node = etree.SubElement(node, f"{{{_CAC}}}{tag}")
        return _Ubl(node)


def ubl(invoice: Invoice) -> bytes:
    """Return the invoice as a UBL 2.1 Invoice, a credit note as a CreditNote."""
    name = "CreditNote" if invoice.is_credit else "Invoice"
    space = _UBL.format(name)
    spaces: Any = {None: space, "cac": _CAC, "cbc": _CBC}
    root = etree.Element(f"{{{space}}}{name}", nsmap=spaces)
    to = _Ubl(root)
    money = partial(_ubl_amount, invoice.currency)
    _ubl_head(to, invoice)
    _ubl_party(to.into("AccountingSupplierParty/Party"), invoice.seller, invoice)
    _ubl_party(to.into("AccountingCustomerParty/Party"), invoice.buyer, invoice)
    to.into("Delivery/DeliveryLocation/Address/Country").put("IdentificationCode", invoice.buyer.country)
    _ubl_payment(to, invoice)
    for each in invoice.allowances:
        _ubl_allowance(to.into("AllowanceCharge"), each, money)
    _ubl_taxes(to.into("TaxTotal"), invoice, money)
    _ubl_totals(to.into("LegalMonetaryTotal"), invoice, money)
    quantity = "CreditedQuantity" if invoice.is_credit else "InvoicedQuantity"
    for line in invoice.lines:
        _ubl_line(to.into(f"{name}Line"), line, quantity, invoice.currency)
    return _bytes(root)


_Amount = Callable[[_Ubl, str, Decimal], None]


def _ubl_amount(currency: str, to: _Ubl, tag: str, amount: Decimal) -> None:
    to.put(tag, written(amount, currency), currencyID=currency)


def _ubl_head(to: _Ubl, invoice: Invoice) -> None:
    to.put("CustomizationID", STANDARD)
    to.put("ID", invoice.number)
    to.put("IssueDate", invoice.issued_on.isoformat())
    if not invoice.is_credit and invoice.payment.due_on:
        to.put("DueDate", invoice.payment.due_on.isoformat())
    to.put("CreditNoteTypeCode" if invoice.is_credit else "InvoiceTypeCode", invoice.kind)
    for note in invoice.notes:
        to.put("Note", note)
    to.put("DocumentCurrencyCode", invoice.currency)
    to.put("BuyerReference", invoice.buyer_reference)
    period = to.into("InvoicePeriod")
    period.put("StartDate", invoice.starts_on.isoformat())
    period.put("EndDate", invoice.ends_on.isoformat())
    if invoice.order:
        to.into("OrderReference").put("ID", invoice.order)
    for each in invoice.references:
        reference = to.into("BillingReference/InvoiceDocumentReference")
        reference.put("ID", each.number)
        reference.put("IssueDate", each.issued_on.isoformat())
    to.into("ContractDocumentReference").put("ID", invoice.contract)


def _ubl_party(to: _Ubl, party: Party, invoice: Invoice) -> None:
    scheme, _, endpoint = party.endpoint.rpartition(":")
    to.put("EndpointID", endpoint, schemeID=scheme)
    if party.name:
        to.into("PartyName").put("Name", party.name)
    address = to.into("PostalAddress")
    address.put("StreetName", party.street)
    address.put("CityName", party.city)
    address.put("PostalZone", party.postcode)
    address.put("CountrySubentity", party.region)
    address.into("Country").put("IdentificationCode", party.country)
    if party.vat_id and not is_outside(invoice):
        tax = to.into("PartyTaxScheme")
        tax.put("CompanyID", party.vat_id)
        tax.into("TaxScheme").put("ID", "VAT")
    legal = to.into("PartyLegalEntity")
    legal.put("RegistrationName", party.name)
    legal.put("CompanyID", party.legal_id)
    if party.contact or party.email or party.phone:
        contact = to.into("Contact")
        contact.put("Name", party.contact)
        contact.put("Telephone", party.phone)
        contact.put("ElectronicMail", party.email)


def _ubl_payment(to: _Ubl, invoice: Invoice) -> None:
    payment = invoice.payment
    means = to.into("PaymentMeans")
    means.put("PaymentMeansCode", _TRANSFER)
    means.put("PaymentID", invoice.number)
    account = means.into("PayeeFinancialAccount")
    account.put("ID", payment.account.replace(" ", ""))
    account.put("Name", invoice.seller.name)
    if payment.bic:
        account.into("FinancialInstitutionBranch").put("ID", payment.bic)
    if payment.terms:
        to.into("PaymentTerms").put("Note", payment.terms)


def _ubl_tax(to: _Ubl, tax: Tax, reason: bool = False) -> None:
    to.put("ID", tax.category)
    to.put("Percent", _percent(tax))
    if reason:
        to.put("TaxExemptionReasonCode", REASONS.get(tax.category))
        to.put("TaxExemptionReason", _reason(tax))
    to.into("TaxScheme").put("ID", "VAT")


def _ubl_allowance(to: _Ubl, each: Allowance, money: _Amount) -> None:
    to.put("ChargeIndicator", "true" if each.amount < 0 else "false")
    to.put("AllowanceChargeReason", each.reason)
    money(to, "Amount", abs(each.amount))
    _ubl_tax(to.into("TaxCategory"), each.tax)


def _ubl_taxes(to: _Ubl, invoice: Invoice, money: _Amount) -> None:
    money(to, "TaxAmount", invoice.totals.tax)
    for line in invoice.taxes:
        part = to.into("TaxSubtotal")
        money(part, "TaxableAmount", line.base)
        money(part, "TaxAmount", line.amount)
        _ubl_tax(part.into("TaxCategory"), line.tax, reason=True)


def _ubl_totals(to: _Ubl, invoice: Invoice, money: _Amount) -> None:
    sums = invoice.totals
    money(to, "LineExtensionAmount", sums.lines)
    money(to, "TaxExclusiveAmount", sums.net)
    money(to, "TaxInclusiveAmount", sums.gross)
    money(to, "AllowanceTotalAmount", sums.allowances)
    money(to, "ChargeTotalAmount", sums.charges)
    money(to, "PayableAmount", sums.gross)


def _ubl_line(to: _Ubl, line: Line, quantity: str, currency: str) -> None:
    to.put("ID", line.id)
    to.put("Note", line.note)
    to.put(quantity, plain(line.quantity), unitCode=line.unit)
    _ubl_amount(currency, to, "LineExtensionAmount", line.amount)
    if line.opens:
        reference = to.into("DocumentReference")
        reference.put("ID", line.opens)
        reference.put("DocumentTypeCode", _LINE_OBJECT)
    item = to.into("Item")
    item.put("Name", line.title)
    _ubl_tax(item.into("ClassifiedTaxCategory"), line.tax)
    price = to.into("Price")
    price.put("PriceAmount", plain(line.price), currencyID=currency)
    if line.per != 1:
        price.put("BaseQuantity", plain(line.per), unitCode=line.unit)


# --- CII --------------------------------------------------------------------------------------------------------


def cii(invoice: Invoice) -> bytes:
    """Return the invoice as a Cross Industry Invoice, as Factur-X embeds it."""
    spaces = {"rsm": _RSM, "ram": _RAM, "udt": _UDT, "qdt": _QDT}
    root = etree.Element(f"{{{_RSM}}}CrossIndustryInvoice", nsmap=spaces)
    context, head, trade = (
        _Written(etree.SubElement(root, f"{{{_RSM}}}{tag}"), _RAM)
        for tag in ("ExchangedDocumentContext", "ExchangedDocument", "SupplyChainTradeTransaction")
    )
    context.into("GuidelineSpecifiedDocumentContextParameter").put("ID", STANDARD)
    head.put("ID", invoice.number)
    head.put("TypeCode", invoice.kind)
    _day(head.into("IssueDateTime"), invoice.issued_on)
    for note in invoice.notes:
        head.into("IncludedNote").put("Content", note)
    for line in invoice.lines:
        _cii_line(trade.into("IncludedSupplyChainTradeLineItem"), line, invoice.currency)
    _cii_agreement(trade.into("ApplicableHeaderTradeAgreement"), invoice)
    delivery = trade.into("ApplicableHeaderTradeDelivery")
    delivery.into("ShipToTradeParty/PostalTradeAddress").put("CountryID", invoice.buyer.country)
    _cii_settlement(trade.into("ApplicableHeaderTradeSettlement"), invoice)
    return _bytes(root)


def _day(to: _Written, day: date, space: str = _UDT) -> None:
    etree.SubElement(to.node, f"{{{space}}}DateTimeString", format="102").text = f"{day:%Y%m%d}"


def _cii_tax(to: _Written, tax: Tax) -> None:
    to.put("TypeCode", "VAT")
    to.put("CategoryCode", tax.category)
    to.put("RateApplicablePercent", _percent(tax))


def _cii_line(to: _Written, line: Line, currency: str) -> None:
    document = to.into("AssociatedDocumentLineDocument")
    document.put("LineID", line.id)
    if line.note:
        document.into("IncludedNote").put("Content", line.note)
    to.into("SpecifiedTradeProduct").put("Name", line.title)
    price = to.into("SpecifiedLineTradeAgreement/NetPriceProductTradePrice")
    price.put("ChargeAmount", plain(line.price))
    if line.per != 1:
        price.put("BasisQuantity", plain(line.per), unitCode=line.unit)
    to.into("SpecifiedLineTradeDelivery").put("BilledQuantity", plain(line.quantity), unitCode=line.unit)
    settled = to.into("SpecifiedLineTradeSettlement")
    _cii_tax(settled.into("ApplicableTradeTax"), line.tax)
    total = settled.into("SpecifiedTradeSettlementLineMonetarySummation")
    total.put("LineTotalAmount", written(line.amount, currency))
    if line.opens:
        reference = settled.into("AdditionalReferencedDocument")
        reference.put("IssuerAssignedID", line.opens)
        reference.put("TypeCode", _LINE_OBJECT)


def _cii_agreement(to: _Written, invoice: Invoice) -> None:
    to.put("BuyerReference", invoice.buyer_reference)
    _cii_party(to.into("SellerTradeParty"), invoice.seller, invoice)
    _cii_party(to.into("BuyerTradeParty"), invoice.buyer, invoice)
    if invoice.order:
        to.into("BuyerOrderReferencedDocument").put("IssuerAssignedID", invoice.order)
    to.into("ContractReferencedDocument").put("IssuerAssignedID", invoice.contract)


def _cii_party(to: _Written, party: Party, invoice: Invoice) -> None:
    to.put("Name", party.name)
    if party.legal_id:
        to.into("SpecifiedLegalOrganization").put("ID", party.legal_id)
    if party.contact or party.email or party.phone:
        contact = to.into("DefinedTradeContact")
        contact.put("PersonName", party.contact)
        if party.phone:
            contact.into("TelephoneUniversalCommunication").put("CompleteNumber", party.phone)
        if party.email:
            contact.into("EmailURIUniversalCommunication").put("URIID", party.email)
    address = to.into("PostalTradeAddress")
    address.put("PostcodeCode", party.postcode)
    address.put("LineOne", party.street)
    address.put("CityName", party.city)
    address.put("CountryID", party.country)
    address.put("CountrySubDivisionName", party.region)
    if party.endpoint:
        scheme, _, endpoint = party.endpoint.rpartition(":")
        to.into("URIUniversalCommunication").put("URIID", endpoint, schemeID=scheme)
    if party.vat_id and not is_outside(invoice):
        to.into("SpecifiedTaxRegistration").put("ID", party.vat_id, schemeID="VA")


def _cii_settlement(to: _Written, invoice: Invoice) -> None:
    to.put("PaymentReference", invoice.number)
    to.put("InvoiceCurrencyCode", invoice.currency)
    _cii_payment(to.into("SpecifiedTradeSettlementPaymentMeans"), invoice)
    for tax in invoice.taxes:
        _cii_tax_line(to.into("ApplicableTradeTax"), tax, invoice.currency)
    period = to.into("BillingSpecifiedPeriod")
    _day(period.into("StartDateTime"), invoice.starts_on)
    _day(period.into("EndDateTime"), invoice.ends_on)
    for each in invoice.allowances:
        _cii_allowance(to.into("SpecifiedTradeAllowanceCharge"), each, invoice.currency)
    if invoice.payment.terms or invoice.payment.due_on:
        terms = to.into("SpecifiedTradePaymentTerms")
        terms.put("Description", invoice.payment.terms)
        if invoice.payment.due_on:
            _day(terms.into("DueDateDateTime"), invoice.payment.due_on)
    _cii_totals(to.into("SpecifiedTradeSettlementHeaderMonetarySummation"), invoice)
    for earlier in invoice.references:
        reference = to.into("InvoiceReferencedDocument")
        reference.put("IssuerAssignedID", earlier.number)
        _day(reference.into("FormattedIssueDateTime"), earlier.issued_on, _QDT)


def _cii_payment(to: _Written, invoice: Invoice) -> None:
    payment = invoice.payment
    to.put("TypeCode", _TRANSFER)
    account = to.into("PayeePartyCreditorFinancialAccount")
    account.put("IBANID" if is_iban(payment.account) else "ProprietaryID", payment.account.replace(" ", ""))
    if payment.bic:
        to.into("PayeeSpecifiedCreditorFinancialInstitution").put("BICID", payment.bic)


def _cii_tax_line(to: _Written, line: TaxLine, currency: str) -> None:
    to.put("CalculatedAmount", written(line.amount, currency))
    to.put("TypeCode", "VAT")
    to.put("ExemptionReason", _reason(line.tax))
    to.put("BasisAmount", written(line.base, currency))
    to.put("CategoryCode", line.tax.category)
    to.put("ExemptionReasonCode", REASONS.get(line.tax.category))
    to.put("RateApplicablePercent", _percent(line.tax))


def _cii_allowance(to: _Written, each: Allowance, currency: str) -> None:
    indicator = to.into("ChargeIndicator")
    etree.SubElement(indicator.node, f"{{{_UDT}}}Indicator").text = "true" if each.amount < 0 else "false"
    to.put("ActualAmount", written(abs(each.amount), currency))
    to.put("Reason", each.reason)
    _cii_tax(to.into("CategoryTradeTax"), each.tax)


def _cii_totals(to: _Written, invoice: Invoice) -> None:
    sums, write = invoice.totals, partial(written, currency=invoice.currency)
    to.put("LineTotalAmount", write(sums.lines))
    to.put("ChargeTotalAmount", write(sums.charges))
    to.put("AllowanceTotalAmount", write(sums.allowances))
    to.put("TaxBasisTotalAmount", write(sums.net))
    to.put("TaxTotalAmount", write(sums.tax), currencyID=invoice.currency)
    to.put("GrandTotalAmount", write(sums.gross))
    to.put("DuePayableAmount", write(sums.gross))


FORMS: dict[str, Callable[[Invoice], bytes]] = {"ubl": ubl, "cii": cii}
