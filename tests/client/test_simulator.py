"""The clients on the simulator: what people do, on both releases, with ordinary and async code."""

from __future__ import annotations

import asyncio
import io
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from benchmarks.faults import ROWS, Row, see
from comfygraph import AsyncClient, Client, Graph
from comfygraph.client import PartnerNodeWarning, Timing, events
from comfygraph.client.exchange import Reply, Request
from comfygraph.errors import (
    BadAnswer,
    ComfyError,
    DownloadError,
    ExecutionError,
    GraphError,
    JobDeleted,
    PartlyRefused,
    PromptRefused,
    ServerUnreachable,
    UploadError,
)
from comfygraph.nodes import EmptyImage, ImageInvert, LoadImage, PreviewImage, SaveImage, SaveImageWebsocket
from comfygraph.simulator import Simulator
from tests.pipelines import SDXL_JSON


def picture(colour: int, size: int = 16) -> tuple[Graph, SaveImage]:
    save = SaveImage(images=EmptyImage(width=size, height=size, color=colour), filename_prefix="fox")
    return Graph(save), save


@pytest.fixture(scope="module", params=["0.33.0", "0.23.0"])
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    with Simulator(release=request.param, latency=0.0) as simulator:
        yield simulator


@pytest.fixture
def client(simulator: Simulator) -> Iterator[Client]:
    with Client(simulator.url) as client:
        yield client
    simulator.faults.clear()


def test_run_and_save(client: Client, tmp_path: Path) -> None:
    graph, save = picture(0xFF0000)
    result = client.run(graph)
    [path] = result.save(tmp_path)
    assert PIL.Image.open(path).convert("RGB").getpixel((0, 0)) == (255, 0, 0)
    assert result[save].images[0].pil().size == (16, 16)
    again = client.run(graph)
    assert again.cached
    assert [p.name for p in again.save(tmp_path)] == [f"{path.stem}_2.png"]


def test_a_sampler_tells_how_far_it_is(client: Client) -> None:
    prompt = {
        **SDXL_JSON,
        "3": {"class_type": "KSampler", "inputs": {**SDXL_JSON["3"]["inputs"], "seed": time.time_ns() % 2**32}},
    }
    seen: list[events.Event] = []
    result = client.run(prompt, progress=seen.append, previews="latent2rgb")
    fractions = [event.fraction for event in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    steps = [
        event.step
        for event in seen
        if isinstance(event, events.Progress) and event.node_id == "3" and event.steps == 20
    ]
    assert steps[-1] == 20
    previews = [event for event in seen if isinstance(event, events.Preview)]
    assert previews
    assert previews[-1].pil().size[0] > 0
    assert len(result["9"].images) == 1


def test_progress_in_a_terminal(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    client.run(picture(0xFE)[0], progress=True)
    assert "100%" in capsys.readouterr().err


def test_nothing_is_sent_of_a_graph_that_would_not_run(client: Client) -> None:
    with pytest.raises(GraphError):
        client.submit(
            {"1": {"class_type": "EmptyImage", "inputs": {"width": 0, "height": 1, "batch_size": 1, "color": 0}}}
        )
    with pytest.raises(TypeError, match="Graph"):
        client.submit(5)
    node = SaveImage(images=EmptyImage(width=16, height=16))
    with pytest.raises(TypeError, match=r"not SaveImage; wrap it: Graph\(save\)$"):
        client.run(node)
    with pytest.raises(TypeError, match=r"Graph\(save\)$"):
        client.submit(node)


def test_files_are_read_before_the_client_is_closed(simulator: Simulator, tmp_path: Path) -> None:
    message = "the client is closed: save or read inside its with block"
    with Client(simulator.url) as client:
        result = client.run(picture(7)[0])
    for use in (result.images[0].read, result.images[0].pil, lambda: result.save(tmp_path)):
        with pytest.raises(DownloadError, match=message) as caught:
            use()
        assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ServerUnreachable, match="this client is closed"):
        client.queue()

    async def main() -> None:
        async with AsyncClient(simulator.url) as client:
            result = await client.run(picture(7)[0])
        for use in (result.images[0].read, result.images[0].pil, lambda: result.save(tmp_path)):
            with pytest.raises(DownloadError, match=message):
                await use()  # type: ignore[no-untyped-call,unused-ignore]
        with pytest.raises(ServerUnreachable, match="this client is closed"):
            await client.queue()

    asyncio.run(main())
    assert list(tmp_path.iterdir()) == []


def test_refusals_name_the_line(client: Client) -> None:
    save = SaveImage(images=EmptyImage(width=16, height=16))
    graph = Graph(save)
    prompt = graph.to_api()
    prompt[graph.id(save)]["inputs"]["images"] = [["bad"]]
    with pytest.raises(PromptRefused) as caught:
        client.submit(prompt, check=False)
    assert caught.value.problems[0].node_id == graph.id(save)


def test_partly_refused_leaves_nothing_behind(client: Client) -> None:
    prompt = picture(7)[0].to_api()
    prompt["8"] = {"class_type": "EmptyImage", "inputs": {"width": 0, "height": 64, "batch_size": 1, "color": 0}}
    prompt["9"] = {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "bad"}}
    with pytest.raises(PartlyRefused, match="node 8"):
        client.submit(prompt, check=False)
    assert not client.queue()


