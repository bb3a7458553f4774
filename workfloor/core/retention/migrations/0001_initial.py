"""For how long what is kept stays."""

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
            name='Retention',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.TextField()),
                ('days', models.PositiveIntegerField()),
                ('set_at', models.DateTimeField()),
                ('client', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.client')),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='retention_wall', shared=True),
                    models.UniqueConstraint(fields=('client', 'kind'), name='retention_once', nulls_distinct=False),
                    models.CheckConstraint(condition=models.Q(('kind__in', ['raw-mail', 'attachments', 'webhook-deliveries', 'drafts', 'team-messages', 'looks', 'sessions', 'logs', 'failed-jobs', 'removed-files'])), name='retention_kind'),
                    models.CheckConstraint(condition=models.Q(('client', None), ('kind__in', ['raw-mail', 'attachments', 'webhook-deliveries', 'drafts', 'team-messages', 'looks']), _connector='OR'), name='retention_of_client'),
                ],
            },
        ),
    ]
