"""Batches on the simulator: the manifest, failures, and going on."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from comfygraph import Client, Graph, Simulator
from comfygraph.batch import Item, Manifest, Report, Row, Watch, items, run, sweep
from comfygraph.batch.item import MOST_ITEMS, Grid, digest, seed_of
from comfygraph.batch.store import JOURNAL, Store
from comfygraph.client import Event
from comfygraph.client.events import Progress
from comfygraph.errors import EditError, FormatError, OutputError, ServerUnreachable
from comfygraph.nodes import EmptyImage, PreviewAny, PreviewImage, SaveImage

from .conftest import Made


def batch(made: Made, seeds: range, **more: Any) -> list[Item]:
    """Items with these seeds."""
    graph = made.graph.set(made.sampler, **more) if more else made.graph
    return items(sweep(graph, {(made.sampler, "seed"): seeds}))


def runs(sim: Simulator) -> Counter[str]:
    """How often each prompt has run."""
    with urlopen(f"{sim.url}/history", timeout=10) as answer:
        history: dict[str, Any] = json.load(answer)
    return Counter(digest(entry["prompt"][2]) for entry in history.values())


class Told(Watch):
    """Writes down what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def starts(self, item: Item) -> None:
        self.said.append(f"starts {item.folder}")

    def tells(self, item: Item, event: Event) -> None:
        if self.said[-1] != f"tells {item.folder}":
            self.said.append(f"tells {item.folder}")

    def ends(self, row: Row) -> None:
        super().ends(row)
        self.said.append(f"ends {row.folder}")


def test_items_and_their_rows(client: Client, made: Made, tmp_path: Path) -> None:
    told = Told()
    report = run(client, batch(made, range(100, 105)), tmp_path / "out", watch=told)
    assert (report.total, report.whole, report.done, report.failed) == (5, 0, 5, [])
    assert (told.total, told.done, told.failed) == (5, 5, 0)
    assert {f"{what} 000{i}" for i in range(5) for what in ("starts", "ends")} <= set(told.said)
    manifest = Manifest(tmp_path / "out")
    assert [row.item for row in manifest] == [0, 1, 2, 3, 4]
    row = manifest[3]
    assert (row.status, row.seed, row.inputs, row.error) == ("done", 103, {"sampler.seed": 103}, None)
    assert row.prompt_id
    assert row.seconds is not None
    assert row.graph().check() == []
    assert row.graph()["sampler"].inputs["seed"] == 103
    (file,) = row.files
    assert file.path.startswith("0003/")
    assert file.is_whole(tmp_path / "out")
    assert Graph.load(tmp_path / "out" / file.path).to_api() == row.prompt
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "0000", "0001", "0002", "0003", "0004", "manifest.jsonl",
    ]  # fmt: skip


def test_a_second_batch_wants_another_folder(client: Client, made: Made, tmp_path: Path) -> None:
    run(client, batch(made, range(1)), tmp_path)
    before = (tmp_path / "manifest.jsonl").read_bytes()
    with pytest.raises(OutputError, match="there is a batch in it"):
        run(client, batch(made, range(2)), tmp_path)
    assert (tmp_path / "manifest.jsonl").read_bytes() == before


def test_resume_does_nothing_when_all_is_whole(client: Client, sim: Simulator, made: Made, tmp_path: Path) -> None:
    wanted = batch(made, range(200, 203))
    run(client, wanted, tmp_path)
    before, ran = (tmp_path / "manifest.jsonl").read_bytes(), runs(sim)
    report = run(client, wanted, tmp_path, resume=True)
    assert (report.whole, report.done, report.rows) == (3, 3, [])
    assert (tmp_path / "manifest.jsonl").read_bytes() == before
    assert runs(sim) == ran


@pytest.mark.parametrize("harm", ["delete", "cut", "change", "row"])
def test_resume_does_what_is_not_whole_and_that_only(
    client: Client, sim: Simulator, made: Made, tmp_path: Path, harm: str
) -> None:
    first = {"delete": 300, "cut": 310, "change": 320, "row": 330}[harm]
    wanted = batch(made, range(first, first + 4))
    run(client, wanted, tmp_path)
    manifest = Manifest(tmp_path)
    victim = tmp_path / manifest[2].files[0].path
    if harm == "delete":
        victim.unlink()
    elif harm == "cut":
        victim.write_bytes(victim.read_bytes()[:-1])
    elif harm == "change":
        content = victim.read_bytes()
        victim.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    else:
        lines = manifest.path.read_bytes().splitlines(keepends=True)
        torn = [line[:40] if json.loads(line)["item"] == 2 else line for line in lines]
        manifest.path.write_bytes(b"".join(sorted(torn, key=len, reverse=True)))
    ran = runs(sim)
    report = run(client, wanted, tmp_path, resume=True)
    assert (report.whole, report.done) == (3, 4)
    assert [row.item for row in report.rows] == [2]
    again = Manifest(tmp_path)
    assert [row.item for row in again] == [0, 1, 2, 3]
    assert all(row.is_whole(tmp_path) for row in again)
    assert len(list((tmp_path / "0002").iterdir())) == (1 if harm != "row" else 2)
    assert sum((runs(sim) - ran).values()) == 1
    assert runs(sim)[again[2].digest] == 2