def test_partly_refused_is_seen_when_the_reply_is_lost_too(
    simulator: Simulator, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = picture(8)[0].to_api()
    prompt["8"] = {"class_type": "EmptyImage", "inputs": {"width": 0, "height": 64, "batch_size": 1, "color": 0}}
    prompt["9"] = {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "bad"}}
    client.catalogue()
    # A server can refuse what its definitions allow: let this graph pass our check.
    monkeypatch.setattr(client, "_fitted", lambda prepared, catalogue: prepared)
    simulator.faults.lose_reply("POST", "/prompt")
    with pytest.raises(PartlyRefused, match="without this output") as caught:
        client.submit(prompt)
    assert [problem.node_id for problem in caught.value.problems] == ["9"]
    assert not client.queue()


def test_a_failing_node_names_the_users_line(simulator: Simulator, client: Client) -> None:
    simulator.faults.fail("ImageInvert", "it broke", kind="ValueError")
    graph = Graph(SaveImage(images=ImageInvert(image=EmptyImage(width=16, height=16, color=9))))
    with pytest.raises(ExecutionError, match="ImageInvert") as caught:
        client.run(graph)
    assert caught.value.where is not None
    assert Path(__file__).name in caught.value.where
    assert caught.value.traceback


def test_uploads_go_first_and_once(client: Client, tmp_path: Path) -> None:
    source = PIL.Image.new("RGB", (12, 10), (1, 2, 3))
    path = tmp_path / "own.png"
    source.save(path)
    data = io.BytesIO()
    source.save(data, "PNG")
    for given in (path, data.getvalue(), source):
        save = SaveImage(images=ImageInvert(image=LoadImage(image=given).IMAGE), filename_prefix="up")
        result = client.run(Graph(save))
        assert result[save].images[0].pil().convert("RGB").getpixel((0, 0)) == (254, 253, 252)
    sent = len(client._uploaded)
    client.run(Graph(PreviewImage(images=LoadImage(image=path).IMAGE)))
    assert len(client._uploaded) == sent


def test_upload_by_hand_masks_and_reuse(client: Client, tmp_path: Path) -> None:
    original = client.upload(PIL.Image.new("RGB", (8, 8), (9, 9, 9)), "base.png", subfolder="a/b")
    assert str(original) == "a/b/base.png"
    mask = client.upload_mask(PIL.Image.new("RGBA", (8, 8), (0, 0, 0, 0)), original, "masked.png")
    save = SaveImage(images=LoadImage(image=str(mask)).IMAGE, filename_prefix="m")
    result = client.run(Graph(save))
    reused = client.run(Graph(PreviewImage(images=LoadImage(image=result[save].images[0].reference).IMAGE)))
    assert len(reused.previews) == 1
    with pytest.raises(UploadError, match="cannot be read"):
        client.upload(tmp_path / "nothing.png")
    with pytest.raises(UploadError, match="not a file name"):
        client.upload(b"x", "../evil.png")
    original = type(original)("gone.png", "", "input")
    with pytest.raises(UploadError, match="not on the server"):
        client.upload_mask(b"x", original, "m.png")


