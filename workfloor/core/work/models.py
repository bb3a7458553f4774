"""Customers, cases, work items, and who has which item in hand."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import IntegerRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q

from workfloor.core.clients.models import Client
from workfloor.core.contracts.models import Process, Queue
from workfloor.core.people.models import Person
from workfloor.core.work import kinds as work_kinds
from workfloor.core.work import lifecycle, roles
from workfloor.kit.database import rls


class Customer(models.Model):
    """A person or firm that a client serves."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="customers")
    reference = models.TextField()
    name = models.TextField(default="")

    class Meta:
        constraints = [
            rls.Wall(name="customer_wall"),
            models.UniqueConstraint(name="customer_reference", fields=["client", "reference"]),
            models.UniqueConstraint(name="customer_of_client", fields=["client", "id"]),
        ]

    def __str__(self) -> str:
        return self.name or self.reference


class Case(models.Model):
    """What a customer needs resolved; groups the items until it is."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="cases")
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, related_name="cases", db_constraint=False)
    kind = models.TextField()
    subject = models.TextField(default="")
    # Who a stranger says to be: nobody's case but theirs until one of us confirms it.
    claimed_reference = models.TextField(default="", db_default="")
    claimed_name = models.TextField(default="", db_default="")
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            rls.Wall(name="case_wall"),
            rls.SameClient(name="case_customer", field="customer"),
            models.UniqueConstraint(name="case_of_client", fields=["client", "id"]),
            models.CheckConstraint(name="case_kind", condition=Q(kind__in=list(lifecycle.CASE_KINDS))),
        ]

    def __str__(self) -> str:
        return self.subject or f"{self.kind} {self.pk}"


class Item(models.Model):
    """One unit of work. The columns from `state` on are what its facts add up to (rules.Item)."""

    # Every index that a key would bring is written with each step of an item: those below serve the same questions.
    # The queue's key vouches for the client.
    client = models.ForeignKey(Client, models.PROTECT, related_name="items", db_constraint=False, db_index=False)
    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="items", db_constraint=False, db_index=False)
    title = models.TextField(default="")
    payload = models.JSONField(default=dict)
    digest = models.CharField(max_length=64, default="")

    state = models.TextField()
    key = models.TextField()
    kind = models.TextField()
    process = models.ForeignKey(Process, models.PROTECT, related_name="items", db_constraint=False, db_index=False)
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="items", db_constraint=False, db_index=False)
    person = models.ForeignKey(
        Person, models.PROTECT, null=True, related_name="items", db_constraint=False, db_index=False
    )  # a key of its own (item_is_assigned) wants the assignment of this very person, whom the guard there looks up
    done_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="done_items", db_index=False)
    agent_label = models.TextField(default="")
    received_at = models.DateTimeField()
    queued_at = models.DateTimeField()
    answer_by = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    offer_expires_at = models.DateTimeField(null=True)
    connected_at = models.DateTimeField(null=True)
    talking_since = models.DateTimeField(null=True)
    on_hold_since = models.DateTimeField(null=True)
    pending_customer_since = models.DateTimeField(null=True)
    sticky_agent = models.ForeignKey(
        Person, models.PROTECT, null=True, related_name="+", db_constraint=False, db_index=False
    )
    sticky_until = models.DateTimeField(null=True)
    preempted_at = models.DateTimeField(null=True)
    escalated_at = models.DateTimeField(null=True)  # help was asked for, and nobody has answered yet
    escalation_answered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    wrapped_up_at = models.DateTimeField(null=True)
    abandoned_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    cancelled_as = models.TextField(default="")
    talk_seconds = models.IntegerField(default=0)
    hold_seconds = models.IntegerField(default=0)
    wrap_seconds = models.IntegerField(default=0)
    aside_seconds = models.IntegerField(default=0, db_default=0)
    paused_seconds = models.IntegerField(default=0)
    working_seconds = models.IntegerField(null=True)
    reply_seconds = models.IntegerField(null=True)
    came_back_seconds = models.IntegerField(null=True)
    disposition = models.TextField(default="")
    reopened = models.PositiveSmallIntegerField(default=0)
    transfers = models.PositiveSmallIntegerField(default=0, db_default=0)
    priority = models.PositiveSmallIntegerField(default=0, db_default=0)  # its own, beside its queue's
    ahead_seconds = models.IntegerField(default=0, db_default=0)  # as if it had waited so much longer
    beside: Any = models.JSONField(null=True)  # who takes part beside its owner (roles.Part); null for nobody
    legs: Any = models.JSONField(null=True)  # as its channel reports them (legs.Leg); null where none does
    second_keying = models.TextField(default="", db_default="")
    elsewhere = models.BooleanField(default=False, db_default=False)  # another system handles it, and reports
    keyed_at = models.DateTimeField(null=True)  # the first keying is done, and it waits for the second

    class Meta:
        constraints = [
            rls.Wall(name="item_wall"),
            rls.SameClient(name="item_case", field="case"),
            rls.SameClient(name="item_process", field="process"),
            rls.SameClient(name="item_queue", field="queue"),
            rls.SameClient(name="item_done_by_whom", field="done_by"),
            rls.SameClient(name="item_sticky_agent", field="sticky_agent"),
            models.UniqueConstraint(name="item_key", fields=["client", "key"]),
            models.UniqueConstraint(name="item_of_client", fields=["client", "id"]),
            models.CheckConstraint(name="item_state", condition=Q(state__in=lifecycle.STATES)),
            models.CheckConstraint(name="item_kind", condition=Q(kind__in=work_kinds.NAMES)),
            models.CheckConstraint(
                # Past work (agent_label) was in the hands of people who are not ours, and so is what others handle.
                name="item_with_somebody",
                condition=Q(state__in=lifecycle.WITH_SOMEBODY) & (Q(person__isnull=False) ^ Q(elsewhere=True))
                | ~Q(state__in=lifecycle.WITH_SOMEBODY) & Q(person=None),
            ),
            models.CheckConstraint(
                name="item_offer_expires",
                condition=Q(state="offered", offer_expires_at__isnull=False)
                | ~Q(state="offered") & Q(offer_expires_at=None),
            ),
            models.CheckConstraint(
                name="item_done_when_wrapped_up",
                condition=~Q(state="done") | Q(ended_at__isnull=False, wrapped_up_at__isnull=False),
            ),
            models.CheckConstraint(name="item_abandoned_at", condition=Q(state="abandoned") ^ Q(abandoned_at=None)),
            models.CheckConstraint(name="item_second_keying", condition=Q(second_keying__in=roles.SECOND_KEYING)),
            models.CheckConstraint(name="item_cancelled_at", condition=Q(state="cancelled") ^ Q(cancelled_at=None)),
            models.CheckConstraint(
                name="item_seconds", condition=Q(talk_seconds__gte=0, hold_seconds__gte=0, wrap_seconds__gte=0)
            ),
        ]
        indexes = [
            models.Index(name="item_waiting", fields=["queue", "queued_at", "id"], condition=Q(state="waiting")),
            models.Index(name="item_offered", fields=["offer_expires_at"], condition=Q(state="offered")),
            models.Index(name="item_person", fields=["person"], condition=Q(person__isnull=False)),
            models.Index(name="item_of_case", fields=["case"], condition=Q(case__isnull=False)),
            models.Index(name="item_period", fields=["client", "received_at"]),
            models.Index(name="item_done_by", fields=["done_by", "wrapped_up_at"], condition=Q(done_by__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.title or f"{self.kind} {self.key}"

    @property
    def declared(self) -> work_kinds.Kind:
        """What is declared of its kind."""
        return work_kinds.KINDS[self.kind]

    @property
    def place_at(self) -> datetime:
        """Where it stands in line: what has the earlier one goes first."""
        return self.queued_at - timedelta(seconds=self.ahead_seconds)


class Report(models.Model):
    """What another system said that happened to an item, under a name of its own by which it is said once."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="reports")
    item = models.ForeignKey(Item, models.PROTECT, related_name="reports", db_constraint=False)
    key = models.TextField()
    digest = models.CharField(max_length=64)
    said = models.JSONField()  # reporting.Said
    at = models.DateTimeField()
    source = models.TextField()
    reported_at = models.DateTimeField()
    waits_for = models.TextField(default="")  # what has to be reported before it can be counted
    answer: Any = models.JSONField(null=True)

    class Meta:
        constraints = [
            rls.Wall(name="report_wall"),
            rls.SameClient(name="report_item", field="item"),
            models.UniqueConstraint(name="report_key", fields=["client", "key"]),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.item}"


