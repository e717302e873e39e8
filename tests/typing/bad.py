"""What a type checker must refuse: every line marked ``# error``, and no other, in mypy --strict and in pyright strict.

Each of those lines also raises when it runs, but for those marked ``# error, for types only``.
"""

from __future__ import annotations

from comfygraph import kinds as k
from comfygraph.links import Link, Output
from comfygraph.node import Node1
from comfygraph.nodes import (
    BatchImagesNode,
    CheckpointLoaderSimple,
    CLIPTextEncode,
    ComfySwitchNode,
    CreateList,
    EmptyImage,
    EmptyLatentImage,
    ImageScale,
    ImageToMask,
    KSampler,
    LatentUpscale,
    LoadImage,
    LoraLoader,
    LtxvApiTextToVideo,
    MaskToImage,
    OpenAIGPTImageNodeV2,
    PrimitiveFloat,
    PrimitiveInt,
    ResizeImageMaskNode,
    SaveImage,
    VAEDecode,
)

ckpt = CheckpointLoaderSimple(ckpt_name="sd_xl_base_1.0.safetensors")
text = CLIPTextEncode(clip=ckpt.CLIP, text="a red fox")
latent = EmptyLatentImage()
image = EmptyImage()
mask = ImageToMask(image=image, channel="red")
number = PrimitiveInt(value=1)
fraction = PrimitiveFloat(value=1.0)
Resize = ResizeImageMaskNode

# Names that are not there.
from comfygraph import Grph  # error
from comfygraph.nodes import KSampIer  # error
from comfygraph.kinds import Latnt  # error

# Links of another kind.
VAEDecode(samples=image, vae=ckpt.VAE)  # error
VAEDecode(samples=latent, vae=ckpt.CLIP)  # error
CLIPTextEncode(clip=ckpt.MODEL, text="fox")  # error
SaveImage(images=latent)  # error
SaveImage(images=mask.MASK)  # error
LoraLoader(model=ckpt.CLIP, clip=ckpt.MODEL, lora_name="x", strength_model=1.0, strength_clip=1.0)  # error
EmptyLatentImage(width=fraction)  # error
EmptyLatentImage(width=text)  # error
MaskToImage(mask=LoadImage(image="fox.png").IMAGE)  # error
CLIPTextEncode(clip=ckpt.CLIP, text=number)  # error

# A node with several outputs is no link.
VAEDecode(samples=latent, vae=ckpt)  # error
SaveImage(images=LoadImage(image="fox.png"))  # error

# Missing, unknown and positional arguments.
VAEDecode(samples=latent)  # error
EmptyLatentImage(widht=512)  # error
EmptyLatentImage(512, 512)  # error
SaveImage(image=image)  # error
CheckpointLoaderSimple()  # error

# Plain values of another type.
EmptyLatentImage(width="wide")  # error
EmptyLatentImage(width=None)  # error
EmptyLatentImage(width=[512])  # error
CLIPTextEncode(clip=ckpt.CLIP, text=["fox"])  # error
CLIPTextEncode(clip="sd_xl_base_1.0.safetensors", text="fox")  # error
SaveImage(images="fox.png")  # error
SaveImage(images=None)  # error
CheckpointLoaderSimple(ckpt_name=["a.safetensors"])  # error

# Options that are not in the list.
LatentUpscale(samples=latent, upscale_method="nearest", width=64, height=64, crop="disabled")  # error
ImageToMask(image=image, channel="Red")  # error
ImageScale(image=image, upscale_method=1, width=64, height=64, crop="disabled")  # error
KSampler(model=ckpt.MODEL, positive=text, negative=text, latent_image=latent, sampler_name="eulr", scheduler="simple")  # error
KSampler(model=ckpt.MODEL, positive=text, negative=text, latent_image=latent, sampler_name="euler", scheduler="Simple")  # error
LtxvApiTextToVideo(model="LTX-2 (Fast)", prompt="a fox", duration="8", resolution="1920x1080", fps=25)  # error
LtxvApiTextToVideo(model="LTX-2 (Fast)", prompt="a fox", duration=7, resolution="1920x1080", fps=25)  # error

# No such output; outputs are read-only.
SaveImage(images=image.LATENT)  # error
VAEDecode(samples=latent.SAMPLES, vae=ckpt.VAE)  # error
VAEDecode(samples=latent, vae=ckpt.vae)  # error
ckpt.VAE = ckpt.MODEL  # error

# Match-types take the kinds that they allow, and give what they were given.
Resize(input=latent, resize_type=Resize.ScaleWidth())  # error
Resize(input=ckpt, resize_type=Resize.ScaleWidth())  # error
MaskToImage(mask=Resize(input=image, resize_type=Resize.ScaleWidth()))  # error
SaveImage(images=ComfySwitchNode(on_false=latent, on_true=latent, switch=True))  # error
SaveImage(images=CreateList(inputs=[latent, latent]))  # error

# Dynamic combos take their own options, with the options' own inputs.
Resize(input=image, resize_type="scale width")  # error
Resize(input=image, resize_type=OpenAIGPTImageNodeV2.GptImage1())  # error
Resize(input=image, resize_type=Resize.ScaleWidth)  # error
Resize(input=image, resize_type=Resize.ScaleWidth(height=64))  # error
Resize(input=image, resize_type=Resize.ScaleWidth(width="64"))  # error, for types only
Resize(input=image, resize_type=Resize.ScaleDepth())  # error
Resize(input=image, resize_type=None)  # error

# Autogrow inputs take a list of their kind.
BatchImagesNode(images=[image, latent])  # error
BatchImagesNode(images=image)  # error
BatchImagesNode(images={"image0": mask})  # error
BatchImagesNode(images=["fox.png"])  # error

# What a function or a variable says it holds.
wrong_kind: Link[k.Image] = latent  # error, for types only
wrong_output: Output[k.Model] = ckpt.CLIP  # error, for types only
wrong_node: Node1[k.Mask] = image  # error, for types only
wrong_class: KSampler = latent  # error, for types only


def decode(samples: Link[k.Latent]) -> Link[k.Image]:
    return samples  # error, for types only


decode(image)  # error, for types only
