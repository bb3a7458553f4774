"""Accounts, people, sites, teams, skills held through certificates, clearances and agent states."""

from collections.abc import Collection
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from workfloor.core.access import permissions
from workfloor.core.clients.models import Client
from workfloor.core.outgoing.models import Mail
from workfloor.core.people import qualification
from workfloor.kit.database import rls
from workfloor.kit.database.prepared import PreparedQuery


class AccountManager(BaseUserManager["Account"]):
    """Makes accounts; an address is one account whatever its capitals."""

    def create_user(self, email: str, password: str | None = None, **extra: Any) -> "Account":
        account = self.model(email=email.strip().lower(), **extra)
        account.set_password(password)
        account.save()
        return account

    def get(self, *args: Any, **named: Any) -> "Account":
        """One account; by its number alone, as every request of somebody signed in asks, by a statement made once."""
        if args or named.keys() != {"pk"}:
            return super().get(*args, **named)
        found = _BY_NUMBER.one(int(named["pk"]))
        if found is None:
            raise self.model.DoesNotExist
        return found

    def get_by_natural_key(self, username: str | None) -> "Account":
        return self.get(email=(username or "").strip().lower())


class Account(AbstractBaseUser):
    """What a person signs in with; it says nothing of who that is."""

    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)

    objects: ClassVar[AccountManager] = AccountManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.email


_BY_NUMBER = PreparedQuery(lambda number: Account.objects.filter(pk=number))


class Site(models.Model):
    """A place with people."""

    name = models.TextField(unique=True)
    country = models.CharField(max_length=2)
    zone = models.TextField()
    leader: Any = models.ForeignKey("people.Person", models.PROTECT, null=True, related_name="leads_sites")

    def __str__(self) -> str:
        return self.name


class Team(models.Model):
    """Agents who work under one team leader at one site."""

    name = models.TextField(unique=True)
    site = models.ForeignKey(Site, models.PROTECT, related_name="teams")
    leader: Any = models.ForeignKey("people.Person", models.PROTECT, null=True, related_name="leads_teams")

    def __str__(self) -> str:
        return self.name


ANY_LANGUAGE = "any"  # in which a signature stands beneath mails


