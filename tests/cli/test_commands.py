"""``run``, ``check``, ``nodes``, ``convert``, ``diff``, ``generate``, ``demo`` and ``simulate``, on the simulator."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest
from PIL import Image

from comfygraph import Catalogue, Graph, Simulator
from comfygraph.nodes import EmptyImage, PreviewAny, PreviewImage

from .conftest import SMALL, Call

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


# -- run --------------------------------------------------------------------------------------------------------------


def test_run_a_file(cg: Call, image_file: Path) -> None:
    said = cg("run", image_file, "--out", "pictures")
    assert said.code == 0
    (path,) = map(Path, said.lines)
    assert path.parent == Path("pictures")
    with Image.open(path) as picture:
        assert picture.size == (16, 16)
    assert "done in" in said.err
    assert [p.name for p in Path("pictures").iterdir()] == [path.name]


def test_run_to_another_file_system(cg: Call, image_file: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    said = cg("run", image_file, "--out", "memory://pictures/today")
    assert said.code == 0, said.err
    assert said.lines[0].startswith("memory://")
    assert fsspec.filesystem("memory").exists(said.lines[0])
    assert not Path("memory:").exists()


def test_run_never_overwrites(cg: Call, image_file: Path) -> None:
    first = cg("run", image_file, "--no-progress")
    second = cg("run", image_file, "--no-progress")
    assert first.err == second.err == ""
    assert first.lines != second.lines
    assert len(list(Path("output").iterdir())) == 2


def test_run_a_file_with_settings(cg: Call, image_file: Path) -> None:
    said = cg("run", image_file, "--set", "paint.width=48", "--set", "EmptyImage.height=32", "--set", "color=0")
    assert said.code == 0
    with Image.open(said.lines[0]) as picture:
        assert picture.size == (48, 32)
        assert picture.getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("preset", ["sdxl", "flux-schnell", "flux_dev"])
def test_run_a_preset(cg: Call, preset: str) -> None:
    said = cg("run", preset, *SMALL, "--set", "prompt=a crow", "--set", "seed=12")
    assert said.code == 0, said.err
    (path,) = map(Path, said.lines)
    graph = Graph.load(path)
    texts = [str(node.inputs["text"]) for node in graph.find("CLIPTextEncode")]
    assert "a crow" in texts
    assert "seed 12" in said.err


def test_a_preset_says_which_seed_it_drew(cg: Call) -> None:
    said = cg("run", "sdxl", *SMALL)
    seed = re.search(r"seed (\d+)", said.err)
    assert seed is not None
    assert Graph.load(said.lines[0]).one("KSampler").inputs["seed"] == int(seed[1])


def test_what_a_preset_forbids_is_refused_with_the_reason(cg: Call) -> None:
    said = cg("run", "flux-schnell", "--set", "cfg=3.5", "--set", "steps=20")
    assert said.code == 1
    assert said.out == ""
    assert "error[rule_cfg]" in said.err
    assert "error[rule_steps]" in said.err
    assert ".py" not in said.err
    assert not Path("output").exists()
    assert "error[rule_steps]" in cg("run", "flux-schnell", "--set", "KSampler.steps=20").err


def test_a_picture_that_was_saved_runs_again(cg: Call, image_file: Path) -> None:
    (path,) = cg("run", image_file).lines
    again = cg("run", path, "--out", "again")
    assert again.code == 0
    assert Path(again.lines[0]).is_file()


def test_a_file_is_sent_to_an_input_that_loads_one(cg: Call, tmp_path: Path) -> None:
    Image.new("RGB", (40, 24), "red").save(tmp_path / "mine.png")
    prompt = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "somebody's.png"}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "sent"}},
    }
    (tmp_path / "load.json").write_text(json.dumps(prompt))
    refused = cg("run", "load.json")
    assert refused.code == 1
    assert "somebody's.png" in refused.err
    said = cg("run", "load.json", "--set", "1.image=@mine.png")
    assert said.code == 0, said.err
    with Image.open(said.lines[0]) as picture:
        assert picture.size == (40, 24)


def test_texts_are_results_too(cg: Call, tmp_path: Path) -> None:
    Path("text.json").write_text(Graph(PreviewAny(source="hello there")).to_json())
    said = cg("run", "text.json")
    assert (said.code, said.lines) == (0, ["hello there"])


def test_previews_only_on_request(cg: Call) -> None:
    Path("preview.json").write_text(Graph(PreviewImage(images=EmptyImage(width=16, height=16))).to_json())
    said = cg("run", "preview.json")
    assert said.code == 1
    assert "--previews" in said.err
    assert not Path("output").exists()
    assert Path(cg("run", "preview.json", "--previews").lines[0]).is_file()


def test_warnings_are_said_and_partner_nodes_among_them(
    cg: Call, image_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = json.loads(image_file.read_text())
    prompt["20"] = {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}}
    image_file.write_text(json.dumps(prompt))
    said = cg("run", image_file)
    assert said.code == 0
    assert "warning: 20 (EmptyImage) feeds no output node" in said.err
    paid = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
        "2": {
            "class_type": "WavespeedImageUpscaleNode",
            "inputs": {"image": ["1", 0], "model": "SeedVR2", "target_resolution": "2K"},
        },
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
    }
    Path("paid.json").write_text(json.dumps(paid))
    checked = cg("check", "paid.json")
    assert checked.code == 0, checked.out
    assert "warning[partner_node]" in checked.out
    monkeypatch.setenv("COMFYGRAPH_API_KEY", "sesame-open")
    ran = cg("run", "paid.json")
    assert ran.code == 1  # the simulator runs no partner's node
    assert "credits of a Comfy account" in ran.err
    assert "sesame-open" not in ran.out + ran.err


def test_a_node_that_fails(cg: Call, sim: Simulator, image_file: Path) -> None:
    sim.faults.fail("ImageInvert", message="no more colours")
    try:
        said = cg("run", image_file, "--set", "color=77")
    finally:
        sim.faults.clear()
    assert said.code == 1
    assert "no more colours" in said.err
    assert "Traceback" not in said.err
    assert not Path("output").exists()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", b"", "empty"),
        ("a.json", b'{"a":', "not JSON"),
        ("a.json", b"[1, 2]", "no workflow"),
        ("a.json", b'{"a": 1}', "a node is an object"),
        ("a.json", b"\xff\xfe{", "neither JSON nor a picture"),
        ("a.json", b"[" * 200_000, "nested too deeply"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 30, "damaged"),
    ],
)
@pytest.mark.parametrize("command", ["run", "check", "convert"])
def test_a_file_that_is_no_workflow(cg: Call, command: str, name: str, content: bytes, said: str) -> None:
    Path(name).write_bytes(content)
    result = cg(command, name)
    assert result.code == 1
    assert result.out == ""
    assert result.err.startswith("error: a.")
    assert said in result.err
    assert result.err.count("\n") == 1


def test_a_picture_without_a_workflow(cg: Call) -> None:
    Image.new("RGB", (8, 8)).save("plain.png")
    said = cg("run", "plain.png")
    assert said.code == 1
    assert "plain.png: the file carries no workflow" in said.err


@pytest.mark.parametrize("name", ["nothing.json", "no/such/file.json", "sdxxl", "x" * 5000 + ".json", "a\0b.json"])
def test_a_file_that_is_not_there(cg: Call, name: str) -> None:
    said = cg("run", name)
    assert said.code == 2
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert ("did you mean 'sdxl'" in said.err) == (name == "sdxxl")


def test_a_folder_is_no_workflow(cg: Call) -> None:
    Path("folder").mkdir()
    said = cg("check", "folder")
    assert (said.code, said.err) == (1, "error: folder: cannot be read: Is a directory\n")


def test_an_editor_file_is_converted(cg: Call, image_file: Path) -> None:
    cg("convert", image_file, "--to", "editor", "-o", "drawn.json")
    assert "nodes" in json.loads(Path("drawn.json").read_text())
    assert cg("run", "drawn.json").code == 0


def test_a_folder_called_like_a_preset(cg: Call) -> None:
    Path("sdxl").mkdir()
    assert cg("check", "sdxl").code == 0


@pytest.mark.parametrize("out", ["file", "file/below", "tiny.json"])
def test_a_folder_that_cannot_be(cg: Call, image_file: Path, out: str) -> None:
    Path("file").write_text("mine")
    said = cg("run", image_file, "--out", out)
    assert said.code == 2
    assert said.err.count("\n") == 1
    assert "folder" in said.err
    assert Path("file").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_may_not_be_written(cg: Call, image_file: Path) -> None:
    Path("locked").mkdir(mode=0o500)
    said = cg("run", image_file, "--out", "locked")
    assert (said.code, said.err) == (1, "error: locked: cannot be written to: no permission\n")


# -- servers ----------------------------------------------------------------------------------------------------------


def test_a_server_that_is_not_there(cg: Call, image_file: Path) -> None:
    url = f"http://me:sesame@127.0.0.1:{free_port()}/?key=open"
    said = cg("run", image_file, "--server", url)
    assert said.code == 1
    assert said.err.count("\n") == 1
    assert "connection refused" in said.err
    assert "sesame" not in said.err
    assert "open" not in said.err


def test_no_server_at_all(cg: Call, image_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMFYGRAPH_SERVER")
    monkeypatch.setattr("comfygraph.client.address.DEFAULT", f"127.0.0.1:{free_port()}")
    said = cg("run", image_file)
    assert said.code == 1
    assert said.err.count("\n") == 1
    for word in ("no ComfyUI answers", "--server", "COMFYGRAPH_SERVER", "comfygraph demo", "comfygraph simulate"):
        assert word in said.err


def test_the_default_address_if_it_answers(
    cg: Call, sim: Simulator, image_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COMFYGRAPH_SERVER")
    monkeypatch.setattr("comfygraph.client.address.DEFAULT", f"127.0.0.1:{sim.port}")
    assert cg("run", image_file).code == 0


def test_server_goes_before_the_environment(
    cg: Call, sim: Simulator, image_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMFYGRAPH_SERVER", f"127.0.0.1:{free_port()}")
    assert cg("run", image_file).code == 1
    assert cg("run", image_file, "--server", sim.url).code == 0


def test_something_else_answers(cg: Call, image_file: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        import threading

        def answer() -> None:
            try:
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.recv(4096)
                        connection.sendall(
                            b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnope"
                        )
            except OSError:
                return

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        said = cg("run", image_file, "--server", f"127.0.0.1:{server.getsockname()[1]}")
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    assert said.code == 1
    assert "no ComfyUI" in said.err


# -- check ------------------------------------------------------------------------------------------------------------


def test_check_says_all_is_well(cg: Call, image_file: Path) -> None:
    said = cg("check", image_file)
    assert (said.code, said.err) == (0, "")
    assert said.out == f"{image_file}: no problems in 3 nodes, by ComfyUI 0.33.0\n"
    assert cg("check", image_file, "--json").data == []


def test_check_lists_every_problem(cg: Call, image_file: Path) -> None:
    prompt = json.loads(image_file.read_text())
    prompt["paint"]["inputs"]["width"] = 0
    prompt["paint"]["inputs"]["height"] = "12"
    prompt["save"]["inputs"]["images"] = ["99", 0]
    image_file.write_text(json.dumps(prompt))
    said = cg("check", image_file)
    assert said.code == 1
    assert said.err == ""
    assert "error[linked_node_missing]" in said.out
    assert re.search(r"\d errors?, \d warnings?", said.lines[-1])
    assert "\x1b" not in said.out
    found = cg("check", image_file, "--json")
    assert found.code == 1
    codes = {(p["severity"], p["code"], p["node_id"], p["input"]) for p in found.data}
    assert ("error", "linked_node_missing", "save", "images") in codes
    assert all(set(p) >= {"severity", "code", "message", "node_id", "class_type", "input", "hint"} for p in found.data)


def test_warnings_alone_are_0(cg: Call, image_file: Path) -> None:
    prompt = json.loads(image_file.read_text())
    prompt["paint"]["inputs"]["width"] = "16"
    image_file.write_text(json.dumps(prompt))
    said = cg("check", image_file)
    assert said.code == 0
    assert said.out.startswith("warning[")


def test_check_by_a_server_a_file_and_a_release(cg: Call, sim: Simulator, image_file: Path) -> None:
    prompt = json.loads(image_file.read_text())
    prompt["1"] = {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "nobody_has_this.safetensors"}}
    prompt["2"] = {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["1", 2]}}
    prompt["3"] = {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}}
    prompt["save"]["inputs"]["images"] = ["2", 0]
    image_file.write_text(json.dumps(prompt))
    assert cg("check", image_file).code == 0
    assert cg("check", image_file, "--release", "0.23.0").code == 0
    by_server = cg("check", image_file, "--server", sim.url)
    assert by_server.code == 1
    assert "nobody_has_this" in by_server.out
    with urlopen(f"{sim.url}/object_info") as answer:
        Path("info.json").write_bytes(answer.read())
    assert cg("check", image_file, "--definitions", "info.json").code == 1
    wrong = cg("check", image_file, "--definitions", image_file)
    assert wrong.code == 1
    assert wrong.err.startswith("error: ")
    assert "info.none" in cg("check", image_file, "--definitions", "info.none").err


def test_a_model_that_the_server_has_in_a_folder_is_taken_as_meant(cg: Call, sim: Simulator) -> None:
    with Simulator(latency=0.0, models={"checkpoints": ["xl/sd_xl_base_1.0.safetensors"]}) as own:
        checked = cg("check", "sdxl", "--server", own.url)
        ran = cg("run", "sdxl", *SMALL, "--server", own.url)
        many = cg("batch", "sdxl", *SMALL, "--set", "seed=[1,2]", "--server", own.url)
    assert checked.code == 0
    assert "warning[file_taken_as_meant]" in checked.out
    assert (ran.code, many.code) == (0, 0)
    assert "xl/sd_xl_base_1.0.safetensors" in ran.err


# -- nodes ------------------------------------------------------------------------------------------------------------


def test_all_the_nodes(cg: Call) -> None:
    said = cg("nodes")
    assert said.code == 0
    assert len(said.lines) == len(Catalogue.bundled())


@pytest.mark.parametrize("word", ["KSampler", "ksampler", "EmptyImage"])
def test_one_node(cg: Call, word: str) -> None:
    said = cg("nodes", word)
    assert said.code == 0
    name = {"ksampler": "KSampler"}.get(word, word)
    assert said.lines[0].startswith(name)
    assert f"from comfygraph.nodes import {name}" in said.out


def test_what_a_node_takes(cg: Call) -> None:
    out = cg("nodes", "KSampler").out
    assert re.search(r"steps +INT +1 to 10000, default 20\n", out)
    assert re.search(r"model +MODEL\n", out)
    assert re.search(r"LATENT +LATENT\n", out)
    nested = cg("nodes", "ResizeImageMaskNode").out
    assert "with resize_type = scale width" in nested


def test_search(cg: Call) -> None:
    said = cg("nodes", "lora", "loader")
    names = [line.split()[0] for line in said.lines]
    assert "LoraLoader" in names
    assert "KSampler" not in names
    by_kind = [line.split()[0] for line in cg("nodes", "CONTROL_NET").lines]
    assert "ControlNetApplyAdvanced" in by_kind
    nothing = cg("nodes", "KSampker")
    assert (nothing.code, nothing.out) == (1, "")
    assert "did you mean KSampler?" in nothing.err


def test_nodes_as_data(cg: Call) -> None:
    (node,) = cg("nodes", "KSampler", "--json").data
    assert node["import"] == "from comfygraph.nodes import KSampler"
    steps = next(d for d in node["inputs"] if d["name"] == "steps")
    assert (steps["type"], steps["min"], steps["max"], steps["default"]) == ("INT", 1, 10000, 20)
    assert cg("nodes", "no such node", "--json").data == []
    assert len(cg("nodes", "--json").data) == len(Catalogue.bundled())


def test_nodes_of_a_server(cg: Call, tmp_path: Path) -> None:
    record = {
        "input": {"required": {"x": ["INT", {"default": 1}]}},
        "output": ["INT"],
        "output_name": ["y\x1b[31m"],
        "category": "ours",
    }
    with Simulator(nodes={"Ours": record}) as own:
        said = cg("nodes", "Ours", "--server", own.url)
    assert said.code == 0
    assert "comfygraph generate" in said.out
    assert "\x1b" not in said.out


# -- convert, diff, generate ------------------------------------------------------------------------------------------


def test_convert_to_python_and_back(cg: Call, image_file: Path) -> None:
    said = cg("convert", image_file, "-o", "made.py", "--keep-ids")
    assert (said.code, said.lines) == (0, ["made.py"])
    scope: dict[str, object] = {"__name__": "made"}
    exec(compile(Path("made.py").read_text(), "made.py", "exec"), scope)
    built = scope["build"]()  # type: ignore[operator]
    assert {i: n["inputs"] for i, n in built.to_api().items()} == {
        i: n["inputs"] for i, n in json.loads(image_file.read_text()).items()
    }
    printed = cg("convert", image_file, "--keep-ids")
    assert printed.out == Path("made.py").read_text()


def test_convert_writes_whole_files_and_never_the_workflow_itself(cg: Call, image_file: Path) -> None:
    before = image_file.read_bytes()
    said = cg("convert", image_file, "-o", image_file)
    assert said.code == 2
    assert image_file.read_bytes() == before
    Path("folder.py").mkdir()
    assert cg("convert", image_file, "-o", "folder.py").code == 2
    assert cg("convert", image_file, "-o", "new/deep/api.json").code == 0
    assert json.loads(Path("new/deep/api.json").read_text()) == json.loads(before)
    assert sorted(p.name for p in Path().iterdir()) == ["folder.py", "new", "tiny.json"]


def test_diff(cg: Call, image_file: Path) -> None:
    graph = Graph.load(image_file)
    Path("other.json").write_text(graph.set("paint", width=99).to_json())
    said = cg("diff", image_file, "other.json")
    assert (said.code, said.err) == (0, "")
    assert "EmptyImage.width: 16 -> 99" in said.out
    assert cg("diff", image_file, "other.json", "--exit-code").code == 1
    assert cg("diff", image_file, image_file, "--exit-code").code == 0
    (one,) = cg("diff", image_file, "other.json", "--json").data
    assert (one["kind"], one["input"], one["before"], one["after"]) == ("changed", "width", 16, 99)


def test_generate_a_package(cg: Call, sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    info = {
        "OurNode": {
            "input": {"required": {"x": ["INT", {"default": 1}]}},
            "output": ["INT"],
            "output_name": ["y"],
            "category": "ours",
            "output_node": True,
        }
    }
    Path("info.json").write_text(json.dumps(info))
    said = cg("generate", "--server", "info.json", "--out", "our_nodes")
    assert (said.code, said.lines) == (0, ["our_nodes"]), said.err
    code = "from our_nodes import OurNode; print(OurNode(x=3).inputs['x'])"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert ran.stdout == "3\n", ran.stderr
    assert cg("generate", "--server", "info.json", "--out", "not-a-name").code == 2
    assert cg("generate", "--server", "none.json", "--out", "x").err == "error: none.json: no such file\n"
    assert cg("generate", "--check", "--out", "x").code == 2


# -- demo, simulate, Ctrl-C -------------------------------------------------------------------------------------------


def test_demo(cg: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMFYGRAPH_SERVER", "127.0.0.1:1")  # it needs no server, whatever is named
    monkeypatch.setenv("COMFYGRAPH_TOKEN", "sesame")
    said = cg("demo")
    assert said.code == 0, said.err
    assert [Path(line).parent.name for line in said.lines] == ["output", "output"]
    for line in said.lines:
        with Image.open(line) as picture:
            assert picture.size == (1024, 1024)
    assert "simulated" in said.err
    assert "No model made them" in said.err
    assert "--server" in said.err


def test_demo_into_a_file(cg: Call) -> None:
    Path("here").write_text("x")
    said = cg("demo", "--out", "here")
    assert (said.code, said.out) == (2, "")
    assert said.err == "error: here: a file is there, and no folder\n"


def _start(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "comfygraph", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_simulate_serves_until_ctrl_c(tmp_path: Path) -> None:
    process = _start("simulate", "--port", "0", "--folder", "kept", cwd=tmp_path)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with urlopen(f"{url}/system_stats", timeout=10) as answer:
            assert json.load(answer)["system"]["comfyui_version"] == "0.33.0"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert "it runs no model" in errors
    assert "Traceback" not in errors
    assert (tmp_path / "kept").is_dir()


def test_simulate_where_somebody_serves(cg: Call, sim: Simulator) -> None:
    said = cg("simulate", "--port", sim.port)
    assert (said.code, said.err) == (1, f"error: cannot serve at 127.0.0.1:{sim.port}: the port is taken\n")


def test_ctrl_c_cancels_the_job_and_says_so(tmp_path: Path) -> None:
    with Simulator(latency=0.05) as slow:
        process = _start("run", "sdxl", "--set", "steps=5000", *SMALL, "--server", slow.url, cwd=tmp_path)
        try:
            end = time.monotonic() + 20
            while not _queue(slow.url) and time.monotonic() < end:
                time.sleep(0.02)
            assert _queue(slow.url)
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            out, errors = process.communicate(timeout=20)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == 130, errors
        assert out == ""
        assert "cancelled" in errors
        assert errors.endswith("interrupted\n")
        assert "Traceback" not in errors
        assert not _queue(slow.url)
    assert not (tmp_path / "output").exists()


def _queue(url: str) -> int:
    with urlopen(f"{url}/queue", timeout=10) as answer:
        queue = json.load(answer)
    return len(queue["queue_running"]) + len(queue["queue_pending"])


def test_a_job_that_takes_too_long_is_cancelled(cg: Call) -> None:
    with Simulator(latency=0.05) as slow:
        said = cg(
            "run", "sdxl", "--set", "steps=5000", "--set", "prompt=x", *SMALL, "--server", slow.url, "--timeout", "0.3"
        )
        assert not _queue(slow.url)
    assert said.code == 1
    assert said.err == "error: the job was not done in 0.3 s: cancelled\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals there")
@pytest.mark.parametrize("colour", [True, False])
def test_in_a_terminal(image_file: Path, sim: Simulator, colour: bool) -> None:
    import pty

    prompt = json.loads(image_file.read_text())
    prompt["save"]["inputs"]["images"] = ["99", 0]
    (image_file.parent / "bad.json").write_text(json.dumps(prompt))
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    if not colour:
        environment["NO_COLOR"] = "1"
    script = (
        "from comfygraph.cli import main; import sys; "
        f"main(['run', 'tiny.json', '--server', {sim.url!r}]); sys.exit(main(['check', 'bad.json']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=theirs, stderr=theirs, cwd=image_file.parent, env=environment
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    os.close(ours)
    assert process.wait(timeout=30) == 1
    assert b"error[linked_node_missing]" in seen.replace(b"\x1b[1;31m", b"").replace(b"\x1b[0m", b"")
    assert (b"\x1b[1;31merror" in seen) == colour
    assert b"100%" in seen or b"0%" in seen  # the bar was there


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "sdxl", "--out", "nosuch://b"], "no file system is called 'nosuch'"),
        (["check", "sdxl", "--definitions", "nope.json"], "nope.json: no such file"),
        (["batch", "sdxl", "--set", "seed=1..2", "--grid", "g.gif"], "--grid g.gif: a contact sheet is one of"),
        (["generate", "--out", "not-a-name"], "no name for a Python package"),
        (["simulate", "--folder", "afile"], "--folder afile: a file is there"),
        (["convert", "sdxl", "-o", "afile/x.py"], "afile is a file, and no folder"),
    ],
)
def test_what_is_seen_before_anything_is_begun(cg: Call, arguments: list[str], said: str) -> None:
    Path("afile").touch()
    got = cg(*arguments)
    assert (got.code, got.out) == (2, "")
    assert said in got.err
    assert got.err.count("\n") == 1


def test_an_empty_file_of_definitions(cg: Call) -> None:
    Path("zero.json").touch()
    assert cg("generate", "--server", "zero.json", "--out", "mine").err == "error: zero.json: the file is empty\n"


def test_a_preset_says_which_prompt_is_its_own(cg: Call) -> None:
    assert "--set prompt=" in cg("run", "sdxl", *SMALL, "--no-progress").err
    assert cg("run", "sdxl", *SMALL, "--set", "prompt=x", "--no-progress").err.count("prompt") == 0
