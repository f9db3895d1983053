using System.Runtime.InteropServices;
using Baton;

namespace RedisServer;

/// <summary>Those who wait, by BLPOP or BRPOP, for something to be pushed; whoever has waited longest is served first.</summary>
internal sealed class BlockedClients(RedisService service)
{
    private readonly Dictionary<byte[], List<Waiter>> _waiters = new(BytesComparer.Instance);
    private readonly List<byte[]> _pushed = [];

    public int Count { get; private set; }

    public static void Reply(RespWriter reply, ReadOnlySpan<byte> key, ReadOnlySpan<byte> element)
    {
        reply.Array(2);
        reply.Bulk(key);
        reply.Bulk(element);
    }

    public void Add(Client client, byte[][] keys, bool atLeft, TimeSpan timeout)
    {
        var waiter = new Waiter(client, keys, atLeft);
        foreach (var key in keys)
        {
            (CollectionsMarshal.GetValueRefOrAddDefault(_waiters, key, out _) ??= []).Add(waiter);
        }

        if (timeout > TimeSpan.Zero)
        {
            waiter.Timer = EventLoop.Current.CallLater(timeout, () =>
            {
                client.Reply.NullArray();
                End(waiter);
            });
        }

        client.Waiting = waiter;
        Count++;
    }

    /// <summary>Notes that something was pushed, for <see cref="Serve"/> when the command, or the transaction, has ended.</summary>
    public void NotePush(ReadOnlySpan<byte> key)
    {
        if (_waiters.Count > 0 && _waiters.ContainsKey(key.ToArray()))
        {
            _pushed.Add(key.ToArray());
        }
    }

    public void Serve()
    {
        for (var i = 0; i < _pushed.Count; i++)
        {
            var key = _pushed[i];
            while (_waiters.TryGetValue(key, out var waiters) && service.Database.Find(key)?.Value is ListValue list)
            {
                var waiter = waiters[0];
                Reply(waiter.Client.Reply, key, list.Take(waiter.AtLeft));
                service.Database.RemoveIfEmpty(key, list);
                service.Database.Changed(key);
                service.Journal?.Write(waiter.AtLeft ? "LPOP"u8 : "RPOP"u8, key);
                End(waiter);
            }
        }

        _pushed.Clear();
    }

    /// <summary>A wait is over.</summary>
    public void End(Waiter waiter)
    {
        waiter.Timer.Cancel();
        foreach (var key in waiter.Keys)
        {
            if (_waiters.TryGetValue(key, out var waiters) && waiters.Remove(waiter) && waiters.Count == 0)
            {
                _waiters.Remove(key);
            }
        }

        waiter.Client.Waiting = null;
        waiter.Client.Wake();
        Count--;
    }

    /// <summary>A client that waits.</summary>
    internal sealed class Waiter(Client client, byte[][] keys, bool atLeft)
    {
        public Client Client { get; } = client;

        public byte[][] Keys { get; } = keys;

        public bool AtLeft { get; } = atLeft;

        public TimerHandle Timer { get; set; }
    }
}
