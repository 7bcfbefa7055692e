r"""Converts an exported folder to an MLflow model for MLflow's server.

    pip install mlflow "tensorflow==2.21.*"
    python scripts/serve_with_mlflow.py saved_models/mine/1 models/mine-mlflow
    mlflow models serve -m models/mine-mlflow --env-manager local --port 5000

    curl http://127.0.0.1:5000/invocations -H "Content-Type: application/json" \
        -d '{"inputs": ["I am a student.", ""]}'

The model contains copies of the folder and of this file.
"""

import argparse
from pathlib import Path

import mlflow
import tensorflow as tf


class Translate(mlflow.pyfunc.PythonModel):
    """The model. MLflow checks requests against the type hint of `model_input`."""

    def load_context(self, context):
        loaded = tf.saved_model.load(context.artifacts["exported"])
        self.translate = loaded.signatures["serving_default"]

    def predict(self, context, model_input: list[str]):
        outputs = self.translate(text=tf.constant(model_input, tf.string))
        return {
            "translation": [text.decode() for text in outputs["translation"].numpy()],
            "score": outputs["score"].numpy().tolist(),
        }


def main() -> None:
    """Writes the model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="an exported folder, NAME/VERSION")
    parser.add_argument("output", help="new folder for the MLflow model")
    options = parser.parse_args()
    if not tf.saved_model.contains_saved_model(options.folder):
        parser.error(f"There is no SavedModel in {options.folder}.")
    if Path(options.output).exists():
        parser.error(f"{options.output} already exists.")
    mlflow.pyfunc.save_model(
        options.output,
        python_model=__file__,
        artifacts={"exported": options.folder},
        pip_requirements=["mlflow", "tensorflow==2.21.*"],
    )


mlflow.models.set_model(Translate())
if __name__ == "__main__":
    main()
