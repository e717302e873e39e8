"""A few lines of plain HTTP to a simulator, for tests that are not about the client."""

from __future__ import annotations

import io
import time
from types import TracebackType
from typing import Any

import requests
from PIL import Image

PATIENCE = 10.0  # seconds


class Talk:
    """A session with a server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()

    def __enter__(self) -> Talk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def get(self, path: str, **options: Any) -> requests.Response:
        """GET."""
        return self._session.get(self.url + path, timeout=PATIENCE, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        """POST."""
        return self._session.post(self.url + path, timeout=PATIENCE, **options)

    def submit(self, graph: dict[str, Any], **more: Any) -> str:
        """Queue a prompt; its id."""
        answer = self.post("/prompt", json={"prompt": graph, **more})
        assert answer.status_code == 200, answer.text
        assert answer.json()["node_errors"] == {}
        prompt_id: str = answer.json()["prompt_id"]
        return prompt_id

    def entry(self, prompt_id: str) -> dict[str, Any]:
        """The history of a prompt, once it is done."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = self.get(f"/history/{prompt_id}").json()
            if found:
                entry: dict[str, Any] = found[prompt_id]
                return entry
            time.sleep(0.005)
        raise TimeoutError(f"{prompt_id} is not done after {PATIENCE} s")

    def run(self, graph: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Run a graph that is to succeed; its history."""
        done = self.entry(self.submit(graph, **more))
        assert done["status"]["status_str"] == "success", done["status"]["messages"][-1]
        return done

    def fail(self, graph: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Run a graph that is to fail; its ``execution_error``."""
        done = self.entry(self.submit(graph, **more))
        event, data = done["status"]["messages"][-1]
        assert (done["status"]["status_str"], event) == ("error", "execution_error"), done["status"]
        error: dict[str, Any] = data
        return error

    def images(self, done: dict[str, Any], node: str) -> list[Image.Image]:
        """The pictures that a node saved."""
        found: list[Image.Image] = []
        for place in done["outputs"][node]["images"]:
            answer = self.get("/view", params=place)
            assert answer.status_code == 200
            image = Image.open(io.BytesIO(answer.content))
            image.load()
            found.append(image)
        return found

    def upload(self, name: str, content: bytes) -> str:
        """Upload an input file; the name that it got."""
        answer = self.post("/upload/image", files={"image": (name, content)}, data={"overwrite": "true"})
        assert answer.status_code == 200
        stored: str = answer.json()["name"]
        return stored
