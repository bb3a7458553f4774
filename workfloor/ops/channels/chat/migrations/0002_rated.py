from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('chat', '0001_initial'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='chat',
            index=models.Index(condition=models.Q(('score__isnull', False)), fields=['client', 'opened_at'], name='chat_rated'),
        ),
    ]
