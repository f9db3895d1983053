"""Deliberate improvements of locks, conditions, semaphores, barriers and queues."""

import asyncio
import sys

from awaits import KeepingFuture
from registry import improvement


def next_of(waiters):
    """Takes the first of those who wait, and have not been cancelled, out of a queue; None where there is none."""
    while waiters:
        waiter = waiters.pop(0)
        if not waiter.cancelled():
            return waiter
    return None


class PromptBarrier:
    """A barrier for which a party whose wait is cancelled no longer counts from that moment on.

    asyncio counts it until its task has run, and lets the others through although one of them is missing.
    """

    def __init__(self, parties):
        self.parties = parties
        self.state = "filling"
        self.filling = []
        self.blocked = []
        self.leaving = 0
        self.is_next_turn_due = False

    async def wait(self):
        self.filling = [waiter for waiter in self.filling if not waiter.cancelled()]
        if self.state == "broken":
            raise asyncio.BrokenBarrierError("aborted")
        if self.state == "filling" and len(self.filling) == self.parties - 1:
            self.release_all()
            return self.parties - 1
        waiter = asyncio.get_running_loop().create_future()
        (self.filling if self.state == "filling" else self.blocked).append(waiter)
        try:
            index = await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():
                self.leave()
            raise
        except asyncio.BrokenBarrierError:
            self.leave()
            raise
        self.leave()
        return index

    async def reset(self):
        self.fail(self.filling)
        self.filling = []
        self.state = "resetting"
        self.finish_leaving()

    async def abort(self):
        self.state = "broken"
        self.fail(self.filling)
        self.fail(self.blocked)
        self.filling = []
        self.blocked = []

    def fail(self, waiters):
        for waiter in waiters:
            if not waiter.done():
                self.leaving += 1
                waiter.set_exception(asyncio.BrokenBarrierError("broken"))

    def release_all(self):
        for index, waiter in enumerate(self.filling):
            self.release(waiter, index)
        self.filling = []
        self.state = "draining" if self.leaving else "filling"

    def release(self, waiter, index):
        self.leaving += 1
        waiter.set_result(index)

    def leave(self):
        state = self.state
        self.leaving -= 1
        self.finish_leaving()
        if state in ("resetting", "broken"):
            raise asyncio.BrokenBarrierError(state)

    def finish_leaving(self):
        if self.leaving or self.is_next_turn_due or self.state == "broken":
            return
        if any(not waiter.cancelled() for waiter in self.blocked):
            self.is_next_turn_due = True
            asyncio.get_running_loop().after_iteration.append(self.begin_next_turn)
        else:
            self.state = "filling"

    def begin_next_turn(self):
        self.is_next_turn_due = False
        if self.state == "broken":
            return
        self.state = "filling"
        blocked = [waiter for waiter in self.blocked if not waiter.cancelled()]
        self.blocked = []
        while blocked and self.state == "filling":
            waiter = blocked.pop(0)
            if len(self.filling) < self.parties - 1:
                self.filling.append(waiter)
            else:
                self.release_all()
                self.release(waiter, self.parties - 1)
                self.state = "draining"
        self.blocked = blocked


@improvement("prompt barrier")
def improve_barrier(run):
    run.barrier = PromptBarrier


class HandOverQueue:
    """A queue that hands an item to the getter that has waited longest, and room to the putter that has.

    asyncio only wakes them, and whoever comes before they run takes the item or the room away from them.
    """

    def __init__(self, limit=0):
        self.limit = limit or sys.maxsize
        self.items = []
        self.getters = []
        self.putters = []
        self.joiners = []
        self.unfinished = 0

    def try_put(self, item):
        if (getter := next_of(self.getters)) is not None:
            self.unfinished += 1
            getter.set_result(item)
            return True
        if len(self.items) >= self.limit:
            return False
        self.store(item)
        return True

    def store(self, item):
        self.items.append(item)
        self.unfinished += 1

    def take(self):
        item = self.items.pop(0)
        if (putter := next_of(self.putters)) is not None:
            self.store(putter.item)
            putter.set_result(None)
        return item

    def put_nowait(self, item):
        if not self.try_put(item):
            raise asyncio.QueueFull

    def get_nowait(self):
        if not self.items:
            raise asyncio.QueueEmpty
        return self.take()

    async def put(self, item):
        if not self.try_put(item):
            putter = asyncio.get_running_loop().create_future()
            putter.item = item
            self.putters.append(putter)
            await putter

    async def get(self):
        if self.items:
            return self.take()
        getter = asyncio.get_running_loop().create_future()
        self.getters.append(getter)
        return await getter

    def task_done(self):
        if self.unfinished == 0:
            raise ValueError("too often")
        self.unfinished -= 1
        if self.unfinished == 0:
            while (joiner := next_of(self.joiners)) is not None:
                joiner.set_result(None)

    async def join(self):
        if self.unfinished:
            joiner = asyncio.get_running_loop().create_future()
            self.joiners.append(joiner)
            await joiner


