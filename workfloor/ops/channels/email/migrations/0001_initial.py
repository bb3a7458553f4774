"""Mailboxes, mail as it came, and replies on their way out."""

import django.db.models.deletion
import django.db.models.functions.text
import workfloor.kit.database.rls
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('clients', '0001_initial'),
        ('contracts', '0001_initial'),
        ('conversations', '0001_initial'),
        ('files', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Mailbox',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('address', models.TextField()),
                ('title', models.TextField(default='')),
                ('signature', models.TextField(default='')),
                ('signs', models.TextField(db_default='agent', default='agent')),
                ('language', models.CharField(db_default='any', default='any', max_length=12)),
                ('only_to', models.TextField(db_default='', default='')),
                ('most_per_sender', models.PositiveIntegerField(default=30)),
                ('source_url', models.TextField(default='')),
                ('password', models.BinaryField(default=b'')),
                ('opened_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(null=True)),
                ('client', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='mailboxes', to='clients.client')),
                ('queue', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='mailboxes', to='contracts.queue')),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='mailbox_wall', shared=False),
                    models.UniqueConstraint(fields=('client', 'id'), name='mailbox_of_client'),
                    models.UniqueConstraint(condition=models.Q(('closed_at', None)), fields=('address',), name='mailbox_address'),
                    models.CheckConstraint(condition=models.Q(('signs__in', ('agent', 'mailbox', 'none'))), name='mailbox_signs'),
                    models.CheckConstraint(condition=models.Q(('address', django.db.models.functions.text.Lower(models.F('address')))), name='mailbox_address_small'),
                    workfloor.kit.database.rls.SameClient(field='queue', name='mailbox_queue'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('message', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='delivery', serialize=False, to='conversations.message')),
                ('state', models.TextField(default='waiting')),
                ('due_at', models.DateTimeField()),
                ('began_at', models.DateTimeField(null=True)),
                ('changed_at', models.DateTimeField()),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('in_doubt', models.PositiveSmallIntegerField(default=0)),
                ('answer', models.TextField(default='')),
                ('client', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.client')),
                ('mailbox', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='email.mailbox')),
            ],
            options={
                'indexes': [
                    models.Index(condition=models.Q(('state__in', ['waiting', 'sending', 'handing-over'])), fields=['due_at'], name='delivery_due'),
                ],
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='delivery_wall', shared=False),
                    models.CheckConstraint(condition=models.Q(('state__in', ('waiting', 'sending', 'handing-over', 'sent', 'failed', 'withdrawn'))), name='delivery_state'),
                    workfloor.kit.database.rls.SameClient(field='message', name='delivery_message'),
                    workfloor.kit.database.rls.SameClient(field='mailbox', name='delivery_mailbox'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Arrival',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('envelope_sender', models.TextField(default='')),
                ('recipient', models.TextField(default='')),
                ('arrived_at', models.DateTimeField()),
                ('uid_validity', models.BigIntegerField(null=True)),
                ('uid', models.BigIntegerField(null=True)),
                ('state', models.TextField(default='waiting')),
                ('reason', models.TextField(default='')),
                ('anyway', models.BooleanField(default=False)),
                ('sender', models.TextField(default='')),
                ('subject', models.TextField(default='')),
                ('settled_at', models.DateTimeField(null=True)),
                ('client', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='arrivals', to='clients.client')),
                ('file', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='files.file')),
                ('message', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='arrivals', to='conversations.message')),
                ('mailbox', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='arrivals', to='email.mailbox')),
            ],
            options={
                'indexes': [
                    models.Index(condition=models.Q(('state', 'waiting')), fields=['mailbox', 'id'], name='arrival_unread'),
                    models.Index(fields=['mailbox', 'sender', 'arrived_at'], name='arrival_sender'),
                    models.Index(condition=models.Q(('state__in', ['waiting', 'taken']), _negated=True), fields=['state', '-id'], name='arrival_looked_at'),
                ],
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='arrival_wall', shared=False),
                    models.UniqueConstraint(fields=('client', 'id'), name='arrival_of_client'),
                    models.UniqueConstraint(condition=models.Q(('uid__isnull', False)), fields=('mailbox', 'uid_validity', 'uid'), name='arrival_fetched_once'),
                    models.CheckConstraint(condition=models.Q(('state__in', ('waiting', 'taken', 'set-aside', 'held', 'failed', 'discarded'))), name='arrival_state'),
                    workfloor.kit.database.rls.SameClient(field='mailbox', name='arrival_mailbox'),
                    workfloor.kit.database.rls.SameClient(field='message', name='arrival_message'),
                    workfloor.kit.database.rls.SameClient(field='file', name='arrival_file'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Place',
            fields=[
                ('mailbox', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='place', serialize=False, to='email.mailbox')),
                ('uid_validity', models.BigIntegerField(default=0)),
                ('uid', models.BigIntegerField(default=0)),
                ('fault', models.TextField(db_default='', default='')),
                ('failing_since', models.DateTimeField(null=True)),
                ('client', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.client')),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='place_wall', shared=False),
                    workfloor.kit.database.rls.SameClient(field='mailbox', name='place_mailbox'),
                ],
            },
        ),
        
    ]
