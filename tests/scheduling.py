"""Tests that run in the same process of pytest-xdist with `--dist loadscope`."""

from xdist.scheduler import LoadScopeScheduling

# each of their tests is a separate program, so any process may run it
_SINGLE = (
    *("tests/notebooks/", "tests/scripts/test_programs", "tests/test_readme"),
    "tests/scripts/test_small_models",
)
# one browser and one service for all files
_PAGE = "tests/serving/page/"


class SharedFixtures(LoadScopeScheduling):
    """Tests of a file run in one process, and so do the tests of the service's page."""

    def schedule(self):
        # otherwise files of many tests come first
        self.config.option.loadscopereorder = False
        super().schedule()

    def _split_scope(self, nodeid):
        if nodeid.startswith(_SINGLE):
            return nodeid
        if nodeid.startswith(_PAGE):
            return _PAGE
        return nodeid.split("::", 1)[0]
