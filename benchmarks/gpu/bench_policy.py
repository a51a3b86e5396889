"""The published policy at full size on one GPU: forms of the network, the whole way to a chunk, planning and memory.

    python benchmarks/gpu/bench_policy.py [--parts direct planning network] [--json FILE]
    python benchmarks/gpu/bench_policy.py --device cpu --small

Weights are random, so times and errors are real and actions mean nothing. The first run compiles for a minute or two.
Times are medians; a network call is measured with the sampler's arithmetic around it.
"""
import argparse
import dataclasses
import gc
import json
import time

import numpy as np
import torch
from random_policy import TASK, preset, random_checkpoint, random_network, random_observation, stock_call, stock_network

from cosmos_policy_ros.policy.cosmos_policy import CosmosPolicy
from cosmos_policy_ros.policy.cuda_graph import CudaGraphs, expandable_memory
from cosmos_policy_ros.policy.prediction import Prediction
from cosmos_policy_ros.policy.layout import Stage
from cosmos_policy_ros.policy.picture_codec import PictureCodec
from cosmos_policy_ros.policy.planning.planner import LocalPlanner
from cosmos_policy_ros.policy.planning.settings import PAPER
from cosmos_policy_ros.policy.sampling_loop import Execution, SamplingLoop

SIGMA = 7.0
"""Its time 7/8 is exact in bfloat16, so that every form sees the same."""
BATCHES = (1, 8)
STEPS = (1, 5, 10)
BUDGETS = (0.5, 1.0, 2.0)


class Bench:
    """Where to measure and where results go."""

    def __init__(self, device, small, path):
        self.device, self.small, self.config = device, small, preset(small)
        self.dtype = torch.bfloat16 if device == 'cuda' else torch.float32
        self.executions = tuple(Execution) if device == 'cuda' else (Execution.EAGER,)
        self.fast = self.executions[-1]
        self._file = open(path, 'a') if path else None

    def report(self, what, **figures):
        """One line for people and one for programs."""
        shown = '  '.join(f'{name} {value:.4g}' if isinstance(value, float) else f'{name} {value}'
                          for name, value in figures.items())
        print(f'{what:44} {shown}', flush=True)
        if self._file:
            print(json.dumps({'what': what} | figures), file=self._file, flush=True)

    def median(self, call, rounds, warm_up=2):
        """Median s of ``call``, waiting for the device."""
        seconds = []
        for _ in range(warm_up + (2 if self.small else rounds)):
            began = time.perf_counter()
            call()
            self.wait()
            seconds.append(time.perf_counter() - began)
        return float(np.median(seconds[warm_up:]))

    def wait(self):
        if self.device == 'cuda':
            torch.cuda.synchronize()

    def memory(self, what):
        """What this process holds on the GPU; ``used`` is what others see, context and graphs included."""
        if self.device == 'cuda':
            free, total = torch.cuda.mem_get_info()
            self.report(what, peak_allocated_GB=torch.cuda.max_memory_allocated() / 1e9,
                        reserved_GB=torch.cuda.memory_reserved() / 1e9, used_GB=(total - free) / 1e9)

    def release(self):
        gc.collect()
        if self.device == 'cuda':
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

    def policy(self, seed, execution, graphs=None, fp8=False):
        checkpoint = random_checkpoint(self.config, self.device, seed, self.dtype)
        policy = CosmosPolicy(checkpoint, self.device, self.dtype, execution, fp8, graphs)
        self.release()
        return policy


def bench_direct(bench):
    """From three camera images to a chunk: stages and whole."""
    for execution in bench.executions[::-1]:
        policy = bench.policy(0, execution)
        for steps in STEPS:
            began, seed = time.perf_counter(), iter(range(1000))
            policy.predict(random_observation(bench.config, 0), TASK, next(seed), steps)
            first = time.perf_counter() - began
            # Another seed each time, so that drawing its noise is part of the time.
            rounds = [policy.predict(random_observation(bench.config, 1 + i), TASK, next(seed), steps).latencies
                      for i in range(2 if bench.small else 12)]
            stages = {f'{name}_ms': 1e3 * float(np.median([entry[name] for entry in rounds])) for name in rounds[0]}
            worst = 1e3 * max(entry['total'] for entry in rounds)
            bench.report(f'direct chunk, {steps} steps, {execution.value}', **stages, worst_ms=worst, first_s=first)
        policy.predict(random_observation(bench.config, 0), TASK, 0, futures=True)
        bench.memory(f'memory, direct, {execution.value}')
        del policy
        bench.release()


