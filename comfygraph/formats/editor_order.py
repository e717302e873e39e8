"""The order in which the editor shows the inputs of a dynamic combo's option.

A workflow file holds widget values by position, so the order decides what a value means. A running server sends it
(the order of the keys in its ``object_info``); definitions that were captured with sorted keys have lost it. This table
gives it back for ComfyUI 0.33.0: each row is the names of one option's inputs, in the order of its ``define_schema``
(comfy_extras, comfy_api_nodes). No two options with the same names differ in their order, so the names are the key.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

from ..definition import InputDef

_ROWS: Final = """
crf color_space / match crop / normalization apply_sky_clip / polygon_type pbr / portrait_style portrait_beautifier
/ ratio_width ratio_height / reasoning_effort images / ref_view_strategy pose_method / resolution aspect_ratio /
search_context_size reasoning_effort / speed similarity_boost / storyboard_1_prompt storyboard_1_duration / tier
mesh_faces / topology target_polycount / upscaler_resolution creativity / width height / enable_pbr texture_prompt
texture_image / images prompt negative_prompt / images resolution number_of_images / images videos temperature /
max_tokens temperature reasoning_effort / prompt negative_prompt duration / prompt resolution duration /
reasoning_effort images videos / resolution duration audio / style web_search image_ref / temperature top_p
presence_penalty / tier polygon_count creative / width height crop / width height images / yaw pitch distance /
aspect_ratio resolution duration audio / aspect_ratio style web_search image_ref / duration resolution fps
generate_audio / images resolution number_of_images aspect_ratio / interpolation_frame_rate interpolation_slowmo
interpolation_duplicate interpolation_duplicate_threshold / mesh_mode mesh_faces is_micro creative / prompt
negative_prompt resolution duration / prompt negative_prompt width height / prompt resolution ratio duration /
prompt resolution ratio reference_images / reference_images resolution aspect_ratio duration / size_preset width
height images / speaker_selection speaker_x speaker_y auto_downscale / speed similarity_boost use_speaker_boost
style / storyboard_1_prompt storyboard_1_duration storyboard_2_prompt storyboard_2_duration / target_size
temperature top_p presence_penalty / text voice custom_voice_id voice_speed / text1 voice1 text2 voice2 /
aspect_ratio resolution thinking_level images files / images resolution number_of_images quality aspect_ratio / pbr
texture_quality texture_alignment orientation texture_seed / prompt images videos temperature top_p / prompt
negative_prompt resolution ratio duration / prompt resolution duration generate_audio output_format / prompt
resolution ratio duration generate_audio / prompt resolution ratio duration reference_images / prompt resolution
reference_images reference_videos reference_audios / size background quality images mask / sync_mode
speaker_selection speaker_frame speaker_x speaker_y / tag_audio_events diarize diarization_threshold temperature
timestamps_granularity / upscaler_resolution creativity prompt sharp realism / aspect_ratio resolution creativity
moodboard_id moodboard_strength style_reference / canvas_width canvas_height image_width image_height image_x
image_y / enhancement_strength grain grain_model grain_strength grain_size grain_density / prompt duration ratio
reference_images reference_videos reference_audios / prompt resolution ratio duration generate_audio output_format /
prompt1 end_image1 duration1 prompt2 end_image2 duration2 / size_preset width height max_images images
fail_on_partial / storyboard_1_prompt storyboard_1_duration storyboard_2_prompt storyboard_2_duration
storyboard_3_prompt storyboard_3_duration / text1 voice1 text2 voice2 text3 voice3 / position_x position_y
position_z quat_x quat_y quat_z quat_w / prompt negative_prompt resolution ratio duration reference_videos
reference_images / prompt resolution ratio duration reference_images reference_videos reference_audios /
reference_images voice_1 voice_2 voice_3 resolution aspect_ratio duration / size custom_width custom_height
background quality images mask / temperature top_k top_p min_p repetition_penalty seed presence_penalty / images
audio video thinking_level temperature top_p max_output_tokens files / storyboard_1_prompt storyboard_1_duration
storyboard_2_prompt storyboard_2_duration storyboard_3_prompt storyboard_3_duration storyboard_4_prompt
storyboard_4_duration / text1 voice1 text2 voice2 text3 voice3 text4 voice4 / prompt creativity seed
color_preservation grain grain_model grain_strength grain_size grain_density / prompt creativity subject_detection
face_enhancement face_enhancement_creativity face_enhancement_strength face_preservation color_preservation
crop_to_fill / prompt1 end_image1 duration1 prompt2 end_image2 duration2 prompt3 end_image3 duration3 / whites
blacks brightness contrast saturation engine transfer_light_a transfer_light_b fixed_generation /
storyboard_1_prompt storyboard_1_duration storyboard_2_prompt storyboard_2_duration storyboard_3_prompt
storyboard_3_duration storyboard_4_prompt storyboard_4_duration storyboard_5_prompt storyboard_5_duration / text1
voice1 text2 voice2 text3 voice3 text4 voice4 text5 voice5 / prompt resolution ratio duration generate_audio
reference_images reference_videos reference_audios reference_assets auto_downscale auto_upscale / prompt1 end_image1
duration1 prompt2 end_image2 duration2 prompt3 end_image3 duration3 prompt4 end_image4 duration4 /
storyboard_1_prompt storyboard_1_duration storyboard_2_prompt storyboard_2_duration storyboard_3_prompt
storyboard_3_duration storyboard_4_prompt storyboard_4_duration storyboard_5_prompt storyboard_5_duration
storyboard_6_prompt storyboard_6_duration / text1 voice1 text2 voice2 text3 voice3 text4 voice4 text5 voice5 text6
voice6 / prompt resolution ratio duration generate_audio video_editing output_format reference_images
reference_videos reference_audios reference_assets auto_downscale auto_upscale / text1 voice1 text2 voice2 text3
voice3 text4 voice4 text5 voice5 text6 voice6 text7 voice7 / prompt1 end_image1 duration1 prompt2 end_image2
duration2 prompt3 end_image3 duration3 prompt4 end_image4 duration4 prompt5 end_image5 duration5 / text1 voice1
text2 voice2 text3 voice3 text4 voice4 text5 voice5 text6 voice6 text7 voice7 text8 voice8 / prompt1 end_image1
duration1 prompt2 end_image2 duration2 prompt3 end_image3 duration3 prompt4 end_image4 duration4 prompt5 end_image5
duration5 prompt6 end_image6 duration6 / text1 voice1 text2 voice2 text3 voice3 text4 voice4 text5 voice5 text6
voice6 text7 voice7 text8 voice8 text9 voice9 / text1 voice1 text2 voice2 text3 voice3 text4 voice4 text5 voice5
text6 voice6 text7 voice7 text8 voice8 text9 voice9 text10 voice10 / prompt1 end_image1 duration1 prompt2 end_image2
duration2 prompt3 end_image3 duration3 prompt4 end_image4 duration4 prompt5 end_image5 duration5 prompt6 end_image6
duration6 prompt7 end_image7 duration7 / prompt1 end_image1 duration1 prompt2 end_image2 duration2 prompt3
end_image3 duration3 prompt4 end_image4 duration4 prompt5 end_image5 duration5 prompt6 end_image6 duration6 prompt7
end_image7 duration7 prompt8 end_image8 duration8 / prompt1 end_image1 duration1 prompt2 end_image2 duration2
prompt3 end_image3 duration3 prompt4 end_image4 duration4 prompt5 end_image5 duration5 prompt6 end_image6 duration6
prompt7 end_image7 duration7 prompt8 end_image8 duration8 prompt9 end_image9 duration9 / face_oval lips left_eye
right_eye irises / face_oval lips left_eye right_eye left_eyebrow right_eyebrow irises nose tesselation
"""


@lru_cache(maxsize=1)
def orders() -> dict[frozenset[str], dict[str, int]]:
    """The place of each input in its option, by the set of the option's names."""
    rows = (row.split() for row in _ROWS.split("/"))
    return {frozenset(row): {name: place for place, name in enumerate(row)} for row in rows}


def in_editor_order(inputs: Sequence[InputDef]) -> Sequence[InputDef]:
    """The inputs of an option as the editor orders them: required ones first, each group as its node declares it.

    Args:
        inputs: as the definition has them. Only when they are sorted by name, which is how captured definitions come, is
            the table asked; a server's own order is left alone.
    """
    if len(inputs) < 2:
        return inputs
    if any((not a.required, a.name) > (not b.required, b.name) for a, b in pairwise(inputs)):
        return inputs
    order = orders().get(frozenset(item.name for item in inputs))
    if order is None:
        return inputs
    return sorted(inputs, key=lambda item: (not item.required, order[item.name]))
