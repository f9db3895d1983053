namespace Baton.Oracle;

/// <summary>Makes random scenarios, the same for the same seed.</summary>
public sealed class ScenarioGenerator
{
    private const int MaximumDepth = 5;

    /// <summary>
    /// Operations that belong together: a scenario is about a few of these, so that what they do to each other happens often.
    /// </summary>
    private static readonly string[][] Themes =
    [
        ["timeout", "reschedule", "sleep"],
        ["group", "spawn_in_group", "fail"],
        ["wait_for", "wait_for_task", "sleep"],
        ["shield", "shield_future", "set_result", "set_error", "cancel_future", "await_future"],
        ["gather", "gather_all", "gather_bodies"],
        ["wait", "done_callback"],
        ["lock", "sleep"],
        ["semaphore", "acquire", "release"],
        ["condition", "sleep"],
        ["barrier", "reset_barrier", "abort_barrier"],
        ["wait_event", "set_event", "clear_event"],
        ["put", "get", "put_now", "get_now", "item_done", "join"],
        ["call_soon", "call_later", "cancel_handle"],
        ["set_result", "set_error", "cancel_future", "await_future", "done_callback"],
        ["spawn_eager", "spawn"],
        ["uncancel", "cancelling", "cancel_self", "try_cancelled"],
    ];

    private static readonly string[] Always =
    [
        "log", "yield", "yield", "sleep", "spawn", "spawn", "await", "cancel", "cancel", "try_cancelled", "try_error", "try_finally",
        "fail", "return", "state",
    ];

    /// <summary>What a callback can do.</summary>
    private static readonly string[] InCallbacks =
        ["log", "cancel", "set_result", "set_error", "cancel_future", "set_event", "clear_event", "put_now", "get_now", "release", "spawn", "call_soon", "state"];

    private readonly Random _random;
    private readonly List<string> _operations;
    private int _steps;
    private int _tasks;
    private int _handles;

    private ScenarioGenerator(int seed, IReadOnlySet<string> operations)
    {
        _random = new Random(seed);
        _steps = _random.Next(4, 70);
        var themes = Enumerable.Range(0, _random.Next(1, 4)).SelectMany(_ => Themes[_random.Next(Themes.Length)]).ToList();
        _operations = [.. Always.Concat(themes).Concat(themes).Concat(themes).Where(operations.Contains)];
    }

    /// <summary>Makes a scenario.</summary>
    /// <param name="seed">Which.</param>
    /// <param name="operations">The operations that it may use.</param>
    public static Scenario Generate(int seed, IReadOnlySet<string> operations)
    {
        var generator = new ScenarioGenerator(seed, operations);
        return new Scenario(generator.Body(new Place(0, 0, null, false)));
    }

    private Step[] Body(Place place)
    {
        var body = new List<Step>();
        if (place.Depth == 0)
        {
            AddSome(body, "spawn", place, 4);
        }

        var length = place.Depth == 0 ? int.MaxValue : _random.Next(1, 6);
        while (body.Count < length && _steps > 0)
        {
            body.Add(MakeStep(place));
        }

        return [.. body];
    }

    private Step[] GroupBody(Place place)
    {
        var body = new List<Step>();
        AddSome(body, "spawn_in_group", place, 4);
        return [.. body, .. Body(place)];
    }

    private void AddSome(List<Step> body, string operation, Place place, int limit)
    {
        for (var count = _random.Next(limit); count > 0 && _steps > 0; count--)
        {
            body.Add(MakeStep(place, operation));
        }
    }

    private Step MakeStep(Place place)
    {
        if (place.Condition is { } condition && _random.Next(3) == 0)
        {
            _steps--;
            return _random.Next(2) == 0 ? MakeLeaf("wait_condition", condition) : MakeLeaf("notify", condition, _random.Next(1, 4));
        }

        var operation = place.IsCallback ? InCallbacks[_random.Next(InCallbacks.Length)] : _operations[_random.Next(_operations.Count)];
        if (place.Depth >= MaximumDepth && operation is not ("log" or "yield" or "sleep" or "cancel" or "fail" or "return" or "state"))
        {
            operation = place.IsCallback ? "log" : "yield";
        }

        return MakeStep(place, operation);
    }

