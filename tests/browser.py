"""Pages of a run: the data in them; and a headless Chromium, driven through a pipe by the standard library alone."""

import fcntl
import json
import os
import re
import select
import shutil
import subprocess
import tempfile
import time

SECONDS = 60  # until a browser that does not answer is given up


def data_of(path):
    """What a page of :meth:`dasbe.binding.run.Binding.to_html` holds."""
    (element,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', path.read_text("utf-8"), re.S)
    return json.loads(element)


def find():
    """Path of a Chromium, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), None)


class Page:
    """One page, `width` × `height`; `complaints` are what its console and its errors said.

    In a ``with`` block, at whose end the browser is closed.
    """

    def __init__(self, width=1280, height=900, dark=False, calm=False):
        self.complaints, self._count, self._unread = [], 0, b""
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        options = ["--headless=new", "--remote-debugging-pipe", "--disable-gpu", "--disable-dev-shm-usage"]
        options += ["--no-first-run", f"--user-data-dir={self._folder.name}", "about:blank"]
        if os.geteuid() == 0:
            options.insert(0, "--no-sandbox")
        (reads, self._to), (self._from, writes) = os.pipe(), os.pipe()
        high = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (reads, writes)]  # out of the way of 3 and 4
        self._process = subprocess.Popen(
            [find(), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=lambda: [os.dup2(end, number) for end, number in zip(high, (3, 4))],
        )
        for end in (reads, writes, *high):
            os.close(end)
        self._session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2, mobile=width < 600
        )
        features = {
            "prefers-color-scheme": "dark" if dark else "light",
            "prefers-reduced-motion": "reduce" if calm else "no-preference",
        }
        self.call("Emulation.setEmulatedMedia", features=[{"name": k, "value": v} for k, v in features.items()])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        os.close(self._to)
        os.close(self._from)
        self._folder.cleanup()

    def call(self, method, **parameters):
        """Result of a method of the protocol."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._count:
            self._hear(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _next(self):
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._from], [], [], SECONDS)
            block = os.read(self._from, 1 << 20) if ready else b""
            if not block:
                raise RuntimeError("the browser does not answer")
            self._unread += block
        message, _, self._unread = self._unread.partition(b"\0")
        return json.loads(message)

    def _hear(self, event):
        method, given = event["method"], event["params"]
        if method == "Runtime.exceptionThrown":
            self.complaints.append(given["exceptionDetails"].get("exception", given["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and given["type"] in ("error", "warning", "assert"):
            self.complaints.append(given["args"])
        elif method == "Log.entryAdded" and given["entry"]["level"] in ("error", "warning"):
            self.complaints.append(given["entry"])
        elif method == "Network.requestWillBeSent" and not given["request"]["url"].startswith(
            ("file:", "data:", "blob:")
        ):
            self.complaints.append(given["request"]["url"])

    def open(self, path, fragment=""):
        """Load a file, and wait until the page says that it is ready."""
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=path.absolute().as_uri() + fragment)
        self.wait_for("document.body?.dataset.ready === 'true'")

    def value(self, expression):
        """Of an expression in JavaScript."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description"))
        return answer["result"].get("value")

    def wait_for(self, expression):
        """Until the expression is true."""
        end = time.monotonic() + SECONDS
        while not self.value(expression):
            assert time.monotonic() < end, f"{expression} never was true; complaints: {self.complaints}"
            time.sleep(0.02)

    def click(self, selector, x=0.5, y=0.5):
        """At a place of an element, in parts of its width and height."""
        self.value(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center'}})")
        box = self.value(
            f"(({{x, y, width, height}}) => [x, y, width, height])"
            f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        )
        where = {"x": box[0] + x * box[2], "y": box[1] + y * box[3], "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, **where)

    def press(self, key):
        """A key, by its name in KeyboardEvent.key, with those held before ``+``."""
        *held, key = key.split("+") if key != "+" else [key]
        text = {"text": " "} if key == " " else {}
        shift = 8 if "Shift" in held else 0
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, modifiers=shift, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, modifiers=shift)

    def picture(self, whole=True):
        """PNG of the page, in base 64."""
        return self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
