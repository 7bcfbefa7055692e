"""Whether long tests run in their short form, as in `.ci/run`.

With TF_TRANSFORMER_FAST=1 trainings are shorter, corpora are sampled, and tests marked
`full` are skipped. `.ci/run full` runs everything whole.
"""

import os

FAST = os.environ.get("TF_TRANSFORMER_FAST") == "1"
