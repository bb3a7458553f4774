"""Messages and their files."""

import django.db.models.deletion
import workfloor.kit.database.rls
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('clients', '0001_initial'),
        ('files', '0001_initial'),
        ('people', '0001_initial'),
        ('work', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Message',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('direction', models.TextField()),
                ('channel', models.TextField(default='')),
                ('key', models.TextField(default='')),
                ('external_id', models.TextField(default='')),
                ('sender', models.TextField(default='')),
                ('sender_name', models.TextField(default='')),
                ('recipients', models.JSONField(default=list)),
                ('subject', models.TextField(default='')),
                ('text', models.TextField(default='')),
                ('folded_text', models.TextField(default='')),
                ('html', models.TextField(default='')),
                ('said_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(null=True)),
                ('read_at', models.DateTimeField(null=True)),
                ('pictures_allowed_at', models.DateTimeField(null=True)),
                ('state', models.TextField()),
                ('fault', models.TextField(default='')),
                ('case', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='work.case')),
                ('client', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='clients.client')),
                ('item', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='work.item')),
                ('person', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='people.person')),
                ('forwards', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conversations.message')),
            ],
            options={
                'indexes': [
                    models.Index(condition=models.Q(('external_id', ''), _negated=True), fields=['client', 'external_id'], name='message_external_id'),
                ],
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='message_wall', shared=False),
                    models.UniqueConstraint(fields=('client', 'id'), name='message_of_client'),
                    models.UniqueConstraint(condition=models.Q(('key', ''), _negated=True), fields=('client', 'channel', 'key'), name='message_key'),
                    models.CheckConstraint(condition=models.Q(('direction__in', ('in', 'out', 'note'))), name='message_direction'),
                    models.CheckConstraint(condition=models.Q(models.Q(('channel', ''), ('direction', 'note')), models.Q(models.Q(('direction', 'note'), _negated=True), ('channel__in', ('email', 'chat', 'voice', 'message', 'fax', 'document', 'api'))), _connector='OR'), name='message_channel'),
                    models.CheckConstraint(condition=models.Q(models.Q(('direction', 'in'), ('state', 'received')), models.Q(('direction', 'note'), ('state', 'noted')), models.Q(('direction', 'out'), ('state__in', ['waiting', 'sending', 'sent', 'read', 'failed', 'withdrawn'])), _connector='OR'), name='message_state'),
                    workfloor.kit.database.rls.SameClient(field='case', name='message_case'),
                    workfloor.kit.database.rls.SameClient(field='item', name='message_item'),
                    workfloor.kit.database.rls.SameClient(field='person', name='message_by'),
                    workfloor.kit.database.rls.SameClient(field='forwards', name='message_forwards'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Draft',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField()),
                ('envelope', models.JSONField(default=dict)),
                ('kept_at', models.DateTimeField()),
                ('client', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.client')),
                ('item', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='work.item')),
                ('person', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.person')),
            ],
            options={
                'indexes': [models.Index(fields=['client', 'kept_at'], name='draft_kept')],
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='draft_wall', shared=False),
                    models.UniqueConstraint(fields=('item', 'person'), name='draft_once'),
                    workfloor.kit.database.rls.SameClient(field='item', name='draft_item'),
                    workfloor.kit.database.rls.SameClient(field='person', name='draft_by'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Attachment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.TextField()),
                ('media_type', models.TextField()),
                ('content_id', models.TextField(default='')),
                ('size', models.PositiveIntegerField()),
                ('client', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='attachments', to='clients.client')),
                ('file', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='files.file')),
                ('message', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='attachments', to='conversations.message')),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='attachment_wall', shared=False),
                    models.UniqueConstraint(fields=('client', 'id'), name='attachment_of_client'),
                    models.CheckConstraint(condition=models.Q(('size__lte', 25000000)), name='attachment_size'),
                    workfloor.kit.database.rls.SameClient(field='message', name='attachment_message'),
                    workfloor.kit.database.rls.SameClient(field='file', name='attachment_file'),
                ],
            },
        ),
    ]
