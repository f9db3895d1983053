namespace Baton;

// Being one of a server's connections.
public sealed partial class Connection
{
    private bool _hadRequest;

    /// <summary>
    /// Waits for the next request of a connection that has one after the other: until the peer has sent something, which the next read
    /// gets. False when there will be none: the peer has ended its side, or the server stops accepting and nothing has come by then. So
    /// connections that are idle do not hold up a shutdown; a request that had arrived is served all the same, and the first one of a
    /// connection is always waited for.
    /// </summary>
    /// <remarks>Without a server it waits for the peer alone. As every read, one at a time.</remarks>
    /// <exception cref="IOException">The connection failed.</exception>
    public async Coroutine<bool> WaitForRequestAsync()
    {
        var stopping = _hadRequest && Server is { } server ? server.Stopping : CancellationToken.None;
        System.IO.Pipelines.ReadResult read;
        try
        {
            read = await Input.ReadAsync(stopping);
        }
        catch (OperationCanceledException exception) when (exception is not CancelledException && stopping.IsCancellationRequested)
        {
            Io.AssumeReadable();
            if (!Input.TryRead(out read))
            {
                return false;
            }
        }

        _hadRequest = true;
        Input.AdvanceTo(read.Buffer.Start);
        return !read.Buffer.IsEmpty;
    }
}
