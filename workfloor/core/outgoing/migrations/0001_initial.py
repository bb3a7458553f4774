"""The installation's own mail on its way out."""

from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Mail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.TextField(default='waiting')),
                ('due_at', models.DateTimeField()),
                ('began_at', models.DateTimeField(null=True)),
                ('changed_at', models.DateTimeField()),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('in_doubt', models.PositiveSmallIntegerField(default=0)),
                ('answer', models.TextField(default='')),
                ('kind', models.TextField()),
                ('about', models.BigIntegerField()),
                ('to', models.EmailField(max_length=254)),
                ('person_id', models.BigIntegerField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state__in', ['waiting', 'sending', 'handing-over'])), fields=['due_at'], name='mail_due')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ('waiting', 'sending', 'handing-over', 'sent', 'failed', 'withdrawn'))), name='mail_state')],
            },
        ),
    ]
