"""Replays a recorded scenario against a simulator and notes where it answers otherwise.

What cannot be the same is made the same on both sides first: ids, times, file numbers, tracebacks. Two things are
left out of the comparison because the recorded server itself does not fix them: the order of entries that come from a Python
set (errors within a node, executed nodes), and how many steps a node gets through before an interrupt reaches it.
"""

from __future__ import annotations

import io
import json
import re
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
import websocket
from PIL import Image

from comfygraph.simulator import Answer, Context, Simulator

Event = dict[str, Any]
SPEED = 0.2  # of the recorded sleeps: the test nodes' steps take a fifth of the time
PATIENCE = 5.0  # seconds to wait for messages that were recorded


# the recording server's test nodes


def _sleep(context: Context, /, *, image: Any, steps: int, seconds: float, seed: int) -> tuple[Any, ...]:
    for step in range(steps):
        context.pause(seconds * SPEED)
        context.progress(step + 1, steps)
    return (image,)


def _raise(context: Context, /, *, image: Any, message: str) -> tuple[Any, ...]:
    raise ValueError(message)


def _expand(context: Context, /, *, width: int, color: int) -> Answer:
    first, second, third = (f"{context.prefix}{number}" for number in (1, 2, 3))
    graph = {
        first: {
            "class_type": "EmptyImage",
            "inputs": {"width": width, "height": width, "batch_size": 1, "color": color},
        },
        second: {"class_type": "ImageInvert", "inputs": {"image": [first, 0]}},
        third: {"class_type": "PreviewImage", "inputs": {"images": [second, 0]}},
    }
    return Answer(([second, 0],), expand=graph)


_INT = ["INT", {"default": 0, "min": 0, "max": 2**64 - 1}]
NODES: dict[str, Any] = {
    "CGSleep": {
        "input": {
            "required": {"image": ["IMAGE"], "steps": _INT, "seconds": ["FLOAT", {"default": 0.1}], "seed": _INT}
        },
        "output": ["IMAGE"],
    },
    "CGRaise": {"input": {"required": {"image": ["IMAGE"], "message": ["STRING", {}]}}, "output": ["IMAGE"]},
    "CGExpand": {"input": {"required": {"width": _INT, "color": _INT}}, "output": ["IMAGE"]},
}
FUNCTIONS: dict[str, Any] = {"CGSleep": _sleep, "CGRaise": _raise, "CGExpand": _expand}
MODELS = {
    "checkpoints": ["sd_xl_base_1.0.safetensors", "v1-5-pruned-emaonly.safetensors"],
    "text_encoders": ["clip_l.safetensors", "t5xxl_fp8_e4m3fn.safetensors"],
    "embeddings": [],
}


def _sdxl(width: int) -> dict[str, Any]:
    return {
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd_xl_base_1.0.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": width, "height": width, "batch_size": 1}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a photo of a cat", "clip": ["4", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["4", 1]}},
        "8": {"class_type": "PreviewAny", "inputs": {"source": ["5", 0]}},
        "9": {"class_type": "PreviewAny", "inputs": {"source": ["6", 0]}},
        "10": {"class_type": "PreviewAny", "inputs": {"source": ["7", 0]}},
    }


# What the recorded server had run right before, where the scenario's own prompt finds it in the cache.
WARM_UP: dict[str, list[Any]] = {
    "interrupt_running": [{key: node for key, node in _sdxl(64).items() if key in ("5", "8")}],
    "sampler_no_previews": [_sdxl(64)],
    "sampler_previews_with_metadata": [_sdxl(64)],
}


def simulator(release: str) -> Simulator:
    """A simulator set up like the server that was recorded."""
    return Simulator(release=release, models=MODELS, nodes=NODES, functions=FUNCTIONS, latency=0.02)


# one connection


