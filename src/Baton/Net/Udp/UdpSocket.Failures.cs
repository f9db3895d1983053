using System.Net;
using System.Net.Sockets;
using Baton.Drivers;

namespace Baton;

// Errors of earlier datagrams. The system keeps one as the socket's pending error, which whatever call comes next trips over; with reports
// on, it also keeps a queue that says whom each was about, and the calls that trip sort them: those of others wait here for the next
// receive.
public sealed partial class UdpSocket
{
    // A program that only sends would gather reports for ever.
    private const int MaximumHeld = 64;

    private Queue<SocketException>? _held;
    private SocketAddress? _undeliveredTo;
    private SocketAddress? _reporter;

    private bool Reports => _reporter is not null;

    internal bool TryTakeHeld(out SocketException? failure)
    {
        failure = null;
        return _held is not null && _held.TryDequeue(out failure);
    }

    /// <summary>
    /// Takes a report whose error is no longer there to trip over: the system drops it when it stops a batch that is being sent in the
    /// middle.
    /// </summary>
    private bool TryTakeOverlooked(out SocketException? failure)
    {
        failure = Reports && TryTakeReport(out var report) ? report : null;
        return failure is not null;
    }

    /// <summary>
    /// A send failed. True when that was for reports of earlier datagrams, which are kept for the next receive: the send is to be tried
    /// again.
    /// </summary>
    internal bool HoldReports()
    {
        var isAny = false;
        while (Reports && TryTakeReport(out var report))
        {
            // What this host reports of a send of this host, the send says itself.
            if (report.Reporter is not null)
            {
                isAny = true;
                _held ??= new Queue<SocketException>();
                if (_held.Count == MaximumHeld)
                {
                    _held.Dequeue();
                }

                _held.Enqueue(report);
            }
        }

        if (isAny && _reading.IsPending)
        {
            // The error was what it would have woken for.
            Io.Cancel(_reading);
        }

        return isAny;
    }

    internal SocketException CreateFailure(SocketError error, string operation) =>
        SocketFailure.Create(error, $"The {operation} on {this}");

    private SocketException CreateReceiveFailure(SocketError error) =>
        Reports && TryTakeReport(out var report) ? report : CreateFailure(error, "receive");

    private bool TryTakeReport(out UndeliveredException report)
    {
        if (!Io.TryReceiveError(_undeliveredTo!, _reporter!, out var reason))
        {
            report = null!;
            return false;
        }

        var receiver = (IPEndPoint?)AddressConversion.ToEndPoint(_undeliveredTo!);
        var reporter = (IPEndPoint?)AddressConversion.ToEndPoint(_reporter!);
        report = new UndeliveredException(
            reason,
            SocketFailure.Create(reason, $"The send on {this} to {receiver?.ToString() ?? "somebody"}").Message,
            receiver,
            reporter?.Address);
        return true;
    }

    private void ReportUndelivered()
    {
        if (!Io.CanReceiveErrors)
        {
            throw new PlatformNotSupportedException(
                $"The driver '{Loop.Driver.Name}' cannot tell to whom a datagram could not be delivered. Use connected sockets, or leave ReportUndelivered off.");
        }

        ReadOnlySpan<byte> on = [1, 0, 0, 0];
        if (AddressFamily == AddressFamily.InterNetworkV6)
        {
            Io.SetRawOption(41, 25, on); // IPPROTO_IPV6, IPV6_RECVERR
        }

        // For IPv6 too, because of IPv4's addresses in it.
        Io.SetRawOption(0, 11, on); // IPPROTO_IP, IP_RECVERR
        _undeliveredTo = AddressConversion.CreateSpace();
        _reporter = AddressConversion.CreateSpace();
    }
}
