"""The /_sim API: how a test prepares the simulator and asks what happened. JSON in, JSON out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from . import directives
from .http import Request
from .replies import Whole, json_reply

if TYPE_CHECKING:
    from .server import Simulation


def handle(simulation: Simulation, request: Request) -> Whole:
    """Routes one request; wrong input is a 400 with the reason."""
    try:
        body = orjson.loads(request.body) if request.body else {}
        return json_reply(_route(simulation, request, body))
    except KeyError as error:
        return json_reply({"error": f"unknown or missing: {error}"}, 404)
    except (ValueError, TypeError, AttributeError) as error:
        return json_reply({"error": str(error)}, 400)


def _route(simulation: Simulation, request: Request, body: Any) -> Any:
    match request.method, request.path.removeprefix("/_sim/"):
        case "GET", "accounts":
            return {"accounts": [account.describe() for account in simulation.accounts.all()]}
        case "POST", "accounts":
            return {"accounts": [simulation.accounts.put(spec).describe() for spec in body["accounts"]]}
        case "GET", "requests":
            asked = request.query
            found = simulation.journal.find(
                asked.get("sso"), asked.get("path"), int(asked.get("limit", "1000"))
            )
            return {"requests": found}
        case "GET", "streams":
            return simulation.streams()
        case "POST", "step":
            key = request.query.get("key") or body["key"]
            return simulation.gates.allow(key, int(request.query.get("n", body.get("n", 1))))
        case "POST", "reset":
            simulation.reset()
            return {"ok": True}
        case "POST", "defaults":
            _defaults(simulation, body)
            return {"ok": True}
    raise KeyError(f"{request.method} {request.path}")


def _defaults(simulation: Simulation, body: dict[str, Any]) -> None:
    unknown = set(body) - {"directive", "journal", "rate_limits_shape", "upload_limit_bytes"}
    if unknown:
        raise ValueError(f"unknown default: {', '.join(sorted(unknown))}")
    if "directive" in body:
        given = body["directive"]
        texts = given if isinstance(given, list) else [given]
        simulation.chat.defaults = [directives.parse(text) for text in texts if text]
    if "journal" in body:
        simulation.journal.keep = bool(body["journal"])
    simulation.unary.shape = str(body.get("rate_limits_shape", simulation.unary.shape))
    simulation.unary.upload_limit = int(body.get("upload_limit_bytes", simulation.unary.upload_limit))
