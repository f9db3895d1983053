using System.Runtime.InteropServices;

namespace RedisServer;

/// <summary>Who listens to which channel.</summary>
internal sealed class PubSub
{
    private readonly Dictionary<byte[], List<Client>> _channels = new(BytesComparer.Instance);
    private readonly Dictionary<byte[], List<Client>> _patterns = new(BytesComparer.Instance);

    public int ChannelCount => _channels.Count;

    public int PatternCount => _patterns.Count;

    public static void WriteMessage(RespWriter writer, ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> channel, ReadOnlySpan<byte> message)
    {
        writer.Push(pattern.IsEmpty ? 3 : 4);
        if (pattern.IsEmpty)
        {
            writer.Bulk("message"u8);
        }
        else
        {
            writer.Bulk("pmessage"u8);
            writer.Bulk(pattern);
        }

        writer.Bulk(channel);
        writer.Bulk(message);
    }

    public bool Add(Client client, byte[] name, bool isPattern)
    {
        if (!(isPattern ? client.Patterns : client.Channels).Add(name))
        {
            return false;
        }

        (CollectionsMarshal.GetValueRefOrAddDefault(isPattern ? _patterns : _channels, name, out _) ??= []).Add(client);
        return true;
    }

    public void Remove(Client client, byte[] name, bool isPattern)
    {
        var all = isPattern ? _patterns : _channels;
        if ((isPattern ? client.Patterns : client.Channels).Remove(name) && all[name].Remove(client) && all[name].Count == 0)
        {
            all.Remove(name);
        }
    }

    public void RemoveAll(Client client)
    {
        foreach (var channel in client.Channels.ToList())
        {
            Remove(client, channel, isPattern: false);
        }

        foreach (var pattern in client.Patterns.ToList())
        {
            Remove(client, pattern, isPattern: true);
        }
    }

    /// <summary>Hands a message to everybody who wants it; returns to how many.</summary>
    public int Publish(ReadOnlySpan<byte> channel, ReadOnlySpan<byte> message)
    {
        var count = 0;
        if (_channels.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(channel, out var clients))
        {
            foreach (var client in clients)
            {
                client.Push(default, channel, message);
                count++;
            }
        }

        foreach (var (pattern, subscribers) in _patterns)
        {
            if (Glob.IsMatch(pattern, channel))
            {
                foreach (var client in subscribers)
                {
                    client.Push(pattern, channel, message);
                    count++;
                }
            }
        }

        return count;
    }
}