def test_somebodys_own_file_is_left_alone(client: Client, made: Made, tmp_path: Path) -> None:
    wanted = batch(made, range(350, 351))
    run(client, wanted, tmp_path)
    file = tmp_path / Manifest(tmp_path)[0].files[0].path
    name = file.name
    file.unlink()
    file.write_text("mine")
    (tmp_path / "0000" / "notes.txt").write_text("mine too")
    (tmp_path / "manifest.jsonl").unlink()
    run(client, wanted, tmp_path)
    assert (tmp_path / "0000" / name).read_text() == "mine"
    assert (tmp_path / "0000" / "notes.txt").read_text() == "mine too"
    assert Manifest(tmp_path)[0].is_whole(tmp_path)


def test_an_item_that_fails_is_noted_and_the_rest_goes_on(
    client: Client, sim: Simulator, made: Made, tmp_path: Path
) -> None:
    wanted = items(sweep(made.graph, {(made.sampler, "steps"): [1, 2, 3]}))
    wanted[1] = Item(1, {"steps": "many"}, lambda: made.graph.set(made.sampler, steps="many"))
    report = run(client, wanted, tmp_path)
    assert (report.done, [row.item for row in report.failed]) == (2, [1])
    row = Manifest(tmp_path)[1]
    assert (row.status, row.files, row.inputs, row.prompt) == ("failed", (), {"steps": "many"}, {})
    assert row.error is not None
    assert "steps" in row.error
    assert "\n" not in row.error
    assert not (tmp_path / "0001").exists()
    wanted[1] = Item(1, {"steps": 9}, lambda: made.graph.set(made.sampler, steps=9))
    again = run(client, wanted, tmp_path, resume=True)
    assert (again.whole, again.done, again.failed) == (2, 3, [])
    assert Counter(row.item for row in Manifest(tmp_path)) == Counter(range(3))
    assert not (tmp_path / JOURNAL).exists()


def test_a_node_that_fails_and_a_graph_that_is_refused(
    client: Client, sim: Simulator, made: Made, tmp_path: Path
) -> None:
    wanted = batch(made, range(400, 403))
    wanted[1] = Item(1, {}, lambda: made.graph.set("1", ckpt_name="nobody_has_this.safetensors"))
    sim.faults.fail("VAEDecode", message="no colours", times=1)
    report = run(client, wanted, tmp_path, ahead=1)
    errors = {row.item: row.error or "" for row in report.failed}
    assert set(errors) == {0, 1}
    assert "no colours" in errors[0]
    assert "nobody_has_this" in errors[1]
    assert Manifest(tmp_path)[0].prompt_id
    assert run(client, wanted, tmp_path, resume=True).whole == 1


def test_a_lost_job_is_sent_once_more(made: Made, tmp_path: Path) -> None:
    with Simulator(latency=0.02) as own, Client(own.url) as other:
        lost: list[str] = []

        class Forgetful(Watch):
            def tells(self, item: Item, event: Event) -> None:
                if not lost and isinstance(event, Progress):
                    lost.append(event.prompt_id)
                    own.faults.forget(event.prompt_id)

        report = run(other, batch(made, range(3), steps=20), tmp_path, watch=Forgetful())
    assert [row.error for row in report.failed] == []
    assert report.done == 3
    assert lost[0] not in {row.prompt_id for row in Manifest(tmp_path)}


def test_a_download_that_breaks_is_tried_again_later(
    client: Client, sim: Simulator, made: Made, tmp_path: Path
) -> None:
    sim.faults.truncate_download(times=4)  # more than the client itself asks again
    report = run(client, batch(made, range(600, 601)), tmp_path)
    assert (report.done, report.failed) == (1, [])


