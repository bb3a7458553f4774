"""Which router leads a pool, and which queues it serves."""

import django.db.models.deletion
import workfloor.kit.database.rls
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('clients', '0001_initial'),
        ('contracts', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Fairness',
            fields=[
                ('pool', models.SlugField(primary_key=True, serialize=False)),
                ('seconds', models.PositiveIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='Leader',
            fields=[
                ('pool', models.SlugField(primary_key=True, serialize=False)),
                ('epoch', models.BigIntegerField()),
                ('since', models.DateTimeField()),
                ('process', models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name='Pooled',
            fields=[
                ('queue', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='contracts.queue')),
                ('pool', models.SlugField()),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.client')),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='pooled_wall', shared=False),
                    workfloor.kit.database.rls.SameClient(field='queue', name='pooled_queue'),
                ],
            },
        ),
    ]
