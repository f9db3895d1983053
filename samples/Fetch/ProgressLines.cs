namespace Fetch;

/// <summary>Progress for files and pipes: a plain line a second.</summary>
internal sealed class ProgressLines : ProgressDisplay
{
    protected override TimeSpan Interval => TimeSpan.FromSeconds(1);

    public override void Finish()
    {
    }

    protected override void Draw(PageResults results, TimeSpan elapsed)
    {
        if (elapsed >= Interval)
        {
            Console.WriteLine(Describe(results, elapsed));
        }
    }
}
