"""Weights, gradients and optimiser state spread over all processes (FSDP); of one process, a shard is the whole."""
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor

BACKENDS = {'cuda': 'nccl', 'cpu': 'gloo'}


def join_processes(device):
    """The mesh of all processes, for ``device``'s type; a process on its own becomes a group of one."""
    if not dist.is_initialized():
        dist.init_process_group(BACKENDS[device.type], store=dist.HashStore(), rank=0, world_size=1)
    return init_device_mesh(device.type, (dist.get_world_size(),))


def shard(trainable, mesh, dtype):
    """Shards a ``TrainableNetwork`` in place, block by block; what does not learn stays whole everywhere.

    Weights keep their number type, forward and backward see them in ``dtype``, gradients are summed in float32. Blocks
    stay whole from forward to backward: 4 GB of the 2B network, for one exchange less.
    """
    policy = MixedPrecisionPolicy(param_dtype=dtype, reduce_dtype=torch.float32, cast_forward_inputs=False)
    frozen = {parameter for parameter in trainable.parameters() if not parameter.requires_grad}
    options = {'mesh': mesh, 'mp_policy': policy, 'reshard_after_forward': False, 'ignored_params': frozen}
    for block in trainable.blocks:
        fully_shard(block, **options)
    fully_shard(trainable, **options)


def whole(tensor):
    """A plain tensor of a shard; every process has to take part."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def local(tensor):
    """This process's part of a tensor."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor
