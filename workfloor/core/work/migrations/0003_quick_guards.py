"""The same guards, each with a function of its own."""

from django.db import migrations

from workfloor.kit import rls


class Migration(migrations.Migration):
    dependencies = [("work", "0002_hands_of_staff"), ("people", "0003_quick_guards")]

    operations = [
        migrations.RemoveConstraint(model_name="assignment", name="assignment_person"),
        migrations.AddConstraint(
            model_name="assignment", constraint=rls.SameClient(field="person", name="assignment_person")
        ),
        migrations.RemoveConstraint(model_name="item", name="item_with"),
        migrations.AddConstraint(model_name="item", constraint=rls.SameClient(field="person", name="item_with")),
        migrations.RemoveConstraint(model_name="item", name="item_done_by_whom"),
        migrations.AddConstraint(
            model_name="item", constraint=rls.SameClient(field="done_by", name="item_done_by_whom")
        ),
        migrations.RunSQL("DROP FUNCTION IF EXISTS workfloor_own_or_shared()", ""),
    ]
