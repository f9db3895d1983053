"""Runs scenarios on CPython's asyncio, on a fake clock, and prints what happened.

A line of the input is a scenario in JSON, a line of the output its trace, an array of strings. Step.cs says what the steps mean; the interpreter in
BatonInterpreter.cs is the counterpart of this one, operation by operation.
"""

import asyncio
import json
import selectors
import sys
import traceback
import warnings

OPERATIONS = {}
IMPROVEMENTS = {}
ROUNDS = 50

# The versions since which asyncio does these as it does now.
SINCE = {
    "spawn_eager": (3, 12),
    "gather": (3, 12),
    "gather_all": (3, 12),
    "wait_for": (3, 12),
    "wait_for_task": (3, 12),
    "group": (3, 13),
    "spawn_in_group": (3, 13),
}


class ScenarioError(Exception):
    def __init__(self, number):
        super().__init__(number)
        self.number = number


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


def operation(name):
    def register(function):
        OPERATIONS[name] = function
        return function

    return register


def improvement(name):
    """Registers a function that changes asyncio, of one run, into what Baton does on purpose."""

    def register(function):
        IMPROVEMENTS[name] = function
        return function

    return register


def describe(error):
    if isinstance(error, asyncio.CancelledError):
        return "cancelled"
    if isinstance(error, ScenarioError):
        return f"error {error.number}"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, BaseExceptionGroup):
        return "group(" + ", ".join(describe(inner) for inner in error.exceptions) + ")"
    if isinstance(error, asyncio.QueueEmpty):
        return "empty"
    if isinstance(error, asyncio.QueueFull):
        return "full"
    if isinstance(error, asyncio.BrokenBarrierError):
        return "broken"
    if isinstance(error, (RuntimeError, ValueError, asyncio.InvalidStateError)):
        return "misuse"
    raise error


def describe_future(future):
    if not future.done():
        return "pending"
    if future.cancelled():
        return "cancelled"
    error = future.exception()
    return describe(error) if error is not None else f"value {future.result()}"


def limit(delay):
    return delay if delay >= 0 else None


class Frame:
    """What the body that runs belongs to: its task, and the innermost group and timeout around it."""

    def __init__(self, task, group=None, timeout=None):
        self.task = task
        self.group = group
        self.timeout = timeout


class Run:
    """One run of one scenario."""

    def __init__(self, improvements):
        self.trace = []
        self.loop = FakeLoop()
        self.loop.set_exception_handler(lambda loop, context: None)
        self.tasks = {}
        self.handles = {}
        self.lock = asyncio.Lock
        self.semaphore = asyncio.Semaphore
        self.condition = asyncio.Condition
        self.queue = asyncio.Queue
        self.barrier = asyncio.Barrier
        self.timeout = asyncio.timeout
        self.group = OrderedTaskGroup
        self.task = CountingTask
        self.shield = asyncio.shield
        self.replaced = []
        for name in improvements:
            IMPROVEMENTS[name](self)
        self.loop.set_task_factory(lambda loop, coroutine, **options: self.task(coroutine, loop=loop, **options))

    def make_resources(self):
        self.locks = [self.lock(), self.lock()]
        self.semaphores = [self.semaphore(1), self.semaphore(2)]
        self.events = [asyncio.Event(), asyncio.Event()]
        self.conditions = [self.condition(), self.condition()]
        self.barriers = [self.barrier(2), self.barrier(3)]
        self.queues = [self.queue(1), self.queue(2), self.queue()]
        self.futures = [self.loop.create_future() for _ in range(3)]

    def replace(self, module, name, replacement):
        """Replaces something in a module of asyncio's for the time of the run."""
        self.replaced.append((module, name, getattr(module, name)))
        setattr(module, name, replacement)

    def time(self):
        return int(self.loop.now)

    def log(self, step, text):
        self.trace.append(f"{self.time()} {step[0]} {text}")

    def run(self, body):
        asyncio.set_event_loop(self.loop)
        try:
            self.make_resources()
            self.spawn(0, body, Frame(0))
            for _ in range(ROUNDS):
                # Ends when there is nothing left to wait for.
                self.loop.run_forever()
                left = [task for _, task in sorted(self.tasks.items()) if not task.done()]
                if not left:
                    break
                self.trace.append(f"{self.time()} deadlock")
                for task in left:
                    task.cancel()
            else:
                self.trace.append("endless")
            for task in self.tasks.values():
                if task.done() and not task.cancelled():
                    task.exception()
            return self.trace
        finally:
            for module, name, original in self.replaced:
                setattr(module, name, original)
            asyncio.set_event_loop(None)
            for task in asyncio.all_tasks(self.loop):
                task._log_destroy_pending = False
            self.loop.close()

    def spawn(self, number, body, frame, create=None):
        coroutine = self.run_task(number, body, frame)
        try:
            task = (create or self.loop.create_task)(coroutine)
        except BaseException:
            coroutine.close()
            raise
        self.tasks[number] = task
        return task

    async def run_task(self, number, body, frame):
        self.trace.append(f"{self.time()} task {number} starts")
        try:
            result = await self.run_body(body, frame)
        except BaseException as error:
            self.trace.append(f"{self.time()} task {number} ends: {describe(error)}")
            raise
        self.trace.append(f"{self.time()} task {number} ends: {result}")
        return result

    async def run_body(self, body, frame):
        for step in body:
            result = await self.run_step(step, frame)
            if result is not None:
                return result
        return None

    async def run_step(self, step, frame):
        function = OPERATIONS[step[1]]
        self.log(step, step[1])
        try:
            outcome = function(self, frame, step, *step[2:])
            if hasattr(outcome, "__await__"):
                outcome = await outcome
        except BaseException as error:
            self.log(step, describe(error))
            raise
        text, result = outcome if isinstance(outcome, tuple) else (outcome, None)
        self.log(step, "ok" if text is None else str(text))
        return result

    def run_callback(self, step, body):
        """Runs the steps of a callback, which do not wait."""
        self.log(step, "called")
        frame = Frame(-1)
        for inner in body:
            function = OPERATIONS[inner[1]]
            try:
                text = function(self, frame, inner, *inner[2:])
                self.log(inner, "ok" if text is None else str(text))
            except Exception as error:
                self.log(inner, describe(error))

    def existing(self, numbers):
        return [self.tasks[number] for number in numbers if number in self.tasks]