class Connection:
    """A WebSocket whose messages are collected."""

    def __init__(self, url: str) -> None:
        self.socket = websocket.create_connection(url, timeout=PATIENCE, suppress_origin=True)
        self.messages: list[Event] = []
        self.broken = False
        self._closing = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while True:
            try:
                data = self.socket.recv()
            except websocket.WebSocketTimeoutException:
                continue
            except (websocket.WebSocketException, OSError, ValueError):
                self.broken = not self._closing
                return
            if isinstance(data, bytes):
                self.messages.append(_frame(data))
            elif data:
                self.messages.append({"kind": "ws", "message": json.loads(data)})
            else:
                return

    def close(self) -> None:
        """Close it, as a client does."""
        self._closing = True
        try:
            self.socket.close(timeout=1)
        finally:
            self._thread.join(PATIENCE)


def _frame(data: bytes) -> Event:
    event, second = struct.unpack(">II", data[:8])
    if event == 4:
        return {
            "kind": "ws_binary",
            "event_type": 4,
            "metadata": json.loads(data[8 : 8 + second]),
            "image": data[8 + second :][:3],
        }
    return {"kind": "ws_binary", "event_type": event, "second_u32": second, "image": data[8:11]}


# the replay


@dataclass
class Replay:
    """One run of a scenario; `differences` holds a line for each answer that is not as recorded."""

    scenario: str
    events: list[Event]
    sim: Simulator
    port: int
    differences: list[str] = field(default_factory=list[str])
    exchanges: int = 0
    connections: dict[str, Connection] = field(default_factory=dict[str, Connection])
    known: dict[str, str] = field(default_factory=dict[str, str])
    note: str = ""

    def run(self) -> None:
        """Go through the events."""
        self._prepare()
        with requests.Session() as session:
            try:
                for index, event in enumerate(self.events):
                    self._event(session, index, event)
                self._wait(len(self.events), float("inf"))
                time.sleep(0.05)  # for messages that were not recorded and should not come
                self._compare_sockets()
            finally:
                for connection in self.connections.values():
                    connection.close()

    def _prepare(self) -> None:
        """Bring the simulator into the state that the recorded server was in."""
        self.sim.service.number = _first_number(self.events)
        (self.sim.store.folders["input"] / "corrupt.png").write_bytes(b"no picture")
        for prompt in WARM_UP.get(self.scenario, ()):
            answer = requests.post(f"{self.sim.url}/prompt", json={"prompt": prompt, "number": -1e9}, timeout=PATIENCE)
            assert answer.status_code == 200, answer.text
            self._until_idle()

    def _event(self, session: requests.Session, index: int, event: Event) -> None:
        kind = event["kind"]
        if kind == "note":
            self.note = event["text"]
            if "os.kill" in self.note or "SIGTERM" in self.note:
                self._wait(index, event["t"])
                self.sim.crash()
            elif self.note == "restart the server":
                self.sim.restart()
            elif self.note == "after finish":
                self._until_idle()
        elif kind == "ws_open":
            self._wait(index, event["t"])
            first = next(
                (
                    e["message"]["data"]
                    for e in self.events[index:]
                    if e.get("conn") == event["conn"] and e["kind"] == "ws"
                ),
                {},
            )
            if first.get("status", {}).get("exec_info", {}).get("queue_remaining") == 0:
                self._until_idle()
            self.connections[event["conn"]] = Connection(self.sim.url.replace("http", "ws") + event["path"])
        elif kind == "ws_send":
            self.connections[event["conn"]].socket.send(json.dumps(event["message"]))
        elif kind == "ws_client_close":
            self._wait(index, event["t"])
            self.connections[event["conn"]].close()
        elif kind == "ws_end" and event["close_code"] == 1006:
            connection = self.connections[event["conn"]]
            _until(lambda: connection.broken)
            if not connection.broken:
                self.differences.append(f"{event['conn']}: the connection was to break")
        elif kind == "http":
            self._exchange(session, index, event)

    def _exchange(self, session: requests.Session, index: int, event: Event) -> None:
        # A GET shows the state when it was answered, a POST meets the one when it was sent.
        self._wait(index, event["t"] + (event.get("dt") or 0 if event["method"] == "GET" else 0))
        if event["path"].startswith("/history/") and event.get("body") and self.scenario not in _RACES:
            # Recorded after a pause: the prompt was done by then, which no message says to a client without an id.
            place = self.sim.url + self._mapped(event["path"])
            _until(lambda: requests.get(place, timeout=PATIENCE).json())
        over = event["body"].get("status") if isinstance(event.get("body"), dict) else None
        if event["path"].startswith("/api/jobs/") and over in ("cancelled", "completed", "failed"):
            # The last message of a run comes before its history is written.
            job = self.sim.url + self._mapped(event["path"])
            _until(lambda: requests.get(job, timeout=PATIENCE).json().get("status") == over)
        self.exchanges += 1
        place = f"{event['method']} {event['path']} ({self.note})"
        try:
            answer = self._send(session, event)
        except requests.ConnectionError:
            if "exception" not in event:
                self.differences.append(f"{place}: no answer")
            return
        if "exception" in event:
            self.differences.append(f"{place}: answered {answer.status_code}, recorded {event['exception'][:60]}")
            return
        if answer.status_code != event["status"]:
            self.differences.append(f"{place}: {answer.status_code}, recorded {event['status']}: {answer.text[:300]}")
            return
        recorded_type = event["headers"].get("Content-Type")
        if recorded_type and recorded_type != answer.headers.get("Content-Type"):
            self.differences.append(f"{place}: {answer.headers.get('Content-Type')}, recorded {recorded_type}")
        if "body" in event:
            actual = answer.json()
            self._learn(event["body"], actual)
            self._compare(place, event["path"], event["body"], actual)
        elif "body_first_bytes" in event:
            head = bytes.fromhex(event["body_first_bytes"])[:4]
            if not answer.content.startswith(head):
                self.differences.append(f"{place}: begins with {answer.content[:4]!r}, recorded {head!r}")
        elif "body_text" in event and answer.text != event["body_text"]:
            self.differences.append(f"{place}: {answer.text[:200]!r}, recorded {event['body_text'][:200]!r}")

    def _send(self, session: requests.Session, event: Event) -> requests.Response:
        path = self._mapped(event["path"])
        headers = {
            name: value.replace(str(self.port), str(self.sim.port))
            for name, value in event.get("request_headers", {}).items()
        }
        options: dict[str, Any] = {"headers": headers}
        if "request_form" in event:
            options["files"] = [_field(self.note, self.scenario, *part) for part in event["request_form"]]
        elif self.scenario == "upload_raw_traversal":
            options["data"] = _raw_form(self.note)
        elif "request_body" in event:
            options["data"] = self._mapped(json.dumps(event["request_body"]))
        elif "request_body_raw" in event:
            options["data"] = event["request_body_raw"]
        url = self.sim.url + path
        # As recorded: the path goes out as it stands, dots and all.
        prepared = session.prepare_request(requests.Request(event["method"], url, **options))
        if "?" in path:
            prepared.url = url
        return session.send(prepared, timeout=PATIENCE, allow_redirects=False)

    # waiting

    def _wait(self, index: int, until: float) -> None:
        """Wait until every connection has got as many messages as had been recorded by then."""
        wanted: dict[str, int] = {}
        for event in self.events[:index]:
            if event["kind"] in ("ws", "ws_binary") and event["t"] <= until:
                wanted[event["conn"]] = wanted.get(event["conn"], 0) + 1
        for name, count in wanted.items():
            connection = self.connections.get(name)
            if connection is not None:
                _until(lambda c=connection, n=count: len(c.messages) >= n or not c._thread.is_alive())  # type: ignore[misc]

    def _until_idle(self) -> None:
        _until(
            lambda: requests.get(f"{self.sim.url}/prompt", timeout=PATIENCE).json()["exec_info"]["queue_remaining"] == 0
        )

    # comparing

    def _mapped(self, text: str) -> str:
        for recorded, actual in self.known.items():
            text = text.replace(recorded, actual)
        return text

    def _learn(self, recorded: Any, actual: Any) -> None:
        """Which id or file name of ours is which of those recorded."""
        todo = [(recorded, actual)]
        while todo:
            one, two = todo.pop()
            if isinstance(one, dict) and isinstance(two, dict):
                for key in one.keys() & two.keys():
                    if key in ("prompt_id", "filename") and isinstance(one[key], str) and isinstance(two[key], str):
                        if one[key] != two[key]:
                            self.known[one[key]] = two[key]
                    else:
                        todo.append((one[key], two[key]))
                if len(one) == len(two) == 1:
                    todo.extend(zip(one.values(), two.values(), strict=True))
            elif isinstance(one, list) and isinstance(two, list):
                todo.extend(zip(one, two, strict=False))

    def _compare(self, place: str, path: str, recorded: Any, actual: Any) -> None:
        one, two = json.loads(self._mapped(json.dumps(recorded))), actual
        one, two = self._shaped(path, one), self._shaped(path, two)
        if path.startswith("/api/jobs") and isinstance(two, dict) and "jobs" in two:
            one["jobs"] = one["jobs"][: len(two["jobs"])]  # the recording server knew older ones too
        if path.startswith(_RACES.get(self.scenario, "-")) and any(value in ({}, _IDLE) for value in (one, two)):
            return
        for difference in compare(one, two):
            self.differences.append(f"{place}: {difference}")

    def _shaped(self, path: str, body: Any) -> Any:
        """What can be compared of an answer."""
        bare = path.removeprefix("/api").split("?")[0]
        if bare in _SHAPE_ONLY or bare.startswith(("/models", "/experiment")):
            # "comfygraph" is where the simulator says what it is; real clients do not look there.
            return sorted(key for key in body if key != "comfygraph") if isinstance(body, dict) else type(body).__name__
        if bare.startswith("/view_metadata"):
            return type(body).__name__
        return normal(body)

    def _compare_sockets(self) -> None:
        for name, connection in self.connections.items():
            recorded = [
                event for event in self.events if event.get("conn") == name and event["kind"] in ("ws", "ws_binary")
            ]
            one = [self._message(event) for event in recorded]
            two = [self._message(event) for event in connection.messages]
            if self.scenario in _CONCURRENT:
                one, two = ([m for m in messages if m[0] != "status"] for messages in (one, two))
            one, two = self._collapsed(one), self._collapsed(two)
            for index in range(max(len(one), len(two))):
                if index >= len(one) and self.scenario in _CUT_OFF:
                    break
                left = one[index] if index < len(one) else None
                right = two[index] if index < len(two) else None
                if left != right:
                    self.differences.append(f"socket {name}, message {index}: {right}, recorded {left}")
                    break

    def _message(self, event: Event) -> tuple[Any, ...]:
        if event["kind"] == "ws_binary":
            metadata = event.get("metadata")
            image = event.get("image")
            head = (
                image
                if image is not None
                else bytes.fromhex(event.get("payload_first_bytes") or event["image_first_bytes"])[:3]
            )
            shown = (
                None
                if metadata is None
                else json.dumps(normal(json.loads(self._mapped(json.dumps(metadata)))), sort_keys=True)
            )
            return ("binary", event["event_type"], event.get("second_u32") if metadata is None else None, shown, head)
        message = json.loads(self._mapped(json.dumps(event["message"])))
        return (message["type"], json.dumps(normal(message["data"]), sort_keys=True))

    def _collapsed(self, messages: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """The steps of a node in progress as one entry."""
        result: list[tuple[Any, ...]] = []
        for message in messages:
            if self.scenario in _INTERRUPTED and _is_step(message):
                continue
            if message[0] == "progress_state":
                nodes = {
                    key: [each["state"], each["display_node_id"], each["parent_node_id"]]
                    for key, each in json.loads(message[1])["nodes"].items()
                }
                message = ("progress_state", json.dumps(nodes, sort_keys=True))
            elif message[0] == "progress":
                message = ("progress", json.loads(message[1])["node"])
            steps = ("progress_state", "progress", "binary")
            if message[0] in steps and result and result[-1][0] in steps and message in result[-6:]:
                continue
            if self.scenario in _ANY_OUTPUT_FIRST:
                message = (message[0], re.sub(_ANY_OUTPUT_FIRST[self.scenario], '"output"', str(message[1])))
            result.append(message)
        return result


# Scenarios with several prompts at once: which of two threads changes the queue first is chance, so status messages are not
# compared there.
_CONCURRENT = frozenset(
    {
        "delete_queued",
        "interrupt_by_prompt_id",
        "interrupt_while_queued_many",
        "jobs_endpoints",
        "prompt_id_client_supplied",
        "prompt_options",
        "two_queued",
        "server_sigkill_mid_run",
        "server_sigterm_mid_run",
        "errors_prompt",
        "values_coercion",
        "history_endpoints",
        "history_race_after_success",
        "upload_image_endpoints",
    }
)
# Whether a node gets through any step at all before it is interrupted is chance.
_INTERRUPTED = frozenset(
    {
        "delete_queued",
        "interrupt_by_prompt_id",
        "interrupt_running",
        "interrupt_while_queued_many",
        "jobs_endpoints",
        "prompt_options",
        "server_sigkill_mid_run",
        "server_sigterm_mid_run",
    }
)
# Answers that were asked for while a prompt was about to finish: whether it already had is chance.
_RACES = {
    "history_race_after_success": "/history/",
    "success_save_image": "/history/",
    "undeclared_input_self_link": "/queue",
}
_IDLE: dict[str, Any] = {"queue_running": [], "queue_pending": []}
# Prompts with two equal outputs: which of them goes first is the order of a Python set.
_ANY_OUTPUT_FIRST = {"prompt_options": '"[23]"'}
# The recording ended before the last prompt did.
_CUT_OFF = frozenset({"prompt_id_client_supplied"})
_SHAPE_ONLY = frozenset({"/system_stats", "/node_replacements", "/embeddings"})
# Texts of exceptions that are not the tensor library's, nor those of Python about the server's own functions.
_SAME_TEXTS = frozenset({"Dependency cycle detected", "boom é\n", "'inputs'", "'a'"})


def normal(value: Any) -> Any:
    """A value with everything made the same that may differ between two servers."""
    if isinstance(value, dict):
        result: dict[str, Any] = {}
        for key, each in value.items():
            if key in ("tooltip", "description", "search_aliases", "output_tooltips", "essentials_category"):
                continue
            if key in ("timestamp", "create_time", "execution_start_time", "execution_end_time"):
                result[key] = "time"
            elif key == "traceback":
                result[key] = "traceback"
            elif key == "current_inputs" or key in ("executed", "current_outputs", "dependent_outputs"):
                result[key] = sorted(each)
            elif key == "sid":
                result[key] = "sid"
            elif key == "exception_message" and each not in _SAME_TEXTS:
                result[key] = ["text", each.endswith("\n")]
            elif key == "exception_type" and each.startswith(("torch", "PIL", "simpleeval", "comfygraph")):
                result[key] = "type"
            elif key == "errors" and isinstance(each, list):
                result[key] = sorted(
                    (normal(error) for error in each), key=lambda error: json.dumps(error, sort_keys=True)
                )
            elif key == "details" and isinstance(each, str) and "\n" in each:
                result[key] = sorted(each.split("\n"))
            elif key == "pagination":
                result[key] = sorted(each)
            elif key == "input_config" and isinstance(each, list):
                result[key] = [each[0], normal(each[1])]
            elif key == "prompt" and isinstance(each, list) and len(each) == 5:
                result[key] = [*(normal(part) for part in each[:4]), sorted(each[4])]
            else:
                result[key] = normal(each)
        return result
    if isinstance(value, list):
        if len(value) == 2 and isinstance(value[1], dict) and not normal(value[1]) and not isinstance(value[0], dict):
            return [normal(value[0])]  # an input's type with nothing left of its options
        if len(value) == 5 and isinstance(value[1], str) and isinstance(value[2], dict):  # an entry of GET /queue
            return [*(normal(part) for part in value[:4]), sorted(value[4])]
        return [normal(each) for each in value]
    if isinstance(value, str):
        value = re.sub(r"_temp_[a-z]{5}_", "_temp_X_", value)
        value = re.sub(r"_\d{5}_", "_N_", value)
        return re.sub(r"\(list of length \d+\)", "(list)", value)
    return value


def compare(recorded: Any, actual: Any, path: str = "") -> list[str]:
    """Where two normalised values differ, at most a few lines."""
    if type(recorded) is not type(actual):
        return [f"{path or 'body'}: {_short(actual)}, recorded {_short(recorded)}"]
    if isinstance(recorded, dict):
        found: list[str] = []
        for key in [*recorded, *(key for key in actual if key not in recorded)]:
            if key not in actual:
                found.append(f"{path}.{key}: missing, recorded {_short(recorded[key])}")
            elif key not in recorded:
                found.append(f"{path}.{key}: {_short(actual[key])}, not recorded")
            else:
                found += compare(recorded[key], actual[key], f"{path}.{key}")
        return found[:6]
    if isinstance(recorded, list):
        if len(recorded) != len(actual):
            return [f"{path}: {len(actual)} items, recorded {len(recorded)}: {_short(actual)} / {_short(recorded)}"]
        return [
            line
            for index, pair in enumerate(zip(recorded, actual, strict=True))
            for line in compare(*pair, f"{path}[{index}]")
        ][:6]
    return (
        [] if recorded == actual or recorded != recorded else [f"{path}: {_short(actual)}, recorded {_short(recorded)}"]
    )


def _is_step(message: tuple[Any, ...]) -> bool:
    if message[0] != "progress_state":
        return bool(message[0] == "progress")
    return any(each["state"] == "running" and each["value"] > 0 for each in json.loads(message[1])["nodes"].values())


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) < 160 else text[:160] + "…"


