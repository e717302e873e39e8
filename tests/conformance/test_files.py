"""Uploading, viewing, and what the server says of itself."""

from __future__ import annotations

import io
import json
import uuid

import pytest
from PIL import Image

from tests.simulator.talk import Talk

from .wire import node, picture


def _png(colour: tuple[int, ...] = (1, 2, 3), size: tuple[int, int] = (12, 8)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGBA" if len(colour) == 4 else "RGB", size, colour).save(buffer, format="PNG")
    return buffer.getvalue()


def test_an_upload_keeps_its_name_unless_another_file_has_it(server: Talk) -> None:
    name = f"comfygraph-{uuid.uuid4().hex[:8]}.png"

    def upload(content: bytes, **more: str) -> dict[str, str]:
        answer = server.post("/upload/image", files={"image": (name, content)}, data=more)
        assert answer.status_code == 200
        result: dict[str, str] = answer.json()
        return result

    assert upload(_png()) == {"name": name, "subfolder": "", "type": "input"}
    assert upload(_png())["name"] == name
    assert upload(_png((9, 9, 9)))["name"] == name.replace(".png", " (1).png")
    assert upload(_png((9, 9, 9)), overwrite="true")["name"] == name
    assert upload(_png(), subfolder="comfygraph/sub")["subfolder"] == "comfygraph/sub"
    seen = server.get("/view", params={"filename": name, "type": "input"})
    assert seen.content == _png((9, 9, 9))
    options = server.get("/object_info/LoadImage").json()["LoadImage"]["input"]["required"]["image"][0]
    assert name in options


@pytest.mark.parametrize("data", [{"subfolder": "../../etc"}, {"subfolder": "/etc"}])
def test_an_upload_cannot_leave_its_folder(server: Talk, data: dict[str, str]) -> None:
    assert server.post("/upload/image", files={"image": ("x.png", _png())}, data=data).status_code == 400


def test_an_upload_without_a_file(server: Talk) -> None:
    assert server.post("/upload/image", files={"overwrite": (None, "true")}).status_code == 400


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("filename=nope.png", 404),
        ("", 404),
        ("filename=", 400),
        ("filename=x.png&type=bogus", 400),
        ("filename=../secret", 400),
        ("filename=..%2F..%2Fsecret", 400),
        ("filename=/etc/passwd", 400),
        ("filename=passwd&subfolder=../../../../etc", 403),
        ("filename=passwd&subfolder=/etc", 403),
    ],
)
def test_what_is_not_to_be_seen(server: Talk, query: str, status: int) -> None:
    assert server.get(f"/view?{query}").status_code == status


def test_views_of_a_file(server: Talk) -> None:
    name = server.upload("comfygraph-view.png", _png((10, 20, 30, 40)))
    place = {"filename": name, "type": "input"}
    whole = server.get("/view", params=place)
    assert whole.headers["Content-Type"] == "image/png"
    part = server.get("/view", params=place, headers={"Range": "bytes=0-7"})
    assert (part.status_code, part.content) == (206, whole.content[:8])
    assert server.get("/view", params={"filename": f"{name} [input]"}).content == whole.content
    for more, content_type in (
        ({"preview": "webp;80"}, "image/webp"),
        ({"preview": "jpeg"}, "image/jpeg"),
        ({"channel": "rgb"}, "image/png"),
    ):
        answer = server.get("/view", params={**place, **more})
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, content_type)
    rgb = Image.open(io.BytesIO(server.get("/view", params={**place, "channel": "rgb"}).content))
    assert (rgb.mode, rgb.getpixel((0, 0))) == ("RGB", (10, 20, 30))


def test_a_saved_picture(server: Talk) -> None:
    done = server.entry(
        server.submit(
            picture(batch=2, prefix="comfygraph/%width%x%height%"),
            extra_data={"extra_pnginfo": {"workflow": {"id": 1}}},
        )
    )
    files = done["outputs"]["2"]["images"]
    assert [file["subfolder"] for file in files] == ["comfygraph"] * 2
    assert all(file["filename"].startswith("64x32_") and file["type"] == "output" for file in files)
    numbers = [int(file["filename"].split("_")[1]) for file in files]
    assert numbers[1] == numbers[0] + 1
    image = server.images(done, "2")[0]
    assert image.size == (64, 32)
    assert set(json.loads(image.text["prompt"])) == {"1", "2"}  # type: ignore[attr-defined]
    assert json.loads(image.text["workflow"]) == {"id": 1}  # type: ignore[attr-defined]


def test_a_picture_goes_through_unharmed(server: Talk) -> None:
    name = server.upload(f"comfygraph-{uuid.uuid4().hex[:8]}.png", _png((200, 100, 50)))
    graph = {
        "1": node("LoadImage", image=name),
        "2": node("ImageInvert", image=["1", 0]),
        "3": node("PreviewImage", images=["2", 0]),
    }
    (image,) = server.images(server.entry(server.submit(graph)), "3")
    assert (image.size, image.getpixel((3, 3))) == ((12, 8), (54, 155, 205))  # 1 - 200/255 in float32, cut off


def test_what_the_server_says_of_itself(server: Talk) -> None:
    stats = server.get("/system_stats").json()
    assert {"os", "ram_total", "ram_free", "comfyui_version", "python_version", "pytorch_version", "argv"} <= set(
        stats["system"]
    )
    device = {"name", "type", "index", "vram_total", "vram_free", "torch_vram_total", "torch_vram_free"}
    assert set(stats["devices"][0]) == device
    assert "checkpoints" in server.get("/models").json()
    assert isinstance(server.get("/models/checkpoints").json(), list)
    assert server.get("/models/nothing").status_code == 404
    assert isinstance(server.get("/embeddings").json(), list)
    assert server.get("/features").json()["supports_preview_metadata"] is True
    assert server.get("/object_info/NoSuchNode").json() == {}
    info = server.get("/object_info/EmptyImage").json()["EmptyImage"]
    assert info["output"] == ["IMAGE"]
    assert info["input_order"]["required"] == ["width", "height", "batch_size", "color"]


@pytest.mark.parametrize("path", ["/queue", "/history", "/prompt", "/system_stats", "/features", "/embeddings"])
def test_every_route_is_there_under_api_too(server: Talk, path: str) -> None:
    assert server.get(f"/api{path}").status_code == 200
