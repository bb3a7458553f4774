"""An invoice as XML for systems: UBL 2.1 and UN/CEFACT CII, in the order that their schemas ask for.

Comments name the business terms (BT) of EN 16931-1 where a tag does not.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from lxml import etree

from workfloor.ops.billing import einvoice
from workfloor.ops.billing.einvoice import Allowance, Invoice, Line, Party, Tax, TaxLine

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
    return None if tax.category == einvoice.OUTSIDE else einvoice.plain(tax.rate)


def _reason(tax: Tax) -> str | None:
    return tax.title if tax.category in einvoice.UNCHARGED else None


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
    to.put(tag, einvoice.written(amount, currency), currencyID=currency)


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
    if party.vat_id and not einvoice.is_outside(invoice):
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
        to.put("TaxExemptionReasonCode", einvoice.REASONS.get(tax.category))
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
    to.put(quantity, einvoice.plain(line.quantity), unitCode=line.unit)
    _ubl_amount(currency, to, "LineExtensionAmount", line.amount)
    if line.opens:
        reference = to.into("DocumentReference")
        reference.put("ID", line.opens)
        reference.put("DocumentTypeCode", _LINE_OBJECT)
    item = to.into("Item")
    item.put("Name", line.title)
    _ubl_tax(item.into("ClassifiedTaxCategory"), line.tax)
    price = to.into("Price")
    price.put("PriceAmount", einvoice.plain(line.price), currencyID=currency)
    if line.per != 1:
        price.put("BaseQuantity", einvoice.plain(line.per), unitCode=line.unit)


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
    price.put("ChargeAmount", einvoice.plain(line.price))
    if line.per != 1:
        price.put("BasisQuantity", einvoice.plain(line.per), unitCode=line.unit)
    to.into("SpecifiedLineTradeDelivery").put("BilledQuantity", einvoice.plain(line.quantity), unitCode=line.unit)
    settled = to.into("SpecifiedLineTradeSettlement")
    _cii_tax(settled.into("ApplicableTradeTax"), line.tax)
    total = settled.into("SpecifiedTradeSettlementLineMonetarySummation")
    total.put("LineTotalAmount", einvoice.written(line.amount, currency))
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
    if party.vat_id and not einvoice.is_outside(invoice):
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
    account.put("IBANID" if einvoice.is_iban(payment.account) else "ProprietaryID", payment.account.replace(" ", ""))
    if payment.bic:
        to.into("PayeeSpecifiedCreditorFinancialInstitution").put("BICID", payment.bic)


def _cii_tax_line(to: _Written, line: TaxLine, currency: str) -> None:
    to.put("CalculatedAmount", einvoice.written(line.amount, currency))
    to.put("TypeCode", "VAT")
    to.put("ExemptionReason", _reason(line.tax))
    to.put("BasisAmount", einvoice.written(line.base, currency))
    to.put("CategoryCode", line.tax.category)
    to.put("ExemptionReasonCode", einvoice.REASONS.get(line.tax.category))
    to.put("RateApplicablePercent", _percent(line.tax))


def _cii_allowance(to: _Written, each: Allowance, currency: str) -> None:
    indicator = to.into("ChargeIndicator")
    etree.SubElement(indicator.node, f"{{{_UDT}}}Indicator").text = "true" if each.amount < 0 else "false"
    to.put("ActualAmount", einvoice.written(abs(each.amount), currency))
    to.put("Reason", each.reason)
    _cii_tax(to.into("CategoryTradeTax"), each.tax)


def _cii_totals(to: _Written, invoice: Invoice) -> None:
    sums, write = invoice.totals, partial(einvoice.written, currency=invoice.currency)
    to.put("LineTotalAmount", write(sums.lines))
    to.put("ChargeTotalAmount", write(sums.charges))
    to.put("AllowanceTotalAmount", write(sums.allowances))
    to.put("TaxBasisTotalAmount", write(sums.net))
    to.put("TaxTotalAmount", write(sums.tax), currencyID=invoice.currency)
    to.put("GrandTotalAmount", write(sums.gross))
    to.put("DuePayableAmount", write(sums.gross))


FORMS: dict[str, Callable[[Invoice], bytes]] = {"ubl": ubl, "cii": cii}
