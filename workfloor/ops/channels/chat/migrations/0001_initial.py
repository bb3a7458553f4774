"""Widgets, chats and copies of chats."""

import django.contrib.postgres.fields
import django.db.models.deletion
import workfloor.kit.database.rls
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('clients', '0001_initial'),
        ('contracts', '0001_initial'),
        ('conversations', '0001_initial'),
        ('work', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Widget',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=40, unique=True)),
                ('origins', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                ('source', models.TextField(default='')),
                ('added_at', models.DateTimeField()),
                ('withdrawn_at', models.DateTimeField(null=True)),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='widgets', to='clients.client')),
                ('queue', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='widgets', to='contracts.queue')),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='widget_wall', shared=False),
                    models.UniqueConstraint(fields=('client', 'id'), name='widget_of_client'),
                    workfloor.kit.database.rls.SameClient(field='queue', name='widget_queue'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Chat',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64)),
                ('address_digest', models.CharField(max_length=64)),
                ('page', models.TextField(default='')),
                ('language', models.CharField(default='', max_length=12)),
                ('answers', models.JSONField(default=dict)),
                ('opened_at', models.DateTimeField()),
                ('seen_at', models.DateTimeField()),
                ('said_at', models.DateTimeField()),
                ('replied_at', models.DateTimeField(null=True)),
                ('read_by_us', models.BigIntegerField(default=0)),
                ('closed_at', models.DateTimeField(null=True)),
                ('closed_as', models.TextField(default='')),
                ('score', models.PositiveSmallIntegerField(null=True)),
                ('comment', models.TextField(default='')),
                ('case', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='chats', to='work.case')),
                ('client', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='chats', to='clients.client')),
                ('item', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='chats', to='work.item')),
                ('widget', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='chats', to='chat.widget')),
            ],
            options={
                'indexes': [
                    models.Index(fields=['address_digest', 'opened_at'], name='chat_address'),
                    models.Index(condition=models.Q(('score__isnull', False)), fields=['client', 'opened_at'], name='chat_rated'),
                    models.Index(condition=models.Q(('closed_at', None)), fields=['seen_at'], name='chat_open'),
                ],
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='chat_wall', shared=False),
                    models.UniqueConstraint(fields=('client', 'id'), name='chat_of_client'),
                    models.UniqueConstraint(fields=('client', 'digest'), name='chat_digest'),
                    models.CheckConstraint(condition=models.Q(models.Q(('closed_as', ''), ('closed_at', None)), ('closed_as__in', ('visitor', 'agent', 'silence', 'left', 'turned')), _connector='OR'), name='chat_closed'),
                    models.CheckConstraint(condition=models.Q(('score', None), ('score__range', (1, 5)), _connector='OR'), name='chat_score'),
                    workfloor.kit.database.rls.SameClient(field='widget', name='chat_widget'),
                    workfloor.kit.database.rls.SameClient(field='case', name='chat_case'),
                    workfloor.kit.database.rls.SameClient(field='item', name='chat_item'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Transcript',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=64)),
                ('address_digest', models.CharField(max_length=64)),
                ('recipient_digest', models.CharField(max_length=64)),
                ('asked_at', models.DateTimeField()),
                ('chat', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='transcripts', to='chat.chat')),
                ('client', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.client')),
                ('message', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='transcript', to='conversations.message')),
            ],
            options={
                'indexes': [models.Index(fields=['address_digest', 'asked_at'], name='transcript_from'), models.Index(fields=['recipient_digest', 'asked_at'], name='transcript_to')],
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='transcript_wall', shared=False), models.UniqueConstraint(fields=('chat', 'key'), name='transcript_key'),
                    workfloor.kit.database.rls.SameClient(field='chat', name='transcript_chat'),
                    workfloor.kit.database.rls.SameClient(field='message', name='transcript_message'),
                ],
            },
        ),
    ]
