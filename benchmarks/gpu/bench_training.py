"""Fine-tuning the published 2B network with random weights on GPUs: speed against the measured peak, memory, learning.

    python benchmarks/gpu/bench_training.py --parts peak full adapters
    torchrun --nproc-per-node 2 benchmarks/gpu/bench_training.py --parts full --json results.jsonl
    python benchmarks/gpu/bench_training.py --parts start --out /large/disk    # and then "cosmos-policy-ros finetune"

Model FLOPs are those of ``learning.training_flops``: forward and backward of the network, nothing twice, neither
what activation checkpointing computes again nor the autoencoder. The ratio is to the bfloat16 product measured in the
same run. ``--small`` runs a miniature on a CPU, to see that everything works.
"""
import argparse
import dataclasses
import gc
import json
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from diffusers import AutoencoderKLWan
from random_policy import TASK, preset, random_network

from cosmos_policy_ros.learning import fine_tuning
from cosmos_policy_ros.learning.dataset import statistics_of
from cosmos_policy_ros.learning.optimisation import FineTuningConfig, Optimisation, parts_of_batch
from cosmos_policy_ros.learning.published_augmentation import published_augmentation
from cosmos_policy_ros.learning.shards import read_shard, write_shard
from cosmos_policy_ros.learning.training_flops import network_work
from cosmos_policy_ros.policy.checkpoint import Checkpoint, save_checkpoint
from cosmos_policy_ros.policy.wan_tokenizer import WanTokenizer
from cosmos_policy_ros.sim.demonstrations import Demonstration

TOKENS = 9
FORMS = ((25, 28), (25, 14))
"""(samples at once, blocks computed twice) that are measured."""


class Bench:
    def __init__(self, options):
        self.small, self.out = options.small, Path(options.out)
        self.device = 'cpu' if self.small else 'cuda'
        self.accelerator = Accelerator(cpu=self.small)
        self.config = preset(self.small)
        self.peak = options.peak
        self.file = options.json
        self.data = Path(tempfile.gettempdir()) / f'bench_training_{self.accelerator.process_index}.h5'
        write_shard(self.data, [episode(seed, self.config.image_size) for seed in range(4)])
        self.episodes = read_shard(self.data, stored=True)

    def report(self, what, **figures):
        if self.accelerator.is_main_process:
            print(what + ': ' + ', '.join(f'{name} {value:.4g}' if isinstance(value, float) else f'{name} {value}'
                                          for name, value in figures.items()), flush=True)
            if self.file:
                with open(self.file, 'a') as file:
                    print(json.dumps({'what': what} | figures), file=file)

    def start(self, alive=False):
        """A checkpoint with random weights on the device, the same in every process.

        alive: with random weights where ``network.initialise`` has zeros, behind which adapters would learn nothing.
        """
        torch.manual_seed(0)
        network = random_network(self.config, self.device, 0)
        if not alive:
            initialise_on_device(network)
        vae = AutoencoderKLWan(**({'base_dim': 8, 'num_res_blocks': 1} if self.small else {}))
        text = torch.zeros(self.config.text_tokens, self.config.network.text_embed_dim)
        text[:TOKENS] = torch.randn(TOKENS, self.config.network.text_embed_dim)
        return Checkpoint(self.config, network, WanTokenizer(vae, self.config.quirks.bf16_pixels),
                          statistics_of(self.episodes), {TASK: text}, '')

    def settings(self, part, **changes):
        part = 2 if self.small else part
        return FineTuningConfig(steps=10 ** 6, batch=part * self.accelerator.num_processes, part=part, warm_up=100,
                                held_out=0.0, **changes)

    def run(self, settings):
        began = time.perf_counter()
        start = self.start(bool(settings.adapter_rank))
        run = Optimisation(start, self.episodes, settings, self.accelerator.device, published_augmentation,
                           parts_of_batch(settings, self.accelerator.num_processes), self.accelerator)
        self.wait()
        self.report('prepared', s=time.perf_counter() - began, weights_M=sum(p.numel() for p in run.parameters) / 1e6)
        return run

    def wait(self):
        if not self.small:
            torch.cuda.synchronize()

    def release(self):
        gc.collect()
        if not self.small:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

    def memory(self):
        return {} if self.small else {'peak_GB': torch.cuda.max_memory_allocated() / 1e9}


