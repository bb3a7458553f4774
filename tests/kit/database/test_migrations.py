"""Every migration is safe on a live table, and the models have no change that a migration lacks."""

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.core.management import call_command
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader

from workfloor.kit.database.migrations import unsafe


class Change(migrations.Migration):
    pass


def with_operation(*operations):
    change = Change("0002_change", "work")
    change.operations = list(operations)
    return change


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("item", "colour", models.TextField()),
        migrations.AddField("item", "colour", models.TextField(default="red")),
        migrations.RenameField("item", "title", "subject"),
        migrations.AddIndex("item", models.Index(fields=["title"], name="by_title")),
    ],
)
def test_what_would_stop_a_live_installation_is_named(operation):
    assert unsafe(with_operation(operation))


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("item", "colour", models.TextField(null=True)),
        migrations.AddField("item", "colour", models.TextField(db_default="red")),
        migrations.CreateModel("Thing", [("id", models.BigAutoField(primary_key=True))]),
        AddIndexConcurrently("item", models.Index(fields=["title"], name="by_title")),
    ],
)
def test_what_stops_nobody_is_not(operation):
    assert not unsafe(with_operation(operation))


def test_every_migration_of_ours_is_safe():
    found = MigrationLoader(None).disk_migrations
    ours = {key: migration for key, migration in found.items() if migration.__module__.startswith("workfloor.")}

    assert len(ours) >= 5
    assert {key: unsafe(migration) for key, migration in ours.items() if unsafe(migration)} == {}


def test_no_model_has_changed_without_a_migration(everyone):
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