def bench_encode(bench):
    """The observation's latents: the autoencoder's own encode of the whole clip against the short one."""
    for execution in bench.executions:
        policy = bench.policy(0, execution)
        layout, size = bench.config.layout, bench.config.image_size
        pictures = torch.zeros(1, len(layout), 3, size, size, dtype=torch.uint8, device=bench.device)
        pictures[:, list(layout.image_frames)] = torch.randint(0, 256, (1, 3, 3, size, size), dtype=torch.uint8,
                                                               device=bench.device)
        black, seen = min(layout.image_frames), max(layout.image_frames) + 1
        vae = policy.tokenizer.vae
        video = torch.cat([pictures[:, :1], pictures[:, 1:].repeat_interleave(4, 1)], 1).transpose(1, 2)
        video = (video.to(torch.bfloat16) / 127.5 - 1).to(vae.dtype)
        with torch.inference_mode():
            if execution is Execution.EAGER:
                seconds = bench.median(lambda: vae.encode(video).latent_dist.mode(), 5)
                bench.report(f'encode {video.shape[2]} pictures, autoencoder\'s own', ms=1e3 * seconds)
            own = vae.encode(video).latent_dist.mode()
            mean, std = (torch.tensor(values, device=bench.device)[:, None, None, None]
                         for values in (vae.config.latents_mean, vae.config.latents_std))
            expected = ((own.float() - mean) / std)[:, :, :seen]
            codec = PictureCodec(policy.tokenizer, execution, CudaGraphs() if execution is Execution.GRAPH else None)
            short = codec.encode(pictures[:, :seen], black)
            seconds = bench.median(lambda: codec.encode(pictures[:, :seen], black), 20)
        bench.report(f'encode {4 * (seen - black)} pictures, {execution.value}', ms=1e3 * seconds,
                     error=relative(short, expected))
        scene = policy.observe(random_observation(bench.config, 0))
        latent = policy.sample(Stage.POLICY, scene.clean, TASK, [0], 1)
        policy.future_images(latent, scene)
        seconds = bench.median(lambda: policy.future_images(latent, scene), 5)
        bench.report(f'decode three futures, {execution.value}', ms=1e3 * seconds)
        del policy, vae
        bench.release()


def bench_planning(bench, fp8=False):
    """The published best of eight with two models, whole and within budgets."""
    graphs = CudaGraphs() if bench.fast is Execution.GRAPH else None
    policy, model = (bench.policy(seed, bench.fast, graphs, fp8) for seed in (0, 1))
    settings = dataclasses.replace(PAPER, candidates=2) if bench.small else PAPER
    planner = LocalPlanner(policy, model, settings)
    name = f'{bench.fast.value}{", 8-bit" if fp8 else ""}'
    began = time.perf_counter()
    planner.warm_up()
    bench.report(f'planning, warm-up, {name}', s=time.perf_counter() - began)
    for budget, rounds in ((None, 3), *((budget, 5) for budget in BUDGETS)):
        answers = []
        for i in range(1 if bench.small else rounds):
            observation, began = random_observation(bench.config, i), time.perf_counter()
            answer = planner.infer(observation, TASK, 100 * i, budget=budget)
            answers.append((time.perf_counter() - began, answer))
        seconds = [entry[0] for entry in answers]
        plan = answers[-1][1].plan
        what = f'planning, {settings.candidates} candidates' if budget is None else f'anytime plan, budget {budget} s'
        bench.report(f'{what}, {name}', s=float(np.median(seconds)), worst_s=max(seconds), calls=plan.calls,
                     candidates=len(plan.candidates), members=max(entry.members for entry in plan.candidates),
                     deadline_met=plan.deadline_met, fallback=plan.fallback)
        stages = {f'{stage}_s': seconds for stage, seconds in answers[-1][1].latencies.items()}
        bench.report('  its stages', **stages)
    planner.infer(random_observation(bench.config, 0), TASK, 0, futures=True)
    bench.memory(f'memory, planning with two models, {name}')