def initialise_on_device(network):
    """As ``network.initialise``, with random numbers of the device: 2 G of them on a CPU take a minute."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith('linear_2.weight') and 't_embedder' not in name or name.startswith('proj_out'):
                parameter.zero_()
            elif parameter.ndim == 2:
                torch.nn.init.xavier_uniform_(parameter)
            else:
                parameter.fill_(1)


def episode(seed, size, length=60):
    """A made-up episode whose pictures show the joints."""
    random = np.random.RandomState(seed)
    phase, time_ = random.uniform(0, 6, 14), np.arange(length)[:, None] / 25
    state, action = (0.5 * np.sin(1.5 * (time_ + lead) + phase).astype(np.float32) for lead in (0, 0.04))
    rows = np.unique(np.r_[np.arange(0, length, 10), length - 1]).astype(np.int32)
    y, x = np.mgrid[:size, :size] / size
    images = np.empty((len(rows), 3, size, size, 3), np.uint8)
    for k, row in enumerate(rows):
        for camera in range(3):
            wave = 6 * x * (camera + 1) + 4 * state[row, camera], 5 * y + 4 * state[row, camera + 3]
            images[k, camera] = np.stack([127 + 120 * np.sin(wave[0]), 127 + 120 * np.cos(wave[1]),
                                          60 * camera + 40 + 40 * state[row, 0] + 0 * x], -1)
    return Demonstration('plate', TASK, seed, 'clean', state, action, rows, images, True, 1.0)


def bench_peak(bench):
    """bfloat16 product of two random 8192 x 8192 matrices: what the ratios below are to."""
    side, rounds = (256, 2) if bench.small else (8192, 50)
    one, other = (torch.randn(side, side, device=bench.device, dtype=torch.bfloat16) for _ in range(2))
    for _ in range(3):
        one @ other
    bench.wait()
    began = time.perf_counter()
    for _ in range(rounds):
        one @ other
    bench.wait()
    bench.peak = 2 * side ** 3 * rounds / (time.perf_counter() - began) / 1e12
    bench.report(f'bf16 product of {side} x {side}', TFLOP_s=bench.peak)


def bench_full(bench):
    """All weights: speed and memory, whole steps with pictures encoded in them, and their parts."""
    forms = ((2, 2),) if bench.small else FORMS if bench.accelerator.num_processes == 1 else FORMS[:1]
    run = None
    for part, recomputed in forms:
        settings = bench.settings(part, recomputed=recomputed)
        if run is None:
            run = bench.run(settings)
        run.config = settings
        for i, block in enumerate(run.trainable.blocks):
            block.recomputed = i < recomputed
        bench_steps(bench, run, f'all weights, {settings.part} samples at once, {recomputed} blocks computed twice')
    del run
    bench.release()


def bench_adapters(bench):
    """LoRA."""
    settings = bench.settings(25, adapter_rank=16)
    run = bench.run(settings)
    bench_steps(bench, run, f'adapters of rank 16, {settings.part} samples at once, all blocks computed twice', True)
    del run
    bench.release()


def bench_steps(bench, run, name, adapters=False, warm_up=3):
    count, processes = (3 if bench.small else 6), bench.accelerator.num_processes
    bench.release()
    with fine_tuning.kernels(run.config):
        pictures, seconds = run.pictures(0, warm_up + count), []
        for number in range(warm_up + count):
            bench.wait()
            began = time.perf_counter()
            loss, norm, _ = run.step(number, pictures)
            bench.wait()
            seconds.append(time.perf_counter() - began)
        index = torch.arange(run.config.part) % len(run.training_set)
        read = run.training_set.read(index)
        encode = []
        for _ in range(4):
            bench.wait()
            began = time.perf_counter()
            run.training_set.batch(index, read)
            bench.wait()
            encode.append(time.perf_counter() - began)
    step, encode = float(np.median(seconds[warm_up:])), float(np.median(encode[1:]))
    work = network_work(run.start.config, run.text.rows.shape[1]).step(adapters) * run.config.part
    achieved, network_only = work / step / 1e12, work / (step - encode) / 1e12
    figures = {'first_step_s': seconds[0], 'step_s': step, 'slowest_s': max(seconds[warm_up:]), 'encode_s': encode,
               'samples_s': run.config.batch / step, 'model_TFLOP_s_a_gpu': achieved,
               'without_encoding': network_only, 'loss': loss, 'gradient': norm}
    if bench.peak:
        figures |= {'of_peak': achieved / bench.peak, 'of_peak_without_encoding': network_only / bench.peak}
    bench.report(f'{name}, {processes} processes', **figures, **bench.memory())


def bench_learning(bench):
    """Loss on a small data set."""
    run = bench.run(bench.settings(12, learning_rate=2e-4))
    steps, losses = (6 if bench.small else 120), []
    with fine_tuning.kernels(run.config):
        pictures = run.pictures(0, steps)
        for number in range(steps):
            losses.append(run.step(number, pictures)[0])
    third = steps // 6
    bench.report(f'all weights, {len(run.training_set)} samples learned',
                 **{f'loss_{i * third + 1}_to_{(i + 1) * third}': float(np.mean(losses[i * third:(i + 1) * third]))
                    for i in range(steps // third)})
    del run
    bench.release()


def bench_start(bench):
    """Nothing measured: a checkpoint folder with random weights and a folder with data, for the command itself."""
    start = bench.start()
    save_checkpoint(bench.out / 'start', dataclasses.replace(start, network=start.network.cpu()))
    (bench.out / 'data').mkdir(parents=True, exist_ok=True)
    shutil.copy(bench.data, bench.out / 'data')
    bench.report(f'written {bench.out / "start"} and {bench.out / "data"}')


PARTS = {'peak': bench_peak, 'full': bench_full, 'adapters': bench_adapters, 'learning': bench_learning,
         'start': bench_start}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--small', action='store_true', help='a miniature on the CPU')
    parser.add_argument('--parts', nargs='+', choices=PARTS, default=['peak', 'full', 'adapters', 'learning'])
    parser.add_argument('--peak', type=float, default=None, help='TFLOP/s measured before, in place of the part "peak"')
    parser.add_argument('--out', default=tempfile.gettempdir(), help='folder for what "start" writes')
    parser.add_argument('--json', help='append results to this file, one JSON object a line')
    options = parser.parse_args()
    bench = Bench(options)
    for part in options.parts:
        PARTS[part](bench)
        bench.release()
    bench.accelerator.end_training()


if __name__ == '__main__':
    main()
