"""Facts about ComfyUI's nodes that ``object_info`` does not tell.

Measured on ComfyUI 0.33.0: `SELF_CHECKED` by asking every node class for its own validation function, `FILE_INPUTS` by
planting a probe file in every model folder and looking where its name appeared.
"""

from __future__ import annotations

from typing import Final

ALL: Final = "**"

SELF_CHECKED: Final[dict[str, frozenset[str]]] = {
    "CustomCombo": frozenset({"choice", "index", ALL}),
    "FluxProUltraImageNode": frozenset({"aspect_ratio"}),
    "Load3D": frozenset({"model_file", ALL}),
    "Load3DAdvanced": frozenset({"model_file", ALL}),
    "LoadAudio": frozenset({"audio"}),
    "LoadImage": frozenset({"image"}),
    "LoadImageMask": frozenset({"image"}),
    "LoadImageOutput": frozenset({"image"}),
    "LoadLatent": frozenset({"latent"}),
    "LoadVideo": frozenset({"file"}),
    "ModelAttentionBackend": frozenset({"attention"}),
    "SelectCLIPDevice": frozenset({"device"}),
    "SelectModelDevice": frozenset({"device"}),
    "SelectVAEDevice": frozenset({"device"}),
    "TripoConversionNode": frozenset({"input_types"}),
    "WebcamCapture": frozenset({"image"}),
}
"""Node class -> the inputs it validates itself (`ALL`: every one). For those the server enforces no list and no
range.
"""

SELF_COMPARED: Final[frozenset[tuple[str, str]]] = frozenset({("TripoConversionNode", "original_model_task_id")})
"""Inputs whose node compares the socket types itself, as they are declared (comfy_api_nodes/nodes_tripo.py)."""

_FOLDERS: Final[dict[str, str]] = {
    "audio_encoders": "AudioEncoderLoader.audio_encoder_name",
    "background_removal": "LoadBackgroundRemovalModel.bg_removal_name",
    "checkpoints": "CheckpointLoader.ckpt_name CheckpointLoaderSimple.ckpt_name CreateHookModelAsLora.ckpt_name "
    "CreateHookModelAsLoraModelOnly.ckpt_name ImageOnlyCheckpointLoader.ckpt_name LTXAVTextEncoderLoader.ckpt_name "
    "LTXVAudioVAELoader.ckpt_name unCLIPCheckpointLoader.ckpt_name",
    "clip_vision": "CLIPVisionLoader.clip_name",
    "configs": "CheckpointLoader.config_name",
    "controlnet": "ControlNetLoader.control_net_name DiffControlNetLoader.control_net_name",
    "detection": "LoadMediaPipeFaceLandmarker.model_name",
    "diffusion_models": "UNETLoader.unet_name",
    "dir": "LoadImageDataSetFromFolder.folder LoadImageTextDataSetFromFolder.folder LoadVideoDataSetFromFolder.folder "
    "LoadVideoTextDataSetFromFolder.folder",
    "frame_interpolation": "FrameInterpolationModelLoader.model_name",
    "geometry_estimation": "LoadDA3Model.model_name LoadMoGeModel.model_name",
    "gligen": "GLIGENLoader.gligen_name",
    "hypernetworks": "HypernetworkLoader.hypernetwork_name",
    "input": "GeminiInputFiles.file Load3D.model_file Load3DAdvanced.model_file LoadAudio.audio LoadImage.image "
    "LoadImageMask.image LoadLatent.latent LoadVideo.file OpenAIInputFiles.file",
    "latent_upscale_models": "LatentUpscaleModelLoader.model_name",
    "loras": "CreateHookLora.lora_name CreateHookLoraModelOnly.lora_name LoraLoader.lora_name "
    "LoraLoaderBypass.lora_name LoraLoaderBypassModelOnly.lora_name LoraLoaderModelOnly.lora_name "
    "TrainLoraNode.existing_lora",
    "model_patches": "ModelPatchLoader.name",
    "optical_flow": "OpticalFlowLoader.model_name",
    "photomaker": "PhotoMakerLoader.photomaker_model_name",
    "style_models": "StyleModelLoader.style_model_name",
    "text_encoders": "CLIPLoader.clip_name DualCLIPLoader.clip_name1 DualCLIPLoader.clip_name2 "
    "LTXAVTextEncoderLoader.text_encoder QuadrupleCLIPLoader.clip_name1 QuadrupleCLIPLoader.clip_name2 "
    "QuadrupleCLIPLoader.clip_name3 QuadrupleCLIPLoader.clip_name4 TripleCLIPLoader.clip_name1 "
    "TripleCLIPLoader.clip_name2 TripleCLIPLoader.clip_name3",
    "upscale_models": "UpscaleModelLoader.model_name",
    "vae": "VAELoader.vae_name",
}

FILE_INPUTS: Final[dict[str, str]] = {name: folder for folder, names in _FOLDERS.items() for name in names.split()}
"""``"Class.input"`` -> the folder on the server whose files are its options (``dir``: folders below the input
folder).
"""

MACHINE_INPUTS: Final[frozenset[str]] = frozenset(
    {
        "DiffusersLoader.model_path",
        "LoadImageOutput.image",
        "ModelAttentionBackend.attention",
        "SelectCLIPDevice.device",
        "SelectModelDevice.device",
        "SelectVAEDevice.device",
        "WebcamCapture.image",
    }
)
"""``"Class.input"`` whose options depend on the machine and what is installed there."""
