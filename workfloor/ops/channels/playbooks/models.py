"""The versions of clients' playbooks, tags that rules gave, and articles with their versions."""

from django.db import models

from workfloor.core.clients.models import Client
from workfloor.core.contracts.models import Process
from workfloor.core.people.models import Person
from workfloor.core.work.models import Item
from workfloor.kit.database import rls


class Version(models.Model):
    """A playbook as it was from a time on; the last one holds."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="playbooks")
    number = models.PositiveIntegerField()
    source = models.TextField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            rls.Wall(name="playbook_wall"),
            models.UniqueConstraint(name="playbook_number", fields=["client", "number"]),
        ]

    def __str__(self) -> str:
        return f"playbook {self.number}"


class Tag(models.Model):
    """A word on an item, by which it is found and counted."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="+", db_index=False)
    item = models.ForeignKey(Item, models.CASCADE, related_name="tags", db_constraint=False)
    name = models.TextField()

    class Meta:
        constraints = [
            rls.Wall(name="tag_wall"),
            rls.SameClient(name="tag_item", field="item"),
            models.UniqueConstraint(name="tag_once", fields=["client", "name", "item"]),
        ]

    def __str__(self) -> str:
        return self.name


class Article(models.Model):
    """What agents of a process can look up; what it says stands in its versions."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="articles")
    process = models.ForeignKey(Process, models.PROTECT, related_name="articles", db_constraint=False)
    name = models.SlugField()
    title = models.TextField()
    body = models.TextField()
    version = models.PositiveIntegerField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            rls.Wall(name="article_wall"),
            rls.SameClient(name="article_process", field="process"),
            models.UniqueConstraint(name="article_of_client", fields=["client", "id"]),
            models.UniqueConstraint(name="article_name", fields=["client", "process", "name"]),
        ]

    def __str__(self) -> str:
        return self.title


class ArticleVersion(models.Model):
    """What an article said from a time on."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="+")
    article = models.ForeignKey(Article, models.PROTECT, related_name="versions", db_constraint=False)
    number = models.PositiveIntegerField()
    title = models.TextField()
    body = models.TextField()
    made_at = models.DateTimeField()
    by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            rls.Wall(name="article_version_wall"),
            rls.SameClient(name="article_version_of", field="article"),
            rls.SameClient(name="article_version_by", field="by"),
            models.UniqueConstraint(name="article_version_number", fields=["client", "article", "number"]),
        ]

    def __str__(self) -> str:
        return f"{self.title}, version {self.number}"
