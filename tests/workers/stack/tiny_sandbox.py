"""A sandbox as small as they come: started like ours, it answers 200 and tells the options it was given."""

import argparse
from http.server import BaseHTTPRequestHandler, HTTPServer

parser = argparse.ArgumentParser()
parser.add_argument("--host", required=True)
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--speed", type=float, required=True)
parser.add_argument("--log-format", required=True)
parser.add_argument("--knows-all", action="store_true")
options = parser.parse_args()


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(options.speed).encode())


HTTPServer((options.host, options.port), Answer).serve_forever()
