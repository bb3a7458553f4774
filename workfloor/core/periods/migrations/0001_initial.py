"""Closed months, disputes and adjustments; what is closed stays as it was."""

import django.db.models.deletion
import workfloor.kit.database.rls
from django.db import migrations, models


# What is closed stays as it was: of a close only the state goes on, from closed to restated, and nothing is deleted.
FROZEN = """
CREATE FUNCTION workfloor_closed_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'provisional' THEN
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        IF NEW.plain = OLD.plain AND NEW.printed = OLD.printed AND NEW.items = OLD.items THEN RETURN NEW; END IF;
    ELSIF TG_OP = 'UPDATE' AND NEW.state = 'restated'
            AND to_jsonb(NEW) - 'state' = to_jsonb(OLD) - 'state' THEN
        RETURN NEW;
    END IF;
    RAISE restrict_violation USING MESSAGE = 'a closed period is frozen';
END $$;
CREATE TRIGGER closed_stays BEFORE UPDATE OR DELETE ON periods_close
    FOR EACH ROW EXECUTE FUNCTION workfloor_closed_stays();

CREATE FUNCTION workfloor_figure_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM periods_close WHERE id = OLD.close_id AND state = 'provisional';
    IF FOUND THEN
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        RETURN NEW;
    END IF;
    RAISE restrict_violation USING MESSAGE = 'a closed period is frozen';
END $$;
CREATE TRIGGER figure_stays BEFORE UPDATE OR DELETE ON periods_figure
    FOR EACH ROW EXECUTE FUNCTION workfloor_figure_stays();
"""
THAWED = """
DROP TRIGGER figure_stays ON periods_figure;
DROP FUNCTION workfloor_figure_stays();
DROP TRIGGER closed_stays ON periods_close;
DROP FUNCTION workfloor_closed_stays();
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('event_log', '0001_initial'),
        ('clients', '0001_initial'),
        ('people', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Close',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('period', models.TextField()),
                ('state', models.TextField(default='provisional')),
                ('version', models.PositiveIntegerField()),
                ('plain', models.TextField()),
                ('printed', models.JSONField()),
                ('basis', models.JSONField()),
                ('digest', models.TextField()),
                ('items', models.BinaryField()),
                ('proposed_at', models.DateTimeField()),
                ('approved_at', models.DateTimeField(null=True)),
                ('approved_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.person')),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='closes', to='clients.client')),
                ('proposed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.person')),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='close_wall', shared=False),
                    models.UniqueConstraint(fields=('client', 'period'), name='close_once'),
                    models.UniqueConstraint(fields=('client', 'id'), name='close_of_client'),
                    models.CheckConstraint(condition=models.Q(models.Q(('state', 'provisional'), models.Q(('approved_at__isnull', False), ('approved_by__isnull', False)), _connector='OR'), models.Q(('approved_by', None), models.Q(('approved_by', models.F('proposed_by')), _negated=True), _connector='OR')), name='close_by_two'),
                    workfloor.kit.database.rls.SameClient(field='proposed_by', name='close_proposer'),
                    workfloor.kit.database.rls.SameClient(field='approved_by', name='close_approver'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Dispute',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('period', models.TextField()),
                ('figure', models.TextField()),
                ('words', models.TextField()),
                ('state', models.TextField(default='raised')),
                ('raised_at', models.DateTimeField()),
                ('decided_at', models.DateTimeField(null=True)),
                ('decision', models.TextField(default='')),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='disputes', to='clients.client')),
                ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.person')),
                ('raised_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.person')),
            ],
            options={
                'indexes': [
                    models.Index(fields=['client', 'period'], name='dispute_period'),
                ],
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='dispute_wall', shared=False),
                    models.UniqueConstraint(fields=('client', 'id'), name='dispute_of_client'),
                    models.CheckConstraint(condition=models.Q(('state__in', ('raised', 'upheld', 'rejected'))), name='dispute_state'),
                    models.CheckConstraint(condition=models.Q(('state', 'raised'), models.Q(('decided_at__isnull', False), ('decided_by__isnull', False)), _connector='OR'), name='dispute_decided'),
                    workfloor.kit.database.rls.SameClient(field='raised_by', name='dispute_raiser'),
                    workfloor.kit.database.rls.SameClient(field='decided_by', name='dispute_decider'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Adjustment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('period', models.TextField()),
                ('figure', models.TextField()),
                ('subject', models.TextField()),
                ('title', models.TextField()),
                ('into', models.TextField()),
                ('amount', models.DecimalField(decimal_places=4, max_digits=40)),
                ('currency', models.TextField()),
                ('tax', models.JSONField(null=True)),
                ('how', models.JSONField(null=True)),
                ('because', models.TextField()),
                ('made_at', models.DateTimeField()),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='adjustments', to='clients.client')),
                ('dispute', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='adjustments', to='periods.dispute')),
            ],
            options={
                'indexes': [
                    models.Index(fields=['client', 'into'], name='adjustment_into'),
                    models.Index(fields=['client', 'period'], name='adjustment_of'),
                ],
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='adjustment_wall', shared=False),
                    workfloor.kit.database.rls.SameClient(field='dispute', name='adjustment_dispute'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Figure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.TextField()),
                ('title', models.TextField()),
                ('row', models.JSONField()),
                ('values', models.BinaryField()),
                ('client', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.client')),
                ('close', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='figures', to='periods.close')),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='figure_wall', shared=False),
                    models.UniqueConstraint(fields=('close', 'name'), name='figure_once'),
                    workfloor.kit.database.rls.SameClient(field='close', name='figure_close'),
                ],
            },
        ),
        migrations.RunSQL(
            "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON periods_adjustment "
            "FOR EACH STATEMENT EXECUTE FUNCTION workfloor_append_only()",
            "DROP TRIGGER append_only ON periods_adjustment",
        ),
        migrations.RunSQL(FROZEN, THAWED),
    ]
