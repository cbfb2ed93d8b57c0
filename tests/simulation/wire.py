"""What lies between the collector and the service: requests take time, and answers do not always come."""

from __future__ import annotations

from email.utils import format_datetime
from typing import TYPE_CHECKING

import httpx

from tests.simulation.timeline import moment
from tests.simulation.vendor import Reply

if TYPE_CHECKING:
    from tests.simulation.world import World


class Wire(httpx.BaseTransport):
    """The transport of every request."""

    def __init__(self, world: World) -> None:
        self._world = world

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request after a while, or raise what httpx raises."""
        world = self._world
        what = f"asks {request.url.raw_path.decode()}"
        seconds = world.plan.latency * world.luck.of("latency").uniform(0.5, 1.5)
        if world.strikes("slow answer"):
            seconds *= 20
        patience: float = request.extensions["timeout"]["read"]
        if world.strikes("request hangs") or seconds >= patience:
            world.step(f"{what}, no answer", patience, lambda: None)
            raise httpx.ReadTimeout("no answer")
        return world.step(what, seconds, lambda: self._answered(request))

    def _answered(self, request: httpx.Request) -> httpx.Response:
        world = self._world
        now = world.timeline.now
        reply = self._reply(request, now)
        world.say(f"  {reply.status} {reply.body[:60]!r} {len(reply.body)} bytes {reply.headers or ''}")
        if world.strikes("connection cut"):
            raise httpx.RemoteProtocolError("cut")
        if reply.status == 429:
            world.judge.told_to_rest(world.vendor.closed_until)
        return httpx.Response(reply.status, headers=self._date(now) | reply.headers, content=reply.body)

    def _date(self, now: float) -> dict[str, str]:
        """Return what tells the service's time, where it does: a cache's is of long ago."""
        kind = self._world.plan.date
        told = {"Date": format_datetime(moment(now), usegmt=True)}
        if kind == "never" or (kind == "sometimes" and self._world.luck.of("date").random() < 0.5):
            return {}
        if kind == "cached" and self._world.luck.of("date").random() < 0.5:
            return {"Date": format_datetime(moment(now - 4000), usegmt=True), "Age": "4000"}
        return told

    def _reply(self, request: httpx.Request, now: float) -> Reply:
        world = self._world
        world.judge.asked()
        if early := world.vendor.too_early(now):
            world.judge.asked_too_often(early)
            return world.vendor.close(now, early + 1)
        world.judge.asked_while_closed()
        if world.strikes("429"):
            return world.vendor.close(now, world.luck.of("429").choice((1, 5, 30, 120, 900)))
        if world.strikes("5xx"):
            return Reply(world.luck.of("5xx").choice((500, 502, 503)), b"<html>oh</html>")
        if request.url.path.startswith("/files/") and world.strikes("file unreadable"):
            world.vendor.unreadable.add(request.url.path.removeprefix("/files/"))
        forget = "token" in request.url.params and world.strikes("page token expired")
        forget = forget or ("position" in request.url.params and world.strikes("page token expired"))
        circle = request.url.path == "/events" and world.strikes("pages in a circle")
        return world.vendor.answer(request, now, forget=forget, circle=circle)
