using System.Net;
using System.Net.Sockets;

namespace Baton;

/// <summary>
/// Resolves names with the system's own function, which blocks, on a few threads that do nothing else: a name server that does not answer
/// holds up other names at most, and never the thread pool, an executor or a loop.
/// </summary>
/// <remarks>
/// <para>The threads start when there is something to look up, are background threads, and go after 10 s without work. Who asks for what is
/// being looked up already gets that answer; questions beyond the number of threads wait in line, first come, first served.</para>
/// <para>Cancelling ends a wait at once. A look-up that has not begun is dropped when nobody waits for it any more; one that has begun
/// keeps its thread until the system gives up, and answers whoever asks the same in the meantime. So the line is never longer than the
/// number of coroutines that wait.</para>
/// <para>Nothing is remembered: caching is for the system's resolver, which knows how long answers are valid.</para>
/// <para>May be derived from, to look up otherwise by code that blocks.</para>
/// </remarks>
public class ThreadedNameResolver : NameResolver
{
    /// <summary>How many look-ups the resolver does at once unless it is told otherwise.</summary>
    public const int DefaultMaximumThreads = 8;

    private static readonly TimeSpan IdleLimit = TimeSpan.FromSeconds(10);
    private static readonly Action<object?> WorkOff = static self => ((ThreadedNameResolver)self!).Work();

    private readonly Lock _gate = new();
    private readonly Dictionary<NameLookUp.Question, NameLookUp> _lookUps = [];
    private readonly LinkedList<NameLookUp> _line = [];
    private readonly WorkerThreads _threads;
    private int _workers;

    /// <summary>Creates a resolver. No thread starts before there is something to look up.</summary>
    /// <param name="maximumThreads">The most look-ups at once.</param>
    /// <param name="name">The name of the threads, which have a number behind it.</param>
    public ThreadedNameResolver(int maximumThreads = DefaultMaximumThreads, string name = "name resolver") =>
        _threads = new WorkerThreads("Name resolver", name, maximumThreads, IdleLimit);

    /// <summary>The most look-ups at once.</summary>
    public int MaximumThreads => _threads.Limit;

    /// <summary>Look-ups that run now, those among them for which nobody waits any more. Any thread may ask.</summary>
    public int RunningCount
    {
        get
        {
            lock (_gate)
            {
                return _lookUps.Count - _line.Count;
            }
        }
    }

    /// <summary>Look-ups that wait for a thread. Any thread may ask.</summary>
    public int QueuedCount
    {
        get
        {
            lock (_gate)
            {
                return _line.Count;
            }
        }
    }

    /// <inheritdoc/>
    public sealed override async Coroutine<IPAddress[]> GetHostAddressesAsync(string host, AddressFamily family)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        var addresses = (IPAddress[])await AskAsync(new NameLookUp.Question(host.ToLowerInvariant(), family));
        return [.. addresses]; // Others have the same answer.
    }

    /// <inheritdoc/>
    public sealed override async Coroutine<string> GetHostNameAsync(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return (string)await AskAsync(new NameLookUp.Question(address, address.AddressFamily));
    }

    /// <summary>Name, and what it does.</summary>
    public override string ToString() => $"{_threads}, {RunningCount} of {MaximumThreads} look-ups run, {QueuedCount} wait";

    /// <summary>Looks a name up. Runs on a thread of the resolver's, and may block it.</summary>
    /// <param name="host">The name, in lower case.</param>
    /// <param name="family">Which addresses.</param>
    /// <exception cref="SocketException">The name is unknown, or nobody could tell.</exception>
    protected virtual IPAddress[] LookUpAddresses(string host, AddressFamily family) => Dns.GetHostAddresses(host, family);

    /// <summary>Looks the name of an address up. Runs on a thread of the resolver's, and may block it.</summary>
    /// <param name="address">The address.</param>
    /// <exception cref="SocketException">The address has no name, or nobody could tell.</exception>
    protected virtual string LookUpName(IPAddress address) => Dns.GetHostEntry(address).HostName;

    private async Coroutine<object> AskAsync(NameLookUp.Question question)
    {
        var wait = Join(EventLoop.Current, question);
        try
        {
            return await wait.Future;
        }
        finally
        {
            Leave(wait);
        }
    }

    private NameLookUp.Wait Join(EventLoop loop, NameLookUp.Question question)
    {
        lock (_gate)
        {
            if (!_lookUps.TryGetValue(question, out var lookUp))
            {
                // First the thread, which waits for the lock: where there can be none, nobody is left in line for it.
                if (_workers < MaximumThreads)
                {
                    _threads.Execute(WorkOff, this);
                    _workers++;
                }

                lookUp = new NameLookUp(question);
                lookUp.Place = _line.AddLast(lookUp);
                _lookUps.Add(question, lookUp);
            }

            var wait = new NameLookUp.Wait(loop, lookUp);
            lookUp.Waits.Add(wait);
            return wait;
        }
    }

    private void Leave(NameLookUp.Wait wait)
    {
        var lookUp = wait.LookUp;
        lock (_gate)
        {
            lookUp.Waits.Remove(wait);
            if (lookUp.Waits.Count == 0 && lookUp.Place is { } place)
            {
                lookUp.Place = null;
                _line.Remove(place);
                _lookUps.Remove(lookUp.Asked);
            }
        }
    }

    private void Work()
    {
        while (TryTake(out var lookUp))
        {
            object answer;
            try
            {
                answer = lookUp.Asked.Subject is IPAddress address
                    ? LookUpName(address)
                    : LookUpAddresses((string)lookUp.Asked.Subject, lookUp.Asked.Family);
            }
            catch (Exception exception)
            {
                answer = exception;
            }

            End(lookUp, answer);
        }
    }

    private bool TryTake(out NameLookUp lookUp)
    {
        lock (_gate)
        {
            while (_line.First is { } place)
            {
                _line.Remove(place);
                lookUp = place.Value;
                lookUp.Place = null;
                if (lookUp.IsWanted)
                {
                    return true;
                }

                _lookUps.Remove(lookUp.Asked);
            }

            _workers--;
            lookUp = null!;
            return false;
        }
    }

    private void End(NameLookUp lookUp, object answer)
    {
        NameLookUp.Wait[] waits;
        lock (_gate)
        {
            _lookUps.Remove(lookUp.Asked);
            waits = [.. lookUp.Waits];
        }

        foreach (var wait in waits)
        {
            wait.End(answer);
        }
    }
}