@improvement("queue hand-over")
def improve_queue(run):
    run.queue = HandOverQueue


class HandOverSemaphore:
    """A semaphore of which a unit that nobody has been given is free.

    asyncio has those who come wait behind a waiter that has been woken and has not run yet, be there units for both.
    """

    def __init__(self, value):
        self.value = value
        self.waiters = []

    async def acquire(self):
        if self.value > 0:
            self.value -= 1
        else:
            waiter = asyncio.get_running_loop().create_future()
            self.waiters.append(waiter)
            await waiter

    def release(self):
        if (waiter := next_of(self.waiters)) is not None:
            waiter.set_result(None)
        else:
            self.value += 1

    async def __aenter__(self):
        await self.acquire()

    async def __aexit__(self, *error):
        self.release()


@improvement("semaphore hand-over")
def improve_semaphore(run):
    run.semaphore = HandOverSemaphore


class ConditionWait(KeepingFuture):
    """A wait for a notification and then for the lock. Cancelled, it ends when it has the lock."""

    def __init__(self, condition):
        super().__init__(loop=asyncio.get_running_loop())
        self.condition = condition
        self.is_notified = False
        self.is_cancelled = False

    def cancel(self, msg=None):
        if self.done():
            return False
        if not self.is_cancelled:
            self.is_cancelled = True
            if not self.is_notified:
                self.condition.waiters.remove(self)
                self.condition.resume(self)
        return True

    def grant(self):
        if not self.is_cancelled:
            self.set_result(None)
            return
        super().cancel()
        if self.is_notified:
            self.condition.notify(1)


class LockWait(KeepingFuture):
    def grant(self):
        self.set_result(None)


class HandOverLock:
    """A lock that is handed to the first who waits for it and has not been cancelled.

    asyncio wakes the first, and the next only when a first that was cancelled has run.
    """

    def __init__(self):
        self.is_locked = False
        self.queue = []

    async def __aenter__(self):
        if not self.is_locked:
            self.is_locked = True
            return
        wait = LockWait(loop=asyncio.get_running_loop())
        self.queue.append(wait)
        await wait

    async def __aexit__(self, *error):
        self.check()
        self.hand_over()

    def check(self):
        if not self.is_locked:
            raise RuntimeError("nobody has the lock")

    def hand_over(self):
        if (wait := next_of(self.queue)) is not None:
            wait.grant()
        else:
            self.is_locked = False


@improvement("lock hand-over")
def improve_lock(run):
    run.lock = HandOverLock


class HandOverCondition(HandOverLock):
    """A condition whose waiters enter the queue for the lock when they are notified, and no others do.

    asyncio has them enter it when they run, behind whoever came meanwhile, and wakes one more without a notification when one is cancelled.
    """

    def __init__(self):
        super().__init__()
        self.waiters = []

    def resume(self, wait):
        if self.is_locked:
            self.queue.append(wait)
        else:
            self.is_locked = True
            wait.grant()

    async def wait(self):
        self.check()
        wait = ConditionWait(self)
        self.waiters.append(wait)
        self.hand_over()
        await wait

    def notify(self, count):
        self.check()
        while count > 0 and self.waiters:
            count -= 1
            wait = self.waiters.pop(0)
            wait.is_notified = True
            self.resume(wait)


@improvement("condition hand-over")
def improve_condition(run):
    run.condition = HandOverCondition
