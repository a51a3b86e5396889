"""A report of many episodes as a single HTML page that loads nothing."""
import html
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .bag import BagReader
from .episode import RECORD_FILE, REPORT_FILE, EpisodeRecord
from .images import decompress
from .labels import Label, current_label
from .page import Html, badge, lines, page, photo, plot, table
from .plots import latency_figure, success_figure
from .report import latency_text
from .topics import CHUNK
from .whole_text import write_whole

SESSION_FILE = 'session.html'
LAST = 1_000_000_000
"""ns before an episode's end in which its last picture is looked for."""


@dataclass(frozen=True, eq=False)
class Line:
    """What the page says of one episode. ``latencies``: s by chunk. ``last``: (H, W, 3) uint8 picture, or None."""

    folder: Path
    record: EpisodeRecord
    label: Label
    latencies: list
    last: np.ndarray

    @property
    def group(self):
        """Episodes with this in common are compared: task, mode and policy."""
        policy = Path(str(self.record.policy.get('folder', ''))).name or self.record.checkpoint[:8]
        return ' / '.join(filter(None, (self.record.task, self.record.extra.get('mode', ''), policy)))


def write_session(folder, interval):
    """Write ``session.html`` into a folder of episodes; returns its path.

    Args:
        interval: function of successes and episodes, (low, high) of the success rate at 95 %.

    Raises:
        FileNotFoundError: the folder holds no episode.
    """
    folder = Path(folder)
    read, broken = [], []
    for path in sorted(folder.glob(f'*/{RECORD_FILE}')):
        try:
            read.append(_line(path.parent))
        except (KeyError, OSError, TypeError, ValueError) as error:
            broken.append(f'{path.parent.name}: {error}')
    if not read and not broken:
        raise FileNotFoundError(f'{folder} holds no episodes')
    read.sort(key=lambda line: (line.record.recorded_at, line.record.id))
    return write_whole(folder / SESSION_FILE, page(folder.resolve().name, _parts(folder, read, broken, interval)))


def _line(folder):
    with BagReader(folder) as bag:
        record = bag.record
        camera = record.robot.compressed_images()[-1]
        latencies, last = [], None
        for _, _, message in bag.messages([CHUNK]):
            latencies += [s for stage, s in zip(message.latency_stages, message.latency_seconds) if stage == 'total']
        for topic, _, raw in bag.raw([camera], start=record.ended - LAST):
            last = topic, raw
        last = decompress(bag.decode(*last)) if last else None
    return Line(folder, record, current_label(folder, record), latencies, last)


def _parts(folder, read, broken, interval):
    dates = sorted(line.record.recorded_at[:10] for line in read if line.record.recorded_at)
    judged = defaultdict(list)
    for line in read:
        if line.label is not None and line.label.usable:
            judged[line.group].append(line)
    latencies = [seconds for line in read for seconds in line.latencies]
    return [
        f'<h1>{html.escape(folder.resolve().name)}</h1>',
        f'<p>{len(read)} episodes{f", {dates[0]} to {dates[-1]}" if dates else ""}</p>', lines(broken, 'lost'),
        '<h2>Success</h2>' if judged else '<p>No episode is judged yet.</p>', _groups(judged, interval),
        plot(success_figure({name: [line.label.score == 1 for line in group] for name, group in judged.items()}),
             'share of successes over the session') if judged else '',
        '<h2>Inference</h2>' if latencies else '',
        f'<p>{len(latencies)} chunks: {latency_text(latencies)}.</p>' if latencies else '',
        plot(latency_figure(latencies), 'histogram of latency') if latencies else '',
        '<h2>Episodes</h2>', _episodes(folder, read),
    ]


def _groups(judged, interval):
    if not judged:
        return ''
    rows = []
    for name, group in judged.items():
        successes = sum(line.label.score == 1 for line in group)
        low, high = interval(successes, len(group))
        reasons = [line.label.failure.value.replace('_', ' ') for line in group if line.label.failure]
        mean = np.mean([line.label.score for line in group])
        rows.append((name, len(group), successes, f'{100 * successes / len(group):.0f} %',
                     f'{100 * low:.0f} to {100 * high:.0f} %', f'{100 * mean:.0f} %',
                     ', '.join(f'{reason} {reasons.count(reason)}' for reason in sorted(set(reasons)))))
    heads = ('task / mode / policy', 'episodes#', 'successes#', 'rate#', '95 % interval#', 'mean score#', 'failures')
    return table(heads, rows)


def _episodes(folder, read):
    rows = []
    for line in read:
        record, label = line.record, line.label
        name = html.escape(record.id)
        report = line.folder / REPORT_FILE
        link = f'<a href="{html.escape(str(report.relative_to(folder)))}">{name}</a>' if report.exists() else name
        word = Html(badge(label.verdict.value)) if label else 'not judged'
        score = '' if label is None or label.score is None else f'{label.score:g}'
        note = label.note if label and label.note else record.reason or record.note
        rows.append((Html(photo(line.last, 128)), Html(link), line.group, word, score, f'{record.duration:.1f}',
                     record.chunks, record.interventions, record.takeovers, note))
    heads = ('end', 'episode', 'task / mode / policy', 'label', 'score#', 's#', 'chunks#', 'interventions#',
             'takeovers#', 'note')
    return table(heads, rows)
