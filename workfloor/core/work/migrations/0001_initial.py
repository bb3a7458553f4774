"""Customers, cases, work items, and who has which in hand."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import workfloor.kit.database.rls
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('clients', '0001_initial'),
        ('contracts', '0001_initial'),
        ('people', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Case',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.TextField()),
                ('subject', models.TextField(default='')),
                ('claimed_reference', models.TextField(db_default='', default='')),
                ('claimed_name', models.TextField(db_default='', default='')),
                ('opened_at', models.DateTimeField()),
                ('resolved_at', models.DateTimeField(null=True)),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='clients.client')),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='case_wall', shared=False),
                    models.UniqueConstraint(fields=('client', 'id'), name='case_of_client'),
                    models.CheckConstraint(condition=models.Q(('kind__in', ['complaint', 'request', 'question', 'lead'])), name='case_kind'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Item',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.TextField(default='')),
                ('payload', models.JSONField(default=dict)),
                ('digest', models.CharField(default='', max_length=64)),
                ('state', models.TextField()),
                ('key', models.TextField()),
                ('kind', models.TextField()),
                ('agent_label', models.TextField(default='')),
                ('received_at', models.DateTimeField()),
                ('queued_at', models.DateTimeField()),
                ('answer_by', models.DateTimeField(null=True)),
                ('due_at', models.DateTimeField(null=True)),
                ('offer_expires_at', models.DateTimeField(null=True)),
                ('connected_at', models.DateTimeField(null=True)),
                ('talking_since', models.DateTimeField(null=True)),
                ('on_hold_since', models.DateTimeField(null=True)),
                ('pending_customer_since', models.DateTimeField(null=True)),
                ('sticky_until', models.DateTimeField(null=True)),
                ('preempted_at', models.DateTimeField(null=True)),
                ('escalated_at', models.DateTimeField(null=True)),
                ('escalation_answered_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('wrapped_up_at', models.DateTimeField(null=True)),
                ('abandoned_at', models.DateTimeField(null=True)),
                ('cancelled_at', models.DateTimeField(null=True)),
                ('cancelled_as', models.TextField(default='')),
                ('talk_seconds', models.IntegerField(default=0)),
                ('hold_seconds', models.IntegerField(default=0)),
                ('wrap_seconds', models.IntegerField(default=0)),
                ('aside_seconds', models.IntegerField(db_default=0, default=0)),
                ('paused_seconds', models.IntegerField(default=0)),
                ('working_seconds', models.IntegerField(null=True)),
                ('reply_seconds', models.IntegerField(null=True)),
                ('came_back_seconds', models.IntegerField(null=True)),
                ('disposition', models.TextField(default='')),
                ('reopened', models.PositiveSmallIntegerField(default=0)),
                ('transfers', models.PositiveSmallIntegerField(db_default=0, default=0)),
                ('priority', models.PositiveSmallIntegerField(db_default=0, default=0)),
                ('ahead_seconds', models.IntegerField(db_default=0, default=0)),
                ('beside', models.JSONField(null=True)),
                ('legs', models.JSONField(null=True)),
                ('second_keying', models.TextField(db_default='', default='')),
                ('elsewhere', models.BooleanField(db_default=False, default=False)),
                ('keyed_at', models.DateTimeField(null=True)),
                ('client', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='items', to='clients.client')),
                ('done_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='done_items', to='people.person')),
                ('person', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='items', to='people.person')),
                ('process', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='items', to='contracts.process')),
                ('queue', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='items', to='contracts.queue')),
                ('sticky_agent', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.person')),
                ('case', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='items', to='work.case')),
            ],
            options={
                'indexes': [
                    models.Index(condition=models.Q(('state', 'waiting')), fields=['queue', 'queued_at', 'id'], name='item_waiting'),
                    models.Index(condition=models.Q(('state', 'offered')), fields=['offer_expires_at'], name='item_offered'),
                    models.Index(condition=models.Q(('person__isnull', False)), fields=['person'], name='item_person'),
                    models.Index(condition=models.Q(('case__isnull', False)), fields=['case'], name='item_of_case'),
                    models.Index(fields=['client', 'received_at'], name='item_period'),
                    models.Index(condition=models.Q(('done_by__isnull', False)), fields=['done_by', 'wrapped_up_at'], name='item_done_by'),
                ],
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='item_wall', shared=False),
                    models.UniqueConstraint(fields=('client', 'key'), name='item_key'),
                    models.UniqueConstraint(fields=('client', 'id'), name='item_of_client'),
                    models.CheckConstraint(condition=models.Q(('state__in', ('waiting', 'offered', 'held', 'wrapping', 'done', 'abandoned', 'cancelled'))), name='item_state'),
                    models.CheckConstraint(condition=models.Q(('kind__in', ('call', 'callback', 'chat', 'email', 'outbound-email', 'message', 'fax', 'document', 'invoice', 'payment', 'booking', 'payslip-run', 'cv', 'research', 'task'))), name='item_kind'),
                    models.CheckConstraint(condition=models.Q(models.Q(('state__in', ('offered', 'held', 'wrapping')), models.Q(('person__isnull', False), ('elsewhere', True), _connector='XOR')), models.Q(models.Q(('state__in', ('offered', 'held', 'wrapping')), _negated=True), ('person', None)), _connector='OR'), name='item_with_somebody'),
                    models.CheckConstraint(condition=models.Q(models.Q(('offer_expires_at__isnull', False), ('state', 'offered')), models.Q(models.Q(('state', 'offered'), _negated=True), ('offer_expires_at', None)), _connector='OR'), name='item_offer_expires'),
                    models.CheckConstraint(condition=models.Q(models.Q(('state', 'done'), _negated=True), models.Q(('ended_at__isnull', False), ('wrapped_up_at__isnull', False)), _connector='OR'), name='item_done_when_wrapped_up'),
                    models.CheckConstraint(condition=models.Q(('state', 'abandoned'), ('abandoned_at', None), _connector='XOR'), name='item_abandoned_at'),
                    models.CheckConstraint(condition=models.Q(('second_keying__in', ('', 'wanted', 'begun', 'done'))), name='item_second_keying'),
                    models.CheckConstraint(condition=models.Q(('state', 'cancelled'), ('cancelled_at', None), _connector='XOR'), name='item_cancelled_at'),
                    models.CheckConstraint(condition=models.Q(('hold_seconds__gte', 0), ('talk_seconds__gte', 0), ('wrap_seconds__gte', 0)), name='item_seconds'),
                    workfloor.kit.database.rls.SameClient(field='case', name='item_case'),
                    workfloor.kit.database.rls.SameClient(field='process', name='item_process'),
                    workfloor.kit.database.rls.SameClient(field='queue', name='item_queue'),
                    workfloor.kit.database.rls.SameClient(field='done_by', name='item_done_by_whom'),
                    workfloor.kit.database.rls.SameClient(field='sticky_agent', name='item_sticky_agent'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Customer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reference', models.TextField()),
                ('name', models.TextField(default='')),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='customers', to='clients.client')),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='customer_wall', shared=False),
                    models.UniqueConstraint(fields=('client', 'reference'), name='customer_reference'),
                    models.UniqueConstraint(fields=('client', 'id'), name='customer_of_client'),
                ],
            },
        ),
        migrations.AddField(
            model_name='case',
            name='customer',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='work.customer'),
        ),
        migrations.CreateModel(
            name='Report',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.TextField()),
                ('digest', models.CharField(max_length=64)),
                ('said', models.JSONField()),
                ('at', models.DateTimeField()),
                ('source', models.TextField()),
                ('reported_at', models.DateTimeField()),
                ('waits_for', models.TextField(default='')),
                ('answer', models.JSONField(null=True)),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reports', to='clients.client')),
                ('item', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='reports', to='work.item')),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='report_wall', shared=False),
                    workfloor.kit.database.rls.SameClient(field='item', name='report_item'),
                    models.UniqueConstraint(fields=('client', 'key'), name='report_key'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Assignment',
            fields=[
                ('pk', models.CompositePrimaryKey('item_id', 'place', blank=True, editable=False, primary_key=True, serialize=False)),
                ('item', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='assignments', to='work.item')),
                ('place', models.BigIntegerField(db_default=0, default=0)),
                ('role', models.TextField(db_default='owner', default='owner')),
                ('share', django.contrib.postgres.fields.ranges.IntegerRangeField()),
                ('since', models.DateTimeField()),
                ('preemptible', models.BooleanField(db_default=False, default=False)),
                ('aside', models.BooleanField(db_default=False, default=False)),
                ('client', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.client')),
                ('person', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='assignments', to='people.person')),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='assignment_wall', shared=False),
                    django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('aside', False)), expressions=[('person', '='), ('share', '&&')], name='assignment_within_capacity'),
                    django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('aside', True)), expressions=[('person', '='), ('share', '&&')], name='assignment_aside_within_capacity'),
                    models.CheckConstraint(condition=models.Q(('preemptible', True), ('aside', False), _connector='OR'), name='assignment_aside_preemptible'),
                    models.CheckConstraint(condition=models.Q(models.Q(('share__contained_by', (0, 60)), ('share__isempty', False), models.Q(('role', 'monitor'), _negated=True)), models.Q(('role__in', ('monitor', 'owner')), ('share__isempty', True)), _connector='OR'), name='assignment_share'),
                    models.CheckConstraint(condition=models.Q(models.Q(('place', 0), ('role', 'owner')), models.Q(('place', models.F('person')), ('role__in', ('consult', 'monitor', 'second-keying'))), _connector='OR'), name='assignment_role'),
                    workfloor.kit.database.rls.SameClient(field='item', name='assignment_item'),
                    workfloor.kit.database.rls.SameClient(at_once=True, field='person', name='assignment_person'),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name='case',
            constraint=workfloor.kit.database.rls.SameClient(field='customer', name='case_customer'),
        ),
        migrations.RunSQL(
            # Whoever an item is with has an owner's assignment for it, which counts against their capacity.
            "ALTER TABLE work_assignment ADD COLUMN owner_id bigint "
            "GENERATED ALWAYS AS (CASE WHEN place = 0 THEN person_id END) STORED;"
            "ALTER TABLE work_assignment ADD CONSTRAINT assignment_of_owner UNIQUE (item_id, owner_id);"
            "ALTER TABLE work_item ADD CONSTRAINT item_is_assigned FOREIGN KEY (id, person_id) "
            "REFERENCES work_assignment (item_id, owner_id) DEFERRABLE INITIALLY DEFERRED",
            "ALTER TABLE work_item DROP CONSTRAINT item_is_assigned;"
            "ALTER TABLE work_assignment DROP CONSTRAINT assignment_of_owner;"
            "ALTER TABLE work_assignment DROP COLUMN owner_id",
        ),
    ]