# Deliberate improvements. Each replaces a part of asyncio by one that does what Baton's does.


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


class Spread:
    """Whether a cancellation goes from one awaiter to the next."""

    depth = 0

    def __enter__(self):
        Spread.depth += 1

    def __exit__(self, *error):
        Spread.depth -= 1


class KeepingTask(Keeping, CountingTask):
    """A task that is not cancelled in its last step, where it was asked to be, by itself, after the last thing had come that it waited for."""

    forgotten = 0

    def __init__(self, coroutine, **options):
        super().__init__(self.run(coroutine), **options)

    def cancel(self, msg=None):
        may_be_served = Spread.depth == 0 and (self.is_served or pending_requests(self) == 0)
        wait = self._fut_waiter
        is_served = may_be_served and wait is not None and wait.done() and asyncio.current_task(self.get_loop()) is not self
        with Spread():
            is_accepted = super().cancel(msg)
        if self._must_cancel:
            self.is_served = is_served
        return is_accepted

    def cancelling(self):
        return super().cancelling() + self.forgotten

    async def run(self, coroutine):
        result = await coroutine
        if self.is_served and self._must_cancel:
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
        with Spread():
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

    def next_of(self, waiters):
        while waiters:
            waiter = waiters.pop(0)
            if not waiter.cancelled():
                return waiter
        return None

    def try_put(self, item):
        if (getter := self.next_of(self.getters)) is not None:
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
        if (putter := self.next_of(self.putters)) is not None:
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
            while (joiner := self.next_of(self.joiners)) is not None:
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
        while self.waiters:
            waiter = self.waiters.pop(0)
            if not waiter.cancelled():
                waiter.set_result(None)
                return
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
        while self.queue:
            wait = self.queue.pop(0)
            if not wait.cancelled():
                wait.grant()
                return
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

    asyncio wakes the block of one, to have it wait again. It refuses a new task from the moment on in which the last has ended, this one from when the block
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
        self.active[self._task].remove(self)
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


# What does not wait.


@operation("log")
def log(run, frame, step):
    return None


@operation("cancel")
def cancel(run, frame, step, number):
    return run.tasks[number].cancel() if number in run.tasks else "none"


@operation("cancel_self")
def cancel_self(run, frame, step):
    return asyncio.current_task().cancel()


@operation("uncancel")
def uncancel(run, frame, step):
    return asyncio.current_task().uncancel()


