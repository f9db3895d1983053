namespace Baton;

/// <summary>
/// Ends a request with the task that makes it: what <see cref="HttpClient"/> waits for inside is not Baton's, such as a connection of its
/// pool, and would otherwise be ended by a token only. A request by code that runs in no task goes through as it is.
/// </summary>
/// <remarks>Heeds the time-outs and cancel scopes around the code, and holds for the body as well, as it is read.</remarks>
public sealed class LoopTaskHandler : DelegatingHandler
{
    /// <summary>Creates a handler that leaves the sending to another.</summary>
    /// <param name="innerHandler">The other, which is disposed of with this.</param>
    public LoopTaskHandler(HttpMessageHandler innerHandler)
        : base(innerHandler)
    {
    }

    /// <summary>
    /// Creates a handler whose <see cref="DelegatingHandler.InnerHandler"/> is still to be set, as by an <c>IHttpClientFactory</c>.
    /// </summary>
    public LoopTaskHandler()
    {
    }

    /// <inheritdoc/>
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        ForeignOperation.Run(
            static (request, token) => request.Self.SendOn(request.Message, token),
            (Self: this, Message: request),
            cancellationToken,
            static (_, response) => response.Dispose());

    private async Task<HttpResponseMessage> SendOn(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);

        // Up to HTTP/1.1 the body is read from the connection by the task itself, which can be cancelled there without help.
        if (response.Version.Major > 1)
        {
            response.Content = new LoopTaskContent(response.Content);
        }

        return response;
    }
}
