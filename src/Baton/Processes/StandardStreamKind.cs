namespace Baton;

/// <summary>The kinds of <see cref="StandardStream"/>.</summary>
internal enum StandardStreamKind
{
    Inherit,
    Pipe,
    Null,
    Output,
    Handle,
    Terminal,
}
