"""Starts children and waits for them, so many at once, with asyncio: a line `count concurrency` on the standard input is a turn, and the seconds that it took
are the answer."""
import asyncio
import sys
import time


async def start_and_wait(count, program):
    for _ in range(count):
        child = await asyncio.create_subprocess_exec(program)
        if await child.wait() != 0:
            raise SystemExit("the child failed")


async def turn(count, concurrency, program):
    start = time.perf_counter()
    await asyncio.gather(*[start_and_wait(count // concurrency, program) for _ in range(concurrency)])
    return time.perf_counter() - start


def main():
    # Newer versions wait by descriptors anyway.
    if sys.version_info < (3, 12):
        asyncio.set_child_watcher(asyncio.PidfdChildWatcher())
    program = sys.argv[1]
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        if sys.version_info < (3, 12):
            asyncio.get_child_watcher().attach_loop(loop)
        print(f"asyncio {sys.version.split()[0]}", flush=True)
        for line in sys.stdin:
            count, concurrency = map(int, line.split())
            print(runner.run(turn(count, concurrency, program)), flush=True)


main()
