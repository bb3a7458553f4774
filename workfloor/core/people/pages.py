"""Who a page is for: the permission that opens it, said by the view itself."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from workfloor.core.access import permissions

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def opened_by(permission: str) -> Callable[[View], View]:
    """Let in whoever has a permission; others are refused, and led to the sign-in where they have not signed in.

    The view keeps its name as `opened_by`, by which the tests walk every address with every role.
    """
    assert permission in permissions.PERMISSIONS, permission

    def opening(view: View) -> View:
        @login_required
        @wraps(view)
        def admitted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            person = getattr(request, "person", None)
            if person is None or not permissions.may(person, permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        admitted.opened_by = permission  # type: ignore[attr-defined]
        return cast(View, admitted)

    return opening
