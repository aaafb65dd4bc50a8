"""What managers ask the upstream about devices: whether the connection's account may use them, and where a stream is."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables

from access.selectors import devices as selectors
from access.services.devices import checking, streaming
from access.services.devices.checking import Checked, Gone, Verdict
from access.services.devices.streaming import DeviceNotListed, NoAddress
from access.views import device_words
from access.views.devices import SHOWN_SECONDS, check_context, find_device, show_device
from families.services.acting import NoConnection
from families.views.outcomes import Outcome
from portal.accounts.requests import SignedInRequest
from portal.audit.trail import AuditUnavailable
from portal.upstream import errors
from portal.web.errors import trouble
from portal.web.pages import render_page, wants_fragment


def device_check(request: SignedInRequest, device_id: str) -> HttpResponse:
    """Whether the account of the connection may use the device: in its place on the page."""
    device = find_device(request, device_id)
    try:
        [checked] = checking.check_devices(request.user, [device])
    except AuditUnavailable as error:
        return _say(request, device_id, device_words.trouble_of(error))
    if checked.error is not None:
        return _say(request, device_id, device_words.trouble_of(checked.error))
    if wants_fragment(request):
        context = {"device": device, "may_ask": True, **check_context(device, checked)}
        return render(request, "access/_device_check.html", context)
    return show_device(request, device, checked=checked)


def device_check_many(request: SignedInRequest) -> HttpResponse:
    """The same for many devices, each with a row; what could not be asked can be asked again."""
    devices = selectors.list_devices(request.user, request.POST.getlist("device"))
    if not devices:
        outcome = Outcome("off", "", "", 422)
        return _show_many(request, [], outcome)
    try:
        checks = checking.check_devices(request.user, devices)
    except AuditUnavailable as error:
        outcome = device_words.trouble_of(error)
        return trouble(request, outcome.detail, title=outcome.title)
    nothing = None if any(checked.was_asked for checked in checks) else checks[0].error
    return _show_many(request, checks, device_words.trouble_of(nothing) if nothing is not None else None)


@sensitive_variables("stream")
def device_stream(request: SignedInRequest, device_id: str) -> HttpResponse:
    """The whole address of the device's stream, in its place; without a script on the page, for 30 seconds."""
    device = find_device(request, device_id)
    try:
        stream = streaming.reveal_stream(request.user, device=device)
    except (
        *(Gone, NoConnection, AuditUnavailable),
        *(DeviceNotListed, NoAddress, errors.UpstreamError),
    ) as error:
        return _say(request, device_id, device_words.trouble_of(error))
    if wants_fragment(request):
        context = {"device": device, "may_ask": True, "stream": stream, "seconds": SHOWN_SECONDS}
        return render(request, "access/_device_stream.html", context)
    response = show_device(request, device, stream=stream)
    response["Refresh"] = f"{SHOWN_SECONDS}; url={reverse('access:device_detail', args=[device.public_id])}"
    return response


def _say(request: SignedInRequest, device_id: str, outcome: Outcome) -> HttpResponse:
    """There is no answer: the words alone for htmx, which has their place (notices.js), else the page with them."""
    if wants_fragment(request):
        return render(request, "web/_notice.html", outcome.notice, status=outcome.status)
    return show_device(request, find_device(request, device_id), outcome)


def _show_many(
    request: SignedInRequest, checks: list[Checked], outcome: Outcome | None = None
) -> HttpResponse:
    """The rows by family. With a 502 or 503 nothing came of any: htmx puts the words into the notices."""
    if outcome is not None and outcome.status >= 500 and wants_fragment(request):
        return render(request, "web/_notice.html", outcome.notice, status=outcome.status)
    rows = [row for checked in checks for row in checked.rows]
    context = {
        "checks": [
            (
                checked,
                [(row, device_words.tell_verdict(row.verdict), _why(row.error)) for row in checked.rows],
            )
            for checked in checks
        ],
        "again": [
            row.device for row in rows if row.verdict == Verdict.NOT_ASKED and not isinstance(row.error, Gone)
        ],
        "counts": [
            (device_words.tell_verdict(verdict), number)
            for verdict in Verdict
            if (number := sum(row.verdict == verdict for row in rows))
        ],
    }
    return render_page(
        request,
        "access/device_check_many.html",
        "access/_device_check_many.html",
        context,
        status=outcome.status if outcome is not None else 200,
    )


def _why(error: Exception | None) -> str:
    return device_words.trouble_of(error).sentence if error is not None else ""
