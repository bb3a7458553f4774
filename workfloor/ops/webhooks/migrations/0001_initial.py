"""Endpoints of other systems, and what is sent to them."""

import django.contrib.postgres.fields
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
            name='Endpoint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('client', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='endpoints', to='clients.client')),
                ('title', models.TextField()),
                ('url', models.TextField()),
                ('events', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                ('secret', models.BinaryField()),
                ('old_secret', models.BinaryField(null=True)),
                ('old_secret_until', models.DateTimeField(null=True)),
                ('state', models.TextField(default='enabled')),
                ('since_position', models.BigIntegerField(default=0)),
                ('added_at', models.DateTimeField()),
                ('failures', models.PositiveIntegerField(default=0)),
                ('failing_since', models.DateTimeField(null=True)),
                ('rests_until', models.DateTimeField(null=True)),
                ('accepted_at', models.DateTimeField(null=True)),
                ('fault', models.TextField(default='')),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='endpoint_wall', shared=False),
                    models.UniqueConstraint(fields=('client', 'id'), name='endpoint_of_client'),
                    models.CheckConstraint(condition=models.Q(('state__in', ('enabled', 'paused', 'gone', 'removed'))), name='endpoint_state'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('client', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.client')),
                ('endpoint', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='webhooks.endpoint')),
                ('key', models.TextField()),
                ('position', models.BigIntegerField(null=True)),
                ('event', models.TextField()),
                ('line', models.TextField()),
                ('body', models.TextField()),
                ('state', models.TextField(default='waiting')),
                ('made_at', models.DateTimeField()),
                ('due_at', models.DateTimeField()),
                ('began_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('tries', models.PositiveIntegerField(default=0)),
            ],
            options={
                'indexes': [
                    models.Index(condition=models.Q(('state', 'waiting')), fields=['endpoint', 'line', 'id'], name='webhook_in_line'),
                    models.Index(condition=models.Q(('state', 'waiting')), fields=['endpoint', 'due_at', 'id'], name='webhook_due'),
                    models.Index(fields=['endpoint', '-id'], name='webhook_shown'),
                    models.Index(condition=models.Q(('ended_at__isnull', False)), fields=['client', 'ended_at'], name='webhook_ended'),
                ],
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='webhook_wall', shared=False),
                    workfloor.kit.database.rls.SameClient(field='endpoint', name='webhook_endpoint'),
                    models.UniqueConstraint(fields=('client', 'id'), name='webhook_of_client'),
                    models.UniqueConstraint(fields=('endpoint', 'position'), name='webhook_once'),
                    models.CheckConstraint(condition=models.Q(('state__in', ('waiting', 'accepted', 'failed'))), name='webhook_state'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Attempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('client', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.client')),
                ('delivery', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='attempts', to='webhooks.delivery')),
                ('began_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('code', models.PositiveIntegerField(null=True)),
                ('words', models.TextField(default='')),
                ('took', models.PositiveIntegerField(null=True)),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='attempt_wall', shared=False),
                    workfloor.kit.database.rls.SameClient(field='delivery', name='attempt_delivery'),
                ],
            },
        ),
    ]
