"""What was agreed in a service review."""

import django.db.models.deletion
import workfloor.kit.database.rls
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('clients', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='ActionItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('who', models.TextField()),
                ('what', models.TextField()),
                ('until', models.DateField()),
                ('agreed_at', models.DateTimeField()),
                ('done_at', models.DateTimeField(null=True)),
                ('note', models.TextField(default='')),
                ('client', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='action_items', to='clients.client')),
            ],
            options={
                'indexes': [models.Index(fields=['client', 'until'], name='undertaking_until')],
                'constraints': [workfloor.kit.database.rls.Wall(column='client_id', name='undertaking_wall', shared=False), models.CheckConstraint(condition=models.Q(('note', ''), ('done_at__isnull', False), _connector='OR'), name='undertaking_note')],
            },
        ),
    ]
