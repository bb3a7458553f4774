"""Steps of closing under way, the provider's legal entities, their series of numbers, and what was issued."""

from django.db import models
from django.utils.translation import gettext_lazy

from workfloor.core.clients.models import Client
from workfloor.core.people.models import Person
from workfloor.kit.database import rls


class ClosingStep(models.Model):
    """Somebody asked for a month to be proposed or closed: how far it is, or why it failed. Gone once it is done."""

    client = models.ForeignKey(Client, models.CASCADE, related_name="+")
    period = models.TextField()
    step = models.TextField(choices=[("propose", gettext_lazy("Proposing")), ("approve", gettext_lazy("Closing"))])
    asked_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    tries = models.PositiveIntegerField(default=0)
    percent = models.PositiveIntegerField(default=0)
    error = models.TextField(default="")

    class Meta:
        constraints = [
            rls.Wall(name="closing_step_wall"),
            rls.SameClient(name="closing_step_asker", field="asked_by"),
            models.UniqueConstraint(name="closing_step_once", fields=["client", "period"]),
            models.CheckConstraint(name="closing_step_known", condition=models.Q(step__in=["propose", "approve"])),
        ]

    def __str__(self) -> str:
        return f"{self.step} {self.client.slug} {self.period}"


class LegalEntity(models.Model):
    """A legal entity of the provider, as its invoices name it."""

    slug = models.SlugField(unique=True)
    name = models.TextField()
    street = models.TextField()
    city = models.TextField()
    postcode = models.TextField()
    region = models.TextField(default="")
    country = models.CharField(max_length=2)
    vat_id = models.TextField(default="")
    legal_id = models.TextField(default="")
    endpoint = models.TextField(default="")
    contact = models.TextField(default="")
    email = models.TextField(default="")
    phone = models.TextField(default="")
    account = models.TextField(default="")
    bic = models.TextField(default="")

    def __str__(self) -> str:
        return self.name


class NumberRange(models.Model):
    """A sequence of numbers of one legal entity, without gaps: `last` moves in the transaction that issues."""

    entity = models.ForeignKey(LegalEntity, models.PROTECT, related_name="series")
    name = models.SlugField(max_length=20)
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(name="series_once", fields=["entity", "name"])]

    def __str__(self) -> str:
        return f"{self.entity} {self.name}"


class Invoice(models.Model):
    """An invoice (380) or credit note (381) as it was issued; never edited (a trigger refuses).

    `value` is the invoice as JSON, `ubl` and `cii` the documents for systems: empty where the contract takes paper.
    """

    client = models.ForeignKey(Client, models.PROTECT, related_name="invoices")
    entity = models.ForeignKey(LegalEntity, models.PROTECT, related_name="invoices")
    series = models.TextField()
    number = models.PositiveIntegerField()
    name = models.TextField()
    kind = models.TextField()
    period = models.TextField()
    credits = models.ForeignKey("self", models.PROTECT, null=True, related_name="credited_by")
    value = models.JSONField()
    ubl = models.TextField()
    cii = models.TextField()
    currency = models.TextField()
    gross = models.DecimalField(max_digits=40, decimal_places=4)
    issued_on = models.DateField()
    issued_at = models.DateTimeField()
    issued_by = models.ForeignKey(Person, models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            rls.Wall(name="invoice_wall"),
            rls.SameClient(name="invoice_issuer", field="issued_by"),
            rls.SameClient(name="invoice_credited", field="credits"),
            models.UniqueConstraint(name="invoice_number", fields=["entity", "series", "number"]),
            models.UniqueConstraint(name="invoice_name", fields=["entity", "name"]),
            models.UniqueConstraint(name="invoice_credited_once", fields=["credits"]),
            models.UniqueConstraint(name="invoice_of_client", fields=["client", "id"]),
        ]
        indexes = [models.Index(name="invoice_period", fields=["client", "period"])]

    def __str__(self) -> str:
        return self.name
