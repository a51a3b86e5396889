"""All checks, by area."""
from . import arms, cameras, clocks, graph, machine, model

AREAS = {'machine': machine.CHECKS, 'model': model.CHECKS, 'graph': graph.CHECKS, 'arms': arms.CHECKS,
         'cameras': cameras.CHECKS, 'clocks': clocks.CHECKS}
"""In the order in which they are worth mending."""
