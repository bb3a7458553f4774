"""The envelope of a mail: as it is typed, as an answer to all has it, and as a mail server gets it."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfloor.core.conversations.messages import Address
from workfloor.ops.channels.email import envelope


def test_recipients_are_read_with_or_without_names_each_once():
    found = envelope.read(
        to='rui@example.com; "Costa, Eva" <eva@example.com>',
        cc="Rui <RUI@example.com>, ines@example.com",
        subject=" a\n b",
    )
    assert found.recipients == (
        Address("rui@example.com"),
        Address("eva@example.com", "Costa, Eva"),
        Address("ines@example.com", role="cc"),
    )
    assert found.subject == "a b"


@pytest.mark.parametrize(
    ("typed", "field", "says"),
    [
        ({"to": "rui@example"}, "to", "“rui@example” is no email address"),
        ({"to": "rui@example.com", "cc": "eva"}, "cc", "“eva” is no email address"),
        ({"to": "rui@example.com", "bcc": "Eva <>"}, "bcc", "is no email address"),
        ({"to": "", "cc": "rui@example.com"}, "to", "Say whom it goes to."),
        ({"to": ",".join(f"a{number}@example.com" for number in range(51))}, "to", "51 recipients are too many"),
    ],
)
def test_what_is_no_recipient_is_told_with_its_field(typed, field, says):
    with pytest.raises(envelope.Faulty, match=says) as fault:
        envelope.read(**typed)
    assert fault.value.field == field


@given(
    st.lists(
        st.tuples(st.text('abc,;<>" ', max_size=8), st.sampled_from(["a@example.com", "b@example.org"])), min_size=1
    )
)
def test_recipients_as_they_are_typed_again_are_the_same(named):
    recipients = [Address(address, " ".join(name.replace('"', " ").split())) for name, address in named]
    found = envelope.addresses(envelope.written(recipients), "to")
    assert [each.address for each in found] == [each.address for each in recipients]


@given(st.text(max_size=200))
def test_no_text_brings_the_reader_down(typed):
    with contextlib.suppress(envelope.Faulty):
        assert envelope.read(to=typed, cc=typed).recipients


def test_an_answer_to_all_leaves_out_who_wrote_and_our_own_addresses():
    named = [
        Address("help+c1-abc@lisbon.example"),
        Address("Eva@example.com", "Eva"),
        Address("rui@example.com", role="cc"),
        Address("answers@example.com", role="reply-to"),
    ]
    assert envelope.to_all(Address("rui@example.com", "Rui", "from"), named, {"help@lisbon.example"}.__contains__) == (
        Address("rui@example.com", "Rui"),
        Address("Eva@example.com", "Eva", "cc"),
    )
