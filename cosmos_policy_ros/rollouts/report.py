"""A report of one episode as a single HTML page that loads nothing."""
import html
from pathlib import Path

import numpy as np

from .audit import complaints
from .episode import REPORT_FILE, VIDEO_FILE
from .film import film, imagined_futures
from .labels import current_label, read_labels
from .lag import followers_lag, joint_lags
from .page import badge, grid, lines, page, photo, plot, table, uri
from .plots import joint_figure, latency_figure, policy_figure
from .series import read_series
from .whole_text import write_whole

EMBEDDED = 8 << 20
"""Bytes of video that are put into the page; a longer one is linked, so that the page opens quickly."""

STRIP, FUTURES = 12, 6
"""Moments in the strip of pictures, and chunks whose imagined future is shown."""

SEVERITIES = ('notice', 'slow', 'hold', 'protective stop', 'emergency stop', 'fault')


def write_report(folder):
    """Write ``report.html`` into a finished episode's folder; returns its path.

    It holds labels, pictures, plots, safety events, audit, record, and ``episode.mp4`` when that lies beside it.
    """
    folder = Path(folder)
    parts = _parts(folder, read_series(folder))
    return write_whole(folder / REPORT_FILE, page(folder.name, parts))


def _parts(folder, series):
    record = series.record
    label, history = current_label(folder, record), read_labels(folder)
    lost = complaints(record.topics)
    futures = imagined_futures(folder, FUTURES)
    return [
        f'<h1>{html.escape(record.instruction or record.task or record.id)}</h1>',
        f'<p>{badge(label.verdict.value) if label else badge("not judged")} {html.escape(summary(record))}, '
        f'ended as {record.outcome.value}</p>',
        f'<p class="lost">{html.escape(record.reason)}</p>' if record.reason else '',
        f'<p>{html.escape(label.text)}</p>' if label and (label.note or label.failure) else '',
        lines([f'{entry.at}: {entry.text}' for entry in history]),
        _video(folder / VIDEO_FILE), _strip(folder),
        '<h2>Imagined and actual</h2>' if futures else '', _futures(futures),
        '<h2>Joints</h2>', _lag(series), plot(joint_figure(series), 'joints over time: asked, sent, measured'),
        '<h2>Policy and safety</h2>', plot(policy_figure(series), 'safety state, value and latency over time'),
        _takeovers(series.takeovers), _latency(series), _events(series.events),
        '<h2>Recording</h2>',
        lines(lost, 'lost') or ('<p>Complete: no drops, no gap beyond its limit.</p>' if record.topics
                                else '<p>Not audited.</p>'),
        _audit_table(record.topics),
        '<h2>Episode</h2>', _record_table(record),
    ]


def summary(record):
    """One line of figures about an ``EpisodeRecord``."""
    parts = [f'{record.duration:.1f} s', f'{record.steps} steps', f'{record.chunks} chunks', f'seed {record.seed}']
    if record.score is not None:
        parts.insert(0, f'score {record.score:.2f}')
    if record.interventions:
        parts.append(f'{record.interventions} interventions')
    if record.takeovers:
        parts.append(f'{record.takeovers} takeovers')
    return ', '.join(parts)


def _video(path):
    if not path.exists():
        return '<p>No video.</p>'
    if path.stat().st_size > EMBEDDED:
        return f'<p>Video: <a href="{path.name}">{path.name}</a></p>'
    return f'<video src="{uri(path.read_bytes(), "video/mp4")}" controls muted loop></video>'


def _strip(folder):
    strip = film(folder, STRIP)
    if not any(image is not None for images in strip.pictures.values() for image in images):
        return ''
    rows = [(camera, *(photo(image, 160) for image in images)) for camera, images in strip.pictures.items()]
    return grid([f'{time:.1f} s' for time in strip.times], rows)


def _futures(futures):
    """Two rows a camera: what a chunk imagined of its end, and what came, squashed to the same square."""
    if not futures:
        return ''
    rows = []
    for camera in futures[0].imagined:
        rows.append((f'{camera} imagined', *(photo(future.imagined.get(camera), 180, 180) for future in futures)))
        rows.append(('actual', *(photo(future.actual.get(camera), 180, 180) for future in futures)))
    return grid([f'{future.time:.1f} s' for future in futures], rows)


def _lag(series):
    median = followers_lag(series)
    if np.isnan(median):
        return '<p>No arm joint moved.</p>'
    lags = ', '.join(f'{name} {1000 * lag:.0f}' for name, lag in joint_lags(series).items() if not np.isnan(lag))
    return (f'<p>The followers lag their commands by {1000 * median:.0f} ms '
            f'(median of the joints that moved; ms: {lags}).</p>')


def _latency(series):
    seconds = series.latencies
    if not len(seconds):
        return ''
    return (f'<p>{len(seconds)} chunks: {latency_text(seconds)} from observation to chunk.</p>'
            + plot(latency_figure(seconds), 'histogram of inference latency'))


def latency_text(seconds):
    """Mean, 95th percentile and maximum of latencies (s) as text."""
    return (f'mean {1000 * np.mean(seconds):.0f} ms, 95 % below {1000 * np.quantile(seconds, 0.95):.0f} ms, '
            f'at most {1000 * np.max(seconds):.0f} ms')


def _takeovers(spans):
    told = ', '.join(f'{begin:.1f} to {end:.1f} s' for begin, end in spans)
    return f'<p>An operator had the arms from {told}.</p>' if spans else ''


def _events(events):
    if not events:
        return '<p>No safety events.</p>'
    return table(('begin (s)#', 'end (s)#', 'severity', 'cause', 'source', 'text'), [
        (f'{event.begin:.2f}', f'{event.end:.2f}', SEVERITIES[event.severity], event.id, event.source, event.text)
        for event in events])


def _audit_table(audits):
    def number(value, form):
        return '' if value is None else form.format(value)

    heads = ('topic', 'received#', 'expected#', 'rate (Hz)#', 'largest gap (s)#', 'out of order#', 'dropped#')
    return table(heads, [
        (audit.topic, audit.received, number(audit.expected, '{}'), number(audit.rate, '{:.1f}'),
         number(audit.largest_gap, '{:.3f}'), audit.out_of_order, number(audit.dropped, '{}')) for audit in audits])


def _record_table(record):
    entries = {
        'id': record.id, 'task': record.task, 'instruction': record.instruction, 'recorded at': record.recorded_at,
        'note': record.note, 'checkpoint': record.checkpoint, 'safety configuration': record.safety_config,
        **{f'policy: {key}': value for key, value in record.policy.items()},
        **{f'version: {key}': value for key, value in record.versions.items()}, **record.extra,
    }
    return table(('entry', 'value'), [(key, value) for key, value in entries.items() if value not in ('', None)])
