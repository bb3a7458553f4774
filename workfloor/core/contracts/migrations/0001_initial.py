"""The signed versions of contracts, processes and queues."""

import django.db.models.deletion
import workfloor.kit.database.rls
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('event_log', '0001_initial'),
        ('clients', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Process',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.SlugField()),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='processes', to='clients.client')),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='process_wall', shared=False),
                    models.UniqueConstraint(fields=('client', 'name'), name='process_name'),
                    models.UniqueConstraint(fields=('client', 'id'), name='process_of_client'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Queue',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.SlugField()),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='queues', to='clients.client')),
                ('process', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='queues', to='contracts.process')),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='queue_wall', shared=False),
                    models.UniqueConstraint(fields=('client', 'name'), name='queue_name'),
                    models.UniqueConstraint(fields=('client', 'id'), name='queue_of_client'),
                    workfloor.kit.database.rls.SameClient(field='process', name='queue_process'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Version',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('effective_on', models.DateField()),
                ('source', models.TextField()),
                ('digest', models.CharField(max_length=64)),
                ('signed_at', models.DateTimeField()),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='contract_versions', to='clients.client')),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='version_wall', shared=False),
                    models.UniqueConstraint(fields=('client', 'number'), name='version_number'),
                ],
            },
        ),
        migrations.RunSQL(
            "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON contracts_version "
            "FOR EACH STATEMENT EXECUTE FUNCTION workfloor_append_only()",
            "DROP TRIGGER append_only ON contracts_version",
        ),
    ]
