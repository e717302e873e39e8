"""What a type checker must accept: mypy --strict and pyright strict find nothing here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comfygraph import AsyncClient, Client, Graph, Result, raw
from comfygraph import kinds as k
from comfygraph.client import AsyncResult
from comfygraph.errors import ComfyError
from comfygraph.links import Link, Output
from comfygraph.node import Node, Node1
from comfygraph.nodes import (
    BatchImagesNode,
    CheckpointLoaderSimple,
    CLIPTextEncode,
    ColorToRGBInt,
    ComfyMathExpression,
    ComfySwitchNode,
    ControlNetApplyAdvanced,
    CreateList,
    CurveEditor,
    EmptyImage,
    EmptyLatentImage,
    GeminiInputFiles,
    GLSLShader,
    ImageScale,
    ImageToMask,
    KSampler,
    LoadImage,
    LoraLoader,
    LtxvApiTextToVideo,
    LTXVEmptyLatentAudio,
    MaskToImage,
    MeshyImageToModelNode,
    OpenAIGPTImageNodeV2,
    PreviewAny,
    PrimitiveInt,
    RandomNoise,
    ResizeImageMaskNode,
    SaveImage,
    SaveVideo,
    TopazVideoEnhanceV2,
    VAEDecode,
    VAEEncode,
)
from comfygraph.nodes.options import SamplerName, SchedulerName

if TYPE_CHECKING:
    from typing_extensions import assert_type  # of the type checkers only: it never runs

# The example of the front page.
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
image = VAEDecode(samples=sampled, vae=ckpt.VAE)
save = SaveImage(images=image, filename_prefix="fox")

# A node with one output is a link, and so is its output.
latent: Link[k.Latent] = sampled
slot: Output[k.Latent] = sampled.LATENT
both: Node1[k.Image] = image
SaveImage(images=image.IMAGE)

# Several outputs, each of its kind.
lora = LoraLoader(model=ckpt.MODEL, clip=ckpt.CLIP, lora_name="style.safetensors", strength_model=0.8, strength_clip=1)
model: Output[k.Model] = lora.MODEL
clip: Output[k.Clip] = lora.CLIP


# Functions from links to links are typed through.
def encode(text: str, using: Link[k.Clip]) -> Link[k.Conditioning]:
    return CLIPTextEncode(clip=using, text=text)


def decode(samples: Link[k.Latent], vae: Link[k.Vae]) -> VAEDecode:
    return VAEDecode(samples=samples, vae=vae)


decoded: Output[k.Image] = decode(sampled, ckpt.VAE).IMAGE


# Option lists have names.
def sample(sampler_name: SamplerName = "dpmpp_2m", scheduler: SchedulerName = "karras") -> KSampler:
    return KSampler(
        model=lora.MODEL,
        positive=encode("fox", lora.CLIP),
        negative=encode("", lora.CLIP),
        latent_image=VAEEncode(pixels=EmptyImage(), vae=ckpt.VAE),
        sampler_name=sampler_name,
        scheduler=scheduler,
    )


# Values may come over links, and None leaves an optional input out.
size = PrimitiveInt(value=512)
EmptyLatentImage(width=size, height=size.INT)
ControlNetApplyAdvanced(
    positive=encode("fox", ckpt.CLIP),
    negative=encode("", ckpt.CLIP),
    control_net=raw("anything"),
    image=image,
    vae=None,
)
KSampler(
    model=ckpt.MODEL,
    positive=encode("fox", ckpt.CLIP),
    negative=encode("", ckpt.CLIP),
    latent_image=sampled,
    sampler_name=raw("a_sampler_of_a_custom_pack"),
    scheduler="simple",
)

# Files: a name on the server, or a file, bytes or a picture from here.
LoadImage(image="fox.png")
LoadImage(image=b"\x89PNG")


def from_disk(path: Path) -> Output[k.Image]:
    return LoadImage(image=path).IMAGE


mask: Output[k.Mask] = LoadImage(image="fox.png").MASK

# Dynamic combos: an option object, which may have its own.
ResizeImageMaskNode(input=image, resize_type=ResizeImageMaskNode.ScaleDimensions(width=512, height=512))
ResizeImageMaskNode(input=image, resize_type=ResizeImageMaskNode.ScaleWidth(width=size), scale_method="lanczos")
MeshyImageToModelNode(
    model="latest",
    image=image,
    should_remesh=MeshyImageToModelNode.ShouldRemeshTrue(topology="quad", target_polycount=1000),
    symmetry_mode="auto",
    should_texture=MeshyImageToModelNode.ShouldTextureFalse(),
    pose_mode="",
)
OpenAIGPTImageNodeV2(
    prompt="a fox",
    model=OpenAIGPTImageNodeV2.GptImage2(size="auto", background="auto", quality="low", images=[image]),
)

# Match-types: the output has the kind that went in.
scaled: Node1[k.Image] = ResizeImageMaskNode(input=image, resize_type=ResizeImageMaskNode.ScaleWidth())
scaled_mask: Node1[k.Mask] = ResizeImageMaskNode(input=mask, resize_type=ResizeImageMaskNode.ScaleHeight())
SaveImage(images=scaled)
resized: Output[k.Image] = ResizeImageMaskNode(input=image, resize_type=ResizeImageMaskNode.ScaleWidth()).RESIZED
MaskToImage(mask=scaled_mask)
chosen: Node1[k.Model] = ComfySwitchNode(on_false=ckpt.MODEL, on_true=lora.MODEL, switch=True)
latents: Node1[k.Latent] = CreateList(inputs=[sampled, sampled.LATENT])

# Autogrow: a sequence, or a mapping by slot.
BatchImagesNode(images=[image, image.IMAGE, scaled])
BatchImagesNode(images=(image, image))
BatchImagesNode(images={"image0": image, "image3": image})
ComfyMathExpression(expression="a + b", values={"a": 1, "b": 2.5})
GLSLShader(
    fragment_shader="void main() {}", size_mode=GLSLShader.FromInput(), images=[image], floats=[0.5, 1], bools=[True]
)

# Wildcards take links of any kind and plain values; a wildcard output fits everywhere.
PreviewAny(source=image)
PreviewAny(source="text")
PreviewAny(source=3)
anything: Link[Any] = image
SaveImage(images=anything)

# Options that are numbers, several kinds at once, and values with a widget of their own.
LtxvApiTextToVideo(model="LTX-2 (Fast)", prompt="a fox", duration=8, resolution="1920x1080", fps=25)
LTXVEmptyLatentAudio(audio_vae=ckpt.VAE, frame_rate=24)
LTXVEmptyLatentAudio(audio_vae=ckpt.VAE, frame_rate=size)
ColorToRGBInt(color="#ff0000")
CurveEditor(curve={"points": [[0, 0], [1, 1]], "interpolation": "linear"})
files: Output[k.GeminiInputFiles] = GeminiInputFiles(file="notes.txt").FILES
noise: Link[k.Noise] = RandomNoise(noise_seed=2**64 - 1)

# Any node is a Node; its inputs are a read-only mapping.
nodes: list[Node] = [ckpt, sampled, image, save]
given: Any = sampled.inputs["steps"]
named: KSampler = sampled.named("sampler").titled("The sampler")
smaller = ImageScale(image=image, upscale_method="area", width=64, height=64, crop="disabled")
channel: Link[k.Mask] = ImageToMask(image=smaller, channel="red")
SAVERS: tuple[type[Node], ...] = (SaveImage, SaveVideo, TopazVideoEnhanceV2)


async def many(client: Client, aio: AsyncClient, graphs: list[Graph]) -> None:
    """What `map` yields follows from its `on_error`."""
    assert_type(client.map(graphs), Iterator[Result])
    assert_type(client.map(graphs, ahead=2, on_error="raise", priority=1.0), Iterator[Result])
    assert_type(client.map(graphs, save_to="output", on_error="yield"), Iterator[Result | ComfyError])
    for result in client.map(graphs):
        assert_type(result.images[0].read(), bytes)
    assert_type(aio.map(graphs), AsyncIterator[AsyncResult])
    assert_type(aio.map(graphs, on_error="yield"), AsyncIterator[AsyncResult | ComfyError])
    async for several in aio.map(graphs):
        assert_type(await several.images[0].read(), bytes)
