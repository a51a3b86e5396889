"""Opens exports in the code that they were made for, in an environment of that code; this package is not imported.

    cosmos-policy-ros export rollouts --format aloha --out data/aloha
    cosmos-policy-ros export rollouts --format lerobot --out data/lerobot
    python benchmarks/exports_elsewhere.py lerobot data/lerobot data/aloha     # where LeRobot and h5py are installed
    python benchmarks/exports_elsewhere.py cosmos CHECKOUT data/aloha          # where torch, cv2, h5py and tqdm are

"cosmos" wants a checkout of NVlabs/cosmos-policy, whose loader knows six instructions of demonstrations and writes its
statistics beside them. Exit code 1 when something that was loaded differs from what was exported.
"""
import argparse
import pickle
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
import torch

PAIRS = {'action': 'action', 'observation.state': 'observations/qpos', 'observation.velocity': 'observations/qvel',
         'observation.effort': 'observations/effort'}


def lerobot(export, aloha):
    """Whether LeRobot's data set equals the HDF5 files of the same episodes; decodes, and trains ACT for three steps."""
    same = []
    from lerobot.datasets.lerobot_dataset import LeRobotDataset
    data = LeRobotDataset('local/export', root=export, delta_timestamps={'action': [i / 25 for i in range(50)]})
    plain = data.hf_dataset.with_format('numpy')
    files = {path.stem: path for path in Path(aloha, 'rollouts').glob('*.hdf5')}
    for episode in data.meta.episodes:
        if episode['source_episode'] not in files:
            continue  # a demonstration, whose file has a number for a name
        rows = plain[episode['dataset_from_index']:episode['dataset_to_index']]
        with h5py.File(files[episode['source_episode']]) as file:
            same += [bool((np.stack(rows[name]) == file[path][()]).all()) for name, path in PAIRS.items()]
        print(f'{episode["source_episode"]}: rows equal {dict(zip(PAIRS, same[-len(PAIRS):]))}')
    item = data[0]
    print({key: tuple(item[key].shape) for key in data.meta.video_keys}, item['task'])
    train(data)
    return bool(same) and all(same)


def train(data):
    """ACT as it is, on the measured joints; the efforts stand for its environment state."""
    from lerobot.configs.types import FeatureType, PolicyFeature
    from lerobot.policies.act.configuration_act import ACTConfig
    from lerobot.policies.act.modeling_act import ACTPolicy
    from lerobot.policies.act.processor_act import make_act_pre_post_processors
    state = 'observation.environment_state'
    config = ACTConfig(chunk_size=50, n_action_steps=50, dim_model=64, n_heads=4, dim_feedforward=128, device='cpu',
                       input_features={'observation.state': PolicyFeature(FeatureType.STATE, (14,)),
                                       state: PolicyFeature(FeatureType.ENV, (14,))},
                       output_features={'action': PolicyFeature(FeatureType.ACTION, (14,))})
    scale, _ = make_act_pre_post_processors(config, {**data.meta.stats, state: data.meta.stats['observation.effort']})
    policy = ACTPolicy(config)
    optimizer = torch.optim.AdamW(policy.parameters(), 1e-4)
    loader = torch.utils.data.DataLoader(data, batch_size=8, shuffle=True)
    for step, batch in zip(range(3), loader):
        loss, _ = policy(scale({**batch, state: batch['observation.effort']}))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f'step {step}: loss {loss.item():.3f}')


def cosmos(checkout, aloha):
    """Whether the published data set class has the exported rows, and the value targets of its own definition."""
    same = []
    sys.path.insert(0, checkout)
    from cosmos_policy.datasets.aloha_dataset import ALOHADataset
    rollouts = {path: dict(h5py.File(path).attrs) for path in Path(aloha, 'rollouts').glob('*.hdf5')}
    folders = [path.name.replace('_', ' ') for path in Path(aloha, 'demonstrations').iterdir() if path.is_dir()]
    texts = {*folders, *(attributes['task_description'] for attributes in rollouts.values())}
    with tempfile.NamedTemporaryFile(suffix='.pkl') as embeddings:
        pickle.dump({text: torch.zeros(1, 512, 1024) for text in texts}, embeddings)
        embeddings.flush()
        data = ALOHADataset(
            data_dir=str(Path(aloha, 'demonstrations')), rollout_data_dir=str(Path(aloha, 'rollouts')), chunk_size=50,
            t5_text_embeddings_path=embeddings.name, use_image_aug=False, use_proprio=True, normalize_proprio=False,
            normalize_actions=False, num_duplicates_per_image=4, return_value_function_returns=True,
            use_jpeg_for_rollouts=True)
    for meta in data.rollout_episode_metadata.values():
        count, score = meta['num_steps'], meta['success_score']
        wanted = 2 * 0.998 ** np.arange(count - 1, -1, -1.0) - 1 if score > 0 else np.full(count, -1.0)
        loaded = data._load_rollout_episode_data(meta)
        with h5py.File(meta['file_path']) as file:
            equal = [bool((loaded[name] == file[path][()]).all())
                     for name, path in (('actions', 'action'), ('proprio', 'observations/qpos'))]
        distance = np.abs(meta['returns'] - wanted).max()
        same += [*equal, distance < 1e-4]
        print(f'{Path(meta["file_path"]).name}: rows equal {equal}, score {score}, value targets within {distance:.1e}')
    sample = data[len(data) - 1]
    print(f'{data.num_episodes} demonstrations, {len(data)} samples; video {tuple(sample["video"].shape)}, '
          f'actions {sample["actions"].shape}')
    return bool(same) and all(same)


def main():
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('code', choices=('lerobot', 'cosmos'))
    parser.add_argument('first', help='of lerobot: its export; of cosmos: the checkout')
    parser.add_argument('aloha', help='the ALOHA export')
    arguments = parser.parse_args()
    check = {'lerobot': lerobot, 'cosmos': cosmos}[arguments.code]
    sys.exit(0 if check(arguments.first, arguments.aloha) else 1)


if __name__ == '__main__':
    main()
