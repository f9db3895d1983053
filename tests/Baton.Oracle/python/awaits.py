"""Deliberate improvements of tasks, of what they await, and of timers."""

import asyncio
import sys

from registry import improvement


class CountingTask(asyncio.Task if sys.version_info >= (3, 13) else asyncio.tasks._PyTask):
    """A task that counts the requests to cancel it that are still to be thrown, and in which, as since 3.13, one that is taken back is not thrown."""

    pending = 0
    is_served = False

    def cancel(self, msg=None):
        pending = pending_requests(self)
        if not super().cancel(msg):
            return False
        self.pending = pending + 1 if self._must_cancel else 0
        return True

    if sys.version_info < (3, 13):

        def uncancel(self):
            left = super().uncancel()
            if left == 0:
                self._must_cancel = False
            return left


def pending_requests(task):
    return min(task.pending, task.cancelling()) if task._must_cancel else 0


def delivered_requests(task):
    return task.cancelling() - pending_requests(task)


def keep(future, error):
    """What a future has whose awaiter is thrown a cancellation: where it had something before, that, and the cancellation is due at the next wait."""
    if not future.done() or future.cancelled() or isinstance(future.exception(), asyncio.CancelledError):
        raise error
    owe(asyncio.current_task().pending)
    return future.result()


def owe(count):
    """Has requests to cancel the current task thrown again at its next wait."""
    task = asyncio.current_task()
    is_served = task.is_served
    task.cancel()
    task.uncancel()
    task.pending = count
    task.is_served = is_served


class Keeping:
    """What can be awaited, and delivers what it had before its awaiter was cancelled. The cancellation holds for the awaiter's next wait.

    asyncio drops the value.
    """

    def __await__(self):
        try:
            return (yield from super().__await__())
        except asyncio.CancelledError as error:
            return keep(self, error)


class KeepingFuture(Keeping, asyncio.Future):
    pass


class KeepingTask(Keeping, CountingTask):
    """A task that is not cancelled in its last step, where it was asked to be after the last thing had come that it waited for.

    Who has passed a request on to it, and awaits it, gets its result, and is owed the request again.
    """

    forgotten = 0
    is_untold = False
    has_handed_on = False

    def __init__(self, coroutine, **options):
        super().__init__(self.run(coroutine), **options)

    def cancel(self, msg=None):
        running = asyncio.current_task(self.get_loop())
        if running is not None and running._fut_waiter is self and not self.done():
            # The request was for the other, which is about to await this one.
            running.has_handed_on = True
        wait = self._fut_waiter
        may_be_served = (self.is_served or pending_requests(self) == 0) and running is not self
        is_served = may_be_served and wait is not None and wait.done()
        is_handed_on = isinstance(wait, KeepingTask) and not wait.done()
        is_accepted = super().cancel(msg)
        if self._must_cancel:
            self.is_served = is_served
        elif is_handed_on:
            self.has_handed_on = True
        return is_accepted

    def cancelling(self):
        return super().cancelling() + self.forgotten

    def __await__(self):
        task = asyncio.current_task()
        try:
            return (yield from super().__await__())
        finally:
            if task.has_handed_on:
                task.has_handed_on = False
                if self.is_untold:
                    owe(1)
                    task.is_served = True

    async def run(self, coroutine):
        try:
            result = await coroutine
        except asyncio.CancelledError:
            raise
        except Exception:
            self.is_untold = self._must_cancel
            raise
        if self.is_served and self._must_cancel:
            self.is_untold = True
            self.forgotten = super().cancelling()
            while super().cancelling():
                self.uncancel()
        return result


class KeepingGather(asyncio.tasks._GatheringFuture):
    """A gather of which the cancellation of a child is no answer to a request to cancel who awaits it. That is due at the next wait.

    asyncio takes the one for the other.
    """

    is_owed = False

    def cancel(self, msg=None):
        is_accepted = super().cancel(msg)
        self.is_owed = not is_accepted and not self.done() and not self._cancel_requested
        return is_accepted

    def __await__(self):
        try:
            return (yield from super().__await__())
        except asyncio.CancelledError as error:
            if self.is_owed:
                owe(1)
            return keep(self, error)


class KeepingShield(KeepingFuture):
    """What awaits a shielded future, and takes what that has in the very moment in which it is cancelled itself."""

    def __init__(self, inner):
        super().__init__(loop=inner.get_loop())
        self.inner = inner
        inner.add_done_callback(self.copy)

    def cancel(self, msg=None):
        if self.inner.done():
            self.copy(self.inner)
            return False
        return super().cancel()

    def copy(self, inner):
        if self.done():
            return
        if inner.cancelled():
            super().cancel()
        elif inner.exception() is not None:
            self.set_exception(inner.exception())
        else:
            self.set_result(inner.result())


@improvement("kept values")
def improve_awaits(run):
    run.loop.create_future = lambda: KeepingFuture(loop=run.loop)
    run.task = KeepingTask
    run.shield = lambda inner: inner if inner.done() else KeepingShield(inner)
    run.replace(asyncio.tasks, "_GatheringFuture", KeepingGather)


@improvement("one request each")
def improve_spread(run):
    """A cancellation that spreads from task to task reaches each once.

    asyncio cancels a task as often as there are ways to it.
    """
    reached = {}

    class Once:
        def cancel(self, msg=None):
            if self in reached:
                return not self.done()
            is_first = not reached
            reached[self] = None
            try:
                return super().cancel(msg)
            finally:
                if is_first:
                    reached.clear()

    class OnceTask(Once, run.task):
        pass

    class OnceGather(Once, asyncio.tasks._GatheringFuture):
        pass

    run.task = OnceTask
    run.replace(asyncio.tasks, "_GatheringFuture", OnceGather)


class OrderedTimer(asyncio.TimerHandle):
    """A timer that fires after those that were set before it for the same time.

    asyncio fires such timers in any order.
    """

    count = 0

    def __init__(self, *arguments):
        super().__init__(*arguments)
        OrderedTimer.count += 1
        self.number = OrderedTimer.count

    def __lt__(self, other):
        return (self._when, self.number) < (other._when, other.number)


@improvement("ordered timers")
def improve_timers(run):
    run.replace(asyncio.events, "TimerHandle", OrderedTimer)
