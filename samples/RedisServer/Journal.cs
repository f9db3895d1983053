using Baton;

namespace RedisServer;

/// <summary>
/// The append-only file: the commands that have changed something, in the order in which they were carried out, as a client would send
/// them. One task writes what has gathered while it wrote the last time, so that one flush of the device serves all who wait for it.
/// </summary>
internal sealed partial class Journal
{
    private const string FileName = "appendonly.aof";
    private const int MaximumBacklog = 64 * 1024 * 1024;
    private static readonly TimeSpan FlushInterval = TimeSpan.FromSeconds(1);

    private readonly RedisService _service;
    private readonly AsyncEvent _work = new();
    private readonly AsyncEvent _progress = new();
    private LoopFile _file;
    private RespWriter _gathered = new();
    private RespWriter _beingWritten = new();
    private long _logged;
    private long _kept;
    private bool _isRewritten;
    private bool _isInTransaction;
    private bool _hasBegunTransaction;
    private bool _isRewriteRequested;
    private bool _isFlushDue;
    private bool _isEnding;
    private bool _hasFailed;

    private Journal(RedisService service, LoopFile file)
    {
        _service = service;
        _file = file;
    }

    /// <summary>How long the file is, in bytes.</summary>
    public long Length { get; private set; }

    public long FlushCount { get; private set; }

    /// <summary>
    /// Whether a client may not be answered yet: with <see cref="FsyncPolicy.Always"/> because not everything is kept for good, otherwise
    /// only when the disk does not keep up.
    /// </summary>
    public bool MustWait => _service.Settings.Fsync == FsyncPolicy.Always ? _kept < _logged : _logged - _kept > MaximumBacklog;

    /// <summary>Waits until what was logged so far is kept.</summary>
    public async Coroutine WaitAsync()
    {
        var end = _service.Settings.Fsync == FsyncPolicy.Always ? _logged : _logged - MaximumBacklog;
        while (_kept < end)
        {
            if (_hasFailed)
            {
                throw new IOException("The append-only file cannot be written.");
            }

            await _progress.WaitAsync();
        }
    }

    /// <summary>Logs a command as it came, unless it was logged otherwise when it was carried out.</summary>
    public void Log(in Call call)
    {
        if (_isRewritten)
        {
            _isRewritten = false;
            return;
        }

        var start = Start();
        call.CopyTo(_gathered);
        Finish(start);
    }

    /// <summary>Logs something of its own.</summary>
    public void Write(ReadOnlySpan<byte> name, ReadOnlySpan<byte> key)
    {
        var start = Start();
        _gathered.Array(2);
        _gathered.Bulk(name);
        _gathered.Bulk(key);
        Finish(start);
    }

    /// <summary>Logs this instead of the command that is being carried out.</summary>
    public void Rewrite(ReadOnlySpan<byte> name, ReadOnlySpan<byte> key)
    {
        Write(name, key);
        _isRewritten = true;
    }

    /// <inheritdoc cref="Rewrite(ReadOnlySpan{byte}, ReadOnlySpan{byte})"/>
    public void Rewrite(ReadOnlySpan<byte> name, ReadOnlySpan<byte> key, long number)
    {
        var start = Start();
        _gathered.Array(3);
        _gathered.Bulk(name);
        _gathered.Bulk(key);
        _gathered.Bulk(number);
        Finish(start);
        _isRewritten = true;
    }

    /// <inheritdoc cref="Rewrite(ReadOnlySpan{byte}, ReadOnlySpan{byte})"/>
    public void Rewrite(
        ReadOnlySpan<byte> name, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, ReadOnlySpan<byte> option, long? number = null)
    {
        var start = Start();
        _gathered.Array(number is null ? 4 : 5);
        _gathered.Bulk(name);
        _gathered.Bulk(key);
        _gathered.Bulk(value);
        _gathered.Bulk(option);
        if (number is { } last)
        {
            _gathered.Bulk(last);
        }

        Finish(start);
        _isRewritten = true;
    }

    /// <inheritdoc cref="Rewrite(ReadOnlySpan{byte}, ReadOnlySpan{byte})"/>
    public void Rewrite(ReadOnlySpan<byte> name, ReadOnlySpan<byte> key, List<byte[]> members)
    {
        var start = Start();
        _gathered.Array(2 + members.Count);
        _gathered.Bulk(name);
        _gathered.Bulk(key);
        foreach (var member in members)
        {
            _gathered.Bulk(member);
        }

        Finish(start);
        _isRewritten = true;
    }

    /// <summary>What is logged from now on counts together, or not at all.</summary>
    public void BeginTransaction() => _isInTransaction = true;

    public void EndTransaction()
    {
        _isInTransaction = false;
        if (_hasBegunTransaction)
        {
            _hasBegunTransaction = false;
            var start = Start();
            _gathered.Append("*1\r\n$4\r\nEXEC\r\n"u8);
            Finish(start);
        }
    }

    /// <summary>Has the file replaced by a shorter one, soon.</summary>
    public void RequestRewrite()
    {
        _isRewriteRequested = true;
        _work.Set();
    }

    /// <summary>Has <see cref="RunAsync"/> end once everything is kept.</summary>
    public void End()
    {
        _isEnding = true;
        _work.Set();
    }

    /// <summary>Writes, until <see cref="End"/>.</summary>
    public async Coroutine RunAsync()
    {
        var ticking = _service.Settings.Fsync == FsyncPolicy.EverySec ? Coroutine.Start(TickAsync(), "journal clock") : null;
        try
        {
            while (!_isEnding || _gathered.Length > 0)
            {
                await WriteGatheredAsync();
                if (_isRewriteRequested && _gathered.Length == 0)
                {
                    await ReplaceAsync();
                }

                if (_gathered.Length == 0 && !_isEnding)
                {
                    _work.Clear();
                    await _work.WaitAsync();
                }
            }

            await _file.FlushAsync();
        }
        catch
        {
            // Those who wait must not be told that all is well.
            _hasFailed = true;
            throw;
        }
        finally
        {
            ticking?.Cancel();
            _progress.Set();
            await _file.CloseAsync();
        }
    }

    private async Coroutine WriteGatheredAsync()
    {
        if (_gathered.Length > 0)
        {
            (_gathered, _beingWritten) = (_beingWritten, _gathered);
            await _file.WriteAsync(_beingWritten.Written, Length);
            Length += _beingWritten.Length;
        }

        if (_isFlushDue || (_service.Settings.Fsync == FsyncPolicy.Always && _beingWritten.Length > 0))
        {
            _isFlushDue = false;
            await _file.FlushAsync(dataOnly: true);
            FlushCount++;
        }

        _kept += _beingWritten.Length;
        _beingWritten.Clear();

        // Wakes those who wait now; who comes later waits for the next time.
        _progress.Set();
        _progress.Clear();
    }

    private async Coroutine TickAsync()
    {
        var flushed = 0L;
        while (true)
        {
            await Coroutine.Sleep(FlushInterval);
            if (_logged > flushed)
            {
                flushed = _logged;
                _isFlushDue = true;
                _work.Set();
            }
        }
    }

    private int Start()
    {
        var start = _gathered.Length;
        if (_isInTransaction && !_hasBegunTransaction)
        {
            _hasBegunTransaction = true;
            _gathered.Append("*1\r\n$5\r\nMULTI\r\n"u8);
        }

        return start;
    }

    private void Finish(int start)
    {
        _logged += _gathered.Length - start;
        _work.Set();
    }
}
