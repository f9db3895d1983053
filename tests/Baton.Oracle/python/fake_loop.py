"""An event loop on a fake clock."""

import asyncio
import selectors


class FakeSelector(selectors.BaseSelector):
    """Waits by moving the loop's clock on. A wait without limit ends the run."""

    def __init__(self):
        self.loop = None

    def select(self, timeout=None):
        if timeout is None:
            self.loop.stop()
        elif timeout > 0:
            self.loop.now += timeout
        return []

    def register(self, fileobj, events, data=None):
        return None

    def unregister(self, fileobj):
        return None

    def get_map(self):
        return {}


class FakeLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        selector = FakeSelector()
        selector.loop = self
        self.now = 0.0
        self.after_iteration = []
        super().__init__(selector)
        self._clock_resolution = 1e-9

    def time(self):
        return self.now

    def _run_once(self):
        super()._run_once()
        callbacks, self.after_iteration = self.after_iteration, []
        for callback in callbacks:
            callback()