def test_a_server_that_goes_away_ends_the_batch_and_resume_goes_on(made: Made, tmp_path: Path) -> None:
    with Simulator(latency=0.02) as own, Client(own.url) as other:

        class Killer(Watch):
            def ends(self, row: Row) -> None:
                super().ends(row)
                if self.done == 2 and own.running:
                    own.crash()

        watch = Killer()
        wanted = batch(made, range(6))
        with pytest.raises(ServerUnreachable):
            run(other, wanted, tmp_path, watch=watch)
        whole = [row.item for row in Manifest(tmp_path)]
        assert 2 <= len(whole) < 6
        assert all(row.status == "done" for row in Manifest(tmp_path))
        own.start()
        report = run(other, wanted, tmp_path, resume=True)
    assert (report.whole, report.done, report.failed) == (len(whole), 6, [])


def test_ctrl_c_takes_back_what_waits_and_resume_goes_on(made: Made, tmp_path: Path) -> None:
    with Simulator(latency=0.02) as own, Client(own.url) as other:

        class Impatient(Watch):
            def starts(self, item: Item) -> None:
                if item.index == 2:
                    raise KeyboardInterrupt

        wanted = batch(made, range(8))
        with pytest.raises(KeyboardInterrupt):
            run(other, wanted, tmp_path, watch=Impatient())
        assert len(other.queue()) == 0
        whole = {row.item for row in Manifest(tmp_path)}
        assert whole <= {0, 1}
        report = run(other, wanted, tmp_path, resume=True)
    assert (report.whole, report.done, report.failed) == (len(whole), 8, [])


def test_what_an_earlier_batch_left_on_the_server_is_taken_up(
    client: Client, sim: Simulator, made: Made, tmp_path: Path
) -> None:
    """As after SIGKILL: a job is over, and nobody has fetched it."""
    wanted = batch(made, range(500, 503))
    graph = wanted[0].graph()
    job = client.submit(graph)
    job.wait(timeout=30)
    with Store(tmp_path) as store:
        store.note_sent(0, job.prompt_id, digest(graph.to_api()))
        store.note_sent(1, "00000000-0000-4000-8000-000000000000", digest(wanted[1].graph().to_api()))
    ran = runs(sim)
    report = run(client, wanted, tmp_path, resume=True)
    assert (report.done, report.failed) == (3, [])
    assert Manifest(tmp_path)[0].prompt_id == job.prompt_id
    assert sum((runs(sim) - ran).values()) == 2


def test_a_job_of_other_settings_is_not_taken_up(client: Client, made: Made, tmp_path: Path) -> None:
    wanted = batch(made, range(510, 511))
    job = client.submit(batch(made, range(511, 512))[0].graph())
    job.wait(timeout=30)
    with Store(tmp_path) as store:
        store.note_sent(0, job.prompt_id, "another digest")
    run(client, wanted, tmp_path, resume=True)
    assert Manifest(tmp_path)[0].prompt_id != job.prompt_id