def test_pictures_over_the_socket(client: Client) -> None:
    node = SaveImageWebsocket(images=EmptyImage(width=16, height=16, batch_size=3, color=77))
    result = client.run(Graph(node))
    assert [image.pil().size for image in result[node].images] == [(16, 16)] * 3


def test_pictures_that_went_over_a_socket_nobody_had(simulator: Simulator) -> None:
    simulator.faults.answer(403, path="/ws", method="GET", times=None)
    node = SaveImageWebsocket(images=EmptyImage(width=16, height=16, color=78))
    with Client(simulator.url) as client, pytest.raises(ComfyError, match="use SaveImage"):
        client.run(Graph(node), timeout=20)
    simulator.faults.clear()


def test_asking(client: Client, simulator: Simulator) -> None:
    stats = client.system_stats()
    assert stats.comfyui_version in ("0.33.0", "0.23.0")
    assert stats.devices[0].name
    assert "checkpoints" in client.models()
    assert "sd_xl_base_1.0.safetensors" in client.models("checkpoints")
    with pytest.raises(BadAnswer, match="no model folder"):
        client.models("nothing")
    assert client.features()["supports_preview_metadata"] is True
    assert "KSampler" in client.object_info()
    with Client(simulator.url) as other:
        assert other.catalogue() is client.catalogue()
    graph, _ = picture(99)
    job = client.submit(graph)
    job.wait(timeout=20)
    entry = client.history(job.prompt_id)
    assert entry is not None
    assert entry.ok
    assert entry.prompt == graph.to_api()
    assert client.history("11111111-1111-4111-8111-111111111111") is None
    client.free()


def test_map_yields_in_order_and_saves_beside(client: Client, tmp_path: Path) -> None:
    graphs = [picture(1000 + n)[0] for n in range(20)]
    results = list(client.map(graphs, ahead=4, save_to=tmp_path))
    colours = [PIL.Image.open(r.saved[0]).convert("RGB").getpixel((0, 0)) for r in results]
    assert colours == [(0, n >> 8, n & 255) for n in range(1000, 1020)]
    assert list(client.map([])) == []
    with pytest.raises(ValueError, match="ahead"):
        client.map(graphs, ahead=0)
    with pytest.raises(ValueError, match="on_error"):
        client.map(graphs, on_error="ignore")  # type: ignore[call-overload]


def test_map_and_failures(client: Client, simulator: Simulator, tmp_path: Path) -> None:
    def graphs() -> Iterator[Any]:
        yield picture(2000)[0]
        yield {"1": {"class_type": "NoSuchNode", "inputs": {}}}
        yield Graph(SaveImage(images=ImageInvert(image=EmptyImage(width=8, height=8, color=2001))))
        yield picture(2002)[0]

    simulator.faults.fail("ImageInvert", "it broke")
    kinds = [type(item).__name__ for item in client.map(graphs(), on_error="yield")]
    assert kinds == ["Result", "GraphError", "ExecutionError", "Result"]
    given = client.map(graphs(), save_to=tmp_path)
    assert next(given).saved, "what comes before the failure is given before it is raised"
    with pytest.raises(GraphError):
        next(given)
    deadline = time.monotonic() + 5
    while client.queue() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not client.queue()


def test_inside_a_running_event_loop(client: Client) -> None:
    async def notebook() -> int:
        return len(client.run(picture(3000)[0]).images)

    assert asyncio.run(notebook()) == 1


def test_from_many_threads(client: Client) -> None:
    done: list[int] = []

    def one(number: int) -> None:
        image = client.run(picture(4000 + number)[0]).images[0].pil()
        assert image.convert("RGB").getpixel((0, 0)) == (0, (4000 + number) >> 8, (4000 + number) & 255)
        done.append(number)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == list(range(12))


PARTNER = "KlingTextToVideoNode"


