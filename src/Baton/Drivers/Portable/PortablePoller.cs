using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Baton.Drivers;

/// <summary>
/// The thread of a <see cref="PortableDriver"/> that waits for descriptors which the BCL has no waits for: in poll(2), with a pipe that
/// wakes it. It touches nothing but the list of what is armed, and the driver's queue.
/// </summary>
internal sealed unsafe class PortablePoller : IDisposable
{
    private const short PollIn = 1;

    private readonly PortableDriver _driver;
    private readonly Lock _gate = new();
    private readonly List<PollEntry> _armed = [];
    private readonly SafeFileHandle _wakeReader;
    private readonly SafeFileHandle _wakeWriter;
    private readonly Thread _thread;
    private long _sequence;
    private bool _isWakePending;
    private bool _isEnding;

    internal PortablePoller(PortableDriver driver)
    {
        _driver = driver;
        (_wakeReader, _wakeWriter) = UnixPipe.Create(isNonBlocking: true);
        _thread = new Thread(Run) { IsBackground = true, Name = "Baton poll" };
        _thread.UnsafeStart();
    }

    /// <summary>Has an entry told once.</summary>
    internal void Arm(PollEntry entry, int descriptor, short events)
    {
        lock (_gate)
        {
            entry.Descriptor = descriptor;
            entry.Events = events;
            entry.Sequence = ++_sequence;
            entry.Current = PollEntry.State.Armed;
            _armed.Add(entry);
            Wake();
        }

        _driver.OnStarted();
    }

    /// <summary>
    /// Lets an entry be told no more. False where it has been told already, of which the driver's queue then tells nobody.
    /// </summary>
    internal bool Disarm(PollEntry entry)
    {
        lock (_gate)
        {
            if (entry.Current == PollEntry.State.Posted)
            {
                entry.IsDropped = true;
                return false;
            }

            if (entry.Current == PollEntry.State.Idle)
            {
                return true;
            }

            entry.Current = PollEntry.State.Idle;
            _armed.Remove(entry);

            // The thread still holds the descriptor in its call: it is about to be closed, perhaps.
            Wake();
        }

        _driver.OnWithdrawn();
        return true;
    }

    /// <summary>Whether something is there of which the thread is about to tell.</summary>
    internal bool IsCompletionDue()
    {
        lock (_gate)
        {
            foreach (var entry in _armed)
            {
                if (_driver.UnixCalls.PollNow(entry.Descriptor, entry.Events) != 0)
                {
                    return true;
                }
            }
        }

        return false;
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isEnding = true;
            Wake();
        }

        _thread.Join();
        _wakeReader.Dispose();
        _wakeWriter.Dispose();
    }

    // With the lock held.
    private void Wake()
    {
        if (!_isWakePending)
        {
            _isWakePending = true;
            byte one = 1;
            while (LibC.Write((int)_wakeWriter.DangerousGetHandle(), &one, 1) < 0 && Marshal.GetLastSystemError() == Errno.EINTR)
            {
            }
        }
    }

    private void Run()
    {
        var capacity = 0;
        LibC.PollDescriptor* polled = null;
        var entries = new List<(PollEntry Entry, long Sequence)>();
        var ready = new List<PollEntry>();
        while (true)
        {
            lock (_gate)
            {
                if (_isEnding)
                {
                    break;
                }

                entries.Clear();
                if (capacity < _armed.Count + 1)
                {
                    capacity = (_armed.Count + 1) * 2;
                    polled = (LibC.PollDescriptor*)NativeMemory.Realloc(polled, (nuint)(capacity * sizeof(LibC.PollDescriptor)));
                }

                polled[0] = new LibC.PollDescriptor { Descriptor = (int)_wakeReader.DangerousGetHandle(), Events = PollIn };
                foreach (var entry in _armed)
                {
                    entries.Add((entry, entry.Sequence));
                    polled[entries.Count] = new LibC.PollDescriptor { Descriptor = entry.Descriptor, Events = entry.Events };
                }
            }

            // Whatever it returns, the descriptors say what there is: after a signal, nothing.
            if (LibC.Poll(polled, (nuint)(entries.Count + 1), -1) <= 0)
            {
                continue;
            }

            lock (_gate)
            {
                if (polled[0].Returned != 0)
                {
                    byte one;
                    _ = LibC.Read(polled[0].Descriptor, &one, 1);
                    _isWakePending = false;
                }

                for (var i = 0; i < entries.Count; i++)
                {
                    var (entry, sequence) = entries[i];
                    if (polled[i + 1].Returned != 0 && entry.Current == PollEntry.State.Armed && entry.Sequence == sequence)
                    {
                        entry.Returned = polled[i + 1].Returned;
                        entry.Current = PollEntry.State.Posted;
                        _armed.Remove(entry);
                        ready.Add(entry);
                    }
                }
            }

            ready.ForEach(_driver.Post);
            ready.Clear();
        }

        NativeMemory.Free(polled);
    }
}
