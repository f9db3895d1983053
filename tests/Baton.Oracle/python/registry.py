"""What scenarios can do, and what asyncio can be made to do as Baton does."""

OPERATIONS = {}
IMPROVEMENTS = {}

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
