"""What the sync and the async client share: where the server is, what proves who asks, and its definitions."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import GraphError, NotComfyUI, PartlyRefused
from . import address as addresses
from . import flows, proxies
from .credentials import Credentials
from .exchange import Answer, check, decode
from .ids import new_id
from .prepare import Prepared, partner_data, unlisted_outputs
from .prepare import check as check_graph
from .protocol import SOCKET_OUTPUT_CLASSES, JobMachine, Timing
from .refusals import message_of, problems_of

if TYPE_CHECKING:
    from ..catalogue import Catalogue
    from ..problems import Problem

STALE = 5.0
"""Seconds after which a catalogue is fetched anew before a graph is refused by it: model files come and go."""
MOST_CATALOGUES = 8

_catalogues: OrderedDict[str, Catalogue] = OrderedDict()
_catalogues_lock = threading.Lock()


class ClientBase:
    """The part of a client that does no input or output."""

    def __init__(
        self,
        url: str | None,
        *,
        headers: Mapping[str, str] | None,
        token: str | None,
        auth: tuple[str, str] | None,
        timeout: float,
        proxy: str | None,
        ca: str | Path | bool | None,
        api_key: str | None,
        client_id: str | None,
        timing: Timing | None,
    ) -> None:
        if not timeout > 0 or timeout == float("inf"):
            raise ValueError("timeout: a positive, finite number of seconds")
        self.address = addresses.parse(url)
        self._api_key = api_key
        proxy = proxies.parse(proxy)
        secrets = tuple(s for s in (api_key, proxy) if s)
        self._credentials = Credentials(self.address, headers=headers, token=token, auth=auth, secrets=secrets)
        self._timeout, self._ca, self._proxy = timeout, ca, proxy
        self._client_id = client_id
        self._timing = timing
        self._catalogue: tuple[Catalogue, float] | None = None
        self._uploaded: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.address}>"

    @property
    def url(self) -> str:
        """The server's base address, without credentials."""
        return self.address.http

    def _keep_catalogue(self, answer: Answer) -> Catalogue:
        """The catalogue of an answer to ``GET /object_info``; one that any client had before is shared."""
        if answer.status == 404:
            raise NotComfyUI(
                f"{self.url}: no /object_info there, so this is no ComfyUI, or its address has a base path"
            )
        check(answer, "GET /object_info")
        digest = hashlib.sha256(answer.body).hexdigest()
        with _catalogues_lock:
            known = _catalogues.get(digest)
        if known is None:
            from ..catalogue import Catalogue

            known = Catalogue.from_object_info(decode(answer, "GET /object_info"), source=f"{self.url}/object_info")
            with _catalogues_lock:
                _catalogues[digest] = known
                while len(_catalogues) > MOST_CATALOGUES:
                    _catalogues.popitem(last=False)
        self._catalogue = (known, time.monotonic())
        return known

    def _fitted(self, prepared: Prepared, catalogue: Catalogue) -> Prepared | None:
        """The graph as this server runs it; None when its definitions should be fetched anew first; raises GraphError."""
        try:
            return check_graph(prepared, catalogue)
        except GraphError:
            if self._catalogue is None or time.monotonic() - self._catalogue[1] < STALE:
                raise
            return None

    def _extra_data(
        self,
        prepared: Prepared,
        catalogue: Catalogue | None,
        extra_data: Mapping[str, Any] | None,
        previews: str | None,
        api_key: str | None,
        workflow: bool,
    ) -> dict[str, Any]:
        data: dict[str, Any] = dict(extra_data or {})
        drawn = prepared.workflow(catalogue) if workflow else None
        if drawn is not None:
            # Every key becomes a text in the saved PNG; the editor opens a picture by this one.
            data["extra_pnginfo"] = {"workflow": drawn, **data.get("extra_pnginfo", {})}
        if previews is not None:
            data["preview_method"] = previews
        data.update(partner_data(prepared, catalogue, api_key or self._api_key))
        return data

    def _machine(
        self, prepared: Prepared, prompt: Mapping[str, Any], chosen: Sequence[str] | None, *, own_socket: bool = True
    ) -> JobMachine:
        return JobMachine(
            new_id(),
            prompt,
            own_socket=own_socket,
            where=prepared.where,
            targets=chosen,
            timing=self._timing or Timing(),
        )

    def _attached(self, job: str | Mapping[str, Any], client_id: str) -> JobMachine:
        stored: Mapping[str, Any] = {"prompt_id": job} if isinstance(job, str) else job
        prompt_id = stored.get("prompt_id")
        if not isinstance(prompt_id, str) or not prompt_id:
            raise ValueError("attach: a prompt id, or what Job.to_dict() gave")
        prompt: Any = stored.get("prompt")
        graph: Mapping[str, Any] = prompt if isinstance(prompt, Mapping) else {}
        ours = stored.get("client_id") == client_id
        return JobMachine(prompt_id, graph, own_socket=ours, timing=self._timing or Timing())


def needs_socket(prompt: Mapping[str, Any]) -> bool:
    """Has it nodes whose pictures come over the socket and nowhere else?"""
    return any(record.get("class_type") in SOCKET_OUTPUT_CLASSES for record in prompt.values())


def left_out(
    taken: flows.Taken, prepared: Prepared, catalogue: Catalogue | None, chosen: Sequence[str] | None
) -> list[Problem]:
    """What the server left out of a prompt that it took; empty when it took it all."""
    if taken.refused_part is not None:
        return problems_of(taken.refused_part, prepared.where)
    if taken.outputs is not None and catalogue is not None and chosen is None:
        return unlisted_outputs(prepared, catalogue, taken.outputs)
    return []


def partly_refused(prompt_id: str, problems: list[Problem], said: str) -> PartlyRefused:
    """The exception for a prompt that was taken in part; `said` tells what became of that part."""
    head = f"the server took a part of the graph only; {said}"
    return PartlyRefused(message_of(problems, head), prompt_id=prompt_id, problems=problems)