@operation("cancelling")
def cancelling(run, frame, step, number):
    return run.tasks[number].cancelling() if number in run.tasks else "none"


@operation("state")
def state(run, frame, step, number):
    return describe_future(run.tasks[number]) if number in run.tasks else "none"


@operation("done_callback")
def done_callback(run, frame, step, number):
    if number not in run.tasks:
        return "none"
    run.tasks[number].add_done_callback(lambda task: run.log(step, "done: " + describe_future(task)))
    return None


@operation("set_result")
def set_result(run, frame, step, future, value):
    run.futures[future].set_result(value)


@operation("set_error")
def set_error(run, frame, step, future, number):
    run.futures[future].set_exception(ScenarioError(number))
    run.futures[future].exception()


@operation("cancel_future")
def cancel_future(run, frame, step, future):
    return run.futures[future].cancel()


@operation("set_event")
def set_event(run, frame, step, event):
    run.events[event].set()


@operation("clear_event")
def clear_event(run, frame, step, event):
    run.events[event].clear()


@operation("put_now")
def put_now(run, frame, step, queue, value):
    run.queues[queue].put_nowait(value)


@operation("get_now")
def get_now(run, frame, step, queue):
    return run.queues[queue].get_nowait()


@operation("item_done")
def item_done(run, frame, step, queue):
    run.queues[queue].task_done()


@operation("release")
def release(run, frame, step, semaphore):
    run.semaphores[semaphore].release()


@operation("notify")
def notify(run, frame, step, condition, count):
    run.conditions[condition].notify(count)


@operation("call_soon")
def call_soon(run, frame, step, handle, body):
    run.handles[handle] = run.loop.call_soon(run.run_callback, step, body)


@operation("call_later")
def call_later(run, frame, step, handle, delay, body):
    run.handles[handle] = run.loop.call_later(delay, run.run_callback, step, body)


@operation("cancel_handle")
def cancel_handle(run, frame, step, handle):
    if handle not in run.handles:
        return "none"
    run.handles[handle].cancel()
    return None


@operation("spawn")
def spawn(run, frame, step, number, body):
    run.spawn(number, body, Frame(number, group=frame.group))


@operation("spawn_eager")
def spawn_eager(run, frame, step, number, body):
    coroutine_frame = Frame(number, group=frame.group)
    run.spawn(number, body, coroutine_frame, lambda coroutine: run.task(coroutine, loop=run.loop, eager_start=True))


@operation("spawn_in_group")
def spawn_in_group(run, frame, step, number, body):
    if frame.group is None:
        return "none"
    run.spawn(number, body, Frame(number, group=frame.group), frame.group.create_task)
    return None


@operation("reschedule")
def reschedule(run, frame, step, delay):
    if frame.timeout is None:
        return "none"
    frame.timeout.reschedule(run.loop.time() + delay if delay >= 0 else None)
    return None


@operation("fail")
def fail(run, frame, step, number):
    raise ScenarioError(number)


@operation("return")
def return_value(run, frame, step, value):
    return (None, value)


# What waits.


@operation("yield")
async def yield_once(run, frame, step):
    await asyncio.sleep(0)


@operation("sleep")
async def sleep(run, frame, step, delay):
    await asyncio.sleep(delay)


@operation("await")
async def await_task(run, frame, step, number):
    if number not in run.tasks:
        return "none"
    return f"value {await run.tasks[number]}"


@operation("await_future")
async def await_future(run, frame, step, future):
    return f"value {await run.futures[future]}"


@operation("shield")
async def shield(run, frame, step, number):
    if number not in run.tasks:
        return "none"
    return f"value {await run.shield(run.tasks[number])}"


@operation("shield_future")
async def shield_future(run, frame, step, future):
    return f"value {await run.shield(run.futures[future])}"


@operation("wait_for")
async def wait_for(run, frame, step, delay, number, body):
    return f"value {await asyncio.wait_for(run.run_task(number, body, Frame(frame.task, group=frame.group)), limit(delay))}"


@operation("wait_for_task")
async def wait_for_task(run, frame, step, delay, number):
    if number not in run.tasks:
        return "none"
    return f"value {await asyncio.wait_for(run.tasks[number], limit(delay))}"


@operation("timeout")
async def timeout(run, frame, step, delay, body):
    manager = run.timeout(limit(delay))
    try:
        async with manager:
            result = await run.run_body(body, Frame(frame.task, frame.group, manager))
    finally:
        run.log(step, "expired" if manager.expired() else "not expired")
    return (None, result)


