"""Every fault does what it says, as often as it was asked to, and nothing afterwards."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import websocket

from comfygraph.simulator import Simulator

from .replay import Connection
from .talk import Talk
from .test_pictures import sdxl


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(latency=0.0) as sim:
        yield sim


@pytest.fixture
def talk(sim: Simulator) -> Iterator[Talk]:
    with Talk(sim.url) as talk:
        yield talk


def picture(color: int = 1, prefix: str = "f") -> dict[str, Any]:
    return {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": color}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": prefix}},
    }


def connect(sim: Simulator, client_id: str) -> Connection:
    return Connection(f"{sim.url.replace('http', 'ws')}/ws?clientId={client_id}")


def wait(done: Any, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.002)
    return bool(done())


def test_a_socket_dropped_at_once(sim: Simulator, talk: Talk) -> None:
    connection = connect(sim, "a")
    assert wait(lambda: connection.messages)
    sim.faults.drop_socket()
    assert wait(lambda: connection.broken)
    talk.run(picture())  # HTTP goes on


def test_a_socket_dropped_after_so_many_messages(sim: Simulator, talk: Talk) -> None:
    connection = connect(sim, "a")
    assert wait(lambda: connection.messages)
    sim.faults.drop_socket(after=4)
    talk.run(picture(), client_id="a")
    assert wait(lambda: connection.broken)
    assert len(connection.messages) == 5  # the first of all came before


def test_one_of_two_sockets_dropped(sim: Simulator, talk: Talk) -> None:
    one, two = connect(sim, "one"), connect(sim, "two")
    assert wait(lambda: one.messages and two.messages)
    sim.faults.drop_socket(client_id="one")
    assert wait(lambda: one.broken)
    talk.run(picture(), client_id="two")
    assert wait(lambda: any(m["message"].get("data", {}).get("node", 0) is None for m in two.messages))
    two.close()


@pytest.mark.parametrize("keep", [False, True])
def test_silence(sim: Simulator, talk: Talk, keep: bool) -> None:
    connection = connect(sim, "a")
    assert wait(lambda: connection.messages)
    sim.faults.silence(0.4, keep=keep)
    talk.run(picture(), client_id="a")
    time.sleep(0.1)
    assert len(connection.messages) == 1
    if keep:
        assert wait(lambda: len(connection.messages) == 15)
        assert connection.messages[-1]["message"]["data"]["node"] is None
    else:
        time.sleep(0.35)
        assert len(connection.messages) == 1
        talk.run(picture(2), client_id="a")
        assert wait(lambda: len(connection.messages) > 2)
    connection.close()


def test_answers_of_another_kind(sim: Simulator, talk: Talk) -> None:
    sim.faults.answer(502, path="/queue")
    sim.faults.answer(b"<html>no</html>", path="/history/*", times=2, content_type="text/html")
    assert talk.get("/queue").status_code == 502
    assert talk.get("/api/queue").status_code == 200
    assert talk.get("/history/1").content == b"<html>no</html>"
    assert talk.get("/api/history/2").headers["Content-Type"].startswith("text/html")
    assert talk.get("/history/3").json() == {}


def test_a_lost_reply_after_the_prompt_was_taken(sim: Simulator, talk: Talk) -> None:
    sim.faults.lose_reply("POST", "/prompt")
    prompt_id = str(uuid.uuid4())
    with pytest.raises(requests.ConnectionError):
        talk.post("/prompt", json={"prompt": picture(), "prompt_id": prompt_id})
    assert talk.entry(prompt_id)["status"]["status_str"] == "success"


def test_a_lost_reply_before_anything_was_done(sim: Simulator, talk: Talk) -> None:
    sim.faults.lose_reply("POST", "/prompt", when="before")
    with pytest.raises(requests.ConnectionError):
        talk.post("/prompt", json={"prompt": picture()})
    assert talk.get("/history").json() == {}
    talk.run(picture())


def test_a_late_answer(sim: Simulator, talk: Talk) -> None:
    sim.faults.delay(0.2, path="/queue")
    start = time.monotonic()
    talk.get("/queue")
    assert time.monotonic() - start >= 0.2


def test_a_download_that_breaks_off(sim: Simulator, talk: Talk) -> None:
    (place,) = talk.run(picture())["outputs"]["2"]["images"]
    whole = talk.get("/view", params=place).content
    sim.faults.truncate_download()
    with requests.get(f"{sim.url}/view", params=place, stream=True, timeout=5) as answer:
        assert int(answer.headers["Content-Length"]) == len(whole)
        with pytest.raises(requests.RequestException):
            answer.content  # noqa: B018 - reading it is what fails
    assert talk.get("/view", params=place).content == whole


def test_a_forgotten_job_that_waits_and_one_that_is_done(sim: Simulator, talk: Talk) -> None:
    done = talk.submit(picture())
    talk.entry(done)
    sim.faults.forget(done)
    assert talk.get(f"/history/{done}").json() == {}
    assert talk.get(f"/api/jobs/{done}").status_code == 404


def test_a_forgotten_job_that_runs() -> None:
    with Simulator(latency=0.05) as sim, Talk(sim.url) as talk:
        connection = connect(sim, "a")
        prompt_id = talk.submit(sdxl(steps=200), client_id="a")
        assert wait(lambda: any(m.get("message", {}).get("type") == "progress" for m in connection.messages))
        sim.faults.forget(prompt_id)
        assert talk.get("/queue").json() == {"queue_running": [], "queue_pending": []}
        talk.run(picture())  # the worker is free again
        assert talk.get(f"/history/{prompt_id}").json() == {}
        assert not any(m.get("message", {}).get("type") == "execution_interrupted" for m in connection.messages)
        connection.close()


def test_history_written_late(sim: Simulator, talk: Talk) -> None:
    sim.faults.late_history(0.3)
    connection = connect(sim, "a")
    prompt_id = talk.submit(picture(), client_id="a")
    assert wait(lambda: any(m["message"]["type"] == "execution_success" for m in connection.messages))
    assert talk.get(f"/history/{prompt_id}").json() == {}
    assert not any(m["message"]["data"].get("node", 0) is None for m in connection.messages)
    assert talk.entry(prompt_id)
    connection.close()


def test_out_of_memory(sim: Simulator, talk: Talk) -> None:
    sim.faults.out_of_memory("SaveImage")
    failure = talk.fail(picture())
    assert failure["exception_type"] == "torch.OutOfMemoryError"
    assert failure["node_id"] == "2"
    talk.run(picture())


def test_a_node_that_raises(sim: Simulator, talk: Talk) -> None:
    sim.faults.fail("1", "no luck", kind="ValueError", times=2)
    for _ in range(2):
        failure = talk.fail(picture())
        assert (failure["exception_type"], failure["exception_message"]) == ("ValueError", "no luck\n")
    talk.run(picture())


def test_a_file_name_used_again(sim: Simulator, talk: Talk) -> None:
    first = talk.run(picture(1))["outputs"]["2"]["images"]
    sim.faults.reuse_filename()
    second = talk.run(picture(2))["outputs"]["2"]["images"]
    third = talk.run(picture(3))["outputs"]["2"]["images"]
    assert first == second
    assert third[0]["filename"] == "f_00002_.png"


def test_a_slow_server() -> None:
    with Simulator(latency=0.01) as sim, Talk(sim.url) as talk:
        sim.faults.slow(8)
        start = time.monotonic()
        talk.run(sdxl(steps=5))
        assert time.monotonic() - start >= 0.4


def test_a_crash_and_a_restart(sim: Simulator, talk: Talk) -> None:
    connection = connect(sim, "a")
    done = talk.run(picture())
    prompt_id = done["prompt"][1]
    sim.crash()
    assert wait(lambda: connection.broken)
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{sim.url}/queue", timeout=5)
    with pytest.raises(ConnectionRefusedError):
        websocket.create_connection(f"{sim.url.replace('http', 'ws')}/ws", timeout=5)
    sim.restart()
    with Talk(sim.url) as again:
        assert again.get(f"/history/{prompt_id}").json() == {}
        assert again.images(done, "2")[0].size == (64, 64)  # files outlive a crash


def test_clear_disarms_everything(sim: Simulator, talk: Talk) -> None:
    faults = sim.faults
    faults.answer(500, times=None)
    faults.fail("*", times=None)
    faults.silence(60)
    faults.drop_socket(after=3)
    faults.reuse_filename(5)
    faults.slow(100)
    faults.late_history(60)
    faults.clear()
    connection = connect(sim, "a")
    talk.run(picture(), client_id="a")
    assert wait(lambda: len(connection.messages) == 15)
    connection.close()


def test_a_fault_armed_no_times_does_nothing(sim: Simulator, talk: Talk) -> None:
    sim.faults.answer(500, times=0)
    sim.faults.fail("*", times=0)
    talk.run(picture())
