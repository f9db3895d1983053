namespace Baton;

/// <summary>When <c>Coroutine.Wait</c> returns. Corresponds to the <c>return_when</c> of <c>asyncio.wait</c>.</summary>
public enum ReturnWhen
{
    /// <summary>When all are done.</summary>
    AllCompleted,

    /// <summary>When one is done, however it ended.</summary>
    FirstCompleted,

    /// <summary>When one has failed, or else when all are done. Being cancelled is not failing.</summary>
    FirstException,
}
