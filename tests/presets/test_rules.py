"""The rules of the Flux presets: at the call, and in every graph that their model gets into."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from comfygraph import Graph, GraphError, Problem
from comfygraph.nodes import (
    BasicGuider,
    BasicScheduler,
    CFGGuider,
    CFGOverride,
    CheckpointLoaderSimple,
    ComfySwitchNode,
    ConditioningCombine,
    ConditioningZeroOut,
    ControlNetApplyAdvanced,
    ControlNetLoader,
    EmptyImage,
    KarrasScheduler,
    KSampler,
    KSamplerSelect,
    LoraLoader,
    LoraLoaderModelOnly,
    ManualSigmas,
    ModelMergeSimple,
    ModelSamplingFlux,
    PrimitiveFloat,
    PrimitiveInt,
    PrimitiveString,
    RandomNoise,
    SamplerCustomAdvanced,
    SaveImage,
    SplitSigmas,
    UNETLoader,
    VAEDecode,
)
from comfygraph.presets import FluxResult, flux_dev, flux_schnell, sdxl


@pytest.fixture
def p() -> FluxResult:
    return flux_schnell(prompt="a fox", seed=1)


def errors(graph: Graph) -> list[tuple[str | None, str]]:
    """What is wrong: code and input, errors only."""
    return [(problem.input, problem.code) for problem in graph.check() if problem.severity == "error"]


def refused(**settings: Any) -> tuple[Problem, ...]:
    with pytest.raises(GraphError) as caught:
        flux_schnell(prompt="a fox", **settings)
    return caught.value.problems


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_schnell_takes_one_to_four_steps(steps: int) -> None:
    assert flux_schnell(prompt="a fox", steps=steps).graph.check() == []


@pytest.mark.parametrize("steps", [0, -1, 5, 20])
def test_schnell_takes_no_other_steps(steps: int) -> None:
    (problem,) = refused(steps=steps)
    assert (problem.input, problem.code) == ("steps", "rule_steps")
    assert "1 to 4" in problem.message
    assert "distilled" in problem.message
    assert "test_rules.py:" in str(problem.where)


@pytest.mark.parametrize("cfg", [0.0, 0.99, 1.01, 3.5, 7.0, float("nan")])
def test_schnell_takes_cfg_one_only(cfg: float) -> None:
    (problem,) = refused(cfg=cfg)
    assert (problem.input, problem.code) == ("cfg", "rule_cfg")
    assert "guidance is distilled" in problem.message


def test_a_negative_prompt_is_refused_with_the_reason() -> None:
    (problem,) = refused(negative="blurry")
    assert (problem.input, problem.code) == ("negative", "rule_negative")
    assert "the server skips it" in problem.message
    assert flux_schnell(prompt="a fox", negative="  ").graph.check() == []


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert [problem.input for problem in refused(cfg=3.5, steps=20, negative="x")] == ["cfg", "steps", "negative"]


@pytest.mark.parametrize(("steps", "right"), [(19, False), (20, True), (28, True), (29, False), (4, False)])
def test_dev_takes_twenty_to_twenty_eight(steps: int, right: bool) -> None:
    if right:
        assert flux_dev(prompt="a fox", steps=steps).graph.check() == []
    else:
        with pytest.raises(GraphError, match="20 to 28"):
            flux_dev(prompt="a fox", steps=steps)


def test_dev_takes_cfg_one_and_no_negative() -> None:
    with pytest.raises(GraphError, match="FluxGuidance"):
        flux_dev(prompt="a fox", cfg=3.5)
    with pytest.raises(GraphError, match="skips it"):
        flux_dev(prompt="a fox", negative="blurry")


def test_an_edit_is_refused_as_the_call_is(p: FluxResult) -> None:
    graph = p.graph.set(p.sampler, cfg=3.5, steps=20)
    assert errors(graph) == [("cfg", "rule_cfg"), ("steps", "rule_steps")]
    problem = graph.check()[0]
    assert problem.node_id == p.graph.id(p.sampler)
    assert problem.class_type == "KSampler"
    with pytest.raises(GraphError, match="Flux Schnell"):
        graph.to_api()
    assert errors(graph.set(p.sampler, cfg=1.0, steps=4)) == []
    assert errors(p.graph) == []


def test_an_edited_negative_is_refused(p: FluxResult) -> None:
    graph = p.graph.set(p.negative, text="blurry")
    assert errors(graph) == [("text", "rule_negative")]
    assert graph.check()[0].node_id == p.graph.id(p.negative)
    assert errors(graph.set(p.sampler, negative=ConditioningZeroOut(conditioning=p.negative))) == []


def test_the_prompt_linked_twice_is_no_negative(p: FluxResult) -> None:
    assert errors(p.graph.set(p.sampler, negative=p.positive)) == []


def test_a_negative_through_other_nodes_is_found(p: FluxResult) -> None:
    graph = p.graph.set(p.negative, text="blurry")
    controlled = ControlNetApplyAdvanced(
        positive=p.positive,
        negative=p.negative,
        control_net=ControlNetLoader(control_net_name="c"),
        image=EmptyImage(),
    )
    through = graph.set(p.sampler, positive=controlled.POSITIVE, negative=controlled.NEGATIVE)
    assert errors(through) == [("text", "rule_negative")]
    # The positive prompt goes into that node too, and is none.
    assert errors(through.set(p.negative, text="")) == []
    both = ConditioningCombine(conditioning_1=p.negative, conditioning_2=p.negative)
    assert errors(graph.set(p.sampler, negative=both)) == [("text", "rule_negative")]


def test_a_negative_from_a_text_node_is_found(p: FluxResult) -> None:
    assert errors(p.graph.set(p.negative, text=PrimitiveString(value="blurry"))) == [("text", "rule_negative")]
    assert errors(p.graph.set(p.negative, text=PrimitiveString(value=""))) == []


def test_the_rule_holds_behind_loras_and_patches(p: FluxResult) -> None:
    graph = p.graph.splice(p.model, lambda m: LoraLoaderModelOnly(model=m, lora_name="a"))
    graph = graph.splice(p.model, lambda m: ModelSamplingFlux(model=m))
    chain = LoraLoader(model=p.model, clip=p.clip, lora_name="b")
    graph = graph.replace(p.model, chain.MODEL)
    assert errors(graph) == []
    assert errors(graph.set(p.sampler, cfg=2.0)) == [("cfg", "rule_cfg")]


def test_the_rule_holds_for_every_sampler(p: FluxResult) -> None:
    second = KSampler(
        model=p.model,
        positive=p.positive,
        negative=p.negative,
        latent_image=p.sampler,
        sampler_name="euler",
        scheduler="simple",
        steps=20,
        cfg=1.0,
    )
    graph = p.graph.set(p.image, samples=second)
    (problem,) = graph.check()
    assert (problem.input, problem.node_id) == ("steps", graph.id(second))


def custom(p: FluxResult, guider: Any, sigmas: Any) -> Graph:
    sampled = SamplerCustomAdvanced(
        noise=RandomNoise(noise_seed=1),
        guider=guider,
        sampler=KSamplerSelect(sampler_name="euler"),
        sigmas=sigmas,
        latent_image=p.latent,
    )
    return p.graph.replace(p.sampler.LATENT, sampled.OUTPUT)


def test_the_rule_holds_for_custom_sampling(p: FluxResult) -> None:
    basic = BasicGuider(model=p.model, conditioning=p.positive)
    guided = CFGGuider(model=p.model, positive=p.positive, negative=p.negative, cfg=3.5)
    four = BasicScheduler(model=p.model, scheduler="simple", steps=4)
    twenty = BasicScheduler(model=p.model, scheduler="simple", steps=20)
    assert errors(custom(p, basic, four)) == []
    assert errors(custom(p, basic, twenty)) == [("steps", "rule_steps")]
    assert errors(custom(p, guided, four)) == [("cfg", "rule_cfg")]
    assert errors(custom(p, basic, KarrasScheduler(steps=4))) == []
    assert errors(custom(p, basic, KarrasScheduler(steps=30))) == [("steps", "rule_steps")]
    assert errors(custom(p, basic, SplitSigmas(sigmas=KarrasScheduler(steps=30), step=3).LOW_SIGMAS)) == [
        ("steps", "rule_steps")
    ]
    assert errors(custom(p, basic, ManualSigmas(sigmas="1.0, 0.75, 0.5, 0.25, 0.0"))) == []
    assert errors(custom(p, basic, ManualSigmas(sigmas="1.0, 0.9, 0.75, 0.5, 0.25, 0.0"))) == [("sigmas", "rule_steps")]


def test_a_cfg_that_is_overridden_is_found(p: FluxResult) -> None:
    graph = p.graph.splice(p.model, lambda m: CFGOverride(model=m, cfg=4.0))
    assert errors(graph) == [("cfg", "rule_cfg")]


def test_numbers_from_other_nodes(p: FluxResult) -> None:
    assert errors(p.graph.set(p.sampler, steps=PrimitiveInt(value=3), cfg=PrimitiveFloat(value=1.0))) == []
    assert errors(p.graph.set(p.sampler, steps=PrimitiveInt(value=20))) == [("steps", "rule_steps")]
    switch = ComfySwitchNode(switch=True, on_false=PrimitiveInt(value=3), on_true=PrimitiveInt(value=4))
    (problem,) = p.graph.set(p.sampler, steps=switch).check()
    assert (problem.severity, problem.code) == ("warning", "rule_steps")
    assert "cannot be known" in problem.message


def test_the_rule_passes_through_a_switch(p: FluxResult) -> None:
    other = UNETLoader(unet_name="flux1-dev.safetensors", weight_dtype="default")
    switch = ComfySwitchNode(switch=False, on_false=p.model, on_true=other)
    assert errors(p.graph.set(p.sampler, model=switch, steps=20)) == [("steps", "rule_steps")]


def test_merged_graphs_keep_the_rule_for_its_model_only(p: FluxResult) -> None:
    other = sdxl(prompt="a fox", seed=1)
    both = other.graph.merge(p.graph.set(p.sampler, cfg=3.5))
    assert errors(both) == [("cfg", "rule_cfg")]
    assert both.check()[0].node_id == both.id(p.sampler)
    assert errors(both.set(p.sampler, cfg=1.0)) == []
    assert both.set(other.sampler, steps=50)[other.sampler].inputs["cfg"] == 7.0


def test_two_presets_of_a_kind_merge_into_one_rule(p: FluxResult) -> None:
    q = flux_schnell(prompt="a cat", seed=2)
    both = p.graph.merge(q.graph)
    assert both.rules == p.graph.rules
    assert errors(both.set(q.sampler, steps=9)) == [("steps", "rule_steps")]


def test_the_rule_survives_pickling_and_every_edit(p: FluxResult) -> None:
    graph = pickle.loads(pickle.dumps(p.graph.set(p.sampler, steps=9)))
    assert errors(graph) == [("steps", "rule_steps")]
    assert graph.rules == p.graph.rules
    graph = p.graph.set(p.sampler, steps=9)
    assert errors(graph.prune()) == [("steps", "rule_steps")]
    assert errors(graph.extract(p.save)) == [("steps", "rule_steps")]
    lora = LoraLoaderModelOnly(model=p.model, lora_name="a")
    assert errors(graph.replace(p.model, lora).bypass(lora)) == [("steps", "rule_steps")]


def test_the_rule_does_not_survive_json(p: FluxResult) -> None:
    assert errors(Graph.from_api(p.graph.set(p.sampler, steps=9).to_api(check=False))) == []


def test_another_model_in_its_place_is_free(p: FluxResult) -> None:
    graph = p.graph.set(p.unet, unet_name="flux1-dev.safetensors").set(p.sampler, steps=20)
    assert errors(graph) == []


@pytest.mark.parametrize("name", ["FLUX1-Schnell-Q4.gguf", "flux\\flux1-schnell-fp8.safetensors"])
def test_other_files_of_the_model_are_not(p: FluxResult, name: str) -> None:
    graph = p.graph.set(p.unet, unet_name=name).set(p.sampler, steps=20)
    assert errors(graph) == [("steps", "rule_steps")]


def test_a_file_with_a_name_of_its_own_is_the_model() -> None:
    q = flux_schnell(prompt="a fox", unet="mine.safetensors")
    assert errors(q.graph.set(q.sampler, steps=20)) == [("steps", "rule_steps")]
    assert pickle.loads(pickle.dumps(q.graph)).rules == q.graph.rules


def test_it_is_the_loader_that_counts_not_the_words(p: FluxResult) -> None:
    q = sdxl(prompt="a poster of flux1-schnell.safetensors", negative="schnell", seed=1)
    graph = q.graph.with_rules(*p.graph.rules)
    assert errors(graph) == []
    lora = q.graph.with_rules(*p.graph.rules).splice(
        q.model, lambda m: LoraLoaderModelOnly(model=m, lora_name="flux1-schnell-style.safetensors")
    )
    assert errors(lora) == []


def test_a_checkpoint_of_it_counts(p: FluxResult) -> None:
    loader = CheckpointLoaderSimple(ckpt_name="flux1-schnell-fp8.safetensors")
    graph = p.graph.replace(p.model, loader.MODEL)
    assert p.unet not in graph
    assert errors(graph.set(p.sampler, cfg=2.0)) == [("cfg", "rule_cfg")]


def test_a_merge_with_another_model_is_a_third_one(p: FluxResult) -> None:
    other = UNETLoader(unet_name="flux1-dev.safetensors", weight_dtype="default")
    merged = ModelMergeSimple(model1=p.model, model2=other)
    assert errors(p.graph.set(p.sampler, model=merged, steps=12)) == []
    itself = ModelMergeSimple(model1=p.model, model2=LoraLoaderModelOnly(model=p.model, lora_name="a"))
    assert errors(p.graph.set(p.sampler, model=itself, steps=12)) == [("steps", "rule_steps")]


def test_what_feeds_no_output_is_a_warning(p: FluxResult) -> None:
    graph = p.graph.set(p.sampler, steps=20)
    free = graph.set(p.save, images=EmptyImage())
    assert errors(free) == []
    assert "rule_steps" in [problem.code for problem in free.check()]


def test_a_rule_of_ones_own() -> None:
    q = sdxl(prompt="a fox", seed=1)
    graph = q.graph.with_rules(no_tiny_pictures)
    assert graph.check() == []
    (problem,) = graph.set(q.latent, width=256).check()
    assert problem.code == "too_small"
    assert pickle.loads(pickle.dumps(graph)).rules == (no_tiny_pictures,)


def no_tiny_pictures(graph: Graph) -> list[Problem]:
    return [
        Problem("error", "too_small", "the picture is too small", node.id)
        for node in graph.find("EmptyLatentImage")
        if node.inputs["width"] < 512
    ]


def test_a_long_chain_takes_linear_time(p: FluxResult) -> None:
    model: Any = p.model
    for _ in range(3000):
        model = LoraLoaderModelOnly(model=model, lora_name="a")
    graph = p.graph.set(p.sampler, model=model, steps=20)
    (rule,) = graph.rules
    assert [problem.code for problem in rule(graph)] == ["rule_steps"]


def test_built_by_hand_with_the_rule() -> None:
    q = flux_schnell(prompt="a fox")
    save = SaveImage(images=VAEDecode(samples=q.sampler, vae=q.vae))
    assert errors(Graph(save, rules=q.graph.rules).set(q.sampler, cfg=2.0)) == [("cfg", "rule_cfg")]
