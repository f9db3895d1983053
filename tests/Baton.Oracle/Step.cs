namespace Baton.Oracle;

/// <summary>One step of a scenario: an operation, with numbers, and with the bodies that it runs.</summary>
/// <remarks>
/// <para>As text, a step is a JSON array: the operation, its numbers, its bodies, as in <c>["timeout", 3, [["sleep", 5]]]</c>. A body is an
/// array of steps, a scenario is the body of its main task. <see cref="BatonInterpreter"/> and <c>python/operations.py</c> say what each
/// operation does.</para>
/// <para>Numbers name what a step is about: a task by the number that it was started with, or one of the few locks, queues, futures … that
/// every run has. Times are whole ticks; a negative one means none.</para>
/// </remarks>
public sealed record Step(string Operation, int[] Numbers, Step[][] Bodies)
{
    /// <summary>
    /// The place in the scenario, counted from its start, by which traces name the step; assigned by <see cref="Scenario"/>.
    /// </summary>
    public int Id { get; init; }

    /// <summary>The step and all those inside it.</summary>
    public int Count => 1 + Bodies.Sum(body => body.Sum(step => step.Count));
}
