"""Things on the table, as MJCF bodies with a free joint each. Concave ones are assembled from boxes.

Every body's origin is where its pose is read: the centre of the thing, or the middle of its underside for the plate
and the bowl.
"""
import numpy as np

from .scene import NO_COLLISION, OBJECT_BITS, box, numbers

_CONTACT = f'{OBJECT_BITS} condim="4" friction="1 0.005 0.0005" solref="0.01 1"'

CUBE_HALF = 0.02
DUCK_HALF = (0.026, 0.014, 0.016)
CANDY_RADIUS, CANDY_HALF_LENGTH = 0.008, 0.008
PEG_HALF = (0.060, 0.010, 0.010)
SOCKET_HALF_LENGTH, SOCKET_CLEARANCE, SOCKET_WALL = 0.060, 0.004, 0.006
SOCKET_HALF_WIDTH = PEG_HALF[1] + SOCKET_CLEARANCE + SOCKET_WALL
PLATE_RADIUS, PLATE_THICKNESS = 0.095, 0.008
BOWL_HEIGHT, BOWL_RIM = 0.045, 0.052
"""m. The candy is a capsule: its half length excludes the round ends."""


def _body(name, geoms):
    return f'<body name="{name}" pos="0 0 0.1"><freejoint name="{name}"/>{"".join(geoms)}</body>'


def _mass_and_colour(mass, rgba):
    return f'mass="{mass}" rgba="{rgba}" {_CONTACT}'


def _ring(count, radius, height, half, tilt, attributes):
    """Boxes around the z axis at ``radius`` and ``height``, leaning outwards by ``tilt`` rad."""
    geoms = []
    for turn in np.arange(count) * 2 * np.pi / count:
        about_z = np.array([np.cos(turn / 2), 0, 0, np.sin(turn / 2)])
        about_y = np.array([np.cos(tilt / 2), 0, np.sin(tilt / 2), 0])
        w, x, y, z = (about_z[0] * about_y[0], -about_z[3] * about_y[2], about_z[0] * about_y[2],
                      about_z[3] * about_y[0])
        geoms.append(f'<geom type="box" size="{numbers(*half)}" quat="{numbers(w, x, y, z)}" '
                     f'pos="{numbers(radius * np.cos(turn), radius * np.sin(turn), height)}" {attributes}/>')
    return geoms


def cube(name='cube'):
    """A 4 cm cube of 50 g."""
    return _body(name, [box((CUBE_HALF,) * 3, attributes=_mass_and_colour(0.05, '0.85 0.12 0.10 1'))])


def duck(name='duck'):
    """A toy duck of 40 g: one collision box, drawn as ellipsoids; the beak points along x."""
    def part(size, centre, rgba):
        return (f'<geom type="ellipsoid" size="{numbers(*size)}" pos="{numbers(*centre)}" rgba="{rgba}" mass="0" '
                f'{NO_COLLISION}/>')
    yellow, orange, black = '0.98 0.82 0.10 1', '0.95 0.45 0.05 1', '0.05 0.05 0.05 1'
    return _body(name, [
        box(DUCK_HALF, attributes=f'group="3" {_mass_and_colour(0.04, yellow)}'),
        part((0.027, 0.0165, 0.0115), (-0.002, 0, -0.0055), yellow),
        part((0.010, 0.008, 0.006), (-0.024, 0, 0.001), yellow),
        part((0.0125, 0.0115, 0.0115), (0.013, 0, 0.0115), yellow),
        part((0.008, 0.006, 0.003), (0.026, 0, 0.010), orange),
        part((0.002, 0.002, 0.002), (0.0215, 0.0065, 0.015), black),
        part((0.002, 0.002, 0.002), (0.0215, -0.0065, 0.015), black)])


def plate(name='plate'):
    """A plate of 19 cm across with a raised rim, 250 g."""
    disc = (f'<geom type="cylinder" size="{numbers(0.078, PLATE_THICKNESS / 2)}" pos="0 0 {PLATE_THICKNESS / 2}" '
            f'{_mass_and_colour(0.15, "0.35 0.55 0.80 1")}/>')
    rim = _ring(20, 0.0855, 0.0085, (0.0105, 0.0145, 0.003), -0.45, _mass_and_colour(0.005, '0.88 0.92 0.96 1'))
    return _body(name, [disc, *rim])


def candy(name='candy'):
    """A candy of 8 g lying along x: 16 mm thick, 32 mm long."""
    wrapper = (f'<geom type="capsule" size="{numbers(CANDY_RADIUS, CANDY_HALF_LENGTH)}" euler="0 1.5707963 0" '
               f'mass="0.008" rgba="0.90 0.10 0.55 1" {OBJECT_BITS} condim="6" friction="1 0.005 0.001" '
               'solref="0.01 1"/>')
    band = f'<geom type="cylinder" size="0.0083 0.003" euler="0 1.5707963 0" rgba="1 1 1 1" mass="0" {NO_COLLISION}/>'
    return _body(name, [wrapper, band])


def bowl(name='bowl'):
    """A bowl of 250 g: 6 cm across inside at the base, about 10 cm at the rim, 4.5 cm high."""
    colour = '0.15 0.55 0.50 1'
    base = f'<geom type="cylinder" size="0.036 0.004" pos="0 0 0.004" {_mass_and_colour(0.17, colour)}/>'
    wall = _ring(16, 0.0430, 0.0245, (0.003, 0.0118, 0.024), 0.56, _mass_and_colour(0.005, colour))
    return _body(name, [base, *wall])


def peg(name='peg'):
    """A square peg of 120 x 20 x 20 mm along x, 40 g."""
    return _body(name, [box(PEG_HALF, attributes=_mass_and_colour(0.04, '0.90 0.40 0.08 1'))])


def socket(name='socket'):
    """A square tube of 120 mm along x, 60 g, that takes the peg with 4 mm clearance on each side."""
    inner, middle = PEG_HALF[1] + SOCKET_CLEARANCE, PEG_HALF[1] + SOCKET_CLEARANCE + SOCKET_WALL / 2
    attributes = _mass_and_colour(0.015, '0.16 0.34 0.78 1')
    flat = (SOCKET_HALF_LENGTH, SOCKET_HALF_WIDTH, SOCKET_WALL / 2)
    upright = (SOCKET_HALF_LENGTH, SOCKET_WALL / 2, inner)
    return _body(name, [box(flat, (0, 0, middle), attributes), box(flat, (0, 0, -middle), attributes),
                        box(upright, (0, middle, 0), attributes), box(upright, (0, -middle, 0), attributes)])
