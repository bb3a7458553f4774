"""Files, the keys that open them, and what was removed of them."""

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
            name='Key',
            fields=[
                ('client', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='+', serialize=False, to='clients.client')),
                ('wrapped', models.BinaryField()),
                ('made_at', models.DateTimeField()),
                ('erased_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='key_wall', shared=False),
                ],
            },
        ),
        migrations.CreateModel(
            name='File',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64)),
                ('name', models.TextField()),
                ('secret', models.BinaryField()),
                ('size', models.BigIntegerField()),
                ('media_type', models.TextField()),
                ('created_at', models.DateTimeField()),
                ('delete_at', models.DateTimeField(null=True)),
                ('client', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.client')),
            ],
            options={
                'indexes': [
                    models.Index(condition=models.Q(('delete_at__isnull', False)), fields=['delete_at'], name='file_to_delete'),
                ],
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='file_wall', shared=False),
                    models.UniqueConstraint(fields=('client', 'id'), name='file_of_client'),
                    models.UniqueConstraint(fields=('client', 'digest'), name='file_once'),
                    models.UniqueConstraint(fields=('name',), name='file_name'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Removed',
            fields=[
                ('name', models.TextField(primary_key=True, serialize=False)),
                ('removed_at', models.DateTimeField(db_index=True)),
                ('client', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.client')),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='removed_wall', shared=False),
                ],
            },
        ),
    ]
