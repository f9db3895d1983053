namespace Baton.Oracle;

/// <summary>Makes a scenario smaller while something stays true of it.</summary>
public static class Shrinker
{
    /// <summary>
    /// Takes steps away, puts what is inside a step in its place, and makes numbers smaller, until nothing of that is left to do.
    /// </summary>
    public static Scenario Shrink(Scenario scenario, Func<Scenario, bool> isStillTrue)
    {
        while (true)
        {
            var smaller = Variants(scenario.Body).Select(body => new Scenario(body)).FirstOrDefault(isStillTrue);
            if (smaller is null)
            {
                return scenario;
            }

            scenario = smaller;
        }
    }

    /// <summary>The bodies that are one move smaller, the boldest moves first.</summary>
    private static IEnumerable<Step[]> Variants(Step[] body)
    {
        for (var half = body.Length / 2; half > 1; half /= 2)
        {
            for (var start = 0; start + half <= body.Length; start += half)
            {
                yield return [.. body[..start], .. body[(start + half)..]];
            }
        }

        for (var i = 0; i < body.Length; i++)
        {
            yield return Replace(body, i);
        }

        for (var i = 0; i < body.Length; i++)
        {
            foreach (var inner in body[i].Bodies)
            {
                yield return Replace(body, i, inner);
            }
        }

        for (var i = 0; i < body.Length; i++)
        {
            foreach (var step in Variants(body[i]))
            {
                yield return Replace(body, i, step);
            }
        }
    }

    private static IEnumerable<Step> Variants(Step step)
    {
        for (var i = 0; i < step.Bodies.Length; i++)
        {
            foreach (var body in Variants(step.Bodies[i]))
            {
                yield return step with { Bodies = [.. step.Bodies[..i], body, .. step.Bodies[(i + 1)..]] };
            }
        }

        for (var i = 0; i < step.Numbers.Length; i++)
        {
            if (step.Numbers[i] > 0 && !IsName(step.Operation, i))
            {
                yield return step with { Numbers = [.. step.Numbers[..i], step.Numbers[i] - 1, .. step.Numbers[(i + 1)..]] };
            }
        }
    }

    /// <summary>
    /// Whether a number names a task or handle that the step makes, or a task that it waits for: with another one, it might wait for
    /// itself.
    /// </summary>
    private static bool IsName(string operation, int index) => operation switch
    {
        "wait_for" or "wait_for_task" => index == 1,
        "wait" => index > 1,
        "await" or "shield" or "gather" or "gather_all" => true,
        "spawn" or "spawn_eager" or "spawn_in_group" or "gather_bodies" or "call_soon" or "call_later" => index == 0,
        _ => false,
    };

    private static Step[] Replace(Step[] body, int index, params Step[] steps) => [.. body[..index], .. steps, .. body[(index + 1)..]];
}