def bench_network(bench):
    """The table: one network call in every form, its time a sample and its error against the stock class in float32."""
    config = dataclasses.replace(bench.config, quirks=dataclasses.replace(bench.config.quirks,
                                                                          rope_bf16_exponents=False))
    own = random_network(config, bench.device, 0)
    random = torch.Generator(bench.device).manual_seed(1)
    noise, clean = (torch.randn(max(BATCHES), *config.latent_shape, device=bench.device, generator=random)
                    for _ in range(2))
    rows = torch.zeros(1, config.text_tokens, config.network.text_embed_dim, device=bench.device)
    rows[:, :9] = torch.randn(1, 9, rows.shape[2], device=bench.device, generator=random)
    mask = torch.from_numpy(config.layout.mask(Stage.POLICY))[None].to(bench.device)
    moment = torch.tensor([SIGMA / (1 + SIGMA)], device=bench.device)
    scaled = torch.where(mask[:, None, :, None, None], clean, noise * SIGMA * (1 - moment))
    free = ~mask[0]

    def table_row(name, call, timed=True):
        with torch.inference_mode():
            error = relative(call(1)[:, :, free], reference)
            times = {f'batch_{batch}_ms': 1e3 * bench.median(lambda: call(batch), 20 if batch == 1 else 8) / batch
                     for batch in BATCHES if timed}
        bench.report(f'network call, {name}', **times, error=error)

    stock = stock_network(own, torch.float32)
    with torch.inference_mode():
        reference = stock_call(stock, scaled[:1], moment, mask, rows)[:, :, free]

    def own_call(loop, text):
        return lambda batch: loop.run(noise[:batch], clean[:batch], mask, text, (SIGMA,))

    def forms(network, executions, fp8=False):
        with torch.inference_mode():
            text = network.encode_text(rows.to(network.proj_out.weight.dtype))
        for execution in executions:
            # The network's own output, without preconditioning, is what errors are stated of.
            yield execution, own_call(SamplingLoop(network, Prediction.CLEAN, execution, fp8), text)

    for execution, call in forms(own, (Execution.EAGER,)):
        table_row(f'own {execution.value}, float32', call, timed=False)
    if bench.device != 'cuda':
        return
    stock = stock.to(torch.bfloat16)
    table_row('stock eager, bfloat16', lambda batch: stock_call(stock, scaled[:batch], moment, mask, rows).float())
    del stock
    torch.nn.Module.to(own, torch.bfloat16)
    bench.release()
    for execution, call in forms(own, bench.executions):
        table_row(f'own {execution.value}, bfloat16', call)
    for execution, call in forms(own, (Execution.GRAPH,), fp8=True):
        table_row(f'own {execution.value}, 8-bit large products', call)


def relative(result, expected):
    """Relative L2 distance."""
    return ((result.float() - expected.float()).norm() / expected.float().norm()).item()


PARTS = {'direct': bench_direct, 'encode': bench_encode, 'planning': bench_planning,
         'planning-fp8': lambda bench: bench_planning(bench, fp8=True), 'network': bench_network}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--device', default='cuda', choices=('cuda', 'cpu'))
    parser.add_argument('--small', action='store_true', help='a miniature, to see that everything runs')
    parser.add_argument('--parts', nargs='+', choices=PARTS, default=['direct', 'encode', 'planning', 'network'])
    parser.add_argument('--json', help='append results to this file, one JSON object a line')
    options = parser.parse_args()
    torch.set_num_threads(1)
    expandable_memory()
    bench = Bench(options.device, options.small, options.json)
    for part in options.parts:
        PARTS[part](bench)
        bench.release()


if __name__ == '__main__':
    main()
