"""The report and the video of an episode."""
import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO

import av
import numpy as np
import pytest
from PIL import Image
from synthetic_episode import (MS, ROBOT, START, cdr, chunk, event, header, image, imagined, plan, record_episode,
                               safety_status, start)

from cosmos_policy_ros.rollouts.episode import Outcome
from cosmos_policy_ros.rollouts.film import film, imagined_futures
from cosmos_policy_ros.rollouts.labels import FailureType, Label, Verdict, add_label
from cosmos_policy_ros.rollouts.report import write_report
from cosmos_policy_ros.rollouts.series import read_series
from cosmos_policy_ros.rollouts.topics import CHUNK, EPISODE_EVENT, PLAN_REPORT, SAFETY_STATUS
from cosmos_policy_ros.rollouts.video import write_video


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = record_episode(tmp_path_factory.mktemp('rollouts'), 4.0)
    write_video(folder)
    write_report(folder)
    return folder


def text_of(page):
    parser, words = HTMLParser(), []
    parser.handle_data = words.append
    parser.feed(page)
    return ' '.join(words)


def test_series_hold_what_was_asked_sent_and_measured(folder):
    series = read_series(folder)
    assert [signal.value.shape for signal in series.measured] == [(400, 7), (400, 7)]
    assert [signal.value.shape for signal in series.sent] == [(100, 6), (100, 6)]
    assert series.asked.value.shape == (100, 14)
    angle = np.sin(np.arange(0, 400, 4) * 0.02)
    assert series.asked.value[:, 0] == pytest.approx(angle)
    assert series.sent[1].value[:, 3] == pytest.approx(angle, abs=1e-6)
    assert series.gripper_sent[0].value == pytest.approx(0.5 + angle, abs=1e-6)
    assert series.measured[1].value[::4, 2] == pytest.approx(0.1 + 0.9 * angle)
    assert series.measured[0].value[::4, 6] == pytest.approx(0.5 + angle)
    assert series.stages == ('images', 'network')
    assert series.latency.value.tolist() == [[0.01, 0.2], [0.01, pytest.approx(0.21)]]
    assert series.value.value == pytest.approx([0.3, 0.5])
    assert series.state.value.tolist().count('READY') == 5


def test_joints_are_found_by_name_not_by_place(tmp_path):
    recording = start(tmp_path)
    names = ['gripper', 'wrist_rotate', 'wrist_angle', 'forearm_roll', 'elbow', 'shoulder', 'waist']
    recording.put(ROBOT.joint_states()[0], START, cdr('sensor_msgs/msg/JointState', header(START), names,
                                                      np.arange(7.0), np.zeros(0), np.zeros(0)))
    folder = recording.finish(recording.record, START + MS)
    assert read_series(folder).measured[0].value.tolist() == [[6, 5, 4, 3, 2, 1, 0]]


def test_joint_states_without_the_drivers_names_are_refused(tmp_path):
    recording = start(tmp_path)
    recording.put(ROBOT.joint_states()[0], START, cdr('sensor_msgs/msg/JointState', header(START), ['waist'],
                                                      np.zeros(1), np.zeros(0), np.zeros(0)))
    folder = recording.finish(recording.record, START + MS)
    with pytest.raises(ValueError, match='/follower_left/joint_states: joint names'):
        read_series(folder)


def test_the_report_is_one_page_that_loads_nothing(folder):
    page = (folder / 'report.html').read_text()
    assert re.findall(r'(?:src|href)="(?!data:)([^"]*)"', page) == [] and 'url(' not in page
    plots = re.findall(r'data:image/png;base64,([^"]*)"', page)
    sizes = [Image.open(BytesIO(base64.b64decode(picture))).size for picture in plots]
    assert len(sizes) == 3 and all(width > 1000 and height > 200 for width, height in sizes)
    assert len(re.findall('data:image/jpeg', page)) == 12 * 3, 'the strip: twelve moments of three cameras'
    video, = re.findall(r'data:video/mp4;base64,([^"]*)"', page)
    assert base64.b64decode(video) == (folder / 'episode.mp4').read_bytes()
    text = text_of(page)
    assert 'success' in text and 'score 1.00, 4.0 s, 100 steps, 2 chunks, seed 7' in text
    assert 'Complete: no drops' in text and 'No safety events' in text
    assert '2 chunks: mean 215 ms, 95 % below 220 ms, at most 220 ms' in text
    assert all(topic in text for topic in ROBOT.compressed_images())


def test_a_long_video_is_linked(folder, monkeypatch):
    monkeypatch.setattr('cosmos_policy_ros.rollouts.report.EMBEDDED', 1000)
    page = write_report(folder).read_text()
    assert re.findall(r'(?:src|href)="(?!data:)([^"]*)"', page) == ['episode.mp4']
    assert '<video' not in page


def test_labels_and_their_history_are_in_the_report(tmp_path):
    folder = record_episode(tmp_path, 0.2)
    add_label(folder, Label(Verdict.FAILURE, '2026-01-01', failure=FailureType.COLLISION, note='hit <the> bowl',
                            operator='ada'))
    add_label(folder, Label(Verdict.PARTIAL, '2026-01-02', 0.5, operator='bob'))
    text = text_of(write_report(folder).read_text())
    assert '2026-01-01: failure (collision) by ada: hit <the> bowl' in text and '2026-01-02: partial 0.5 by bob' in text


