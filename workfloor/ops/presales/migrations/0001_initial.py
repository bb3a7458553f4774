"""Imports of past work."""

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
            name='Import',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.TextField()),
                ('file', models.TextField()),
                ('sha256', models.CharField(max_length=64)),
                ('map_text', models.TextField()),
                ('map_sha256', models.CharField(max_length=64)),
                ('rows', models.PositiveIntegerField()),
                ('answered', models.PositiveIntegerField()),
                ('abandoned', models.PositiveIntegerField()),
                ('phantom', models.PositiveIntegerField()),
                ('left_out', models.PositiveIntegerField()),
                ('first_at', models.DateTimeField()),
                ('last_at', models.DateTimeField()),
                ('dirt', models.JSONField(default=list)),
                ('unused_columns', models.JSONField(default=list)),
                ('imported_at', models.DateTimeField()),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.client')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('client', 'sha256'), name='import_once_per_client'), workfloor.kit.database.rls.Wall(column='client_id', name='import_wall', shared=False)],
            },
        ),
    ]