class Assignment(models.Model):
    """A person's part in an item. The owner's goes when they let go of it: offered, held or being wrapped up.

    `share` is the part of the person that the item takes; a monitor's is empty, and so is an owner's who began the item
    themselves without room for it. The database refuses a second owner of
    an item, and two assignments whose shares of one person overlap, whoever writes them and however they race. Only
    preemptible work may lie `aside`, under what was offered over it; two of these overlap as little, so that each finds
    its place again.
    """

    pk = models.CompositePrimaryKey("item_id", "place")
    item = models.ForeignKey(Item, models.CASCADE, related_name="assignments", db_constraint=False, db_index=False)
    place = models.BigIntegerField(default=0, db_default=0)  # 0 for the owner's, of which there is one; else the person
    role = models.TextField(default=roles.OWNER, db_default=roles.OWNER)
    # The item's own key vouches for the client, and the guard below for the person.
    client = models.ForeignKey(Client, models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    person = models.ForeignKey(Person, models.PROTECT, related_name="assignments", db_constraint=False, db_index=False)
    share: Any = IntegerRangeField()
    since = models.DateTimeField()
    preemptible = models.BooleanField(default=False, db_default=False)
    aside = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            rls.Wall(name="assignment_wall"),
            rls.SameClient(name="assignment_item", field="item"),
            rls.SameClient(name="assignment_person", field="person", at_once=True),
            ExclusionConstraint(
                name="assignment_within_capacity",
                index_type="GIST",
                expressions=[("person", RangeOperators.EQUAL), ("share", RangeOperators.OVERLAPS)],
                condition=Q(aside=False),
            ),
            ExclusionConstraint(
                name="assignment_aside_within_capacity",
                index_type="GIST",
                expressions=[("person", RangeOperators.EQUAL), ("share", RangeOperators.OVERLAPS)],
                condition=Q(aside=True),
            ),
            models.CheckConstraint(name="assignment_aside_preemptible", condition=Q(preemptible=True) | Q(aside=False)),
            models.CheckConstraint(
                name="assignment_share",
                condition=Q(share__contained_by=(0, 60), share__isempty=False) & ~Q(role=roles.MONITOR)
                | Q(share__isempty=True, role__in=roles.TAKES_NOTHING),
            ),
            models.CheckConstraint(
                name="assignment_role",
                condition=Q(role=roles.OWNER, place=0) | Q(role__in=roles.BESIDE, place=F("person")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item} with {self.person} ({self.role})"
