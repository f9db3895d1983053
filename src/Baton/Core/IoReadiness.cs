namespace Baton;

/// <summary>What can be done with a descriptor without waiting. An error or a hang-up counts as both: the call that is then made says which it is.</summary>
[Flags]
public enum IoReadiness
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>To read, to accept, or to be told of the end.</summary>
    Readable = 1,

    /// <summary>To write, or to be told that nobody reads any more.</summary>
    Writable = 2,
}