def test_files_that_lie_whole_before_their_names_are_not_made_again(
    client: Client, sim: Simulator, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after SIGKILL between the journal and the manifest."""
    wanted = batch(made, range(520, 523))

    def crash(self: Store, row: Row) -> bool:
        raise SystemExit

    monkeypatch.setattr(Store, "_settle", crash)
    with pytest.raises(SystemExit):
        run(client, wanted, tmp_path, ahead=1)
    monkeypatch.undo()
    assert (tmp_path / "manifest.jsonl").read_bytes() == b""
    ran = runs(sim)
    report = run(client, wanted, tmp_path, resume=True)
    assert report.whole >= 1
    assert report.done == 3
    assert all(count == 1 for name, count in runs(sim).items() if name in {row.digest for row in Manifest(tmp_path)})
    assert sum((runs(sim) - ran).values()) == 3 - report.whole
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_another_batch_is_told_apart(client: Client, made: Made, tmp_path: Path) -> None:
    run(client, batch(made, range(530, 532)), tmp_path)
    with pytest.raises(OutputError, match="item 0000 was made with other settings"):
        run(client, batch(made, range(540, 542)), tmp_path, resume=True)
    with pytest.raises(OutputError, match="this batch has 1 items only"):
        run(client, batch(made, range(530, 531)), tmp_path, resume=True)
    longer = run(client, batch(made, range(530, 533)), tmp_path, resume=True)
    assert (longer.whole, longer.done) == (2, 3)


def test_one_writer_at_a_time(client: Client, made: Made, tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    with Store(tmp_path), pytest.raises(OutputError, match="another comfygraph batch writes to it now"):
        run(client, batch(made, range(1)), tmp_path, resume=True)
    assert run(client, batch(made, range(1)), tmp_path, resume=True).done == 1


def test_texts_previews_and_nothing(client: Client, tmp_path: Path) -> None:
    image = EmptyImage(width=16, height=16, color=5)
    graphs = [Graph(PreviewAny(source="hello")), Graph(PreviewImage(images=image)), Graph(SaveImage(images=image))]
    report = run(client, items(graphs), tmp_path / "a")
    rows = Manifest(tmp_path / "a")
    assert rows[0].texts == ("hello",)
    assert [row.item for row in report.failed] == [1]
    assert "--previews" in (rows[1].error or "")
    assert rows[2].files
    assert run(client, items(graphs), tmp_path / "b", previews=True).failed == []


def test_a_truncated_download_fails_and_resume_fetches_it_only(
    client: Client, sim: Simulator, made: Made, tmp_path: Path
) -> None:
    wanted = batch(made, range(560, 561))
    sim.faults.truncate_download(times=50)
    report = run(client, wanted, tmp_path)
    assert [row.item for row in report.failed] == [0]
    assert not (tmp_path / "0000").exists()
    sim.faults.clear()
    ran = runs(sim)
    assert run(client, wanted, tmp_path, resume=True).done == 1
    assert runs(sim) == ran
    assert Manifest(tmp_path)[0].is_whole(tmp_path)


def test_a_folder_that_cannot_be(client: Client, made: Made, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place in ("file", "file/below"):
        with pytest.raises(OutputError, match="cannot be made"):
            run(client, batch(made, range(1)), tmp_path / place)
    with pytest.raises(ValueError, match="ahead"):
        run(client, batch(made, range(1)), tmp_path / "x", ahead=0)


# -- manifests --------------------------------------------------------------------------------------------------------


def test_a_torn_last_line_is_no_row(client: Client, made: Made, tmp_path: Path) -> None:
    run(client, batch(made, range(570, 573)), tmp_path)
    path = tmp_path / "manifest.jsonl"
    content = path.read_bytes()
    for cut in (1, 20, 200):
        path.write_bytes(content[:-cut])
        assert len(Manifest(path)) == 2
    path.write_bytes(content + b"not a row\n")
    with pytest.raises(FormatError, match="line 4 is no row"):
        Manifest(path)
    with pytest.raises(FormatError, match="cannot be read"):
        Manifest(tmp_path / "nothing")
    path.write_bytes(content)
    with pytest.raises(EditError, match="no item 7"):
        Manifest(path)[7]


@pytest.mark.parametrize("path", ["../x.png", "/etc/passwd", "0000/../../x.png", "", "..\\x"])
def test_a_manifest_leads_nowhere_else(tmp_path: Path, path: str) -> None:
    (tmp_path / "x.png").write_bytes(b"x")
    folder = tmp_path / "batch"
    folder.mkdir()
    row = {
        "item": 0,
        "folder": "0000",
        "status": "done",
        "files": [
            {"path": path, "bytes": 1, "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}
        ],
    }
    (folder / "manifest.jsonl").write_text(json.dumps(row) + "\n")
    assert not Manifest(folder)[0].is_whole(folder)
    with Store(folder, resume=True) as store:
        assert store.rows == {}
    assert (tmp_path / "x.png").read_bytes() == b"x"
    (folder / "manifest.jsonl").write_text(json.dumps({**row, "folder": "../../x"}) + "\n")
    with pytest.raises(FormatError):
        Manifest(folder)


def test_a_grid_of_settings() -> None:
    grid = Grid({"a": [1, 2], "b": ["x", "y", "z"]}, lambda values: values, fixed={"c": 0})
    assert len(grid) == 6
    assert [item.inputs for item in grid] == [{"c": 0, "a": a, "b": b} for a in (1, 2) for b in "xyz"]
    assert grid[-1].make() == {"a": 2, "b": "z"}
    assert [item.folder for item in grid[1:3]] == ["0001", "0002"]
    with pytest.raises(IndexError):
        grid[6]
    with pytest.raises(ValueError, match="no value"):
        Grid({"a": []}, lambda values: values)
    with pytest.raises(ValueError, match=str(MOST_ITEMS)):
        Grid({"a": range(2000), "b": range(2000)}, lambda values: values)


def test_seeds() -> None:
    def node(**inputs: object) -> dict[str, object]:
        return {"class_type": "x", "inputs": inputs}

    assert seed_of({"1": node(seed=5), "2": node(noise_seed=5)}) == 5
    assert seed_of({"1": node(seed=5), "2": node(noise_seed=6)}) == {"1": 5, "2": 6}
    assert seed_of({"1": node(seed=["2", 0]), "2": node(seed=True), "3": {"class_type": "x"}}) is None


def test_an_empty_batch(client: Client, tmp_path: Path) -> None:
    assert run(client, [], tmp_path) == Report(0, 0)