def test_partner_nodes(simulator: Simulator, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMFYGRAPH_API_KEY", raising=False)
    record = client.catalogue()[PARTNER]
    inputs = {
        name: spec.options[0] if spec.options else spec.default if isinstance(spec.default, (int, float, str)) else "x"
        for name, spec in record.inputs.items()
        if spec.required
    }
    prompt = {
        "1": {"class_type": PARTNER, "inputs": inputs},
        "2": {"class_type": "SaveVideo", "inputs": {"video": ["1", 0]}},
    }
    bodies: list[Any] = []

    def submit(api_key: str | None) -> None:
        with Client(simulator.url, api_key=api_key) as keyed:
            original = keyed._engine.transport.send

            def spy(request: Any) -> Any:
                if request.path == "/prompt":
                    bodies.append(request.body)
                return original(request)

            monkeypatch.setattr(keyed._engine.transport, "send", spy)
            with pytest.raises(ComfyError) as caught:
                keyed.run(prompt, check=False)
            assert "comfyui-key" not in repr(keyed) + str(caught.value)

    with pytest.warns(PartnerNodeWarning, match=PARTNER):
        submit(None)
    assert "api_key_comfy_org" not in bodies[-1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        submit("comfyui-key")
        assert '"api_key_comfy_org": "comfyui-key"' in bodies[-1]
        monkeypatch.setenv("COMFYGRAPH_API_KEY", "comfyui-key-of-the-environment")
        submit(None)
    assert "comfyui-key-of-the-environment" in bodies[-1]
    with Client(simulator.url, api_key="comfyui-key") as keyed:
        keyed.run(picture(5000)[0])
        job = keyed.submit(picture(5001)[0])
        assert "comfyui-key" not in str(job.to_dict())
        job.wait(timeout=20)


def test_async(simulator: Simulator, tmp_path: Path) -> None:
    async def main() -> None:
        async with AsyncClient(simulator.url) as client:
            graph, save = picture(6000)
            seen: list[events.Event] = []
            result = await client.run(graph, progress=seen.append)
            assert isinstance(seen[-1], events.Finished)
            assert (await result[save].images[0].pil()).size == (16, 16)
            [path] = await result.save(tmp_path)
            assert path.read_bytes() == await result.images[0].read()
            assert list(map(str, await result.save("memory://aio")))
            results = [r async for r in client.map([picture(6100 + n)[0] for n in range(6)], save_to=tmp_path)]
            assert all(len(r.saved) == 1 for r in results)
            job = await client.submit(graph)
            assert [type(e).__name__ async for e in job.events(timeout=20)][-1] == "Finished"
            assert (await (await client.attach(job.to_dict())).wait(timeout=20)).images
            uploaded = await client.upload(PIL.Image.new("RGB", (4, 4)), "aio.png")
            await client.upload_mask(PIL.Image.new("RGBA", (4, 4)), uploaded, "aiomask.png")
            await client.run(Graph(PreviewImage(images=LoadImage(image=path).IMAGE)))
            with pytest.raises(GraphError):
                await client.submit({"1": {"class_type": "NoSuchNode", "inputs": {}}})
            failing = [{"1": {"class_type": "NoSuchNode", "inputs": {}}}, graph]
            kinds = [type(r).__name__ async for r in client.map(failing, on_error="yield")]
            assert kinds == ["GraphError", "AsyncResult"]
            node = SaveImageWebsocket(images=EmptyImage(width=16, height=16, color=6200))
            assert len((await client.run(Graph(node)))[node].images) == 1
            assert (await client.system_stats()).os
            assert await client.models("checkpoints")
            assert (await client.features())["max_upload_size"]
            assert "KSampler" in await client.object_info()
            assert await client.history(job.prompt_id) is not None
            assert not await client.queue()
            await client.interrupt()
            await client.free()
            await client.clear_queue()

    asyncio.run(main())


@pytest.mark.parametrize("release", ["0.33.0", "0.23.0"])
def test_async_cancel_and_many_at_once(release: str) -> None:
    async def main(url: str) -> None:
        async with AsyncClient(url) as client:
            slow = {
                **SDXL_JSON,
                "3": {"class_type": "KSampler", "inputs": {**SDXL_JSON["3"]["inputs"], "steps": 5000, "seed": 5}},
            }
            first = await client.submit(slow)
            second = await client.submit(picture(7000)[0])
            assert await second.cancel(timeout=10) is True
            with pytest.raises(JobDeleted):
                await second.wait(timeout=5)
            await first.cancel(timeout=20)
            # A task that is cancelled while its prompt is on the way takes the prompt back.
            original = client._engine.transport.send

            async def held(asked: Request) -> Reply:
                reply = await original(asked)
                if (asked.method, asked.path) == ("POST", "/prompt"):
                    await asyncio.sleep(60)
                return reply

            client._engine.transport.send = held  # type: ignore[method-assign]
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.run(slow), 1.0)
            client._engine.transport.send = original  # type: ignore[method-assign]
            deadline = time.monotonic() + 10
            while await client.queue() and time.monotonic() < deadline:
                await asyncio.sleep(0.02)
            assert not await client.queue()
            results = await asyncio.gather(*(client.run(picture(7100 + n)[0]) for n in range(8)))
            assert len({r.prompt_id for r in results}) == 8

    # The first has to run for as long as it takes to cancel the second: without time of their own, steps are soon over.
    with Simulator(release=release, latency=0.05) as simulator:
        asyncio.run(main(simulator.url))


# The whole table takes a minute: python -m benchmarks.faults makes it. These take less than two seconds each.
LONG = {
    "the server is killed after 2 s without a word",
    "the client cancels a waiting job, another goes on",
    "the server forgets the running job",
    "the job takes longer than the caller waits (1 s)",
    "the history is written a second late",
    "somebody interrupts the running job",
    "no socket is to be had (403)",
}
FAST = [row for row in ROWS if not row.slow and row.within <= 5 and row.what not in LONG]


@pytest.mark.parametrize("row", FAST, ids=lambda row: row.what)
def test_faults(row: Row) -> None:
    """The rows of docs/faults.md, but for those that take long."""
    seen = see(row)
    assert seen.ok, seen


def test_a_crash_is_seen_by_the_async_client() -> None:
    async def main(simulator: Simulator, act: Callable[[], None]) -> str:
        async with AsyncClient(simulator.url, timing=Timing(refused=1.0)) as client:
            prompt = {
                **SDXL_JSON,
                "3": {"class_type": "KSampler", "inputs": {**SDXL_JSON["3"]["inputs"], "steps": 10000}},
            }
            job = await client.submit(prompt)
            await asyncio.sleep(0.3)
            await asyncio.to_thread(act)
            try:
                await job.wait(timeout=20)
            except ComfyError as error:
                return type(error).__name__
            return "success"

    with Simulator(latency=0.01) as simulator:
        assert asyncio.run(main(simulator, simulator.restart)) == "JobLost"
        assert asyncio.run(main(simulator, simulator.crash)) == "ServerUnreachable"


def test_a_graph_is_fitted_to_the_server_and_that_is_said() -> None:
    from comfygraph.client.prepare import FittedWarning
    from tests.pipelines import sdxl

    graph, ckpt, _, save = sdxl()
    graph = graph.set(ckpt, ckpt_name="XL\\sd_xl_base_1.0.safetensors").set(
        graph.one("EmptyLatentImage"), width=64, height=64
    )
    with (
        Simulator(latency=0.0, models={"checkpoints": ["XL/sd_xl_base_1.0.safetensors"]}) as sim,
        Client(sim.url) as client,
        pytest.warns(FittedWarning, match=r"node 1 \(CheckpointLoaderSimple\): ckpt_name.*taken to mean 'XL/sd_xl"),
    ):
        result = client.run(graph.set("5", steps=1))
    assert len(result[save].images) == 1


def test_a_job_is_asked_for_anew_when_the_server_is_back() -> None:
    from comfygraph.errors import JobLost, ServerUnreachable

    with Simulator(latency=0.05) as sim, Client(sim.url, timing=Timing(refused=0.3)) as client:
        steps = {**SDXL_JSON, "3": {"class_type": "KSampler", "inputs": {**SDXL_JSON["3"]["inputs"], "steps": 10000}}}
        job = client.submit(steps)
        sim.crash()
        with pytest.raises(ServerUnreachable):
            job.wait(timeout=20)
        with pytest.raises(ServerUnreachable):
            job.cancel()
        sim.restart()
        with pytest.raises(JobLost):
            job.wait(timeout=20)
        assert job.cancel() is False