def _until(done: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not done() and time.monotonic() < end:
        time.sleep(0.002)


# uploads: the recordings hold the sizes of what was sent, not the content


def _field(
    note: str, scenario: str, name: str, filename: str | None, content: str
) -> tuple[str, tuple[str | None, bytes | str]]:
    if filename is None:
        return name, (None, content)
    size = int(content.strip("<>").split()[0])
    if filename == "corrupt.png":
        return name, (filename, b"x" * size)
    if filename.endswith(".txt"):
        return name, (filename, b"notes")
    side = 16 if scenario == "view_endpoints" else 9 if "wrong size" in note else 8
    mode = "RGBA" if scenario == "view_endpoints" or "mask" in note else "RGB"
    buffer = io.BytesIO()
    Image.new(mode, (side, side), (size, 10, 20, 99)[: len(mode)]).save(buffer, format="PNG")
    # The client that was recorded escapes slashes.
    return name, (filename.replace("/", "%2F"), buffer.getvalue())


def _raw_form(note: str) -> bytes:
    """A form as no library would write it: ``filename=../x subfolder=y``."""
    given = {key: value[0] for key, value in parse_qs(note.replace(" ", "&"), keep_blank_values=True).items()}
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (1, 2, 3)).save(buffer, format="PNG")
    head = f'------x\r\nContent-Disposition: form-data; name="image"; filename="{given["filename"]}"\r\nContent-Type: image/png\r\n\r\n'
    rest = (
        f'\r\n------x\r\nContent-Disposition: form-data; name="subfolder"\r\n\r\n{given["subfolder"]}\r\n------x--\r\n'
    )
    return head.encode() + buffer.getvalue() + rest.encode()


def _first_number(events: list[Event]) -> int:
    """Where the recorded server's counter stood: every prompt without a number of its own moved it on, refused ones too."""
    number = 0
    for event in events:
        body = event.get("request_body")
        if (
            event.get("path") != "/prompt"
            or event.get("method") != "POST"
            or event.get("status") not in (200, 400, 500)
        ):
            continue
        recorded = event.get("body", {}).get("number")
        if isinstance(recorded, int):
            return abs(recorded) - number
        if (body is not None or event["status"] == 400) and "number" not in (body or {}):
            number += 1
    return 0


def port_of(trace: dict[str, Any]) -> int:
    """The port that was recorded."""
    for event in trace["events"]:
        for value in event.get("request_headers", {}).values():
            found = urlsplit(value if "//" in value else f"//{value}").port if ":" in value else None
            if found:
                return found
    return int(trace["port"])
