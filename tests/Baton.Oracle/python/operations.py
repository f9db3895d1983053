"""The operations of the scenario language."""

import asyncio

from registry import operation
from scenario import Frame, ScenarioError, describe, describe_future, limit


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
    run.spawn(number, body, Frame(frame.group))


@operation("spawn_eager")
def spawn_eager(run, frame, step, number, body):
    run.spawn(number, body, Frame(frame.group), lambda coroutine: run.task(coroutine, loop=run.loop, eager_start=True))


@operation("spawn_in_group")
def spawn_in_group(run, frame, step, number, body):
    if frame.group is None:
        return "none"
    run.spawn(number, body, Frame(frame.group), frame.group.create_task)
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
    return f"value {await asyncio.wait_for(run.run_task(number, body, Frame(frame.group)), limit(delay))}"


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
            result = await run.run_body(body, Frame(frame.group, manager))
    finally:
        run.log(step, "expired" if manager.expired() else "not expired")
    return (None, result)


@operation("group")
async def group(run, frame, step, body):
    result = None
    async with run.group() as tasks:
        result = await run.run_body(body, Frame(tasks, frame.timeout))
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
    coroutines = [run.run_task(first + i, body, Frame(frame.group)) for i, body in enumerate(bodies)]
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
@operation("semaphore")
@operation("condition")
async def hold(run, frame, step, number, body):
    async with getattr(run, step[1] + "s")[number]:
        run.log(step, "acquired")
        return (None, await run.run_body(body, frame))


@operation("acquire")
async def acquire(run, frame, step, number):
    await run.semaphores[number].acquire()


@operation("wait_event")
async def wait_event(run, frame, step, event):
    await run.events[event].wait()


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
