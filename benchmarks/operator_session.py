"""One session of an operator, by the keys of the terminal station and by the buttons of the page, against the simulated robot.

    python benchmarks/operator_session.py                        # the terminal, in tmux
    python benchmarks/operator_session.py --page                 # then the page too, in headless Chromium
    python benchmarks/operator_session.py --page --pictures docs/images

Prepare the arms, start a rollout, stop it, reset, start another one, end it as a failure, park; each step waits until the panel
shows what it led to. Needs tmux; --page needs chromium, chromium-driver and the Python package selenium, which are no
requirements of this package. Exit code 1 when a step was not seen within its time, an episode was recorded otherwise than it
was judged, or the browser reported an error.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / 'test' / 'system'))

from graph_probe import free_domain, wait  # noqa: E402

COMMAND = f'{sys.executable} -m cosmos_policy_ros.cli.main'
SIZE = (118, 36)
PATIENCE = 240.0
"""s of wall time for a step on a loaded machine: bringing up the arms takes 20 s of simulation."""

PORT = 8779


class Terminal:
    """The terminal station in a tmux server of its own."""

    KEYS = {'stop': 'Enter', 'reset': 'r', 'start': 'g', 'failure': '1', 'prepare': 'a', 'park': 'p', 'quit': 'q'}
    NOTE = 'missed_grasp'

    def __init__(self, command):
        self._socket = f'operator-session-{os.getpid()}'
        self._tmux('new-session', '-d', '-x', str(SIZE[0]), '-y', str(SIZE[1]), command)

    def do(self, control):
        """Press its key."""
        self._tmux('send-keys', self.KEYS[control])

    def text(self):
        """What the screen shows."""
        return self._tmux('capture-pane', '-p')

    def picture(self, path):
        """The screen as an SVG file."""
        from rich.console import Console
        from rich.text import Text
        with open(os.devnull, 'w') as nowhere:
            console = Console(record=True, width=SIZE[0], height=SIZE[1], file=nowhere, force_terminal=True)
            console.print(Text.from_ansi(self._tmux('capture-pane', '-p', '-e', '-N')), end='')
            picture = console.export_svg(title='cosmos-policy-ros up direct --simulated')
        # A picture that loads nothing from elsewhere.
        path.with_suffix('.svg').write_text(re.sub(r'@font-face \{.*?\}', '', picture, flags=re.DOTALL))

    def close(self):
        """End the server and with it whatever runs in it."""
        subprocess.run(['tmux', '-L', self._socket, 'kill-server'], capture_output=True)

    def runs(self):
        """Whether the command is still there."""
        return subprocess.run(['tmux', '-L', self._socket, 'has-session'], capture_output=True).returncode == 0

    def _tmux(self, *arguments):
        return subprocess.run(['tmux', '-L', self._socket, *arguments], check=True, capture_output=True, text=True).stdout


class Page:
    """The operator's page in a headless browser of a phone's size."""

    NOTE = 'collision'

    def __init__(self, address):
        from selenium import webdriver
        options = webdriver.ChromeOptions()
        for argument in ('--headless=new', '--no-sandbox', '--disable-gpu', '--window-size=500,900'):
            options.add_argument(argument)
        options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
        self._browser = webdriver.Chrome(options, webdriver.ChromeService('/usr/bin/chromedriver'))
        self._browser.get(address)

    def do(self, control):
        """Press its button as a finger does."""
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.support.ui import Select
        if control == 'failure':
            Select(self._browser.find_element('tag name', 'select')).select_by_visible_text(self.NOTE)
        name = 'STOP' if control == 'stop' else control
        button = next(b for b in self._browser.find_elements('tag name', 'button') if b.text == name)
        ActionChains(self._browser).move_to_element(button).click().perform()

    def text(self):
        """What the page shows."""
        return self._browser.find_element('tag name', 'body').text

    def picture(self, path):
        """A PNG file."""
        self._browser.save_screenshot(str(path.with_suffix('.png')))

    def errors(self):
        """What the browser reported."""
        return [entry for entry in self._browser.get_log('browser') if entry['level'] in ('SEVERE', 'WARNING')]

    def close(self):
        """End the browser."""
        self._browser.quit()


def see(panel, *texts):
    """Wait until a panel shows all of the texts."""
    wait(lambda: all(text in panel.text() for text in texts), panel.text, PATIENCE)


def session(panel, name, pictures):
    """All steps; returns the outcomes that the panel was told."""
    begun, told = time.monotonic(), panel.text().count('outcome=')

    def step(control, *texts):
        panel.do(control)
        see(panel, *texts)
        print(f'{name}: {control}: {", ".join(texts)} ({time.monotonic() - begun:.0f} s)', flush=True)
    see(panel, 'READY')
    step('prepare', 'prepare: ')
    see(panel, 'READY')
    step('start', 'RUNNING')
    time.sleep(4.0)
    if pictures:
        panel.picture(pictures / f'operator_{name}')
    step('stop', 'ESTOPPED', 'outcome=stopped')
    if pictures:
        panel.picture(pictures / f'operator_{name}_stopped')
    step('reset', 'READY')
    step('start', 'RUNNING')
    step('failure', 'failure: accepted', 'outcome=failure')
    see(panel, 'READY')
    step('park', 'park: ')
    assert panel.text().count('outcome=') >= told


def recorded(folder):
    """[(outcome, note)] of the episodes in a folder, oldest first."""
    records = [json.loads(path.read_text()) for path in sorted(folder.glob('*/episode.json'), key=lambda p: p.stat().st_mtime)]
    return [(record['outcome'], record['note']) for record in records]


@contextmanager
def served(domain):
    """The page's address, while it is served."""
    server = subprocess.Popen([*COMMAND.split(), 'page', '--domain', str(domain), '--one-host', '--port', str(PORT)],
                              stdout=subprocess.DEVNULL)
    try:
        yield f'http://127.0.0.1:{PORT}/'
    finally:
        server.terminate()
        server.wait()


def browse(domain, pictures):
    """The session on the page; returns what the browser reported."""
    import urllib.request
    with served(domain) as address:
        def answers():
            try:
                return urllib.request.urlopen(address, timeout=2.0).status == 200
            except OSError:
                return False
        wait(answers, 'the page', 60.0)
        page = Page(address)
        try:
            session(page, 'page', pictures)
            return page.errors()
        finally:
            page.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--page', action='store_true', help='the page too')
    parser.add_argument('--pictures', type=Path, help='folder for pictures of the panels')
    options = parser.parse_args()
    errors, expected = [], [('stopped', None), ('failure', Terminal.NOTE)]
    with free_domain() as domain, tempfile.TemporaryDirectory() as folder:
        output = Path(folder, 'rollouts')
        terminal = Terminal(f'{COMMAND} up direct --simulated --seed 1000 --domain {domain} --output {output}')
        try:
            session(terminal, 'terminal', options.pictures)
            if options.page:
                errors = browse(domain, options.pictures)
                expected += [('stopped', None), ('failure', Page.NOTE)]
            terminal.do('quit')
            wait(lambda: not terminal.runs(), terminal.text, PATIENCE)
        finally:
            terminal.close()
        found = recorded(output)
    right = len(found) == len(expected) and all(
        outcome == wanted and note in (None, said) for (outcome, said), (wanted, note) in zip(found, expected))
    print(f'episodes {found}; browser errors {errors or "none"}  [python benchmarks/operator_session.py'
          f'{" --page" if options.page else ""}]')
    sys.exit(0 if right and not errors else 1)


if __name__ == '__main__':
    main()
