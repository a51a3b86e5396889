"""A report of one episode as a single HTML page."""
import base64
import html
from io import BytesIO
from pathlib import Path

import numpy as np

from .audit import complaints
from .episode import REPORT_FILE, VIDEO_FILE
from .lag import followers_lag, joint_lags
from .plots import joint_figure, policy_figure
from .series import read_series

_STYLE = '''
body { font: 15px/1.45 system-ui, sans-serif; color: #1b1f24; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0.2rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.outcome { display: inline-block; padding: 0.1rem 0.7rem; border-radius: 1rem; color: #fff; font-weight: 600; }
.success { background: #1a7f37; } .failure, .timeout { background: #bc4c00; }
.stopped, .interrupted { background: #a40e26; }
table { border-collapse: collapse; font-size: 0.87rem; } td, th { padding: 0.25rem 0.8rem; text-align: left;
border-bottom: 1px solid #d8dee4; vertical-align: top; } td.number, th.number { text-align: right;
font-variant-numeric: tabular-nums; } img, video { width: 100%; } .lost { color: #a40e26; }
'''


def write_report(folder):
    """Write ``report.html`` into a finished episode's folder; returns its path.

    It holds the record, plots and the audit, and shows ``episode.mp4`` when that lies beside it.
    """
    folder = Path(folder)
    series = read_series(folder)
    path = folder / REPORT_FILE
    draft = path.with_suffix('.tmp')
    draft.write_text(_page(series, (folder / VIDEO_FILE).exists()), encoding='utf-8')
    draft.replace(path)
    return path


def _page(series, video):
    record = series.record
    lost = complaints(record.topics)
    title = html.escape(record.instruction or record.task or record.id)
    parts = [
        f'<h1>{title}</h1>',
        f'<p><span class="outcome {record.outcome.value}">{record.outcome.value}</span> {_summary(record)}</p>',
        f'<p class="lost">{html.escape(record.reason)}</p>' if record.reason else '',
        f'<video src="{VIDEO_FILE}" controls muted loop></video>' if video else '<p>No video.</p>',
        '<h2>Joints</h2>', _lag(series), _image(joint_figure(series)),
        '<h2>Policy and safety</h2>', _image(policy_figure(series)),
        '<h2>Recording</h2>',
        f'<ul class="lost">{"".join(f"<li>{html.escape(line)}</li>" for line in lost)}</ul>' if lost
        else '<p>Complete: no drops, no gap beyond its limit.</p>',
        _audit_table(record.topics),
        '<h2>Episode</h2>', _record_table(record),
    ]
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(record.id)}</title>'
            f'<style>{_STYLE}</style></head><body>\n' + '\n'.join(parts) + '\n</body></html>\n')


def _summary(record):
    parts = [f'{record.duration:.1f} s', f'{record.steps} steps', f'{record.chunks} chunks', f'seed {record.seed}']
    if record.score is not None:
        parts.insert(0, f'score {record.score:.2f}')
    if record.interventions:
        parts.append(f'{record.interventions} interventions')
    if record.takeovers:
        parts.append(f'{record.takeovers} takeovers')
    return ', '.join(parts)


def _lag(series):
    median = followers_lag(series)
    if np.isnan(median):
        return '<p>No arm joint moved.</p>'
    lags = ', '.join(f'{name} {1000 * lag:.0f}' for name, lag in joint_lags(series).items() if not np.isnan(lag))
    return f'<p>The followers lag their commands by {1000 * median:.0f} ms (median of the joints that moved; ms: {lags}).</p>'


def _image(figure):
    buffer = BytesIO()
    figure.savefig(buffer, format='png', dpi=110)
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}">'


def _audit_table(audits):
    def number(value, form):
        return '' if value is None else form.format(value)

    rows = ''.join(
        f'<tr><td>{html.escape(audit.topic)}</td>' + ''.join(f'<td class="number">{cell}</td>' for cell in (
            audit.received, number(audit.expected, '{}'), number(audit.rate, '{:.1f}'),
            number(audit.largest_gap, '{:.3f}'), audit.out_of_order, number(audit.dropped, '{}'))) + '</tr>'
        for audit in audits)
    heads = ('received', 'expected', 'rate (Hz)', 'largest gap (s)', 'out of order', 'dropped')
    return ('<table><tr><th>topic</th>' + ''.join(f'<th class="number">{head}</th>' for head in heads)
            + f'</tr>{rows}</table>')


def _record_table(record):
    entries = {
        'id': record.id, 'task': record.task, 'instruction': record.instruction, 'recorded at': record.recorded_at,
        'note': record.note, 'checkpoint': record.checkpoint, 'safety configuration': record.safety_config,
        **{f'policy: {key}': value for key, value in record.policy.items()},
        **{f'version: {key}': value for key, value in record.versions.items()}, **record.extra,
    }
    rows = ''.join(f'<tr><th>{html.escape(str(key))}</th><td>{html.escape(str(value))}</td></tr>'
                   for key, value in entries.items() if value not in ('', None))
    return f'<table>{rows}</table>'
