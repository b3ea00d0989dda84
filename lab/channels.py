"""The two sockets of a guest: its agent, which runs commands in it, and QEMU's monitor, which changes the machine."""
import base64
import json
import os
import socket
import time

ENVIRONMENT = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8",
               "DOTNET_gcConcurrent=0", "DOTNET_TieredPGO=0", "DOTNET_NOLOGO=1"]


class Channel:
    """Lines of JSON over a UNIX socket."""

    def __init__(self, path, seconds):
        self.path, self.ends = path, time.monotonic() + seconds
        while True:
            self.socket, self.buffer = socket.socket(socket.AF_UNIX), b""
            try:
                self.socket.connect(path)
                self.greet()
                return
            except (ConnectionError, FileNotFoundError, BlockingIOError, EOFError):
                # It is not there yet, or QEMU ended the connection with that of the client before.
                self.socket.close()
                if not os.path.isdir(os.path.dirname(path)):
                    raise EOFError(f"{path}: the guest has ended") from None
                self.check()
                time.sleep(0.05)

    def greet(self):
        """What has to be said before the first question, and may be said again."""

    def patience(self):
        """How many seconds an answer may take."""
        return 120

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def check(self):
        if time.monotonic() > self.ends:
            raise TimeoutError(f"{self.path}: does not answer")

    def line(self, seconds):
        self.socket.settimeout(seconds)
        while b"\n" not in self.buffer:
            received = self.socket.recv(1 << 20)
            if not received:
                raise EOFError("the guest has ended")
            self.buffer += received
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line

    def send(self, command, arguments):
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")

    def __call__(self, command, **arguments):
        self.send(command, {k.replace("_", "-"): v for k, v in arguments.items()})
        while True:
            answer = json.loads(self.line(self.patience()))
            if "error" in answer:
                raise RuntimeError(command + ": " + answer["error"]["desc"])
            if "return" in answer:   # what is neither is an event
                return answer["return"]


class Agent(Channel):
    """The guest agent's socket. It serves one client at a time, so nobody keeps it longer than for a question."""

    def greet(self):
        """Until the agent answers this client's own number: the port may still hold answers for an earlier one."""
        number, sent = int(time.time() * 1e6) & 0x3FFFFFFF, 0.0
        while True:
            self.check()
            if time.monotonic() - sent > 2:
                number, sent = number + 1, time.monotonic()
                self.send("guest-sync", {"id": number})
            try:
                if json.loads(self.line(0.5)).get("return") == number:
                    return
            except (socket.timeout, ValueError):
                pass

    def patience(self):
        # Of a guest that restarts meanwhile no answer comes at all.
        return max(0.1, self.ends - time.monotonic())

    def start(self, script, capture=True):
        return self("guest-exec", path="/bin/bash", arg=["-c", script], env=ENVIRONMENT, capture_output=capture)["pid"]


class Monitor(Channel):
    """QEMU's machine protocol (docs/interop/qmp-spec.txt)."""

    def greet(self):
        self.line(30)
        self("qmp_capabilities")

    def save(self, file):
        self("stop")
        self("migrate-set-parameters", max_bandwidth=1 << 40)
        self("migrate", uri="exec:cat > " + file)
        while (status := self("query-migrate").get("status")) != "completed":
            if status == "failed":
                raise RuntimeError("saving the guest failed")
            time.sleep(0.05)
        self("quit")

    def go_on(self):
        """After a start from a saved state."""
        while (status := self("query-status")["status"]) != "running":
            if status == "paused":
                self("cont")
            time.sleep(0.02)


def status_of(path, process, seconds):
    """How a script is; asked again when QEMU ends the connection meanwhile."""
    for last in (False, False, True):
        try:
            with Agent(path, seconds) as agent:
                return agent("guest-exec-status", pid=process)
        except (ConnectionError, EOFError):
            if last:
                raise


def run(path, script, seconds):
    """Runs a script in a guest and gives its exit code, its output and its errors. Others may use the agent in between."""
    with Agent(path, seconds) as agent:
        process = agent.start(script)
    ends, pause = time.monotonic() + seconds, 0.03
    while True:
        status = status_of(path, process, max(10, ends - time.monotonic()))
        if status["exited"]:
            return (status.get("exitcode", 128 + status.get("signal", 0)),
                    base64.b64decode(status.get("out-data", "")), base64.b64decode(status.get("err-data", "")))
        if time.monotonic() > ends:
            raise TimeoutError(f"still running after {seconds} s: {script}")
        time.sleep(pause)
        pause = min(pause * 1.5, 1)   # the agent is busy for each question
