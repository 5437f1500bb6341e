"""Serves the demo on localhost; with --browser also opens it there and waits for what its check says.

    python3 serve.py FOLDER                        serve until interrupted
    python3 serve.py FOLDER --browser chromium     run check.html; exit 0 when it passed, 1 when not
"""

import argparse
import functools
import http.server
import json
import shutil
import subprocess
import sys
import tempfile
import threading

SECONDS = 90


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files, and one place to post a result to."""

    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".wasm": "application/wasm",
                      ".js": "text/javascript"}

    def log_message(self, *_):
        pass

    def do_POST(self):
        length = min(int(self.headers.get("Content-Length", 0)), 1 << 20)
        self.server.result = json.loads(self.rfile.read(length))
        self.send_response(204)
        self.end_headers()
        self.server.done.set()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--browser")
    parser.add_argument("--port", type=int, default=0)
    args = parser.parse_args()
    handler = functools.partial(Handler, directory=args.folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", args.port), handler)
    server.done, server.result = threading.Event(), None
    address = f"http://127.0.0.1:{server.server_port}/"
    if not args.browser:
        print(f"the demo is at {address}index.html", flush=True)
        server.serve_forever()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    profile = tempfile.mkdtemp(prefix="flockwise-browser-")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             f"--user-data-dir={profile}", "--remote-debugging-port=0"]
    browser = subprocess.Popen([args.browser, *flags, address + "check.html"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        finished = server.done.wait(SECONDS)
    finally:
        browser.terminate()
        try:
            browser.wait(10)
        except subprocess.TimeoutExpired:
            browser.kill()
        shutil.rmtree(profile, ignore_errors=True)
    if not finished:
        print(f"the page said nothing within {SECONDS} s")
        return 1
    result = server.result
    print("\n".join(f"  ok: {what}" for what in result["passed"]))
    if not result["ok"]:
        print(f"  FAILED: {result['error']}")
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        pass
