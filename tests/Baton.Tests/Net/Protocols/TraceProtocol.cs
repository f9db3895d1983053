using System.Text;

namespace Baton.Tests.Net.Protocols;

/// <summary>A protocol that writes down how it is called, and does what a test wants it to.</summary>
public class TraceProtocol : Protocol
{
    public List<string> Trace { get; } = [];

    public List<byte> Received { get; } = [];

    public IStreamTransport Transport { get; private set; } = null!;

    public Exception? LostBy { get; private set; }

    public bool IsLost => Trace.Count > 0 && Trace[^1].StartsWith("lost", StringComparison.Ordinal);

    public Action<IStreamTransport>? OnMade { get; set; }

    public Action<byte[]>? OnData { get; set; }

    public Func<bool>? OnEof { get; set; }

    public Action<Exception?>? OnLost { get; set; }

    public Action? OnPause { get; set; }

    public Action? OnResume { get; set; }

    public override void ConnectionMade(IStreamTransport transport)
    {
        Assert.Null(LoopTask.Current);
        Trace.Add("made");
        Transport = transport;
        OnMade?.Invoke(transport);
    }

    public override void DataReceived(ReadOnlySpan<byte> data)
    {
        Assert.Null(LoopTask.Current);
        Assert.False(data.IsEmpty);
        Trace.Add(data.Length <= 10 ? $"data {Encoding.ASCII.GetString(data)}" : "data");
        Received.AddRange(data);
        OnData?.Invoke(data.ToArray());
    }

    public override bool EofReceived()
    {
        Trace.Add("eof");
        return OnEof?.Invoke() ?? false;
    }

    public override void ConnectionLost(Exception? exception)
    {
        Assert.Null(LoopTask.Current);
        Trace.Add(exception is null ? "lost" : $"lost: {exception.GetType().Name}");
        LostBy = exception;
        OnLost?.Invoke(exception);
    }

    public override void PauseWriting()
    {
        Trace.Add("pause");
        OnPause?.Invoke();
    }

    public override void ResumeWriting()
    {
        Trace.Add("resume");
        OnResume?.Invoke();
    }
}
