"""Task groups, and deliberate improvements of groups and timeouts."""

import asyncio

from awaits import delivered_requests, keep, pending_requests
from registry import improvement


class OrderedSet(dict):
    """A set that is gone through in the order of insertion, where asyncio goes through a set in an order that nobody knows."""

    def add(self, item):
        self[item] = None

    def discard(self, item):
        self.pop(item, None)


class OrderedTaskGroup(asyncio.TaskGroup):
    def __init__(self):
        super().__init__()
        self._tasks = OrderedSet()


class GroupWait(asyncio.Future):
    """The wait of a group's block for the tasks. It can be cancelled until the group cancels the tasks."""

    def __init__(self, group):
        super().__init__(loop=asyncio.get_running_loop())
        self.group = group

    def cancel(self, msg=None):
        return False if self.group._aborting else super().cancel()

    def __await__(self):
        try:
            return (yield from super().__await__())
        except asyncio.CancelledError as error:
            if self.group._aborting:
                raise
            return keep(self, error)


class EndingParent:
    """What a group that waits for its tasks takes for the task of its block: one that need not be cancelled to know of a failure."""

    def __init__(self, task, group, delivered):
        self.task = task
        self.delivered = delivered
        self.is_requested = group._parent_cancel_requested
        self.is_spared = False
        if self.is_requested:
            # The block has ended: what the group had asked of it is over.
            task.uncancel()
            self.is_spared = True

    def cancel(self):
        if self.is_requested:
            self.task.cancel()
        else:
            self.is_requested = self.is_spared = True

    def uncancel(self):
        if self.is_spared:
            self.is_spared = False
            return self.task.cancelling()
        self.is_requested = True
        return self.task.uncancel()

    def done(self):
        return self.task.done()

    def cancelling(self):
        return max(0, delivered_requests(self.task) - self.delivered)


class SteadyTaskGroup(OrderedTaskGroup):
    """A group that waits undisturbed for the tasks that it has cancelled.

    asyncio wakes the block of one, to have it wait again, and takes its own request back only at the end. It refuses a new task from the moment on in which the last has ended, this one from when the block
    has seen it. Where failures take the place of a cancellation, asyncio has any cancellation thrown once more that the task has ever got, be it from before
    the group.
    """

    wait = None

    async def __aenter__(self):
        await super().__aenter__()
        self.delivered = delivered_requests(self._parent_task)
        return self

    async def __aexit__(self, *error):
        self._parent_task = EndingParent(self._parent_task, self, self.delivered)
        return await super().__aexit__(*error)

    def create_task(self, coroutine):
        is_exiting = self._exiting
        self._exiting = is_exiting and self.wait is None
        try:
            return super().create_task(coroutine)
        finally:
            self._exiting = is_exiting

    @property
    def _on_completed_fut(self):
        return self.wait

    @_on_completed_fut.setter
    def _on_completed_fut(self, future):
        self.wait = None if future is None else GroupWait(self)


@improvement("steady groups")
def improve_group(run):
    run.group = SteadyTaskGroup


class HeedfulTimeout(asyncio.Timeout):
    """A timeout for which a cancellation from outside counts when it is thrown, not when it is requested.

    One that was requested before the timeout, and not yet thrown, is not taken for the timeout's own (gh-134471). One that is requested while the
    timeout's own is on its way does not take its place, which asyncio lets it, to throw it a second time at the next wait. One of an outer timeout is not
    taken for this one's, though the code has taken this one's back by itself.
    """

    active = {}

    async def __aenter__(self):
        await super().__aenter__()
        pending = pending_requests(self._task)
        active = self.active.setdefault(self._task, [])
        self.outer = [outer for outer in active if pending or not outer.is_expiring()]
        active.append(self)
        self._cancelling -= pending
        return self

    def is_expiring(self):
        return self._state is asyncio.timeouts._State.EXPIRING

    async def __aexit__(self, *error):
        active = self.active[self._task]
        active.remove(self)
        if not active:
            del self.active[self._task]
        pending = pending_requests(self._task)
        self._cancelling += pending
        if not pending and any(outer.is_expiring() for outer in self.outer):
            self._cancelling = -1
        return await super().__aexit__(*error)


@improvement("thrown cancellations count")
def improve_timeout(run):
    def timeout(delay):
        return HeedfulTimeout(asyncio.get_running_loop().time() + delay if delay is not None else None)

    run.timeout = timeout
    run.replace(asyncio.timeouts, "timeout", timeout)
