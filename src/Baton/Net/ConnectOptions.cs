using System.Net;

namespace Baton;

/// <summary>How <see cref="Connection.ConnectAsync(string, int, ConnectOptions?)"/> connects. Everything has a default.</summary>
public sealed class ConnectOptions
{
    /// <summary>The address, and unless its port is 0 the port, to connect from; null lets the system choose.</summary>
    public IPEndPoint? LocalEndPoint { get; set; }

    /// <summary>Whether small writes leave at once (TCP_NODELAY). True unless set.</summary>
    public bool NoDelay { get; set; } = true;
}
