"""Tags and filters that every page may load: icons, durations that tick, the navigation."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django import template
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from workfloor.kit.text import locales, markup
from workfloor.kit.time import clock
from workfloor.ui import kept_words, wording
from workfloor.ui import places as ui_places

register = template.Library()


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """Draw an icon of the sheet; decoration unless it has a label."""
    href = f"{static('ui/icons.svg')}#{name}"
    if label:
        return format_html('<svg class="wf-icon" role="img" aria-label="{}"><use href="{}"/></svg>', label, href)
    return format_html('<svg class="wf-icon" aria-hidden="true"><use href="{}"/></svg>', href)


@register.simple_tag
def since(at: datetime | None) -> SafeString | str:
    """Show the time passed since an instant, ticking in the browser without requests."""
    return format_html('<time class="wf-tick" data-since="{}"></time>', at.timestamp()) if at else "–"


@register.simple_tag
def until(at: datetime | None) -> SafeString | str:
    """Show the time left until an instant, ticking in the browser without requests."""
    return format_html('<time class="wf-tick" data-until="{}"></time>', at.timestamp()) if at else "–"


@register.simple_tag
def target(at: datetime | None, due_at: datetime | None) -> SafeString | str:
    """Show what is left of a target that runs from one instant to another, or by how much it is late, in its colour."""
    if at is None or due_at is None:
        return ""
    seconds = max(1.0, (due_at - at).total_seconds())
    return format_html(
        '<span class="wf-on-target">{}{}<time class="wf-tick wf-mood" data-since="{}" data-target="{}"></time></span>',
        icon("clock"),
        icon("alert-triangle"),
        at.timestamp(),
        seconds,
    )


@register.filter
def clock_face(seconds: float | None) -> str:
    """Word a duration in seconds as on a clock."""
    return "–" if seconds is None else wording.clock_face(seconds)


def _written(form: str) -> Callable[[Any], str]:
    return lambda at: locales.written(at, form) if at else ""


# `{{ item.due_at|moment }}`: in the reader's language, by the clock of the page.
for _form in locales.FORMS:
    register.filter(_form, _written(_form), expects_localtime=True)


@register.filter
def number(value: int | float | Decimal | None, digits: int | None = None) -> str:
    """Write a number as the reader's language does; `digits` after the decimal mark, else all it has."""
    return "–" if value is None else locales.number(value, digits)


@register.simple_tag
def server_time() -> float:
    """Tell the page what time it is here, so that its durations do not depend on its own clock."""
    return clock.now().timestamp()


@register.simple_tag(takes_context=True)
def places(context: dict[str, Any]) -> ui_places.Shown:
    """List the places open to whoever is signed in."""
    return ui_places.shown(ui_places.places(getattr(context.get("request"), "person", None)))


@register.filter
def may(person: Any, permission: str) -> bool:
    """Whether the roles of whoever is signed in open something."""
    return person is not None and bool(person.may(permission))


@register.simple_tag
def stylesheet(name: str) -> SafeString:
    """Give the text of one of our own stylesheets, for a document that stands alone."""
    found = finders.find(name)
    assert isinstance(found, str), name
    return mark_safe(Path(found).read_text("utf-8"))  # noqa: S308 - a file of the product


@register.filter
def words(name: str) -> str:
    """Read a name such as `called-back` as words: `Called back`."""
    spaced = gettext(str(name).replace("-", " "))
    return spaced[:1].upper() + spaced[1:]


@register.filter
def initials(name: str) -> str:
    """Shorten a name to the first letters of its first and last word."""
    words = str(name).split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


@register.filter
def markdown(text: str) -> SafeString:
    """Show what somebody wrote in CommonMark; nothing in it runs or loads."""
    return mark_safe(markup.from_markdown(text))  # noqa: S308  made safe there


@register.filter
def translated(text: str) -> str:
    """Show what was kept in English in the reader's language."""
    return kept_words.translated(str(text or ""))
