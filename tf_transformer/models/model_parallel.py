"""A Transformer whose weights are divided among several devices."""

import keras
import numpy as np

# Which axis of a variable the devices of a copy share: attention heads (whole ones if
# the devices divide their number), d_ff, the vocabulary. Each product of two of these
# matrices then needs one sum over devices, as in Megatron-LM (Shoeybi et al., 2019,
# section 3).
SHARED_AXES = {
    r".*attention/(query|key|value)/kernel": (None, "model"),
    r".*attention/(query|key|value)/bias": ("model",),
    r".*attention/output/kernel": ("model", None),
    r".*feed_forward/inner/kernel": (None, "model"),
    r".*feed_forward/inner/bias": ("model",),
    r".*feed_forward/outer/kernel": ("model", None),
    r".*embedding/matrix/embeddings": ("model", None),
    r".*embedding/output_bias": ("model",),
}


class TransformerParallel(keras.distribution.ModelParallel):
    """Divides heads, d_ff and vocabulary of a `Transformer` among devices.

    For the JAX backend. Set it before the model is made. If the number of
    devices does not divide an axis, such as a vocabulary of 8001 pieces on 2 devices,
    each device keeps the whole variable.

    Source: [Shoeybi et al., 2019](https://arxiv.org/abs/1909.08053), section 3.

    Args:
        devices: Names of devices, as `keras.distribution.list_devices` returns them.
        model_devices: Integer. Devices that share one copy of the weights; must
            divide the number of devices. The copies share each batch.

    Raises:
        ValueError: If `model_devices` does not divide the number of devices.

    Example:

    >>> parallel = TransformerParallel(["cpu:0"], model_devices=1)
    >>> parallel.num_model_replicas
    1
    """

    def __init__(self, devices: list[str], model_devices: int):
        if model_devices < 1 or len(devices) % model_devices:
            raise ValueError(
                "model_devices must divide the number of devices. Expected a divisor "
                f"of {len(devices)}. Received: model_devices={model_devices}"
            )
        mesh = keras.distribution.DeviceMesh(
            shape=(len(devices) // model_devices, model_devices),
            axis_names=["batch", "model"],
            devices=np.array(devices),
        )
        layouts = keras.distribution.LayoutMap(mesh)
        for pattern, axes in SHARED_AXES.items():
            layouts[pattern] = axes
        super().__init__(
            layout_map=layouts, batch_dim_name="batch", auto_shard_dataset=False
        )

    def get_variable_layout(self, variable):
        """Returns how a variable is divided, or the whole variable on each device."""
        layout = super().get_variable_layout(variable)
        model_devices = self.device_mesh.shape[1]
        if len(layout.axes) == len(variable.shape) and all(
            axis is None or size % model_devices == 0
            for axis, size in zip(layout.axes, variable.shape, strict=True)
        ):
            return layout
        whole = [None] * len(variable.shape)
        return keras.distribution.TensorLayout(whole, self.device_mesh)
