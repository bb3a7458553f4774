from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Each mailbox has its share of what is read next."""

    atomic = False
    dependencies = [("email", "0002_fetching_faults")]

    operations = [
        AddIndexConcurrently(
            "arrival",
            models.Index(
                name="arrival_unread", fields=["mailbox", "id"], condition=models.Q(state="waiting")
            ),
        ),
        RemoveIndexConcurrently("arrival", "arrival_waiting"),
    ]
