"""How quickly the report of a ten minute episode opens in a headless browser, against an empty page.

    python benchmarks/bench_report_page.py            # needs chromium

Twice: until the browser says that the page is loaded, by its own clock, and until a picture of the page is there. Without
the video, which a page of this length links rather than holds. The streams come at 5 Hz, which the page does not notice: it
has curves as pictures, and twelve moments, whatever the rates.
"""
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / 'test' / 'rollouts'))

import numpy as np  # noqa: E402
from comparison import line, medians  # noqa: E402
from synthetic_episode import record_episode  # noqa: E402

from cosmos_policy_ros.rollouts.page import page  # noqa: E402
from cosmos_policy_ros.rollouts.report import write_report  # noqa: E402

SECONDS, ROUNDS, STEP = 600.0, 5, 20
BROWSERS = 'chromium', 'chromium-browser', 'google-chrome'
TELL = ('<script>addEventListener("load", () => { for (const image of document.images) {'
        ' const canvas = document.createElement("canvas");'
        ' [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];'
        ' const context = canvas.getContext("2d"); context.drawImage(image, 0, 0); context.getImageData(0, 0, 1, 1); }'
        ' document.title = "loaded " + performance.now(); });</script></body>')
"""A canvas decodes at once: what happens after "load" may come too late for the browser's answer."""


def browse(browser, path, *options):
    """What a headless browser says of a page."""
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, '--headless', '--no-sandbox', '--disable-gpu', f'--user-data-dir={profile}', *options]
        done = subprocess.run([*command, path.as_uri()], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded(browser, path):
    """s from the begin of navigation until every picture of the page is decoded."""
    said = browse(browser, path, '--dump-dom')
    return float(re.search(r'<title>loaded ([\d.]+)</title>', said).group(1)) * 1e-3


def main():
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f'none of {", ".join(BROWSERS)} is installed')
    with tempfile.TemporaryDirectory() as folder:
        episode = record_episode(Path(folder), SECONDS, step=STEP)
        report = write_report(episode)
        empty = Path(folder, 'empty.html')
        empty.write_text(page('empty', []))
        telling = report.with_name('telling.html')
        telling.write_text(report.read_text().replace('</body>', TELL))
        opened = float(np.median([loaded(browser, telling) for _ in range(ROUNDS)]))
        picture = f'--screenshot={folder}/picture.png'
        seconds = medians({path: lambda path=path: browse(browser, path, picture, '--window-size=1280,9000')
                           for path in (report, empty)}, ROUNDS, warm_up=1)
        what = f'report of {SECONDS / 60:.0f} minutes, {report.stat().st_size / 1e6:.1f} MB, as a picture'
        print(line('bench_report_page', (what, seconds[report]),
                   [(seconds[report] / seconds[empty], 'an empty page', seconds[empty])],
                   f'loaded, with all pictures decoded, after {opened:.2f} s'))


if __name__ == '__main__':
    main()
