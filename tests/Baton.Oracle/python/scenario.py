"""What the interpreter and its operations share."""

import asyncio


class ScenarioError(Exception):
    def __init__(self, number):
        super().__init__(number)
        self.number = number


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
    """What the body that runs belongs to: the innermost group and timeout around it."""

    def __init__(self, group=None, timeout=None):
        self.group = group
        self.timeout = timeout
