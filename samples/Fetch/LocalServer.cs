using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Fetch;

/// <summary>
/// A web server on the loopback interface, so that the sample needs no network. It stands for the rest of the world: it is an ordinary
/// ASP.NET Core server and runs on the thread pool, not on the loop.
/// </summary>
internal sealed class LocalServer : IAsyncDisposable
{
    private static readonly byte[] Content = new byte[64 * 1024];
    private readonly WebApplication _application;

    private LocalServer(WebApplication application) => _application = application;

    public string Address => _application.Urls.First();

    public static async Task<LocalServer> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port: 0));

        // ASP.NET Core's own lifetime would take Ctrl-C, which here is the loop's.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();

        var application = builder.Build();
        application.Run(ServeAsync);
        await application.StartAsync();
        return new LocalServer(application);
    }

    public IEnumerable<PageAddress> Pages(int count) =>
        Enumerable.Range(0, count).Select(number => PageAddress.Parse($"{Address}/{number}"));

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    /// <summary>
    /// Page n has a size between 256 bytes and 34 KB, and takes between 100 and 400 milliseconds, as pages on the web do; the same in every
    /// run.
    /// </summary>
    private static async Task ServeAsync(HttpContext context)
    {
        if (!int.TryParse(context.Request.Path.Value.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        await Task.Delay(100 + (number * 37 % 301));
        var body = Content.AsMemory(0, (256 << (number % 8)) + (number % 1000));
        context.Response.ContentType = "application/octet-stream";
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body);
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
