"""The examples for SLURM and Kubernetes, and the program of the document."""

import re
import shlex
import subprocess
from pathlib import Path

import keras
import pytest
import yaml

from tests.document_blocks import python_blocks
from tf_transformer.cli import make_parser
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.processes import Processes, find_processes

DOCS = Path(__file__).parents[2] / "docs"
SLURM = DOCS / "train_on_slurm.sh"
KUBERNETES = DOCS / "train_on_kubernetes.yaml"


def train_options(words):
    """What `tf-transformer train ...` understands; an unknown option exits."""
    assert words[:2] == ["tf-transformer", "train"]
    options = make_parser().parse_args(words[1:])
    settings = {
        name: getattr(options, name) for name in TrainingConfig.__dataclass_fields__
    }
    return TrainingConfig(**settings).resolved()


def test_the_document_s_program_divides_a_model():
    (program,) = python_blocks("docs/distribution.md")
    names = {}
    exec(program, names)
    assert names["distribution"].num_model_replicas == 1
    assert keras.distribution.distribution() in (None, names["distribution"])
    keras.distribution.set_distribution(None)


def test_slurm():
    checked = subprocess.run(["bash", "-n", SLURM], capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")
    text = SLURM.read_text(encoding="utf-8")
    # SLURM reads its options up to the first command only
    before, command, _ = text.partition("set -euo pipefail")
    assert command and text.count("#SBATCH") == before.count("#SBATCH") > 5
    (command,) = re.findall(r"^srun .*\Z", text, re.MULTILINE | re.DOTALL)
    words = shlex.split(command.replace("\\\n", ""))
    config = train_options(words[words.index("tf-transformer") :])
    assert config.distribute == "data"
    assert "export KERAS_BACKEND=jax" in text


def test_kubernetes():
    documents = yaml.safe_load_all(KUBERNETES.read_text(encoding="utf-8"))
    service, job = documents
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert train_options(container["command"] + container["args"]).window == 1_000_000

    variables = {entry["name"]: entry["value"] for entry in container["env"]}
    assert variables["KERAS_BACKEND"] == "jax"
    number = job["spec"]["completions"]
    name, subdomain = job["metadata"]["name"], service["metadata"]["name"]
    port = container["ports"][0]["containerPort"]
    for index in range(number):
        environment = {**variables, "JOB_COMPLETION_INDEX": str(index)}
        # pods of an Indexed Job are called NAME-INDEX
        address = f"{name}-0.{subdomain}:{port}"
        expected = Processes(address, number, index)
        assert find_processes(environment=environment) == expected
    with pytest.raises(ValueError, match=f"below num_processes={number}"):
        find_processes(environment={**variables, "JOB_COMPLETION_INDEX": str(number)})

    assert job["spec"]["parallelism"] == number  # or the first ones wait for ever
    assert job["spec"]["completionMode"] == "Indexed"
    assert pod["subdomain"] == subdomain and service["spec"]["clusterIP"] == "None"
    assert service["spec"]["selector"] == {"job-name": name}
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}
