"""Accounts, people, sites, teams, skills, certificates, clearances, presence and shifts."""

import datetime
import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
import workfloor.kit.database.rls
from django.conf import settings
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('clients', '0001_initial'),
        ('outgoing', '0001_initial'),
    ]

    operations = [
        BtreeGistExtension(),
        migrations.CreateModel(
            name='Account',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('email', models.EmailField(max_length=254, unique=True)),
                ('is_active', models.BooleanField(default=True)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Site',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.TextField(unique=True)),
                ('country', models.CharField(max_length=2)),
                ('zone', models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name='Skill',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.SlugField(unique=True)),
            ],
        ),
        migrations.CreateModel(
            name='Person',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.TextField()),
                ('roles', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None)),
                ('joined_at', models.DateTimeField()),
                ('left_at', models.DateTimeField(null=True)),
                ('taken_on_by_id', models.BigIntegerField(null=True)),
                ('vouched_at', models.DateTimeField(null=True)),
                ('language', models.CharField(default='', max_length=12)),
                ('signatures', models.JSONField(db_default={}, default=dict)),
                ('account', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='person', to=settings.AUTH_USER_MODEL)),
                ('client', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='people', to='clients.client')),
                ('site', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='people', to='people.site')),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='person_wall', shared=True),
                    models.CheckConstraint(condition=models.Q(('roles__contained_by', ['agent', 'leader', 'planner', 'manager', 'administrator', 'client'])), name='person_roles_known'),
                    models.CheckConstraint(condition=models.Q(models.Q(('client', None), models.Q(('roles__contains', ['client']), _negated=True)), models.Q(models.Q(('client', None), _negated=True), ('roles', ['client'])), _connector='OR'), name='person_of_client_is_only_that'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Team',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.TextField(unique=True)),
                ('leader', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='leads_teams', to='people.person')),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='teams', to='people.site')),
            ],
        ),
        migrations.AddField(
            model_name='site',
            name='leader',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='leads_sites', to='people.person'),
        ),
        migrations.AddField(
            model_name='person',
            name='team',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='people', to='people.team'),
        ),
        migrations.CreateModel(
            name='SignIn',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.TextField()),
                ('digest', models.CharField(max_length=64)),
                ('began_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sign_ins', to='people.person')),
            ],
        ),
        migrations.CreateModel(
            name='AgentState',
            fields=[
                ('person', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='agent_state', serialize=False, to='people.person')),
                ('state', models.TextField(default='signed-out')),
                ('reason', models.TextField(default='')),
                ('since', models.DateTimeField()),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['available', 'away', 'signed-out'])), name='agent_state_state'), models.CheckConstraint(condition=models.Q(('state', 'away'), ('reason', ''), _connector='OR'), name='agent_state_reason')],
            },
        ),
        migrations.CreateModel(
            name='Clearance',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('granted_at', models.DateTimeField()),
                ('withdrawn_at', models.DateTimeField(null=True)),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='clearances', to='clients.client')),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='clearances', to='people.person')),
            ],
            options={
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='clearance_wall', shared=False), models.UniqueConstraint(condition=models.Q(('withdrawn_at', None)), fields=('person', 'client'), name='clearance_once'),
                    workfloor.kit.database.rls.SameClient(field='person', name='clearance_person'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Shift',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('planned_at', models.DateTimeField()),
                ('cancelled_at', models.DateTimeField(null=True)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='shifts', to='people.person')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('cancelled_at', None)), fields=['person', 'ends_at'], name='shift_ahead')],
                'constraints': [models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at')), ('ends_at__lte', django.db.models.expressions.CombinedExpression(models.F('starts_at'), '+', models.Value(datetime.timedelta(days=1))))), name='shift_length'), django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('cancelled_at', None)), expressions=[('person', '='), (models.Func(models.F('starts_at'), models.F('ends_at'), function='tstzrange'), '&&')], name='shift_once')],
            },
        ),
        migrations.CreateModel(
            name='Certificate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('level', models.PositiveSmallIntegerField()),
                ('proof', models.TextField()),
                ('valid_from', models.DateField()),
                ('expires_on', models.DateField(null=True)),
                ('revoked_at', models.DateTimeField(null=True)),
                ('ends_at', models.DateTimeField(null=True)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='certificates', to='people.person')),
                ('skill', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='certificates', to='people.skill')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('level__in', [1, 2, 3, 4, 5])), name='certificate_level'), models.CheckConstraint(condition=models.Q(models.Q(('ends_at', None), ('proof__in', ['training', 'test', 'diploma'])), models.Q(('ends_at__isnull', False), ('proof', 'granted')), _connector='OR'), name='certificate_proof'), models.CheckConstraint(condition=models.Q(('expires_on', None), ('expires_on__gte', models.F('valid_from')), _connector='OR'), name='certificate_ends_after_it_begins')],
            },
        ),
        migrations.CreateModel(
            name='Heard',
            fields=[
                ('person', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='heard', serialize=False, to='people.person')),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Spell',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('started_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField()),
                ('person', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='spells', to='people.person')),
            ],
            options={
                'indexes': [models.Index(fields=['person', 'ended_at'], name='spell_ended')],
            },
        ),
        migrations.CreateModel(
            name='SignInLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('purpose', models.TextField()),
                ('seed', models.CharField(max_length=64)),
                ('digest', models.CharField(max_length=64)),
                ('made_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('ended_by', models.TextField(default='')),
                ('mail', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='outgoing.mail')),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='links', to='people.person')),
            ],
            options={
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('purpose__in', ['invitation', 'sign-in-link', 'forgotten-password', 'printed-by-root'])), name='link_purpose'),
                    models.CheckConstraint(condition=models.Q(('ended_by__in', ['', 'used', 'replaced', 'withdrawn', 'left'])), name='link_ended_by'),
                    models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('person',), name='link_open_once'),
                ],
            },
        ),
        # What Django's cache in the database asks for; nothing of a client's is kept in it.
        migrations.RunSQL(
            "CREATE TABLE people_counted (cache_key varchar(255) PRIMARY KEY, value text NOT NULL, "
            "expires timestamptz NOT NULL); CREATE INDEX people_counted_expires ON people_counted (expires)",
            "DROP TABLE people_counted",
        ),
    ]
