"""A simulator, a client on it, and a small graph to vary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from comfygraph import Client, Graph, Simulator
from comfygraph.nodes import (
    CheckpointLoaderSimple,
    CLIPTextEncode,
    EmptyLatentImage,
    KSampler,
    SaveImage,
    VAEDecode,
)

from ..cli.conftest import cg as cg  # a fixture, which takes this folder's simulator


class Made(NamedTuple):
    """A graph and its sampler."""

    graph: Graph
    sampler: KSampler


@pytest.fixture(scope="session")
def sim() -> Iterator[Simulator]:
    """A simulator for all the tests."""
    with Simulator(latency=0.0, history_limit=100_000) as simulator:
        yield simulator


@pytest.fixture
def client(sim: Simulator) -> Iterator[Client]:
    """A client on it; what a test made it do wrong is over afterwards."""
    with Client(sim.url) as found:
        yield found
    sim.faults.clear()


@pytest.fixture
def made() -> Made:
    """A sampler at 64 by 64 pixels."""
    ckpt = CheckpointLoaderSimple(ckpt_name="sd_xl_base_1.0.safetensors")
    sampler = KSampler(
        model=ckpt.MODEL,
        positive=CLIPTextEncode(clip=ckpt.CLIP, text="a red fox in snow"),
        negative=CLIPTextEncode(clip=ckpt.CLIP, text=""),
        latent_image=EmptyLatentImage(width=64, height=64),
        seed=0,
        steps=2,
        sampler_name="euler",
        scheduler="normal",
    ).named("sampler")
    return Made(Graph(SaveImage(images=VAEDecode(samples=sampler, vae=ckpt.VAE), filename_prefix="fox")), sampler)
