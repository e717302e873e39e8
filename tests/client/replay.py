"""Recorded traffic fed to the client's board: what it would have seen, with the clock of the recording."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from comfygraph.client.board import Board, Told
from comfygraph.client.exchange import Answer, Failure, Reply
from comfygraph.client.protocol import JobMachine, Timing
from tests import traces

AFTERWARDS = 30.0
"""Seconds that the clock goes on after the last recorded event."""


class Replay:
    """One scenario, replayed.

    The server's HTTP side is what the trace tells: a prompt is in the queue from its acceptance until it ends, is deleted or the
    server is killed; its history is the one that was recorded, or empty where none was.

    Args:
        release, name: which scenario.
        histories: answer with recorded histories; without, the history is empty for ever, as if it had been cleared.
        sockets: feed the socket's frames; without, everything has to be found over HTTP.

    A history that was not recorded is put together from the prompt's frames, as the server does it: its messages are the
    frames, its outputs those of ``executed``.
    """

    def __init__(
        self,
        release: str,
        name: str,
        *,
        histories: bool = True,
        sockets: bool = True,
        timing: Timing | None = None,
    ) -> None:
        self.events: list[dict[str, Any]] = traces.load(release)[name]["events"]
        self.board = Board(timing)
        self.jobs: list[JobMachine] = []
        self.told: list[Told] = []
        self.statuses: list[int | None] = []
        self.answers: list[Any] = []
        self.questions = 0
        self._histories = histories
        self._sockets = sockets
        self._recorded: dict[str, Any] = {}
        self._running: list[str] = []
        self._waiting: list[str] = []
        self._over: dict[str, Any] = {}
        self._conn: str | None = None
        self._killed = False
        self._now = 0.0
        self._frames: dict[str, list[list[Any]]] = {}
        last = {e["conn"]: n for n, e in enumerate(self.events) if "conn" in e}
        # The recorder's own goodbye at the end of a scenario is none of the server's.
        self._goodbyes = {
            n
            for n in last.values()
            if self.events[n].get("msg_type") == "CLOSING"
            and not any(e["kind"] in ("ws_open", "http") for e in self.events[n:])
        }
        for event in self.events:
            body = event.get("body")
            if event["kind"] == "http" and "/history" in event["path"] and isinstance(body, dict):
                self._recorded.update({k: v for k, v in body.items() if isinstance(v, dict) and "status" in v})

    def run(self) -> Replay:
        """Replay it all, and let the clock go on until every question is answered."""
        timeline = [(e["t"], 0, e) for e in self.events]
        # A prompt is posted at one time and answered at another; its first frames may come between the two.
        timeline += [(e["t"] + (e.get("dt") or 0.0), 1, e) for e in self.events if e["kind"] == "http"]
        for at, half, event in sorted(timeline, key=lambda item: item[:2]):
            self._until(max(self._now, at))
            self._feed(event, half)
        for prompt_id in list(self._running):
            # The recorder hung up between the last frame and the end; the server went on and wrote the history.
            if any(kind == "execution_success" for kind, _ in self._frames.get(prompt_id, [])):
                self._finish(prompt_id)
        self._until(self._now + AFTERWARDS)
        return self

    def outcomes(self) -> list[str]:
        """How each accepted prompt ended, in the order they were sent: the exception's name, or the outcome's."""
        names: list[str] = []
        for job in self.jobs:
            outcome: Any = job.outcome
            error = getattr(outcome, "error", None)
            names.append("open" if outcome is None else type(error or outcome).__name__)
        return names

    def _until(self, end: float) -> None:
        """Let the board ask what it wants to ask until this moment."""
        while True:
            due = self.board.due()
            if due > end:
                break
            self._now = max(self._now, due)
            self.told += self.board.tick(self._now)
            question = self.board.question(self._now)
            if question is None:
                self._now += 0.001
                if self._now > end:
                    break
                continue
            self.questions += 1
            reply = self._answer(question.request.path, dict(question.request.query))
            self._now += 0.001
            self.told += self.board.reply(question, reply, self._now)
        self._now = max(self._now, end)

    def _answer(self, path: str, query: dict[str, str]) -> Reply:
        if self._killed:
            return Failure("refused", "connection refused")
        if path == "/queue":
            running = [[0, p, {}, {}, []] for p in self._running]
            pending = [[n, p, {}, {}, []] for n, p in enumerate(self._waiting, 1)]
            return _json({"queue_running": running, "queue_pending": pending})
        if path == "/history":
            return _json(dict(list(self._over.items())[-int(query["max_items"]) :]))
        prompt_id = path.rpartition("/")[2]
        return _json({prompt_id: self._over[prompt_id]} if prompt_id in self._over else {})

    def _feed(self, event: dict[str, Any], half: int) -> None:
        kind = event["kind"]
        if kind == "note":
            self._note(event["text"])
        elif kind == "http":
            self._http(event, half)
        elif kind == "ws_open" and self._sockets and self._mine(event):
            if self._conn is not None:
                self.told += self.board.socket_down(self._now)
            self._conn = event["conn"]
            self.told += self.board.socket_up(self._now)
        elif kind in ("ws_end", "ws_client_close") and event["conn"] == self._conn and not self._goodbye(event):
            self._conn = None
            self.told += self.board.socket_down(self._now)
        elif kind == "ws":
            message = event["message"]
            self._server_side(message)
            if event["conn"] == self._conn:
                self.told += self.board.receive(json.dumps(message), self._now)
        elif kind == "ws_binary" and event["conn"] == self._conn:
            self.told += self.board.receive(binary(event), self._now)

    def _goodbye(self, event: dict[str, Any]) -> bool:
        return any(self.events[n] is event for n in self._goodbyes)

    def _mine(self, event: dict[str, Any]) -> bool:
        """Is it the socket that the scenario's prompts are sent for?"""
        client = parse_qs(urlsplit(event["path"]).query).get("clientId", [""])[0]
        ids = {
            e["request_body"].get("client_id")
            for e in self.events
            if e["kind"] == "http" and e["path"].endswith("/prompt") and isinstance(e.get("request_body"), dict)
        }
        return client in ids

    def _http(self, event: dict[str, Any], half: int) -> None:
        path, body, sent = event["path"], event.get("body"), event.get("request_body")
        if event["method"] == "POST" and path in ("/prompt", "/api/prompt"):
            if half == 1:
                self.statuses.append(event.get("status"))
                self.answers.append(body)
            if event.get("status") != 200:
                return
            assert isinstance(body, dict)
            prompt_id = body["prompt_id"]
            if half == 0:
                self._post(prompt_id, sent if isinstance(sent, dict) else {})
            else:
                job = self.board.jobs.get(prompt_id)
                if job is not None:
                    self.told += self.board.accepted(job, self._now)
        elif event["method"] == "POST" and path.endswith("/cancel") and half == 0 and event.get("status") == 200:
            # 0.33.0's route: what waits vanishes, what runs is interrupted and tells so itself.
            ids = sent.get("job_ids", []) if isinstance(sent, dict) else [path.split("/")[-2]]
            self._waiting = [p for p in self._waiting if p not in ids]
        elif event["method"] == "POST" and path == "/queue" and isinstance(sent, dict) and half == 0:
            gone = list(self._waiting) if sent.get("clear") else sent.get("delete", [])
            self._waiting = [p for p in self._waiting if p not in gone]

    def _post(self, prompt_id: str, sent: dict[str, Any]) -> None:
        if prompt_id in self.board.jobs or prompt_id in self._over:
            # The same id sent twice runs twice (prompt_id_client_supplied). The client never does that: follow it once.
            return
        own = self._conn is not None and sent.get("client_id") is not None
        prompt = sent.get("prompt")
        job = JobMachine(prompt_id, prompt or {}, own_socket=own, timing=self.board.timing)
        self.jobs.append(job)
        self.board.add(job)
        self._waiting.append(prompt_id)
        if not self._heard_of(prompt_id):
            # Nobody was told how it went; the trace shows that it ran (no_client_id).
            self._waiting.remove(prompt_id)
            self._finish(prompt_id)

    def _heard_of(self, prompt_id: str) -> bool:
        """Do the recorded frames, or a deletion, tell what became of this prompt?"""
        deleted = any(
            e["kind"] == "http"
            and e["method"] == "POST"
            and (e["path"] == "/queue" or e["path"].endswith("/cancel"))
            and (
                prompt_id in json.dumps([e["path"], e.get("request_body")]) or "clear" in (e.get("request_body") or {})
            )
            and e.get("status") == 200
            for e in self.events
        )
        started = any(
            e["kind"] == "ws"
            and e["message"]["type"] == "execution_start"
            and e["message"]["data"]["prompt_id"] == prompt_id
            for e in self.events
        )
        return deleted or started

    def _server_side(self, message: dict[str, Any]) -> None:
        data = message["data"]
        prompt_id = data.get("prompt_id")
        if prompt_id is not None:
            self._frames.setdefault(prompt_id, []).append([message["type"], data])
        if message["type"] == "execution_start":
            if prompt_id in self._waiting:
                self._waiting.remove(prompt_id)
            if prompt_id not in self._running and prompt_id not in self._over:
                self._running.append(prompt_id)
        elif message["type"] == "executing" and data.get("node") is None and prompt_id is not None:
            self._finish(prompt_id)

    def _finish(self, prompt_id: str) -> None:
        if prompt_id in self._running:
            self._running.remove(prompt_id)
        if self._histories:
            entry = self._recorded.get(prompt_id)
            self._over[prompt_id] = entry if entry is not None else self._from_frames(prompt_id)

    def _from_frames(self, prompt_id: str) -> dict[str, Any]:
        frames = self._frames.get(prompt_id, [])
        failed = any(kind in ("execution_error", "execution_interrupted") for kind, _ in frames)
        outputs = {data["node"]: data["output"] for kind, data in frames if kind == "executed"}
        status = {
            "status_str": "error" if failed else "success",
            "completed": not failed,
            "messages": [frame for frame in frames if frame[0].startswith("execution_")],
        }
        return {"outputs": outputs, "status": status}

    def _note(self, text: str) -> None:
        if text.startswith("os.kill"):
            self._killed = True
        elif text.startswith("restart"):
            self._killed, self._running, self._waiting, self._over = False, [], [], {}
        elif text == "after finish":
            for prompt_id in list(self._running):
                self._finish(prompt_id)


def binary(event: dict[str, Any]) -> bytes:
    """A binary frame as recorded: its head, and its first bytes in place of the whole picture."""
    first = event.get("payload_first_bytes") or event.get("image_first_bytes") or ""
    payload = bytes.fromhex(first)
    if event["event_type"] == 4:
        head = json.dumps(event["metadata"]).encode()
        return (4).to_bytes(4, "big") + len(head).to_bytes(4, "big") + head + payload
    return bytes.fromhex(event["header8_hex"]) + payload


def _json(value: Any) -> Answer:
    return Answer(200, {"content-type": "application/json"}, json.dumps(value).encode())
