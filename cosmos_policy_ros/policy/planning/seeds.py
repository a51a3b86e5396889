"""Seeds of a plan: one rule for every machine, so that a candidate is the same wherever it is evaluated."""
from ..errors import PolicyError

END = 2 ** 32
"""First integer that the noise generator does not take as a seed."""


def candidate_seeds(seed, settings):
    """Seed of each candidate's action noise: ``seed`` + its index.

    Upstream adds the number of the GPU instead, which repeats candidates when there are fewer GPUs than candidates;
    both agree for its standard eight of each.

    Raises:
        PolicyError: a seed of the plan, ensemble members included, would be outside 0..2**32-1.
    """
    members = max(len(settings.future_member_steps), len(settings.value_member_steps))
    last = seed + settings.candidates - 1 + members - 1
    if seed < 0 or last >= END:
        raise PolicyError(f'seed {seed}: this plan uses the seeds {seed} to {last}; choose one so that all of them are '
                          f'in 0..{END - 1}')
    seeds = tuple(seed + index for index in range(settings.candidates))
    assert len(set(seeds)) == settings.candidates, 'two candidates would be the same'
    return seeds


def member_seed(candidate_seed, member):
    """Seed of a candidate's future or value member. Value members of different futures share their noise."""
    return candidate_seed + member
