"""Playbooks, tags and articles."""

import django.db.models.deletion
import workfloor.kit.database.rls
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('clients', '0001_initial'),
        ('contracts', '0001_initial'),
        ('people', '0001_initial'),
        ('work', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Article',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.SlugField()),
                ('title', models.TextField()),
                ('body', models.TextField()),
                ('version', models.PositiveIntegerField()),
                ('changed_at', models.DateTimeField()),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='articles', to='clients.client')),
                ('process', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='articles', to='contracts.process')),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='article_wall', shared=False),
                    models.UniqueConstraint(fields=('client', 'id'), name='article_of_client'),
                    models.UniqueConstraint(fields=('client', 'process', 'name'), name='article_name'),
                    workfloor.kit.database.rls.SameClient(field='process', name='article_process'),
                ],
            },
        ),
        migrations.CreateModel(
            name='ArticleVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('title', models.TextField()),
                ('body', models.TextField()),
                ('made_at', models.DateTimeField()),
                ('article', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='playbooks.article')),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.person')),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.client')),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='article_version_wall', shared=False),
                    models.UniqueConstraint(fields=('client', 'article', 'number'), name='article_version_number'),
                    workfloor.kit.database.rls.SameClient(field='article', name='article_version_of'),
                    workfloor.kit.database.rls.SameClient(field='by', name='article_version_by'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Tag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.TextField()),
                ('client', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.client')),
                ('item', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='tags', to='work.item')),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='tag_wall', shared=False),
                    models.UniqueConstraint(fields=('client', 'name', 'item'), name='tag_once'),
                    workfloor.kit.database.rls.SameClient(field='item', name='tag_item'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Version',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('source', models.TextField()),
                ('made_at', models.DateTimeField()),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='playbooks', to='clients.client')),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='playbook_wall', shared=False),
                    models.UniqueConstraint(fields=('client', 'number'), name='playbook_number'),
                ],
            },
        ),
    ]
