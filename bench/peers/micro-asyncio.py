"""The micro benchmarks of Baton.Bench in asyncio, by the same names. Prints one JSON object: nanoseconds of one operation, the best of several repetitions.

Takes the names to run; all that this Python's asyncio has, where there are none.
"""

import asyncio
import json
import sys
import threading
import time
from contextlib import suppress

REPETITIONS = 5
LIVE_TIMERS = 1_000_000


async def complete():
    return 1


async def yield_once():
    await asyncio.sleep(0)


async def switch(count):
    for _ in range(count):
        await asyncio.sleep(0)


async def await_completed(count):
    for _ in range(count):
        await complete()


async def chain(depth):
    if depth > 0:
        return await chain(depth - 1) + 1
    await asyncio.sleep(0)
    return 1


async def await_chain(count):
    for _ in range(count):
        await chain(9)


async def start_and_await(count):
    for _ in range(count):
        await asyncio.create_task(complete())


async def ping_pong(count):
    loop = asyncio.get_running_loop()
    ping, pong = loop.create_future(), loop.create_future()

    async def answer():
        nonlocal ping
        for _ in range(0, count, 2):
            await ping
            ping = loop.create_future()
            pong.set_result(0)

    other = asyncio.create_task(answer())
    for _ in range(0, count, 2):
        ping.set_result(0)
        await pong
        pong = loop.create_future()
    await other


async def call_soon(count):
    loop = asyncio.get_running_loop()
    for i in range(count):
        loop.call_soon(int)
        if i % 100 == 99:
            await asyncio.sleep(0)


async def timer_set_cancel(count):
    loop = asyncio.get_running_loop()
    for _ in range(count):
        loop.call_later(3600, int).cancel()


async def timer_fire(count):
    loop = asyncio.get_running_loop()
    for _ in range(0, count, 100):
        now = loop.time()
        for _ in range(100):
            loop.call_at(now, int)
        await asyncio.sleep(0)


async def post(count):
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def poster():
        for _ in range(count - 1):
            loop.call_soon_threadsafe(int)
        loop.call_soon_threadsafe(done.set_result, None)

    thread = threading.Thread(target=poster)
    thread.start()
    await done
    thread.join()


async def group(count):
    async with asyncio.TaskGroup() as tasks:
        for _ in range(count):
            tasks.create_task(yield_once())


async def timeout(count):
    for _ in range(count):
        async with asyncio.timeout(60):
            await complete()


async def gather(count):
    for _ in range(0, count, 1000):
        await asyncio.gather(*[yield_once() for _ in range(1000)])


async def wait_for(count):
    for _ in range(count):
        await asyncio.wait_for(complete(), 60)


async def lock(count):
    mutex = asyncio.Lock()
    for _ in range(count):
        async with mutex:
            pass


async def lock_contended(count):
    mutex = asyncio.Lock()

    async def hold():
        for _ in range(count // 2):
            async with mutex:
                await asyncio.sleep(0)

    await asyncio.gather(hold(), hold())


async def semaphore(count):
    units = asyncio.Semaphore(1)
    for _ in range(count):
        async with units:
            pass


async def queue_put_get(count):
    queue = asyncio.Queue()
    for i in range(count):
        await queue.put(i)
        await queue.get()


async def queue_hand_over(count):
    queue = asyncio.Queue(1)

    async def take():
        for _ in range(count):
            await queue.get()

    taker = asyncio.create_task(take())
    for i in range(count):
        await queue.put(i)
    await taker


async def to_thread(count):
    for _ in range(count):
        await asyncio.to_thread(int)


BENCHMARKS = {
    "switch": (switch, 50_000),
    "await-completed": (await_completed, 100_000),
    "await-chain-10": (await_chain, 10_000),
    "start-and-await": (start_and_await, 20_000),
    "ping-pong": (ping_pong, 20_000),
    "call-soon": (call_soon, 50_000),
    "timer-set-cancel": (timer_set_cancel, 20_000),
    "timer-fire": (timer_fire, 20_000),
    "post": (post, 20_000),
    "group-100000": (group, 100_000),
    "timeout": (timeout, 20_000),
    "gather-1000": (gather, 20_000),
    "wait-for": (wait_for, 20_000),
    "lock-uncontended": (lock, 50_000),
    "lock-contended": (lock_contended, 20_000),
    "semaphore": (semaphore, 50_000),
    "queue-put-get": (queue_put_get, 50_000),
    "queue-hand-over": (queue_hand_over, 20_000),
    "to-thread": (to_thread, 2_000),
}


async def measure(name):
    run, count = BENCHMARKS[name]
    timers = []
    if name == "timer-set-cancel":
        loop = asyncio.get_running_loop()
        timers = [loop.call_later(1800 + 3600 * (i * 0.6180339887 % 1), int) for i in range(LIVE_TIMERS)]
    best = float("inf")
    for _ in range(REPETITIONS):
        start = time.perf_counter_ns()
        await run(count)
        best = min(best, (time.perf_counter_ns() - start) / count)
    for timer in timers:
        timer.cancel()
    return best


def main():
    results = {}
    for name in [name for name in sys.argv[1:] if name in BENCHMARKS] if len(sys.argv) > 1 else BENCHMARKS:
        with suppress(AttributeError):  # An older asyncio has no task groups or time-outs.
            results[name] = asyncio.run(measure(name))
    json.dump({"python": sys.version.split()[0], "nanoseconds": results}, sys.stdout)


main()