@operation("group")
async def group(run, frame, step, body):
    result = None
    async with run.group() as tasks:
        result = await run.run_body(body, Frame(frame.task, tasks, frame.timeout))
    return (None, result)


@operation("gather")
async def gather(run, frame, step, *numbers):
    tasks = run.existing(numbers)
    return f"values {await asyncio.gather(*tasks)}"


@operation("gather_all")
async def gather_all(run, frame, step, *numbers):
    tasks = run.existing(numbers)
    return "outcomes " + outcomes(await asyncio.gather(*tasks, return_exceptions=True))


@operation("gather_bodies")
async def gather_bodies(run, frame, step, first, *bodies):
    coroutines = [run.run_task(first + i, body, Frame(first + i, frame.group)) for i, body in enumerate(bodies)]
    return f"values {await asyncio.gather(*coroutines)}"


def outcomes(results):
    return "[" + ", ".join(describe(item) if isinstance(item, BaseException) else str(item) for item in results) + "]"


@operation("wait")
async def wait(run, frame, step, mode, delay, *numbers):
    if not (tasks := run.existing(numbers)):
        return "none"
    return_when = (asyncio.ALL_COMPLETED, asyncio.FIRST_COMPLETED, asyncio.FIRST_EXCEPTION)[mode]
    done, _ = await asyncio.wait(tasks, timeout=limit(delay), return_when=return_when)
    return f"done {sorted(number for number in set(numbers) if number in run.tasks and run.tasks[number] in done)}"


@operation("lock")
async def lock(run, frame, step, number, body):
    async with run.locks[number]:
        run.log(step, "acquired")
        return (None, await run.run_body(body, frame))


@operation("semaphore")
async def semaphore(run, frame, step, number, body):
    async with run.semaphores[number]:
        run.log(step, "acquired")
        return (None, await run.run_body(body, frame))


@operation("acquire")
async def acquire(run, frame, step, number):
    await run.semaphores[number].acquire()


@operation("wait_event")
async def wait_event(run, frame, step, event):
    await run.events[event].wait()


@operation("condition")
async def condition(run, frame, step, number, body):
    async with run.conditions[number]:
        run.log(step, "acquired")
        return (None, await run.run_body(body, frame))


@operation("wait_condition")
async def wait_condition(run, frame, step, number):
    await run.conditions[number].wait()


@operation("barrier")
async def barrier(run, frame, step, number):
    return await run.barriers[number].wait()


@operation("reset_barrier")
async def reset_barrier(run, frame, step, number):
    await run.barriers[number].reset()


@operation("abort_barrier")
async def abort_barrier(run, frame, step, number):
    await run.barriers[number].abort()


@operation("put")
async def put(run, frame, step, queue, value):
    await run.queues[queue].put(value)


@operation("get")
async def get(run, frame, step, queue):
    return await run.queues[queue].get()


@operation("join")
async def join(run, frame, step, queue):
    await run.queues[queue].join()


@operation("try_cancelled")
async def try_cancelled(run, frame, step, body, handler):
    try:
        return (None, await run.run_body(body, frame))
    except asyncio.CancelledError:
        run.log(step, "caught")
        return (None, await run.run_body(handler, frame))


@operation("try_error")
async def try_error(run, frame, step, body, handler):
    try:
        return (None, await run.run_body(body, frame))
    except Exception as error:
        run.log(step, "caught " + describe(error))
        return (None, await run.run_body(handler, frame))


@operation("try_finally")
async def try_finally(run, frame, step, body, handler):
    try:
        result = await run.run_body(body, frame)
    except BaseException as error:
        run.log(step, "finally after " + describe(error))
        await run.run_body(handler, frame)
        raise
    run.log(step, "finally")
    await run.run_body(handler, frame)
    return (None, result)


def main():
    warnings.simplefilter("ignore")
    operations = [name for name in OPERATIONS if sys.version_info >= SINCE.get(name, (3, 11))]
    greeting = {"version": ".".join(map(str, sys.version_info[:3])), "improvements": list(IMPROVEMENTS), "operations": operations}
    print(json.dumps(greeting), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"trace": Run(request["improvements"]).run(request["body"])}
        except RecursionError:
            # As asyncio ends when it cancels tasks that wait for each other in a ring.
            answer = {"failure": traceback.format_exc(limit=3)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
