"""matplotlib figures. matplotlib is optional (extra `pictures`)."""


def new_figure(width: float, height: float):
    """Makes a figure that is independent of pyplot.

    Args:
        width: Inches.
        height: Inches.

    Returns:
        A `matplotlib.figure.Figure` with the layout "constrained".

    Raises:
        ImportError: If matplotlib is not installed.
    """
    try:
        import matplotlib.figure
    except ImportError as error:
        raise ImportError(
            "Pictures need matplotlib, which is not installed. Expected: pip "
            "install 'tf_transformer[pictures]'"
        ) from error
    size = (width, height)
    return matplotlib.figure.Figure(figsize=size, layout="constrained")
