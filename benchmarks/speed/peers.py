"""The programs that are compared, and how each is started."""

import sys
from importlib.util import find_spec

from turns import Worker

# glibc's settings of `keep_freed_memory`, for programs that cannot call it
KEPT_MEMORY = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1),
    "MALLOC_TOP_PAD_": str(2**28),
}
KEEP_MEMORY_TOO = ("torch", "opennmt-tf")  # the fastest peers
MODULES = {
    "torch": ("torch",),
    "hf": ("torch", "transformers"),
    "opennmt-tf": ("opennmt",),
    "keras": ("keras",),
    "ctranslate2": ("ctranslate2",),
}
PEERS = tuple(MODULES)
OURS = "tf_transformer"


class Peers:
    """The installed peers, each with its own Python.

    Args:
        names: Of `PEERS`.
        pythons: `"PEER=PATH"` for each peer that has another Python than this program.
        every_memory: Whether programs train with both settings of memory.

    Raises:
        ValueError: If an entry of `pythons` has another form.
    """

    def __init__(self, names, pythons, every_memory=True):
        self.every_memory = every_memory
        self.pythons = {}
        for entry in pythons:
            name, separator, path = entry.partition("=")
            if name not in PEERS or not separator:
                raise ValueError(
                    f"--python takes PEER=PATH, PEER one of {', '.join(PEERS)}. "
                    f"Received: {entry}"
                )
            self.pythons[name] = path
        self.names = [name for name in names if self._is_there(name)]

    def _is_there(self, name) -> bool:
        there = name in self.pythons or all(map(find_spec, MODULES[name]))
        if not there:
            print(f"Skipped: {name} is not installed. --python sets its Python.")
        return there

    def trainers(self, folder, model) -> list[Worker]:
        """The workers that train, ours first."""
        ours, given_back = "ours_training.py", f"{OURS}, memory given back"
        workers = [Worker(OURS, ours, model, "keep")]
        if self.every_memory:
            workers.append(Worker(given_back, ours, model, "return"))
        scripts = {
            "torch": ("torch_training.py", model),
            "hf": ("hf.py", "training", model),
            "opennmt-tf": ("opennmt_tf.py", "training", folder, model),
            "keras": ("keras_layers.py", "training", model),
        }
        for peer, script in scripts.items():
            workers += self._started(peer, "", *script)
            if peer in KEEP_MEMORY_TOO and self.every_memory:
                label = ", memory kept"
                workers += self._started(peer, label, *script, memory=KEPT_MEMORY)
        return workers

    def decoders(self, folder, model, batch_size, beam_size) -> list[Worker]:
        """The workers that decode, ours first.

        They decode from ids to ids unless their name says "text"; CTranslate2 and
        OpenNMT-tf take tokens as strings instead of ids.
        """
        work = (folder, model, batch_size, beam_size)
        ours, ctranslate2 = "ours_decoding.py", "ctranslate2_decoding.py"
        workers = [
            Worker(OURS, ours, *work, "compiled", "ids"),
            Worker(f"{OURS}, text", ours, *work, "compiled", "text"),
            Worker(f"{OURS}, graph, text", ours, *work, "plain", "text"),
        ]
        for label, how in (
            (", 1 thread", ("ids", 1)),
            (", 2 threads", ("ids", 2)),
            (", 1 thread, text", ("text", 1)),
            (", 2 threads, text", ("text", 2)),
        ):
            workers += self._started("ctranslate2", label, ctranslate2, *work, *how)
        workers += self._started("hf", "", "hf.py", "decoding", *work)
        workers += self._started("opennmt-tf", "", "opennmt_tf.py", "decoding", *work)
        if beam_size == 1:  # Keras has no beam search
            workers += self._started("keras", "", "keras_layers.py", "decoding", *work)
        return workers

    def _started(self, peer, label, *script, memory=()) -> list[Worker]:
        if peer not in self.names:
            return []
        python = self.pythons.get(peer, sys.executable)
        return [Worker(peer + label, *script, python=python, environment=memory)]
