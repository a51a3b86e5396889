"""The published server as far as a client can tell, written from its description and not from its code."""
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import json_numpy
import numpy as np

from fake_backend import TASK, expected_actions, observation

NAMES = 'left_wrist_image', 'right_wrist_image', 'primary_image'
SEED = 195


class FakeUpstreamHandler(BaseHTTPRequestHandler):
    """Answers every exception with 200 and "error", a body that is no object with 422; has no other route."""

    protocol_version = 'HTTP/1.1'
    candidates = 1

    def do_POST(self):
        if self.path != '/act':
            return self._say(404, {'detail': 'Not Found'})
        try:
            request = json_numpy.loads(self.rfile.read(int(self.headers['Content-Length'])))
        except ValueError:
            return self._say(422, {'detail': []})
        if not isinstance(request, dict):
            return self._say(422, {'detail': []})
        try:
            double = set(request) == {'encoded'}
            reply = self._infer(json_numpy.loads(request['encoded']) if double else request)
            self._say(200, json_numpy.dumps(reply) if double else reply)
        except Exception:
            self._say(200, 'error')

    def do_GET(self):
        self._say(405 if self.path == '/act' else 404, {'detail': 'no'})

    def _infer(self, request):
        left, right, high = (np.array(request[name], np.uint8) for name in NAMES)
        assert request['task_description'] == TASK and left.shape == right.shape == high.shape
        seen = observation().__class__(0.0, {'cam_left_wrist': left, 'cam_right_wrist': right, 'cam_high': high},
                                       np.array(request['proprio'], np.float32))
        chunks = [expected_actions(seen, SEED + q) for q in range(self.candidates)]
        rows = [[np.array(row) for row in chunk] for chunk in chunks]
        values = [.3 + .1 * q for q in range(self.candidates)]
        images = {'future_wrist_image': left, 'future_wrist_image2': right, 'future_image': high}
        reply = {'actions': rows[-1], 'future_image_predictions': images, 'value_prediction': values[-1]}
        if request.get('return_all_query_results'):
            reply |= {'all_actions': rows, 'all_future_image_predictions': [images] * self.candidates,
                      'all_value_predictions': values, 'all_actions_by_depth': [[chunk] for chunk in rows],
                      'all_future_image_predictions_by_depth': [[images]] * self.candidates,
                      'all_value_predictions_by_depth': [[value] for value in values]}
        return reply

    def _say(self, status, document):
        body = json_numpy.dumps(document).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Quiet."""


@contextmanager
def fake_upstream(candidates=1):
    """Its URL."""
    handler = type('Handler', (FakeUpstreamHandler,), {'candidates': candidates})
    server = ThreadingHTTPServer(('127.0.0.1', 0), handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f'http://127.0.0.1:{server.server_address[1]}'
    finally:
        server.shutdown()
        server.server_close()
