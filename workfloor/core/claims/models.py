"""Claims, and the documents that vouch for costs."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from workfloor.core.claims import rules as claims_rules
from workfloor.core.clients.models import Client
from workfloor.core.files.models import File
from workfloor.core.people.models import Person
from workfloor.kit.database import rls


class Claim(models.Model):
    """What somebody says happened, and who confirmed or refused it; queues and prices go by the contract's names."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="claims", db_index=False)
    kind = models.TextField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    queues: Any = ArrayField(models.TextField(), default=list)  # none: all of the client's
    price = models.TextField(default="")  # of a delivery
    quantity = models.DecimalField(max_digits=19, decimal_places=4, null=True)  # hours, or an amount of money
    reason = models.TextField()
    state = models.TextField(default="claimed")
    claimed_by = models.ForeignKey(Person, models.PROTECT, related_name="+", db_index=False)
    claimed_at = models.DateTimeField()
    decided_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.TextField(default="")

    class Meta:
        constraints = [
            rls.Wall(name="claim_wall"),
            rls.SameClient(name="claim_claimed_by", field="claimed_by"),
            rls.SameClient(name="claim_decided_by", field="decided_by"),
            models.UniqueConstraint(name="claim_of_client", fields=["client", "id"]),
            models.CheckConstraint(name="claim_kind", condition=Q(kind__in=claims_rules.KINDS)),
            models.CheckConstraint(name="claim_lasts", condition=Q(ends_at__gt=F("starts_at"))),
            models.CheckConstraint(
                name="claim_quantity",
                condition=Q(kind__in=claims_rules.DELIVERIES, quantity__gt=0) & ~Q(price="")
                | Q(kind__in=claims_rules.SPANS, quantity=None, price=""),
            ),
            models.CheckConstraint(
                name="claim_state",
                condition=Q(state="claimed", decided_by=None) | Q(state__in=("approved", "refused")),
            ),
            models.CheckConstraint(name="claim_by_two", condition=Q(decided_by=None) | ~Q(decided_by=F("claimed_by"))),
        ]
        indexes = [models.Index(name="claim_period", fields=["client", "starts_at"])]

    def __str__(self) -> str:
        return f"{self.kind} of {self.client.slug}, {self.starts_at:%Y-%m-%d %H:%M} UTC: {self.reason[:80]}"


class Document(models.Model):
    """The paper behind a cost, as it was handed in."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="+", db_index=False)
    claim = models.OneToOneField(Claim, models.PROTECT, related_name="document", db_constraint=False)
    name = models.TextField()
    digest = models.CharField(max_length=64)
    file = models.ForeignKey(File, models.PROTECT, related_name="+", db_constraint=False)

    class Meta:
        constraints = [
            rls.Wall(name="document_wall"),
            rls.SameClient(name="document_claim", field="claim"),
            rls.SameClient(name="document_file", field="file"),
        ]

    def __str__(self) -> str:
        return self.name
