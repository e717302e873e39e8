"""A pipeline written node by node. Lowercase goes in, UPPERCASE comes out; a node with one output is itself a link."""

from __future__ import annotations

from anywhere import connected

from comfygraph import Graph
from comfygraph.nodes import CheckpointLoaderSimple, CLIPTextEncode, EmptyLatentImage, KSampler, SaveImage, VAEDecode

ckpt = CheckpointLoaderSimple(ckpt_name="sd_xl_base_1.0.safetensors")
sampled = KSampler(
    model=ckpt.MODEL,
    positive=CLIPTextEncode(clip=ckpt.CLIP, text="a red fox in snow, golden hour"),
    negative=CLIPTextEncode(clip=ckpt.CLIP, text="blurry, watermark"),
    latent_image=EmptyLatentImage(width=1024, height=1024),
    seed=42,
    steps=20,
    cfg=7.0,
    sampler_name="euler",
    scheduler="normal",
)
save = SaveImage(images=VAEDecode(samples=sampled, vae=ckpt.VAE), filename_prefix="fox")
graph = Graph(save)

for problem in graph.check():  # nothing: it would run
    print(problem)

with connected() as client:
    result = client.run(graph, progress=True)
    image = result[save].images[0]  # by node, not by id
    print(f"wrote {image.save('output')}, {image.pil().size} pixels")
