"""The order in which tests begin."""

# what takes longest comes first, so that no process is idle at the end
_LONGEST = (
    *("[08_", "[00_", "[09_", "tests/serving/page/", "[11_", "test_saved_model.py"),
    *("[07_", "test_service_process", "test_killed_runs", "test_compiled.py"),
    *("test_same_update", "test_without_tensorflow", "test_train.py", "test_average"),
    *("test_several_devices", "test_devices", "test_jax_devices", "test_updates"),
    *("test_recipe_benchmark", "test_small_models", "test_all_verbs", "test_programs"),
    *("tests/notebooks/", "test_quickstart", "test_compare_speed", "tests/export/"),
    *("test_several", "test_speed_benchmark", "test_wheel"),
    *("tests/runs/", "tests/serving/", "tests/models/", "tests/training/"),
    "tests/importers/",
)


def place_in_order(nodeid):
    """The smaller, the earlier a test begins."""
    names = (place for place, name in enumerate(_LONGEST) if name in nodeid)
    return next(names, len(_LONGEST))
