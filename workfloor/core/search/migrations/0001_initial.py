"""What searches look through, and the triggers that keep it true."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import workfloor.kit.database.rls
from django.contrib.postgres.operations import TrigramExtension, UnaccentExtension
from django.db import migrations, models

# What a search compares, of a text or of what somebody typed: words alone, without accents, capitals and vowel points,
# with one letter for those that Arabic writes in several ways. Signs between words are blanks; a joiner is nothing.
_FOLDED = r"""
CREATE FUNCTION search_folded(said text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE RETURN
    regexp_replace(
        translate(
            regexp_replace(
                lower(unaccent(normalize(said, NFKC))),
                '[\u00ad\u0300-\u036f\u0640\u064b-\u065f\u0670\u200b-\u200d\ufeff]+', '', 'g'
            ),
            'أإآٱىة', 'اااايه'
        ),
        '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u060c\u061b\u061f\u0964\u0965\u2000-\u206f\u3000-\u303f]+',
        ' ', 'g'
    )
"""

# The index's words: those of a heading weigh more. What no text can hold says where and when: * for everything,
# =12 for a client, #chat for a channel, @20000 for a day since 1970, @m24312 for a month.
_DOCUMENT = """
CREATE FUNCTION search_document(client bigint, at timestamptz, channel text, heading text, said text) RETURNS tsvector
LANGUAGE sql STABLE PARALLEL SAFE RETURN
    setweight(to_tsvector('simple', left(search_folded(left(heading, 2000)), 2000)), 'A')
    || to_tsvector('simple', left(search_folded(left(said, 100000)), 100000))
    || array_to_tsvector(ARRAY[
        '*', '=' || client, '#' || channel,
        '@' || ((at AT TIME ZONE 'UTC')::date - date '1970-01-01'),
        '@m' || (extract(year FROM at AT TIME ZONE 'UTC') * 12 + extract(month FROM at AT TIME ZONE 'UTC'))::int
    ])
"""

_OF_MESSAGES = """
INSERT INTO search_passage (client_id, message_id, said_at, document)
SELECT client_id, id, said_at, search_document(
    client_id, said_at, CASE direction WHEN 'note' THEN 'note' ELSE channel END, subject,
    concat_ws(' ', text, sender_name, sender)
) FROM {rows}
"""
_OF_CASES = """
INSERT INTO search_passage (client_id, case_id, said_at, document)
SELECT client_id, id, opened_at, search_document(client_id, opened_at, 'case', subject, '') FROM {rows}
WHERE subject <> ''
"""
_OF_CLAIMS = """
INSERT INTO search_name (client_id, case_id, folded)
SELECT client_id, id, search_folded(concat_ws(' ', claimed_reference, claimed_name)) FROM {rows}
WHERE claimed_reference <> '' OR claimed_name <> ''
"""
_OF_CUSTOMERS = """
INSERT INTO search_name (client_id, customer_id, folded)
SELECT client_id, id, search_folded(concat_ws(' ', reference, name)) FROM {rows}
"""


def _kept(name, table, columns, *made):
    """The triggers that keep passages or names true to a table: made with its rows, and anew where they change.

    `made` are what is deleted where a row changes, and what is inserted. Rows that go take theirs along by themselves.
    """
    new = "\n".join(f"{insert.format(rows='written')};" for _, insert in made)
    again = "\n".join(f"{delete};{insert.format(rows='(SELECT NEW.*) AS changed')};" for delete, insert in made)
    differs = " OR ".join(f"OLD.{each} IS DISTINCT FROM NEW.{each}" for each in columns)
    return [
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {new} RETURN NULL; END $$",
        f"CREATE TRIGGER {name} AFTER INSERT ON {table} REFERENCING NEW TABLE AS written "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()",
        f"CREATE FUNCTION {name}_again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {again} RETURN NULL; END $$",
        f"CREATE TRIGGER {name}_again AFTER UPDATE ON {table} "
        f"FOR EACH ROW WHEN ({differs}) EXECUTE FUNCTION {name}_again()",
    ]


_TRIGGERS = [
    *_kept(
        "search_messages", "conversations_message",
        ("subject", "text", "sender", "sender_name", "said_at", "channel", "direction"),
        ("DELETE FROM search_passage WHERE message_id = NEW.id", _OF_MESSAGES),
    ),
    *_kept(
        "search_cases", "work_case", ("subject", "claimed_reference", "claimed_name", "opened_at"),
        ("DELETE FROM search_passage WHERE case_id = NEW.id", _OF_CASES),
        ("DELETE FROM search_name WHERE case_id = NEW.id", _OF_CLAIMS),
    ),
    *_kept(
        "search_customers", "work_customer", ("reference", "name"),
        ("DELETE FROM search_name WHERE customer_id = NEW.id", _OF_CUSTOMERS),
    ),
]
_UNDO = "".join(
    f"DROP TRIGGER {name}{again} ON {table}; DROP FUNCTION {name}{again}();"
    for name, table in (
        ("search_messages", "conversations_message"), ("search_cases", "work_case"), ("search_customers", "work_customer")
    )
    for again in ("", "_again")
) + "DROP FUNCTION search_document(bigint, timestamptz, text, text, text); DROP FUNCTION search_folded(text)"


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('clients', '0001_initial'),
        ('conversations', '0001_initial'),
        ('work', '0001_initial'),
    ]

    operations = [
        TrigramExtension(),
        UnaccentExtension(),
        migrations.CreateModel(
            name='Name',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('folded', models.TextField()),
                ('case', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='work.case')),
                ('client', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.client')),
                ('customer', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='work.customer')),
            ],
            options={
                'indexes': [django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(models.F('folded'), name='gin_trgm_ops'), gin_pending_list_limit=512, name='name_parts')],
                'constraints': [workfloor.kit.database.rls.Wall(column='client_id', name='name_wall', narrowed="folded ~ coalesce(nullif(current_setting('workfloor.search_names', true), ''), '')", shared=False), workfloor.kit.database.rls.SameClient(at_once=False, field='customer', name='name_customer'), workfloor.kit.database.rls.SameClient(at_once=False, field='case', name='name_case'), models.CheckConstraint(condition=models.Q(('customer', None), ('case', None), _connector='XOR'), name='name_of_one')],
            },
        ),
        migrations.CreateModel(
            name='Passage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('said_at', models.DateTimeField()),
                ('document', django.contrib.postgres.search.SearchVectorField()),
                ('case', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='work.case')),
                ('client', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.client')),
                ('message', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='conversations.message')),
            ],
            options={
                'indexes': [django.contrib.postgres.indexes.GinIndex(fields=['document'], gin_pending_list_limit=512, name='passage_words')],
                'constraints': [workfloor.kit.database.rls.Wall(column='client_id', name='passage_wall', narrowed="document @@ coalesce(nullif(current_setting('workfloor.search_words', true), ''), '''*''')::tsquery", shared=False), workfloor.kit.database.rls.SameClient(at_once=False, field='message', name='passage_message'), workfloor.kit.database.rls.SameClient(at_once=False, field='case', name='passage_case'), models.CheckConstraint(condition=models.Q(('message', None), ('case', None), _connector='XOR'), name='passage_of_one')],
            },
        ),
        migrations.RunSQL([_FOLDED, _DOCUMENT, *_TRIGGERS], _UNDO),
    ]
