"""Claims and their documents."""

import django.contrib.postgres.fields
import django.db.models.deletion
import workfloor.kit.database.rls
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('clients', '0001_initial'),
        ('files', '0001_initial'),
        ('people', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Claim',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.TextField()),
                ('starts_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('queues', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None)),
                ('price', models.TextField(default='')),
                ('quantity', models.DecimalField(decimal_places=4, max_digits=19, null=True)),
                ('reason', models.TextField()),
                ('state', models.TextField(default='claimed')),
                ('claimed_at', models.DateTimeField()),
                ('decided_at', models.DateTimeField(null=True)),
                ('decision_reason', models.TextField(default='')),
                ('claimed_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.person')),
                ('client', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='claims', to='clients.client')),
                ('decided_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.person')),
            ],
            options={
                'indexes': [
                    models.Index(fields=['client', 'starts_at'], name='claim_period'),
                ],
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='claim_wall', shared=False),
                    models.UniqueConstraint(fields=('client', 'id'), name='claim_of_client'),
                    models.CheckConstraint(condition=models.Q(('kind__in', ('client-outage', 'force-majeure', 'maintenance', 'outage', 'attendance', 'cost'))), name='claim_kind'),
                    models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at'))), name='claim_lasts'),
                    models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ('attendance', 'cost')), ('quantity__gt', 0), models.Q(('price', ''), _negated=True)), models.Q(('kind__in', ('client-outage', 'force-majeure', 'maintenance', 'outage')), ('price', ''), ('quantity', None)), _connector='OR'), name='claim_quantity'),
                    models.CheckConstraint(condition=models.Q(models.Q(('decided_by', None), ('state', 'claimed')), ('state__in', ('approved', 'refused')), _connector='OR'), name='claim_state'),
                    models.CheckConstraint(condition=models.Q(('decided_by', None), models.Q(('decided_by', models.F('claimed_by')), _negated=True), _connector='OR'), name='claim_by_two'),
                    workfloor.kit.database.rls.SameClient(field='claimed_by', name='claim_claimed_by'),
                    workfloor.kit.database.rls.SameClient(field='decided_by', name='claim_decided_by'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Document',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.TextField()),
                ('digest', models.CharField(max_length=64)),
                ('claim', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='document', to='claims.claim')),
                ('client', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.client')),
                ('file', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='files.file')),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='document_wall', shared=False),
                    workfloor.kit.database.rls.SameClient(field='claim', name='document_claim'),
                    workfloor.kit.database.rls.SameClient(field='file', name='document_file'),
                ],
            },
        ),
        
    ]
