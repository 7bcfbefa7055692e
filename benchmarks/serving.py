"""Measures requests per second and latency of `tf-transformer serve`.

    python benchmarks/serving.py saved_models mine --texts sentences.txt
    python benchmarks/serving.py saved_models mine --texts sentences.txt \\
        --ctranslate2 model    # also CTranslate2

The service runs with and without batching. Another process runs the clients: each sends
one sentence, waits for the answer and sends the next one. Sentences are random lines of
the file.
"""

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

SETTINGS = {"batching": [], "one at a time": ["--batch-size", "1"]}
COLUMNS = ("requests/s", "p50 ms", "p95 ms", "p99 ms", "client CPU", "service CPU")
COLUMNS += ("computing",)  # share of the time in which the model computed
# enough for every client, and for the slowest
CAPACITY = ("--queue", "1024", "--timeout", "120")


def main() -> None:
    """Measures, prints a table and writes JSON."""
    options = parse_options()
    if options.url:
        texts = options.texts.read_text(encoding="utf-8").splitlines()
        print(json.dumps(asyncio.run(load(options, texts))))
        return
    rows = []
    settings = {
        name: (["-m", "tf_transformer"], [*SETTINGS[name], *options.service.split()])
        for name in options.settings
    }
    if options.ctranslate2:
        script = Path(__file__).with_name("serving_ctranslate2.py")
        settings["ctranslate2"] = ([script, options.ctranslate2], [])
    for setting, (program, flags) in settings.items():
        with Service(program, options.folder, flags) as service:
            for clients in options.clients:
                row = measure(options, service, clients)
                rows.append({"setting": setting, "clients": clients, **row})
                print(json.dumps(rows[-1]), file=sys.stderr)
    print(table(rows))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="of exported models")
    parser.add_argument("model", help="name of the model")
    parser.add_argument("--texts", type=Path, required=True, help="one sentence a line")
    parser.add_argument("--signature", default="translate")
    parser.add_argument(
        "--settings", nargs="*", choices=SETTINGS, default=list(SETTINGS)
    )
    parser.add_argument(
        "--service", default="", help="more options of our service, in one word"
    )
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32, 128])
    parser.add_argument("--seconds", type=float, default=30, help="of each measurement")
    parser.add_argument("--warm-up", type=float, default=5, help="seconds before it")
    parser.add_argument("--json", type=Path, help="file to write")
    parser.add_argument("--ctranslate2", metavar="FOLDER", help="also serve this model")
    parser.add_argument("--url", help=argparse.SUPPRESS)  # it is the clients' process
    return parser.parse_args()


class Service:
    """A running service, until the end of the `with`."""

    def __init__(self, program: list, folder: str, flags: list[str]):
        command = [sys.executable, *map(str, program), "serve", folder]
        self.process = subprocess.Popen(
            [*command, "--port", "0", *CAPACITY, *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        address = re.search(r"http://\S+", self.process.stdout.readline())
        if not address:
            raise ValueError(f"The service did not start. Received: {folder}")
        self.url = address[0]

    def __enter__(self) -> "Service":
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/readyz")
                return self
            except OSError as error:
                if self.process.poll() is not None:
                    raise ValueError("The service has ended.") from error
                time.sleep(0.2)

    def __exit__(self, *error) -> None:
        self.process.terminate()
        self.process.wait()

    def cpu_seconds(self) -> float:
        """CPU time of all its threads."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2]
        user, system = stat.split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def computing_seconds(self) -> float:
        """Time in which its model has computed."""
        with urllib.request.urlopen(f"{self.url}/metrics") as answer:
            page = answer.read().decode()
        value = re.search(r"^\w+_computing_seconds_total (\S+)", page, re.MULTILINE)
        return float(value[1])


def measure(options, service: Service, clients: int) -> dict:
    """Measures this number of clients in a separate process."""
    command = [sys.executable, __file__, options.folder, options.model]
    flags = {
        "--url": service.url,
        "--texts": options.texts,
        "--signature": options.signature,
        "--clients": clients,
        "--seconds": options.seconds,
        "--warm-up": options.warm_up,
    }
    words = [str(word) for flag in flags.items() for word in flag]
    used, computed = service.cpu_seconds(), service.computing_seconds()
    started = time.monotonic()
    result = subprocess.run(
        [*command, *words], stdout=subprocess.PIPE, text=True, check=True
    )
    seconds = time.monotonic() - started
    return {
        **json.loads(result.stdout),
        "service CPU": round((service.cpu_seconds() - used) / seconds, 2),
        "computing": round((service.computing_seconds() - computed) / seconds, 2),
    }


async def load(options, texts: list[str]) -> dict:
    """Runs the clients in this process and summarizes their measurements."""
    host, port = options.url.removeprefix("http://").split(":")
    latencies, failures = [], []
    start = time.monotonic() + options.warm_up
    end = start + options.seconds

    async def client(number: int) -> None:
        generator = random.Random(number)
        reader, writer = await asyncio.open_connection(host, int(port))
        while (sent := time.monotonic()) < end:
            body = {
                "signature_name": options.signature,
                "inputs": [generator.choice(texts)],
            }
            status = await ask(reader, writer, options.model, json.dumps(body).encode())
            if sent >= start:
                latencies.append(time.monotonic() - sent)
                if status != 200:
                    failures.append(status)
        writer.close()

    working = asyncio.gather(*(client(number) for number in range(options.clients[0])))
    await asyncio.sleep(options.warm_up)
    cpu = time.process_time()
    await working
    seconds = time.monotonic() - start
    latencies.sort()
    percentiles = {
        f"p{percent} ms": round(1000 * latencies[len(latencies) * percent // 100], 1)
        for percent in (50, 95, 99)
    }
    return {
        "requests/s": round(len(latencies) / seconds, 1),
        **percentiles,
        "client CPU": round((time.process_time() - cpu) / seconds, 2),
        "failures": len(failures),
    }


async def ask(reader, writer, model: str, body: bytes) -> int:
    """Sends a request over an open connection and reads the answer; its status."""
    head = (
        f"POST /v1/models/{model}:predict HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    header = await reader.readuntil(b"\r\n\r\n")
    size = re.search(rb"content-length: (\d+)", header, re.IGNORECASE)
    await reader.readexactly(int(size[1]))
    return int(header.split(maxsplit=2)[1])


def table(rows: list[dict]) -> str:
    """The measurements in Markdown."""
    names = ["setting", "clients", *COLUMNS, "failures"]
    lines = [names, ["---"] * len(names), *([row[n] for n in names] for row in rows)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


if __name__ == "__main__":
    main()