def test_safety_events_candidates_and_imagined_futures_are_shown(tmp_path):
    recording = start(tmp_path)
    for tick in range(110):
        stamp = START + tick * 40 * MS
        for topic in ROBOT.images:
            recording.put(topic, stamp, image(stamp, shade=tick))
        if tick in (10, 11, 20):
            recording.put(SAFETY_STATUS, stamp, safety_status(stamp, tick, 3, 'RUNNING', causes=[
                ('clearance', 1 if tick < 20 else 2, 'supervisor', 7 if tick < 20 else 8, 'arms are close')]))
    for tick, kind in ((25, 3), (50, 4), (100, 3)):
        recording.put(EPISODE_EVENT, START + tick * 40 * MS, event(START + tick * 40 * MS, kind))
    for second, shade in ((0, 200), (1, 210), (3, 220)):
        stamp = START + second * 1000 * MS
        recording.put(CHUNK, stamp, chunk(stamp, second, 0.5))
        recording.put(PLAN_REPORT, stamp, plan(stamp, [0.1, 0.6], chosen=1))
        for camera in ROBOT.cameras:
            recording.put(f'/cosmos_policy/imagined/{camera}', stamp + 50 * MS, imagined(stamp, shade))
    folder = recording.finish(recording.record, START + 110 * 40 * MS)
    series = read_series(folder)
    assert [(event.id, event.severity, event.begin, event.end) for event in series.events] == [
        ('clearance', 1, pytest.approx(0.4), pytest.approx(0.44)),
        ('clearance', 2, pytest.approx(0.8), pytest.approx(0.8))]
    assert [span for spans in series.takeovers for span in spans] == pytest.approx([1.0, 2.0, 4.0, 4.4])
    assert [(found.values.tolist(), found.chosen) for found in series.plans] == [(pytest.approx([0.1, 0.6]), 1)] * 3
    futures = imagined_futures(folder, 6)
    assert [future.time for future in futures] == pytest.approx([2.0, 3.0, 5.0])
    assert [future.imagined['cam_high'].mean() for future in futures] == pytest.approx([200, 210, 220], abs=2)
    actual = [future.actual['cam_high'][..., 2].mean() for future in futures[:2]]
    assert actual == pytest.approx([50, 75], abs=2), 'what the camera saw two seconds after the observation'
    assert futures[2].actual == {}, 'the episode was over by then'
    text = text_of(write_report(folder).read_text())
    assert 'An operator had the arms from 1.0 to 2.0 s, 4.0 to 4.4 s.' in text
    assert 'clearance' in text and 'arms are close' in text and 'Imagined and actual' in text


def test_the_strip_ends_with_the_last_picture(folder):
    strip = film(folder, 4)
    assert strip.times == pytest.approx((1, 2, 3, 4)) and all(len(images) == 4 for images in strip.pictures.values())
    assert strip.pictures['cam_high'][3].shape == (48, 64, 3)


def test_what_was_lost_is_in_the_report(tmp_path):
    recording = start(tmp_path)
    recording.put(ROBOT.images[0], START, image(START))
    folder = recording.finish(replace(recording.record, reason='the recorder was <shut down>'), START + 3000 * MS)
    text = text_of(write_report(folder).read_text())
    assert f'{ROBOT.compressed_images()[0]}: largest gap 3.000 s at 25 Hz' in text
    assert '/follower_left/joint_states: nothing received' in text
    assert 'the recorder was <shut down>' in text


@pytest.mark.filterwarnings('error')
def test_an_empty_episode_has_a_report_and_no_video(tmp_path):
    recording = start(tmp_path)
    folder = recording.finish(replace(recording.record, outcome=Outcome.INTERRUPTED), START)
    assert write_video(folder) is None
    assert 'interrupted' in text_of(write_report(folder).read_text())


def test_the_video_shows_the_cameras_side_by_side_in_recorded_time(folder):
    with av.open(str(folder / 'episode.mp4')) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name in ('h264', 'mpeg4'), stream.width, stream.height) == (True, 1440, 360)
        assert float(stream.average_rate) == 25
        frames = [frame.to_ndarray(format='rgb24') for frame in container.decode(stream)]
    assert len(frames) == 100
    shades = [frames[50][180, 480 * panel + 20, 2] for panel in range(3)]
    assert shades == pytest.approx([0, 60, 120], abs=20)


def test_a_camera_that_starts_late_or_pauses_keeps_the_videos_time(tmp_path):
    recording = start(tmp_path)
    for tick in range(50):
        recording.put(ROBOT.images[0], START + tick * 40 * MS, image(START, shade=0))
    white = cdr('sensor_msgs/msg/Image', header(START), 48, 64, 'rgb8', 0, 192, np.full(48 * 192, 255, np.uint8))
    recording.put(ROBOT.images[1], START + 1000 * MS, white)
    folder = recording.finish(recording.record, START + 2000 * MS)
    with av.open(str(write_video(folder))) as container:
        frames = [frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)]
    assert len(frames) == 50
    brightness = [frame[100:260, 600:840].mean() for frame in frames]
    assert max(brightness[:24]) < 10 and min(brightness[27:]) > 240
