"""What the commands look at before they start anything does not wait for the network's libraries to load."""
import subprocess
import sys

import pytest

CHECK = 'from cosmos_policy_ros.cli.preflight import check_checkpoint; check_checkpoint(""); '
DIGEST = ('from cosmos_policy_ros.bringup.share import default_checkpoint; '
          'from cosmos_policy_ros.policy.checkpoint_folder import checkpoint_digest; checkpoint_digest(default_checkpoint()); ')


@pytest.mark.parametrize('program', [CHECK, DIGEST], ids=['check', 'digest'])
def test_a_checkpoint_is_looked_at_without_loading_torch(program):
    loaded = 'import sys; print(sorted({"torch", "diffusers", "transformers"} & set(sys.modules)))'
    done = subprocess.run([sys.executable, '-c', program + loaded], capture_output=True, text=True, check=True)
    assert done.stdout == '[]\n'
