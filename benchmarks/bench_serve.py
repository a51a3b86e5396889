"""Concurrent good and bad requests against "serve" with the shipped checkpoint, against the bare prediction.

    python benchmarks/bench_serve.py

Every answer is checked. All requests are under way at the same time, each over a connection of its own; one that meets
a full queue (503) comes back when the server said. Exit code 1 when an answer is wrong or memory is not flat.
"""
import argparse
import base64
import http.client
import json
import random
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from comparison import line, medians

from cosmos_policy_ros.bringup.share import default_checkpoint
from cosmos_policy_ros.embodiment.cameras import CAMERAS
from cosmos_policy_ros.policy.cosmos_policy import CosmosPolicy
from cosmos_policy_ros.policy.observation import Observation

SEED = 195
NAMES = dict(zip(CAMERAS, ('left_wrist_image', 'right_wrist_image', 'primary_image')))
FLAT = 1.15
"""Resident memory after the second half of the requests against that after the first."""

DISTINCT = 20
"""Different good requests; the direct prediction is made once for each."""


def wire(array):
    return {'__numpy__': base64.b64encode(array.tobytes()).decode(), 'dtype': array.dtype.str,
            'shape': list(array.shape)}


def decoded(row):
    return np.frombuffer(base64.b64decode(row['__numpy__']), row['dtype']).reshape(row['shape'])


def observations(policy):
    rng, size = np.random.default_rng(0), policy.config.image_size
    middle = (policy.statistics.proprio_min + policy.statistics.proprio_max) / 2
    for _ in range(DISTINCT):
        images = {name: rng.integers(0, 256, (size, size, 3), np.uint8) for name in CAMERAS}
        yield Observation(0.0, images, (middle + rng.normal(0, .05, 14)).astype(np.float32).astype(float))


def good_body(seen, instruction):
    return {NAMES[name]: wire(image) for name, image in seen.images.items()} | {
        'proprio': wire(seen.proprio.astype(np.float32)), 'task_description': instruction}


def bad_requests(good):
    """(body, headers) of every kind of bad request; each must be answered by a 4xx."""
    def changed(**fields):
        return json.dumps(good | fields).encode(), {}
    text = json.dumps(good).encode()
    return [
        (b'{"primary_image": ', {}), (bytes(range(256)) * 40, {}), (b'[]', {}), (b'', {}),
        (b'[' * 5000 + b']' * 5000, {}), (text[:-2], {}), changed(proprio=None), changed(proprio=[float('nan')] * 14),
        changed(proprio=[0.] * 13), changed(task_description=7),
        changed(primary_image=wire(np.zeros((80, 80), np.uint8))),
        changed(primary_image={'__numpy__': 'AAAA', 'dtype': '|O', 'shape': [1]}),
        changed(left_wrist_image={'__numpy__': '', 'dtype': '|u1', 'shape': [1 << 30, 1 << 30, 3]}),
        changed(right_wrist_image=wire(np.full((80, 80, 3), 300, np.int16))),
        (json.dumps({'encoded': text.decode()[:-1]}).encode(), {}),
        (text, {'Content-Type': 'text/plain'}), (b'', {'Content-Length': str(1 << 30), 'Expect': '100-continue'}),
    ]


class Load:
    """Sends requests, each in a thread of its own, and keeps what came back."""

    def __init__(self, port):
        self._port = port
        self.answers, self.retries, self._lock = {}, 0, threading.Lock()

    def send(self, requests):
        """``requests``: {key: (body, headers)}; s that all of them took."""
        gate = threading.Barrier(len(requests) + 1)
        threads = [threading.Thread(target=self._one, args=(gate, key, *request)) for key, request in requests.items()]
        threading.stack_size(256 << 10)
        for thread in threads:
            thread.start()
        gate.wait()
        begin = time.perf_counter()
        for thread in threads:
            thread.join()
        return time.perf_counter() - begin

    def _one(self, gate, key, body, headers):
        gate.wait()
        while True:
            begin = time.perf_counter()
            try:
                status, document, wait = self._ask(body, headers)
            except (OSError, http.client.HTTPException) as error:
                status, document, wait = f'connection: {error}', None, None
            if status != 503:
                break
            with self._lock:
                self.retries += 1
            time.sleep(wait * random.uniform(.5, 1.5))
        self.answers[key] = status, document, time.perf_counter() - begin

    def _ask(self, body, headers):
        connection = http.client.HTTPConnection('127.0.0.1', self._port, timeout=120)
        try:
            connection.request('POST', '/act', body, {'Content-Type': 'application/json', **headers})
            answer = connection.getresponse()
            return answer.status, answer.read(), float(answer.headers.get('Retry-After', 0))
        finally:
            connection.close()


