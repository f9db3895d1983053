"""Runs scenarios on CPython's asyncio, on a fake clock, and prints what happened.

A line of the input is a scenario in JSON, a line of the output its trace, an array of strings. Scenario.cs says what the language is; BatonInterpreter.cs
is the counterpart of this interpreter, operation by operation. The modules awaits, primitives and blocks have the deliberate improvements: each replaces a
part of asyncio by one that does what Baton's does.
"""

import asyncio
import faulthandler
import json
import sys
import traceback
import warnings

import operations  # noqa: F401, for what it registers
import primitives  # noqa: F401
from awaits import CountingTask
from blocks import OrderedTaskGroup
from fake_loop import FakeLoop
from registry import IMPROVEMENTS, OPERATIONS, SINCE
from scenario import Frame, describe

ROUNDS = 50
TIME_LIMIT = 30


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
            self.spawn(0, body, Frame())
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
                if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                    # Raises what no scenario should meet.
                    describe(error)
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
        frame = Frame()
        for inner in body:
            function = OPERATIONS[inner[1]]
            try:
                text = function(self, frame, inner, *inner[2:])
                self.log(inner, "ok" if text is None else str(text))
            except Exception as error:
                self.log(inner, describe(error))

    def existing(self, numbers):
        return [self.tasks[number] for number in numbers if number in self.tasks]


def main():
    warnings.simplefilter("ignore")
    operations = [name for name in OPERATIONS if sys.version_info >= SINCE.get(name, (3, 11))]
    greeting = {"version": ".".join(map(str, sys.version_info[:3])), "improvements": list(IMPROVEMENTS), "operations": operations}
    print(json.dumps(greeting), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        # A scenario that does not end, ends the interpreter, and tells where it was.
        faulthandler.dump_traceback_later(TIME_LIMIT, exit=True)
        try:
            answer = {"trace": Run(request["improvements"]).run(request["body"])}
        except RecursionError:
            # As asyncio ends when it cancels tasks that wait for each other in a ring.
            answer = {"failure": traceback.format_exc(limit=3)}
        faulthandler.cancel_dump_traceback_later()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
