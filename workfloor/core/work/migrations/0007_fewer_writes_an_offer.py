"""What each step of an item writes and checks twice goes: two indexes and a guard that a key stands for.

`item_with` asked whether an item's person is there and is of its client or the provider. The key `item_is_assigned`
wants an assignment of this very item to this very person, and that is held to the same by `assignment_item` (its client
is the item's) and `assignment_person` (its person is there, and of that client or the provider).
"""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("contracts", "0001_initial"), ("work", "0006_first_reply_and_first_return")]

    operations = [
        migrations.RemoveConstraint(model_name="item", name="item_with"),
        migrations.RunSQL("DROP FUNCTION IF EXISTS workfloor_item_with()", ""),
        AddIndexConcurrently(
            model_name="item",
            index=models.Index(name="item_of_case", fields=["case"], condition=models.Q(case__isnull=False)),
        ),
        migrations.AlterField(
            model_name="item",
            name="case",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="items",
                to="work.case",
            ),
        ),
        migrations.AlterField(
            model_name="item",
            name="queue",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="items",
                to="contracts.queue",
            ),
        ),
    ]
