"""Legal entities, their number ranges, invoices and credit notes."""

import django.db.models.deletion
import workfloor.kit.database.rls
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('event_log', '0001_initial'),
        ('clients', '0001_initial'),
        ('people', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='ClosingStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('period', models.TextField()),
                ('step', models.TextField(choices=[('propose', 'Proposing'), ('approve', 'Closing')])),
                ('asked_at', models.DateTimeField()),
                ('tries', models.PositiveIntegerField(default=0)),
                ('percent', models.PositiveIntegerField(default=0)),
                ('error', models.TextField(default='')),
                ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.person')),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='clients.client')),
            ],
            options={
                'constraints': [workfloor.kit.database.rls.Wall(column='client_id', name='closing_step_wall', shared=False), workfloor.kit.database.rls.SameClient(field='asked_by', name='closing_step_asker'), models.UniqueConstraint(fields=('client', 'period'), name='closing_step_once'), models.CheckConstraint(condition=models.Q(('step__in', ['propose', 'approve'])), name='closing_step_known')],
            },
        ),
        migrations.CreateModel(
            name='LegalEntity',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(unique=True)),
                ('name', models.TextField()),
                ('street', models.TextField()),
                ('city', models.TextField()),
                ('postcode', models.TextField()),
                ('region', models.TextField(default='')),
                ('country', models.CharField(max_length=2)),
                ('vat_id', models.TextField(default='')),
                ('legal_id', models.TextField(default='')),
                ('endpoint', models.TextField(default='')),
                ('contact', models.TextField(default='')),
                ('email', models.TextField(default='')),
                ('phone', models.TextField(default='')),
                ('account', models.TextField(default='')),
                ('bic', models.TextField(default='')),
            ],
        ),
        migrations.CreateModel(
            name='Invoice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('series', models.TextField()),
                ('number', models.PositiveIntegerField()),
                ('name', models.TextField()),
                ('kind', models.TextField()),
                ('period', models.TextField()),
                ('value', models.JSONField()),
                ('ubl', models.TextField()),
                ('cii', models.TextField()),
                ('currency', models.TextField()),
                ('gross', models.DecimalField(decimal_places=4, max_digits=40)),
                ('issued_on', models.DateField()),
                ('issued_at', models.DateTimeField()),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='invoices', to='clients.client')),
                ('credits', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='credited_by', to='billing.invoice')),
                ('issued_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.person')),
                ('entity', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='invoices', to='billing.legalentity')),
            ],
            options={
                'indexes': [models.Index(fields=['client', 'period'], name='invoice_period')],
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='invoice_wall', shared=False), models.UniqueConstraint(fields=('entity', 'series', 'number'), name='invoice_number'), models.UniqueConstraint(fields=('entity', 'name'), name='invoice_name'), models.UniqueConstraint(fields=('credits',), name='invoice_credited_once'), models.UniqueConstraint(fields=('client', 'id'), name='invoice_of_client'),
                    workfloor.kit.database.rls.SameClient(field='issued_by', name='invoice_issuer'),
                    workfloor.kit.database.rls.SameClient(field='credits', name='invoice_credited'),
                ],
            },
        ),
        migrations.CreateModel(
            name='NumberRange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.SlugField(max_length=20)),
                ('last', models.PositiveIntegerField(default=0)),
                ('entity', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='series', to='billing.legalentity')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('entity', 'name'), name='series_once')],
            },
        ),
        migrations.RunSQL(
            "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_invoice "
            "FOR EACH STATEMENT EXECUTE FUNCTION workfloor_append_only()",
            "DROP TRIGGER append_only ON billing_invoice",
        ),
    ]