class Person(models.Model):
    """Someone of the provider's staff, or (with a client) one of a client's own people."""

    name = models.TextField()
    account = models.OneToOneField(Account, models.PROTECT, null=True, related_name="person")
    client = models.ForeignKey(Client, models.PROTECT, null=True, related_name="people")
    site = models.ForeignKey(Site, models.PROTECT, null=True, related_name="people")
    team = models.ForeignKey(Team, models.PROTECT, null=True, related_name="people")
    roles = ArrayField(models.TextField(), default=list)
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)
    taken_on_by_id = models.BigIntegerField(null=True)  # by number, as facts name people
    vouched_at = models.DateTimeField(null=True)  # somebody else knows them, too
    language = models.CharField(max_length=12, default="")  # that pages speak to them; empty: as the browser asks
    signatures: Any = models.JSONField(default=dict, db_default={})  # beneath their mails, by language

    class Meta:
        constraints = [
            rls.Wall(name="person_wall", shared=True),
            models.CheckConstraint(
                name="person_roles_known", condition=Q(roles__contained_by=list(qualification.ROLES))
            ),
            models.CheckConstraint(
                name="person_of_client_is_only_that",
                condition=Q(client=None) & ~Q(roles__contains=["client"]) | ~Q(client=None) & Q(roles=["client"]),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def signature_in(self, language: str) -> str:
        """What stands beneath the person's mails in a language: the one for it, else the one for all; else nothing."""
        found: str = self.signatures.get(language) or self.signatures.get(ANY_LANGUAGE, "")
        return found

    @property
    def person_id(self) -> int:
        """A person is an actor (`access.actors`)."""
        return self.id

    acts_as = ""

    def may_enter(self, client_id: int) -> bool:
        """Whether the person may touch a client's work: by clearance, or as one of its own people."""
        if self.client_id is not None:
            return self.client_id == client_id
        return self.clearances.filter(client_id=client_id, withdrawn_at=None).exists()

    def is_made_up_with(self, others: Collection[int]) -> bool:
        """Whether one of these took the person on, or the other way round, and nobody else has vouched for that.

        Such two may be one: what takes two people takes others.
        """
        known = Person.objects.filter(id__in=others)
        return not self._hangs_on().isdisjoint(others) or any(self.id in each._hangs_on() for each in known)

    def _hangs_on(self) -> set[int]:
        """Who took the person on, and who took that one on, as far as nobody has vouched."""
        found: set[int] = set()
        person = self
        while person.taken_on_by_id and person.vouched_at is None and person.taken_on_by_id not in found:
            found.add(person.taken_on_by_id)
            person = Person.objects.get(id=person.taken_on_by_id)
        return found

    def leads(self, team_id: int | None) -> bool:
        """Whether the person leads a team, or the site that has it."""
        theirs = Q(leader=self.id) | Q(site__leader=self.id)
        return team_id is not None and Team.objects.filter(theirs, id=team_id).exists()

    def may(self, permission: str) -> bool:
        """Whether the person's roles open something, as a page asks of it."""
        return permissions.may(self, permission)

    def is_a(self, role: str) -> bool:
        """Whether the person has a role."""
        return role in self.roles


class SignIn(models.Model):
    """That somebody is signed in without a browser: what the commands of a machine act by, kept as a digest alone."""

    person = models.ForeignKey(Person, models.PROTECT, related_name="sign_ins")
    title = models.TextField()  # such as the machine's name
    digest = models.CharField(max_length=64)
    began_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.person} on {self.title}"


class SignInLink(models.Model):
    """A link by which a person chooses their password, once; of what stands in it a digest is kept alone."""

    person = models.ForeignKey(Person, models.PROTECT, related_name="links")
    purpose = models.TextField()
    seed = models.CharField(max_length=64)  # what the link is computed from, with the installation's key: people.links
    digest = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.TextField(default="")
    mail = models.OneToOneField(Mail, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(name="link_purpose", condition=Q(purpose__in=list(qualification.PURPOSES))),
            models.CheckConstraint(name="link_ended_by", condition=Q(ended_by__in=["", *qualification.LINK_ENDS])),
            models.UniqueConstraint(name="link_open_once", fields=["person"], condition=Q(ended_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} of {self.person}"


class Skill(models.Model):
    """Something that work requires and people have: a language, a product, a process."""

    name = models.SlugField(unique=True)

    def __str__(self) -> str:
        return self.name


class Certificate(models.Model):
    """A skill held: at a level, by a proof, from a day and perhaps until one; or granted by a leader for some hours."""

    person = models.ForeignKey(Person, models.PROTECT, related_name="certificates")
    skill = models.ForeignKey(Skill, models.PROTECT, related_name="certificates")
    level = models.PositiveSmallIntegerField()
    proof = models.TextField()
    valid_from = models.DateField()
    expires_on = models.DateField(null=True)
    revoked_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)  # of a grant: when it is revoked by itself

    class Meta:
        constraints = [
            models.CheckConstraint(name="certificate_level", condition=Q(level__in=list(qualification.LEVELS))),
            models.CheckConstraint(
                name="certificate_proof",
                condition=Q(proof__in=list(qualification.PROOFS), ends_at=None)
                | Q(proof=qualification.GRANTED, ends_at__isnull=False),
            ),
            models.CheckConstraint(
                name="certificate_ends_after_it_begins",
                condition=Q(expires_on=None) | Q(expires_on__gte=F("valid_from")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.skill} {self.level}"


class Clearance(models.Model):
    """The right to touch one client's work."""

    person = models.ForeignKey(Person, models.PROTECT, related_name="clearances")
    client = models.ForeignKey(Client, models.PROTECT, related_name="clearances")
    granted_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            rls.Wall(name="clearance_wall"),
            rls.SameClient(name="clearance_person", field="person"),
            models.UniqueConstraint(name="clearance_once", fields=["person", "client"], condition=Q(withdrawn_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.person} for {self.client}"


class AgentState(models.Model):
    """Whether a person takes work now; what the agent_state facts add up to."""

    person = models.OneToOneField(Person, models.PROTECT, primary_key=True, related_name="agent_state")
    state = models.TextField(default="signed-out")
    reason = models.TextField(default="")
    since = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="agent_state_state", condition=Q(state__in=list(qualification.AGENT_STATES))),
            models.CheckConstraint(name="agent_state_reason", condition=Q(state="away") | Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.person} {self.state}"


class Spell(models.Model):
    """A time for which a person took work; the one that runs stands in their agent state."""

    person = models.ForeignKey(Person, models.PROTECT, related_name="spells", db_index=False)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(name="spell_ended", fields=["person", "ended_at"])]

    def __str__(self) -> str:
        return f"{self.person} from {self.started_at} to {self.ended_at}"


class Heard(models.Model):
    """When a browser of a person was last there: when it had the live stream of a page of ours open."""

    person = models.OneToOneField(Person, models.CASCADE, primary_key=True, related_name="heard")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.person} at {self.at:%Y-%m-%d %H:%M}"


class Shift(models.Model):
    """When a person is to work. For whom shifts are planned, nothing is offered outside them."""

    person = models.ForeignKey(Person, models.PROTECT, related_name="shifts")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    planned_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="shift_length",
                condition=Q(ends_at__gt=F("starts_at"), ends_at__lte=F("starts_at") + qualification.LONGEST_SHIFT),
            ),
            ExclusionConstraint(
                name="shift_once",
                index_type="GIST",
                expressions=[
                    ("person", RangeOperators.EQUAL),
                    (Func(F("starts_at"), F("ends_at"), function="tstzrange"), RangeOperators.OVERLAPS),
                ],
                condition=Q(cancelled_at=None),
            ),
        ]
        indexes = [models.Index(name="shift_ahead", fields=["person", "ends_at"], condition=Q(cancelled_at=None))]

    def __str__(self) -> str:
        return f"{self.person} from {self.starts_at} until {self.ends_at}"
