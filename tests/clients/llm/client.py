"""The command `llm`: each case is one run of it, configured as its manual says, by `extra-openai-models.yaml`."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HOME = Path(tempfile.mkdtemp(prefix="llm-"))
USAGE = re.compile(r"Token usage: ([\d,]+) input, ([\d,]+) output.*")


class CommandFailed(Exception):
    """The command ended with a status other than 0; the text is what it wrote to standard error."""


def run(ask, *arguments, model="grok"):
    """(standard output in the pieces in which it came, standard error) of `llm prompt`."""
    configure(ask)
    done = subprocess.Popen(
        [sys.executable, "-m", "llm", "prompt", "-m", model, "-u", *options(ask), *arguments, ask.prompt],
        env={**os.environ, "LLM_USER_PATH": str(HOME), "PYTHONWARNINGS": "default"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=(HOME / "stderr").open("w+"),
    )
    pieces = list(iter(lambda: os.read(done.stdout.fileno(), 65536), b""))
    told = (HOME / "stderr").read_text()
    if done.wait():
        raise CommandFailed(f"{told.strip()} (status {done.returncode}, after {pieces})")
    return pieces, told


def configure(ask):
    kinds = {"grok": {}, "grok-whole": {"can_stream": False}, "grok-responses": {"responses": True}}
    common = {
        "model_name": ask.model,
        "api_base": ask.url,
        "supports_schema": True,
        "supports_tools": True,
        "api_key_name": "grok",
    }
    rows = [{"model_id": name, **common, **kind} for name, kind in kinds.items()]
    (HOME / "extra-openai-models.yaml").write_text(json.dumps(rows))
    (HOME / "keys.json").write_text(json.dumps({"grok": ask.key}))


def options(ask):
    given = getattr(ask, "options", {})
    values = {name: value[0] if isinstance(value, list) else value for name, value in given.items()}
    return [word for name, value in values.items() for word in ("-o", name, str(value))]


def seen(ask, *arguments, model="grok"):
    pieces, err = run(ask, *arguments, model=model)
    told = USAGE.search(err)
    usage = None
    if told:
        got, sent = (int(number.replace(",", "")) for number in told.groups())
        usage = {"input": got, "output": sent, "total": got + sent}
    text = b"".join(pieces).decode().strip()
    return {"text": text, "pieces": len(pieces), "usage": usage, "told": USAGE.sub("", err).strip()}


def chat(ask):
    return seen(ask, "--no-stream")


def chat_that_cannot_stream(ask):
    return seen(ask, model="grok-whole")


def chat_async(ask):
    return seen(ask, "--async")


def stream(ask):
    return seen(ask)


def conversation(ask):
    """A second prompt that continues the first."""
    seen(ask)
    ask.prompt = ask.second
    return seen(ask, "-c")


WEATHER = '''
def get_weather(city: str) -> str:
    """The weather of a city."""
    return {result!r}
'''


def tools(ask):
    return tools_with(ask, "--no-stream")


def stream_tools(ask):
    return tools_with(ask)


def tools_with(ask, *arguments, model="grok"):
    found = seen(ask, "--functions", WEATHER.format(result=ask.result), "--td", *arguments, model=model)
    calls = re.findall(r"Tool call: (\w+)\((.*)\)", found["told"])
    return {**found, "calls": [{"name": name, "arguments": ast.literal_eval(text)} for name, text in calls]}


def structured(ask):
    found = seen(ask, "--no-stream", "--schema", "city, population int")
    return {**found, "value": json.loads(found["text"])}


def stream_structured(ask):
    found = seen(ask, "--schema", "city, population int")
    return {**found, "value": json.loads(found["text"])}


def json_object(ask):
    found = seen(ask, "-o", "json_object", "1")
    return {**found, "value": json.loads(found["text"])}


def responses(ask):
    return seen(ask, "--no-stream", model="grok-responses")


def responses_stream(ask):
    return seen(ask, model="grok-responses")


def responses_tools(ask):
    return tools_with(ask, model="grok-responses")
