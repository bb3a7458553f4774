"""The same guards, each with a function of its own."""

from django.db import migrations

from workfloor.kit import rls


class Migration(migrations.Migration):
    dependencies = [("people", "0002_clearance_of_staff")]

    operations = [
        migrations.RemoveConstraint(model_name="clearance", name="clearance_person"),
        migrations.AddConstraint(
            model_name="clearance", constraint=rls.SameClient(field="person", name="clearance_person")
        ),
    ]
