"""What a run gave: every output of every node, wherever the server puts it; downloads whole or absent."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from comfygraph import Graph
from comfygraph.client.events import Preview
from comfygraph.client.files import File, Place, places
from comfygraph.client.messages import Picture
from comfygraph.client.outcome import Succeeded, of_history
from comfygraph.client.result import Result
from comfygraph.errors import DownloadError, EditError, OutputError
from comfygraph.nodes import EmptyImage, PreviewImage, SaveImage
from tests.client.fake import BROKEN, REFUSED, FakeDownload, FakeServer


def file_of(filename: str, kind: str = "output", subfolder: str = "") -> dict[str, Any]:
    return {"filename": filename, "subfolder": subfolder, "type": kind}


OUTPUTS: dict[str, Any] = {
    "1": {"images": [file_of("a.png"), file_of("b.png", subfolder="x/y")]},
    "2": {"images": [file_of("clip.mp4")], "animated": [True]},
    "3": {"audio": [file_of("song.flac")]},
    "4": {"3d": [file_of("mesh.glb")]},
    "5": {"latents": [file_of("l.latent")]},
    "6": {"text": ["hello", "world"]},
    "7": {"gifs": [{**file_of("loop.webm"), "format": "video/webm"}]},
    "8": {"images": [file_of("p.png", "temp")]},
    "9": {"bboxes": [[1, 2]], "weird": {"a": 1}, "files": [file_of("table.csv")]},
    "10": {"result": ["3d/model.glb [temp]", {"camera": 1}, None]},
    "5.0.0.1": {"images": [file_of("inner.png")]},
    "11": {"images": [5, {"filename": 5}, {"filename": ""}, None], "text": "plain"},
}


def result_of(outputs: dict[str, Any] = OUTPUTS, server: FakeServer | None = None, **options: Any) -> Result:
    return Result.of("p", Succeeded(outputs, {"5.0.0.1": "5"}, **options), server)


def names(files: list[File]) -> list[str]:
    return [file.filename for file in files]


def test_every_kind() -> None:
    result = result_of()
    assert names(result.images) == ["a.png", "b.png", "inner.png"]
    assert names(result.videos) == ["clip.mp4", "loop.webm"]
    assert names(result.audio) == ["song.flac"]
    assert names(result.models3d) == ["mesh.glb"]
    assert names(result.latents) == ["l.latent"]
    assert names(result.of_kind("file")) == ["table.csv"]
    assert result.texts == ["hello", "world", "plain"]
    assert names(result.previews) == ["p.png", "model.glb"]
    assert result["9"].raw["weird"] == {"a": 1}
    assert result["2"].raw["animated"] == [True]
    assert names(result["5"].files) == ["l.latent", "inner.png"]
    assert names(result["8"].images) == ["p.png"]
    assert names(result["10"].models3d) == ["model.glb"]
    assert (result["10"].files[0].subfolder, result["10"].files[0].type) == ("3d", "temp")
    assert result["1"].images[1].reference == "x/y/b.png [output]"


def test_by_handle_and_by_id() -> None:
    image = EmptyImage(width=8, height=8)
    save, preview = SaveImage(images=image), PreviewImage(images=image)
    graph = Graph(save, preview)
    outputs = {graph.id(save): {"images": [file_of("a.png")]}}
    result = Result.of("p", Succeeded(outputs), id_of=graph.id, ids=graph.ids)
    assert names(result[save].images) == ["a.png"]
    assert save in result
    assert preview not in result
    assert result[preview].files == []
    with pytest.raises(EditError):
        _ = result["77"]
    with pytest.raises(EditError):
        _ = result[SaveImage(images=image)]


def test_cached_runs_say_so() -> None:
    outputs = {"2": {"images": [file_of("a.png")]}}
    assert result_of(outputs, cached=("1", "2")).cached
    assert not result_of(outputs, cached=("1",)).cached
    assert not result_of(outputs).cached
    assert result_of(outputs, cached=("1",)).cached_nodes == ("1",)


def test_pictures_of_the_socket() -> None:
    data = io.BytesIO()
    PIL.Image.new("RGB", (3, 2)).save(data, "PNG")
    picture = Picture("image/png", data.getvalue(), "p", "4", "4")
    result = Result.of("p", Succeeded({}, pictures=(picture, picture)))
    assert names(result["4"].images) == ["websocket_4_00001.png", "websocket_4_00002.png"]
    assert result.images[0].pil().size == (3, 2)
    assert result.images[0].read() == data.getvalue()


def whole(body: bytes = b"content", breaks: bool = False, length: int | None = -1, status: int = 200) -> FakeDownload:
    return FakeDownload(status, body, len(body) if length == -1 else length, breaks)


def test_saving(tmp_path: Path) -> None:
    server = FakeServer()
    server.downloads = [whole(b"1"), whole(b"2"), whole(b"3"), whole(b"4")]
    result = result_of(
        {"1": {"images": [file_of("../a.png"), file_of("a.png", subfolder="/etc"), file_of("CON.png")]}}, server
    )
    paths = result.save(tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["a.png", "a_2.png", "_CON.png"]
    assert [path.read_bytes() for path in paths] == [b"1", b"2", b"3"]
    assert all(path.parent == tmp_path / "new" / "folder" for path in paths)
    assert server.requests[1].query == (("filename", "a.png"), ("subfolder", "/etc"), ("type", "output"))
    assert result.images[0].save(tmp_path, "mine.png").name == "mine.png"


def test_a_download_that_breaks_is_tried_again(tmp_path: Path) -> None:
    server = FakeServer()
    server.downloads = [whole(b"ha", breaks=True), whole(b"half", length=10), whole(b"wholefile")]
    [path] = result_of({"1": {"images": [file_of("a.png")]}}, server).save(tmp_path)
    assert path.read_bytes() == b"wholefile"


@pytest.mark.parametrize(
    ("downloads", "says"),
    [
        ([whole(b"ha", breaks=True)] * 3, "came in part only"),
        ([whole(b"ha", length=9)] * 3, "2 of 9 bytes"),
        ([whole(status=404)], "not on the server any more"),
        ([whole(status=403)], "does not give it out"),
        ([whole(status=500)] * 3, "answered 500"),
        ([REFUSED] * 3, "connection refused"),
        ([BROKEN] * 3, "broke"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_download_that_fails_leaves_nothing(tmp_path: Path, downloads: list[Any], says: str) -> None:
    server = FakeServer()
    server.downloads = [*downloads, *downloads]
    result = result_of({"1": {"images": [file_of("a.png")]}}, server)
    with pytest.raises(DownloadError, match=says) as caught:
        result.save(tmp_path)
    assert "a.png of node 1" in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(DownloadError, match=says):
        result.images[0].read()


def test_sizes_and_pixels_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = FakeServer()
    server.downloads = [whole(b"x" * 100), whole(b"x" * 100)]
    result = result_of({"1": {"images": [file_of("a.png")]}}, server)
    monkeypatch.setattr("comfygraph.client.files.MOST_BYTES", 50)
    with pytest.raises(DownloadError, match="larger than 50"):
        result.save(tmp_path)
    monkeypatch.setattr("comfygraph.client.files.MOST_BYTES", 500)
    monkeypatch.setattr("comfygraph.client.files.MOST_IN_MEMORY", 50)
    with pytest.raises(DownloadError, match="use save"):
        result.images[0].read()
    assert list(tmp_path.iterdir()) == []
    data = io.BytesIO()
    PIL.Image.new("1", (400, 400)).save(data, "PNG")
    monkeypatch.setattr("comfygraph.client.files.MOST_PIXELS", 399 * 400)
    with pytest.raises(DownloadError, match="400 × 400"):
        Preview("p", 0.0, "1", "image/png", data.getvalue()).pil()
    with pytest.raises(DownloadError, match="no picture"):
        Preview("p", 0.0, "1", "image/png", b"garbage").pil()


def test_previews_are_saved_on_request(tmp_path: Path) -> None:
    server = FakeServer()
    server.downloads = [whole(), whole()]
    result = result_of({"8": {"images": [file_of("p.png", "temp")]}}, server)
    with pytest.raises(OutputError, match="previews=True"):
        result.save(tmp_path)
    assert [path.name for path in result.save(tmp_path, previews=True)] == ["p.png"]
    assert result_of({"6": {"text": ["a"]}}).save(tmp_path) == []


def test_folders_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be made"):
        result_of({"1": {"images": [file_of("a.png")]}}, FakeServer()).save(tmp_path / "file" / "below")


def test_fsspec() -> None:
    import fsspec

    server = FakeServer()
    server.downloads = [whole(b"1"), whole(b"2"), whole(b"ha", breaks=True)]
    result = result_of({"1": {"images": [file_of("a.png")]}}, server)
    assert result.save_url("memory://run/one") == ["memory:///run/one/a.png"]
    assert list(map(str, result.save("memory://run/one"))) == ["memory:///run/one/a_2.png"]
    with fsspec.open("memory://run/one/a_2.png") as file:
        assert file.read() == b"2"
    server.downloads += [whole(b"ha", breaks=True)] * 2
    with pytest.raises(DownloadError):
        result.save_url("memory://run/two")
    server.downloads = [whole()]
    with pytest.raises(OutputError, match="cannot save there"):
        result.save_url("nosuchprotocol://x")


def test_model_paths_of_previews_are_taken_apart() -> None:
    assert places("1", {"result": ["..\\..\\x.glb", None]}) == [Place("1", "result", "x.glb", "../..", "output")]
    assert places("1", {"result": ["note", None]}) == []
    assert places("1", {"result": [None]}) == []


def test_a_folder_named_like_a_file_is_refused(tmp_path: Path) -> None:
    file = File(Place("1", "images", "a.png", data=b"whole"), None)
    for name in ("fox.png", "FOX.MP4"):
        with pytest.raises(OutputError, match="takes a folder") as caught:
            file.save(tmp_path / name)
        assert f"name={name!r}" in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(OutputError, match="takes a folder"):
        result_of().save(tmp_path / "all.webp")
    assert list(tmp_path.iterdir()) == []
    assert file.save(tmp_path, name="fox.png") == tmp_path / "fox.png"
    (tmp_path / "old.png").mkdir()
    assert file.save(tmp_path / "old.png") == tmp_path / "old.png" / "a.png"
    assert file.save(tmp_path / "run-1.5") == tmp_path / "run-1.5" / "a.png"


@pytest.mark.parametrize(
    ("start", "end", "seconds"), [(1000, 3500, 2.5), (5, 1, 0.0), (0, float("nan"), None), (-1e308, 1e308, None)]
)
def test_how_long_it_ran(start: float, end: float, seconds: float | None) -> None:
    messages = [["execution_start", {"timestamp": start}], ["execution_success", {"timestamp": end}]]
    entry = {"outputs": {}, "status": {"status_str": "success", "completed": True, "messages": messages}}
    outcome = of_history(entry, "p", lambda node: (node, None))
    assert isinstance(outcome, Succeeded)
    assert outcome.seconds == seconds
