"""Pictures that travel with a graph: named by content, sent once, never by surprise."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from comfygraph import Graph
from comfygraph.errors import UploadError
from comfygraph.nodes import LoadImage, PreviewImage


def test_path_bytes_and_pillow_images_become_uploads_named_by_content(tmp_path: Path) -> None:
    picture = Image.new("RGB", (4, 4), "red")
    file = tmp_path / "fox.PNG"
    picture.save(file)
    nodes = [
        LoadImage(image=file),
        LoadImage(image=file.read_bytes()),
        LoadImage(image=picture),
        LoadImage(image="there.png"),
    ]
    graph = Graph(*(PreviewImage(images=node.IMAGE) for node in nodes))
    api = graph.to_api()
    names = [api[graph.id(node)]["inputs"]["image"] for node in nodes]
    assert names[0] == names[1]
    assert names[0].startswith("comfygraph-")
    assert all(name.endswith(".png") for name in names)
    assert names[3] == "there.png"
    uploads = graph.uploads()
    assert [upload.name for upload in uploads] == [names[0], names[2]]
    assert uploads[0].read() == file.read_bytes()
    assert Image.open(file).getpixel((0, 0)) == (255, 0, 0)
    renamed = graph.to_api(uploaded={names[0]: "fox (1).png"})
    assert renamed[graph.id(nodes[0])]["inputs"]["image"] == "fox (1).png"
    assert graph.check() == []
    assert names[0] in graph.to_json()


def test_files_that_cannot_be_sent(tmp_path: Path) -> None:
    with pytest.raises(UploadError, match=r"missing.png: cannot be read: No such file"):
        LoadImage(image=tmp_path / "missing.png")
    with pytest.raises(UploadError, match="empty, so there is nothing to send"):
        LoadImage(image=b"")
    file = tmp_path / "a.png"
    Image.new("RGB", (2, 2)).save(file)
    graph = Graph(PreviewImage(images=LoadImage(image=file).IMAGE))
    Image.new("RGB", (3, 3)).save(file)
    with pytest.raises(UploadError, match="has changed since"):
        graph.uploads()[0].read()