def memory(pid):
    """MB resident."""
    return int(re.search(r'VmRSS:\s+(\d+)', Path(f'/proc/{pid}/status').read_text())[1]) / 1024


@contextmanager
def serving(queue):
    """(process, port) of a server that is ready; it is asked to end afterwards."""
    process = subprocess.Popen(
        [sys.executable, '-m', 'cosmos_policy_ros.cli.main', 'serve', '--port', '0', '--steps', '1', '--queue',
         str(queue)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        port = int(next(match[1] for text in process.stderr if (match := re.search(r'127\.0\.0\.1:(\d+)', text))))
        threading.Thread(target=lambda: [None for _ in process.stderr], daemon=True).start()
        while healthy(port) != 200:
            time.sleep(.1)
        yield process, port
    finally:
        process.terminate()
        process.wait(60)


def healthy(port):
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=60)
    try:
        connection.request('GET', '/health')
        return connection.getresponse().status
    finally:
        connection.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--requests', type=int, default=1000)
    parser.add_argument('--good', type=int, default=300)
    parser.add_argument('--queue', type=int, default=32)
    args = parser.parse_args()
    policy = CosmosPolicy.load(default_checkpoint())
    instruction = policy.instructions[0]
    seen = list(observations(policy))
    direct = [policy.predict(one, instruction, SEED, steps=1) for one in seen]
    alone = medians({'direct': lambda: policy.predict(seen[0], instruction, SEED, steps=1, futures=True)}, 10)['direct']
    bodies = [good_body(one, instruction) for one in seen]
    bad = bad_requests(bodies[0])
    requests = {('good', i): (json.dumps(bodies[i % DISTINCT]).encode(), {}) for i in range(args.good)}
    requests |= {('bad', i): bad[i % len(bad)] for i in range(args.requests - args.good)}
    order = list(requests)
    random.Random(0).shuffle(order)
    with serving(args.queue) as (process, port):
        resident, seconds = [memory(process.pid)], []
        for _ in range(2):
            load = Load(port)
            seconds.append(load.send({key: requests[key] for key in order}))
            resident.append(memory(process.pid))
            wrong = [f'{key}: {load.answers.get(key, ["no answer"])[0]}' for key in requests
                     if key not in load.answers or not right(key[0], *load.answers[key][:2], direct[key[1] % DISTINCT])]
            if wrong:
                sys.exit('\n'.join(wrong[:10]))
    statuses = Counter(status for status, _, _ in load.answers.values())
    times = sorted(spent for (kind, _), (_, _, spent) in load.answers.items() if kind == 'good')
    note = (f'{args.requests} concurrent requests, {args.good} good, {len(wrong)} wrong answers ('
            + ', '.join(f'{status}: {count}' for status, count in sorted(statuses.items(), key=str))
            + f'), {load.retries} times 503 and back with a queue of {args.queue}, last attempt of a good one median '
            f'{times[len(times) // 2]:.2f} s; server memory {" -> ".join(f"{value:.0f}" for value in resident)} MB '
            f'(ready, after one round, after two), exit code {process.returncode}')
    print(line('bench_serve', ('a good answer under load', seconds[-1] / args.good),
               [(seconds[-1] / args.good / alone, 'the same prediction alone', alone)], note))
    sys.exit(bool(process.returncode or resident[2] > FLAT * resident[1]))


def right(kind, status, document, prediction):
    """A good request got the direct prediction, a bad one a 4xx."""
    if kind == 'bad':
        return isinstance(status, int) and 400 <= status < 500
    if status != 200:
        return False
    reply = json.loads(document)
    return np.array_equal([decoded(row) for row in reply['actions']], prediction.actions) \
        and reply['value_prediction'] == prediction.value


if __name__ == '__main__':
    main()
