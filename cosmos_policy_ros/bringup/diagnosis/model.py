"""The checkpoint, and whether this machine can run it for this robot and this task."""
from .check import Check, Fault

OVERHEAD = 2.0e9
"""Bytes of GPU memory that context, activations and graphs of the 2B network take beside its weights, direct inference."""


def server(findings):
    if findings.server is None:
        return None
    return [Fault(findings.server)] if findings.server else []


def readable(findings):
    if findings.model is None:
        return None
    return [Fault(findings.model.problem)] if findings.model.problem else []


def _usable(findings):
    return findings.model is not None and not findings.model.problem


def other_robot(findings):
    if not _usable(findings):
        return None
    wanted = findings.expected.checkpoint_robot
    if findings.model.robot == wanted:
        return []
    return [Fault(f'{findings.model.source} was trained for the robot {findings.model.robot!r}, this is {wanted!r}',
                  {'robot': wanted})]


def device(findings):
    if findings.model is None:
        return None
    return [Fault(findings.model.device_problem)] if findings.model.device_problem else []


def gpu_memory(findings):
    if not _usable(findings) or not findings.model.device_memory:
        return None
    need = findings.model.size + OVERHEAD
    have, free = findings.model.device_memory, findings.model.device_free
    if free >= need:
        return []
    what = f'has {have / 1e9:.1f} GB' if have < need else f'has {free / 1e9:.1f} of {have / 1e9:.1f} GB free'
    return [Fault(f'{findings.model.preset} needs about {need / 1e9:.1f} GB of GPU memory, {findings.model.device} {what}',
                  {'device': findings.model.device})]


def instruction(findings):
    if not _usable(findings) or findings.model.instructions is None or not findings.model.instruction:
        return None
    if findings.model.instruction in findings.model.instructions:
        return []
    return [Fault(f'the checkpoint has no embedding of {findings.model.instruction!r}; it knows '
                  + ', '.join(map(repr, findings.model.instructions)), {'first': findings.model.instructions[0]})]


CHECKS = (
    Check('server', 'The policy node waits for a server, or does not start.', server,
          'start it there: cosmos-policy-ros serve; from here, curl URL/health has to answer (a firewall, another network, a token)'),
    Check('checkpoint', 'The policy node does not start.', readable,
          'give --checkpoint a complete checkpoint, or leave it out; cosmos-policy-ros checkpoint inspect tells more'),
    Check('checkpoint_robot', 'The policy node refuses the checkpoint.', other_robot,
          'give --checkpoint one for the robot {robot}, or leave it out'),
    Check('device', 'The policy node finds no GPU.', device,
          'install the driver (nvidia-smi has to work) and a torch built for it, or start with device:=cpu'),
    Check('gpu_memory', 'The policy node ends with "out of memory".', gpu_memory,
          'end what else uses {device} (nvidia-smi), take a larger GPU, or infer elsewhere: cosmos-policy-ros serve there, '
          'server:=http://HOST:8777 here'),
    Check('instruction', 'The policy refuses a task.', instruction,
          'choose a task whose instruction it knows, for example {first!r}, in config/tasks.yaml'),
)
