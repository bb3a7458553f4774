"""Escalations, and who was told of them."""

import django.db.models.deletion
import workfloor.kit.database.rls
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('clients', '0001_initial'),
        ('people', '0001_initial'),
        ('work', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Escalation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event', models.TextField()),
                ('title', models.TextField()),
                ('said', models.TextField(default='')),
                ('steps', models.JSONField()),
                ('steps_told', models.PositiveSmallIntegerField(default=0)),
                ('raised_at', models.DateTimeField()),
                ('due_at', models.DateTimeField(null=True)),
                ('acknowledged_at', models.DateTimeField(null=True)),
                ('closed_at', models.DateTimeField(null=True)),
                ('closed_as', models.TextField(default='')),
                ('answer', models.TextField(default='')),
                ('acknowledged_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.person')),
                ('client', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='escalations', to='clients.client')),
                ('closed_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.person')),
                ('item', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='escalations', to='work.item')),
            ],
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('step', models.PositiveSmallIntegerField()),
                ('to', models.EmailField(default='', max_length=254)),
                ('mail_due_at', models.DateTimeField(null=True)),
                ('mail_id', models.BigIntegerField(null=True)),
                ('told_at', models.DateTimeField()),
                ('client', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.client')),
                ('escalation', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='escalation.escalation')),
                ('person', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.person')),
            ],
        ),
        migrations.AddIndex(
            model_name='escalation',
            index=models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='escalation_due_at'),
        ),
        migrations.AddIndex(
            model_name='escalation',
            index=models.Index(condition=models.Q(('closed_at', None)), fields=['client', 'raised_at'], name='escalation_open'),
        ),
        migrations.AddIndex(
            model_name='escalation',
            index=models.Index(condition=models.Q(('closed_at__isnull', False)), fields=['client', 'closed_at'], name='escalation_over'),
        ),
        migrations.AddConstraint(
            model_name='escalation',
            constraint=workfloor.kit.database.rls.Wall(column='client_id', name='escalation_wall', shared=False),
        ),
        migrations.AddConstraint(
            model_name='escalation',
            constraint=workfloor.kit.database.rls.SameClient(at_once=False, field='item', name='escalation_item'),
        ),
        migrations.AddConstraint(
            model_name='escalation',
            constraint=workfloor.kit.database.rls.SameClient(at_once=False, field='acknowledged_by', name='escalation_acknowledged_by'),
        ),
        migrations.AddConstraint(
            model_name='escalation',
            constraint=workfloor.kit.database.rls.SameClient(at_once=False, field='closed_by', name='escalation_closed_by'),
        ),
        migrations.AddConstraint(
            model_name='escalation',
            constraint=models.UniqueConstraint(fields=('client', 'id'), name='escalation_of_client'),
        ),
        migrations.AddConstraint(
            model_name='escalation',
            constraint=models.UniqueConstraint(condition=models.Q(('closed_at', None)), fields=('item', 'event', 'title'), name='escalation_open_once'),
        ),
        migrations.AddConstraint(
            model_name='escalation',
            constraint=models.CheckConstraint(condition=models.Q(('closed_at', None), models.Q(('closed_as', ''), _negated=True), _connector='XOR'), name='escalation_closed'),
        ),
        migrations.AddConstraint(
            model_name='escalation',
            constraint=models.CheckConstraint(condition=models.Q(('due_at', None), models.Q(('acknowledged_at', None), ('closed_at', None)), _connector='OR'), name='escalation_due'),
        ),
        migrations.AddIndex(
            model_name='notice',
            index=models.Index(condition=models.Q(('mail_due_at__isnull', False)), fields=['mail_due_at'], name='notice_mail_due'),
        ),
        migrations.AddIndex(
            model_name='notice',
            index=models.Index(condition=models.Q(('mail_id__isnull', False)), fields=['mail_id'], name='notice_mail'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.CheckConstraint(condition=models.Q(('mail_due_at', None), ('mail_id', None), _connector='OR'), name='notice_mailed_once'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=workfloor.kit.database.rls.Wall(column='client_id', name='notice_wall', shared=False),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=workfloor.kit.database.rls.SameClient(at_once=False, field='escalation', name='notice_escalation'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=workfloor.kit.database.rls.SameClient(at_once=False, field='person', name='notice_person'),
        ),
    ]
