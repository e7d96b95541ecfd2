"""What a log line looks like, and what it never shows."""

import json
import subprocess
import sys

SCRIPT = """
import logging, structlog
from shared.telemetry import logging as logs
logs.configure("sample", {format!r}, {level!r})
log = structlog.get_logger("x")
{body}
"""


def lines_of(body: str, *, log_format: str = "json", level: str = "info") -> list[str]:
    """Run statements in a process with logging set up; return its lines on standard output."""
    script = SCRIPT.format(format=log_format, level=level, body=body)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_a_line_is_one_json_object() -> None:
    """A line is one JSON object: time in UTC, level, service, event and the fields."""
    [line] = lines_of("log.info('delivery_refused', host='a.example', status=410, who=b'x')")
    document = json.loads(line)
    assert document["timestamp"].endswith("Z")
    assert (document["level"], document["service"]) == ("info", "sample")
    assert (document["event"], document["host"], document["status"]) == ("delivery_refused", "a.example", 410)


def test_hostile_text_stays_on_its_line() -> None:
    """Line breaks, control characters and broken Unicode in a value neither split nor lose the line."""
    [line] = lines_of(r"log.info('seen', text='a\nb\x1b[31m\ud800')")
    assert json.loads(line)["event"] == "seen"


def test_a_failure_has_its_traceback_in_the_line() -> None:
    """An exception is a field of the line, not lines of its own."""
    [line] = lines_of("try:\n    1 / 0\nexcept ZeroDivisionError:\n    log.exception('failed')")
    assert "ZeroDivisionError" in json.loads(line)["exception"]


def test_the_id_of_an_activity_is_bound_once() -> None:
    """What is bound around a piece of work is on each of its lines and on none after it."""
    body = "with logs.bound(trace='t1'):\n    log.info('one')\nlog.info('two')"
    one, two = (json.loads(line) for line in lines_of(body))
    assert one["trace"] == "t1"
    assert "trace" not in two


MANY = """
rows = [{"trace": f"t{number}", "text": "x" * number} for number in range(200)]
with logs.bound(batch="b1", trace="of the batch"):
    logs.info_all("applied", rows)
"""


def test_many_lines_are_as_if_logged_one_by_one() -> None:
    """Lines logged together are the same ones, in their order, with what is bound and not said otherwise."""
    one_by_one = MANY.replace(
        'logs.info_all("applied", rows)', '[log.info("applied", **row) for row in rows]'
    )
    together, alone = ([json.loads(line) for line in lines_of(body)] for body in (MANY, one_by_one))
    for line in (*together, *alone):
        assert line.pop("timestamp").endswith("Z")
    assert together == alone
    assert (len(together), together[7]["batch"]) == (200, "b1")


def test_no_write_is_too_large_for_a_shared_pipe() -> None:
    """Lines that are logged together are written in pieces that the system keeps together, none cut."""
    body = f"""
import os, sys, io, select
class Watch(io.RawIOBase):
    sizes, ends = [], set()
    def writable(self): return True
    def write(self, data):
        self.sizes.append(len(data)); self.ends.add(bytes(data[-1:])); return os.write(1, data)
sys.stdout = io.TextIOWrapper(io.BufferedWriter(Watch(), 1 << 20))
{MANY}
print(max(Watch.sizes) <= select.PIPE_BUF, len(Watch.sizes) < 50, Watch.ends)
"""
    assert lines_of(body)[-1] == r"True True {b'\n'}"


def test_many_lines_heed_level_and_format() -> None:
    """Lines that are logged together stay away where single ones would, and are readable where those are."""
    assert lines_of(MANY, level="warning") == []
    shown = lines_of(MANY, log_format="console")
    assert len(shown) == 200
    assert all("applied" in line and "b1" in line for line in shown)


def test_libraries_come_out_the_same_way_without_passwords() -> None:
    """The standard library's log becomes the same JSON, with passwords in URLs removed."""
    body = "logging.getLogger('lib').warning('lost amqp://heddle:hunter2@broker.example/x: %s', 'why')"
    [line] = lines_of(body)
    document = json.loads(line)
    assert document["event"] == "library_message"
    assert document["library"] == "lib"
    assert document["message"] == "lost amqp://heddle:***@broker.example/x: why"
    assert document["level"] == "warning"


def test_less_important_lines_are_left_out() -> None:
    """The level decides what is shown."""
    assert lines_of("log.info('one')\nlogging.getLogger('lib').info('two')", level="warning") == []


def test_the_console_form_is_for_people() -> None:
    """The console form is text, with the event and its fields on one line."""
    [line] = lines_of("log.info('listening', address='127.0.0.1:1')", log_format="console")
    assert "listening" in line
    assert not line.startswith("{")


def test_traces_are_unique_and_of_the_standard_size() -> None:
    """Each trace is fresh, and as long as OpenTelemetry's ids are."""
    [line] = lines_of("print(logs.new_trace(), logs.new_trace())")
    one, two = line.split()
    assert one != two
    assert len(bytes.fromhex(one)) == 16