    private Step MakeStep(Place place, string operation)
    {
        _steps--;
        var inside = place with { Depth = place.Depth + 1 };
        switch (operation)
        {
            case "fail":
                // Else few scenarios would get far.
                return _random.Next(2) == 0 ? MakeLeaf("fail", _random.Next(1, 5)) : MakeLeaf("log");
            case "return":
                return _random.Next(3) == 0 ? MakeLeaf("return", _random.Next(10, 20)) : MakeLeaf("yield");
            case "log" or "yield" or "uncancel" or "cancel_self":
                return MakeLeaf(operation);
            case "sleep":
                return MakeLeaf(operation, _random.Next(0, 6));
            case "cancel" or "cancelling" or "state" or "done_callback":
                return MakeLeaf(operation, AnyTask());
            case "await" or "shield":
                return MakeLeaf(operation, LaterTask(place));
            case "set_result":
                return MakeLeaf(operation, _random.Next(3), _random.Next(20, 30));
            case "set_error":
                return MakeLeaf(operation, _random.Next(3), _random.Next(5, 9));
            case "cancel_future" or "await_future" or "shield_future":
                return MakeLeaf(operation, _random.Next(3));
            case "set_event" or "clear_event" or "wait_event" or "release" or "acquire" or "barrier" or "reset_barrier" or "abort_barrier":
                return MakeLeaf(operation, _random.Next(2));
            case "put" or "put_now":
                return MakeLeaf(operation, _random.Next(3), _random.Next(30, 40));
            case "get" or "get_now" or "item_done" or "join":
                return MakeLeaf(operation, _random.Next(3));
            case "reschedule":
                return MakeLeaf(operation, _random.Next(-1, 5));
            case "cancel_handle":
                return MakeLeaf(operation, _random.Next(_handles + 1));
            case "wait_for_task":
                return MakeLeaf(operation, _random.Next(-1, 5), LaterTask(place));
            case "gather" or "gather_all":
                return MakeLeaf(operation, [.. Enumerable.Range(0, _random.Next(1, 4)).Select(_ => LaterTask(place))]);
            case "wait":
                return MakeLeaf(
                    operation,
                    [_random.Next(3), _random.Next(-1, 5), .. Enumerable.Range(0, _random.Next(1, 4)).Select(_ => LaterTask(place))]);
            case "spawn" or "spawn_eager" or "spawn_in_group":
                var task = ++_tasks;
                return new Step(operation, [task], [Body(new Place(task, inside.Depth, null, false))]);
            case "wait_for":
                var inner = ++_tasks;
                return new Step(operation, [_random.Next(-1, 5), inner], [Body(inside with { Condition = null })]);
            case "gather_bodies":
                return MakeGather(inside);
            case "timeout":
                return new Step(operation, [_random.Next(-1, 5)], [Body(inside)]);
            case "group":
                return new Step(operation, [], [GroupBody(inside)]);
            case "lock" or "semaphore":
                return new Step(operation, [_random.Next(2)], [Body(inside)]);
            case "condition":
                var index = _random.Next(2);
                return new Step(operation, [index], [Body(inside with { Condition = index })]);
            case "call_soon":
                return new Step(operation, [_handles++], [Body(new Place(int.MaxValue, inside.Depth, null, true))]);
            case "call_later":
                return new Step(operation, [_handles++, _random.Next(0, 5)], [Body(new Place(int.MaxValue, inside.Depth, null, true))]);
            case "try_cancelled" or "try_error" or "try_finally":
                return new Step(operation, [], [Body(inside), _random.Next(3) == 0 ? [] : Body(inside)]);
            default:
                throw new NotSupportedException($"There is no operation '{operation}'.");
        }
    }

    private Step MakeGather(Place inside)
    {
        var count = _random.Next(1, 4);
        var first = _tasks + 1;
        _tasks += count;
        return new Step(
            "gather_bodies", [first], [.. Enumerable.Range(first, count).Select(task => Body(new Place(task, inside.Depth, null, false)))]);
    }

    private static Step MakeLeaf(string operation, params int[] numbers) => new(operation, numbers, []);

    private int AnyTask() => _random.Next(_tasks + 2);

    /// <summary>A task that was started after this one, if at all: no ring of tasks waits for each other.</summary>
    private int LaterTask(Place place) => _random.Next(place.Task + 1, Math.Max(place.Task, _tasks) + 2);

    /// <param name="Task">The task that runs the body.</param>
    /// <param name="Depth">How many steps the body is inside of.</param>
    /// <param name="Condition">The condition whose lock the task holds.</param>
    /// <param name="IsCallback">Whether it is the body of a callback.</param>
    private readonly record struct Place(int Task, int Depth, int? Condition, bool IsCallback);
}
