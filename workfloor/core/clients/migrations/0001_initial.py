"""Clients and their tokens."""

import django.contrib.postgres.fields
import django.db.models.deletion
import workfloor.kit.database.rls
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Client',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(unique=True)),
                ('title', models.TextField()),
                ('opened_at', models.DateTimeField()),
            ],
            options={
                'constraints': [workfloor.kit.database.rls.Wall(column='id', name='client_wall', shared=False)],
            },
        ),
        migrations.CreateModel(
            name='Token',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.TextField()),
                ('digest', models.CharField(max_length=64)),
                ('scopes', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                ('issued_at', models.DateTimeField()),
                ('revoked_at', models.DateTimeField(null=True)),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tokens', to='clients.client')),
            ],
            options={
                'constraints': [workfloor.kit.database.rls.Wall(column='client_id', name='token_wall', shared=False)],
            },
        ),
    ]
