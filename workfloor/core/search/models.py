"""What a search looks through: triggers keep it true to messages, cases and customers (migrations/0001_initial.py).

The condition of a search is a setting of the transaction, and part of the walls of these tables. A policy's own
conditions are looked up in an index; those of a query are not, behind a wall, for texts' operators are not leakproof.
"""

from typing import Any, Final

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q

from workfloor.core.clients.models import Client
from workfloor.core.conversations.models import Message
from workfloor.core.work.models import Case, Customer
from workfloor.kit.database import rls

# Which settings a search is put into, and which condition holds of every row where none is.
WORDS: Final = "workfloor.search_words"
NAMES: Final = "workfloor.search_names"
_HAS_WORDS: Final = f"document @@ coalesce(nullif(current_setting('{WORDS}', true), ''), '''*''')::tsquery"
_HAS_NAME: Final = f"folded ~ coalesce(nullif(current_setting('{NAMES}', true), ''), '')"


class Passage(models.Model):
    """A message, or what a case is about: the words of it, and with them its client, its day, month and channel."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="+", db_index=False)
    message: Any = models.ForeignKey(Message, models.CASCADE, null=True, related_name="+", db_constraint=False)
    case: Any = models.ForeignKey(Case, models.CASCADE, null=True, related_name="+", db_constraint=False)
    said_at = models.DateTimeField()
    document: Any = SearchVectorField()

    class Meta:
        constraints = [
            rls.Wall(name="passage_wall", narrowed=_HAS_WORDS),
            rls.SameClient(name="passage_message", field="message"),
            rls.SameClient(name="passage_case", field="case"),
            models.CheckConstraint(name="passage_of_one", condition=Q(message=None) ^ Q(case=None)),
        ]
        indexes = [
            # What was added last is read through by every search until it is sorted in: 512 kB of it at most.
            GinIndex(name="passage_words", fields=["document"], gin_pending_list_limit=512),
        ]

    def __str__(self) -> str:
        return f"passage {self.pk}"


class Name(models.Model):
    """A customer's name and number, or those of whom a case's customer says to be; folded, as searches are."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="+", db_index=False)
    customer: Any = models.ForeignKey(Customer, models.CASCADE, null=True, related_name="+", db_constraint=False)
    case: Any = models.ForeignKey(Case, models.CASCADE, null=True, related_name="+", db_constraint=False)
    folded = models.TextField()

    class Meta:
        constraints = [
            rls.Wall(name="name_wall", narrowed=_HAS_NAME),
            rls.SameClient(name="name_customer", field="customer"),
            rls.SameClient(name="name_case", field="case"),
            models.CheckConstraint(name="name_of_one", condition=Q(customer=None) ^ Q(case=None)),
        ]
        indexes = [
            GinIndex(OpClass(F("folded"), name="gin_trgm_ops"), name="name_parts", gin_pending_list_limit=512),
        ]

    def __str__(self) -> str:
        return self.folded
