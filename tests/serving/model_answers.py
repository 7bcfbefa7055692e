"""States and answers of `Models`, after a look at their folder."""

import asyncio

import numpy as np


def refresh(models):
    asyncio.run(models.refresh())


def states(models, name="words"):
    entries = models.status(name)["model_version_status"]
    return {entry["version"]: entry["state"] for entry in entries}


def answer(models, version=None, name="words"):
    with models.lease(name, version) as loaded:
        found = loaded.signature(None)({"text": np.array([b"a"], object)})
    return found["translation"][0].decode()
