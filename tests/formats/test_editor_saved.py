"""A picture that a server saved gives its graph back, and opens in the editor when the graph was sent along."""

from __future__ import annotations

import json
from pathlib import Path

from comfygraph.client import Client
from comfygraph.formats.diff import diff
from comfygraph.formats.editor import to_workflow
from comfygraph.formats.png import metadata
from comfygraph.graph import Graph
from comfygraph.presets import sdxl
from comfygraph.simulator import Simulator


def test_picture_gives_its_graph_back(tmp_path: Path) -> None:
    graph = sdxl(prompt="a {fox|cat} // in snow", seed=5, width=64, height=64, steps=1).graph
    workflow = to_workflow(graph)
    with Simulator() as simulator, Client(simulator.url) as client:
        job = client.submit(graph, extra_data={"extra_pnginfo": {"workflow": workflow}})
        (picture,) = job.wait(timeout=30).save(tmp_path)
    assert Graph.load(picture) == graph
    drawn = metadata(picture)["workflow"]
    assert json.loads(drawn) == workflow
    (tmp_path / "drawn.json").write_text(drawn)
    assert diff(graph, Graph.load(tmp_path / "drawn.json")) == []
