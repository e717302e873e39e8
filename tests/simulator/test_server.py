"""A simulator's life: it starts, serves, stops, and leaves nothing behind."""

from __future__ import annotations

import _thread
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from comfygraph.catalogue import Catalogue
from comfygraph.errors import DefinitionError
from comfygraph.simulator import Simulator, serve

from .talk import Talk
from .test_faults import picture
from .test_pictures import sdxl


def test_it_stops_at_once_and_leaves_nothing() -> None:
    before = set(threading.enumerate())
    sim = Simulator(latency=1.0)
    with sim, Talk(sim.url) as talk:
        root = sim.store.root
        talk.submit(sdxl(steps=1000))
        time.sleep(0.05)
        sim.stop()  # the job would take a quarter of an hour
    assert set(threading.enumerate()) == before
    assert not root.exists()
    assert not sim.running
    with pytest.raises(requests.ConnectionError):
        requests.get(sim.url, timeout=1)


def test_it_can_be_started_again() -> None:
    sim = Simulator()
    for _ in range(3):
        with sim, Talk(sim.url) as talk:
            talk.run(picture())
            assert talk.get("/queue").json() == {"queue_running": [], "queue_pending": []}


def test_a_folder_of_yours_stays(tmp_path: Path) -> None:
    with Simulator(folder=tmp_path) as sim, Talk(sim.url) as talk:
        talk.run(picture())
    assert [path.name for path in (tmp_path / "output").iterdir()] == ["f_00001_.png"]


def test_a_port_that_is_taken() -> None:
    with Simulator() as sim, pytest.raises(OSError, match="address already in use"), Simulator(port=sim.port):
        pytest.fail("two servers on one port")


def test_before_it_is_started_there_is_no_address() -> None:
    with pytest.raises(RuntimeError, match="before it is started"):
        Simulator().url  # noqa: B018


def test_it_runs_once_at_a_time() -> None:
    with Simulator() as sim, pytest.raises(RuntimeError, match="runs already"):
        sim.start()


def test_a_release_that_is_not_bundled() -> None:
    with pytest.raises(DefinitionError, match=r"0\.1\.0"):
        Simulator(release="0.1.0")


def test_several_at_once() -> None:
    with Simulator() as one, Simulator() as two, Talk(one.url) as first, Talk(two.url) as second:
        first.run(picture())
        assert second.get("/history").json() == {}


def test_the_older_release_is_the_older_release() -> None:
    with Simulator(release="0.23.0") as sim, Talk(sim.url) as talk:
        assert len(talk.get("/object_info").json()) == 761
        assert talk.get("/object_info/SaveImage").json()["SaveImage"]["output"] == []
        assert talk.submit(picture(), prompt_id="anything goes") == "anything goes"
        assert talk.post("/api/jobs/cancel", json={"job_ids": []}).status_code in (404, 405)


def test_which_model_files_there_are() -> None:
    graph = sdxl(steps=1)
    graph["4"]["inputs"]["ckpt_name"] = "mine.safetensors"

    def refused(sim: Simulator) -> list[str]:
        with sim, Talk(sim.url) as talk:
            answer = talk.post("/prompt", json={"prompt": graph}).json()
            return [error["type"] for node in answer["node_errors"].values() for error in node["errors"]]

    assert refused(Simulator()) == ["value_not_in_list"]
    assert refused(Simulator(models={"checkpoints": ["mine.safetensors"]})) == []
    assert refused(Simulator(models="any")) == []
    with pytest.raises(ValueError, match="no model folder 'ckpt'"):
        Simulator(models={"ckpt": []})


def test_any_model_file_is_shown_as_what_it_is() -> None:
    with Simulator(models="any") as sim:
        info = sim.service.definitions.record("CheckpointLoaderSimple")
        kind, options = info["input"]["required"]["ckpt_name"]
        assert (kind, "options" in options) == ("STRING", False)
        assert Catalogue.from_object_info({"CheckpointLoaderSimple": info})["CheckpointLoaderSimple"]


def test_a_catalogue_of_another_server() -> None:
    records = {name: Catalogue.bundled().record(name) for name in ("EmptyImage", "SaveImage")}
    with Simulator(catalogue=Catalogue.from_object_info(records)) as sim, Talk(sim.url) as talk:
        assert sorted(talk.get("/object_info").json()) == ["EmptyImage", "SaveImage"]
        talk.run(picture())


def test_hidden_classes_are_not_there() -> None:
    with Simulator(hide=["EmptyImage"]) as sim, Talk(sim.url) as talk:
        answer = talk.post("/prompt", json={"prompt": picture()}).json()
        assert answer["error"]["type"] == "missing_node_type"


def test_what_it_remembers_is_bounded() -> None:
    with Simulator(history_limit=3) as sim, Talk(sim.url) as talk:
        ids = [talk.run(picture(color))["prompt"][1] for color in range(5)]
        assert list(talk.get("/history").json()) == ids[-3:]


def test_its_object_info_is_read_by_the_catalogue() -> None:
    with Simulator() as sim, Talk(sim.url) as talk:
        catalogue = Catalogue.from_object_info(talk.get("/object_info").json())
        assert not catalogue.faults
        assert set(catalogue) == set(Catalogue.bundled())
        options = catalogue["CheckpointLoaderSimple"].inputs["ckpt_name"].options
        assert options is not None
        assert "sd_xl_base_1.0.safetensors" in options


def test_it_says_what_it_is() -> None:
    with Simulator() as sim, Talk(sim.url) as talk:
        stats = talk.get("/system_stats").json()
        assert stats["system"]["comfyui_version"] == "0.33.0"
        assert "simulator" in stats["devices"][0]["name"]
        assert "runs no model" in talk.get("/").text


def test_a_long_chain_is_not_a_deep_recursion() -> None:
    graph: dict[str, Any] = {"0": {"class_type": "PrimitiveInt", "inputs": {"value": 1}}}
    for index in range(1, 3000):
        inputs = {"expression": "a", "values.a": [str(index - 1), min(index - 1, 1)]}
        graph[str(index)] = {"class_type": "ComfyMathExpression", "inputs": inputs}
    graph["end"] = {"class_type": "PreviewAny", "inputs": {"source": ["2999", 1]}}
    with Simulator() as sim, Talk(sim.url) as talk:
        assert talk.run(graph)["outputs"]["end"]["text"] == ["1"]


def test_serve_runs_until_it_is_interrupted() -> None:
    seen: list[str] = []

    def started(sim: Simulator) -> None:
        seen.append(sim.url)
        assert requests.get(f"{sim.url}/queue", timeout=5).status_code == 200
        threading.Timer(0.1, _thread.interrupt_main).start()

    serve(port=0, on_start=started)
    with pytest.raises(requests.ConnectionError):
        requests.get(seen[0], timeout=1)
