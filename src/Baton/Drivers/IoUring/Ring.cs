using System.Runtime.CompilerServices;

namespace Baton.Drivers;

/// <summary>
/// A ring of io_uring: entries go to the kernel in it, and completions come back. Belongs to the thread that first enters it, if the kernel
/// knows rings that do.
/// </summary>
internal sealed unsafe class Ring : IDisposable
{
    /// <summary>What the kernel has to be able to do: that of 5.13, the first with polls that report more than once.</summary>
    internal const RingFeatures Required =
        RingFeatures.SingleMap | RingFeatures.NoDrop | RingFeatures.ExtendedArgument | RingFeatures.ResourceTags;

    private const int SubmissionEntries = 512;
    private const int CompletionEntries = 4096;
    private const int EnableRings = 12; // IORING_REGISTER_ENABLE_RINGS
    private const long CompletionsOffset = 0; // IORING_OFF_SQ_RING
    private const long EntriesOffset = 0x1000_0000; // IORING_OFF_SQES
    private const uint GetEvents = 1; // IORING_ENTER_GETEVENTS
    private const uint HasOverflow = 2; // IORING_SQ_CQ_OVERFLOW
    private const uint HasTaskWork = 4; // IORING_SQ_TASKRUN

    // From the best that a kernel may have to what all have, one step for each that came later than 5.13.
    private static readonly RingSetup[] s_setups =
    [
        RingSetup.NoSubmissionArray | RingSetup.DeferTaskRun | RingSetup.SingleIssuer | RingSetup.TaskRunFlag | RingSetup.SubmitAll,
        RingSetup.DeferTaskRun | RingSetup.SingleIssuer | RingSetup.TaskRunFlag | RingSetup.SubmitAll,
        RingSetup.SingleIssuer | RingSetup.CooperativeTaskRun | RingSetup.TaskRunFlag | RingSetup.SubmitAll,
        RingSetup.CooperativeTaskRun | RingSetup.TaskRunFlag | RingSetup.SubmitAll,
        RingSetup.SubmitAll,
        RingSetup.None,
    ];

    private readonly LinuxSocketCalls _calls;
    private readonly RingParameters _parameters;
    private readonly List<RingEntry> _spilled = [];
    private byte* _memory;
    private RingEntry* _entries;
    private uint* _submissionHead;
    private uint* _submissionTail;
    private uint* _flags;
    private uint* _completionHead;
    private uint* _completionTail;
    private RingCompletion* _completions;
    private uint _submissionMask;
    private uint _completionMask;
    private uint _tail;
    private uint _head;
    private int _descriptor;
    private int _threadId;

    private Ring(LinuxSocketCalls calls, int descriptor, in RingParameters parameters)
    {
        _calls = calls;
        _descriptor = descriptor;
        _parameters = parameters;
    }

    internal int Descriptor => _descriptor;

    internal RingFeatures Features => _parameters.Features;

    internal RingSetup Setup => _parameters.Flags;

    /// <summary>Whether it belongs to another thread, which alone may enter it.</summary>
    internal bool IsForeign => _threadId != 0 && _threadId != Environment.CurrentManagedThreadId;

    /// <summary>Entries that the kernel has not taken.</summary>
    internal int PendingCount => (int)(_tail - Volatile.Read(ref *_submissionHead)) + _spilled.Count;

    internal bool HasCompletions => Volatile.Read(ref *_completionTail) != _head;

    /// <summary>Whether there may be completions that the kernel posts only when it is entered.</summary>
    internal bool HasHiddenCompletions =>
        (Setup & RingSetup.TaskRunFlag) == 0 || (Volatile.Read(ref *_flags) & (HasTaskWork | HasOverflow)) != 0;

    /// <summary>Creates a ring.</summary>
    /// <returns>The error number, negated, where the system refused.</returns>
    internal static int TryCreate(LinuxSocketCalls calls, out Ring? ring)
    {
        ring = null;
        foreach (var setup in s_setups)
        {
            var parameters = new RingParameters
            {
                Flags = setup | RingSetup.Disabled | RingSetup.Clamp | RingSetup.CompletionSize,
                CompletionEntries = CompletionEntries,
            };
            var result = calls.RingSetup(SubmissionEntries, (nint)(&parameters));
            if (result == -Errno.EINVAL)
            {
                continue;
            }

            if (result < 0)
            {
                return result;
            }

            ring = new Ring(calls, result, parameters);
            if ((parameters.Features & Required) == Required)
            {
                result = ring.Map();
            }

            if (result < 0)
            {
                ring.Dispose();
                ring = null;
                return result;
            }

            return 0;
        }

        return -Errno.EINVAL;
    }

    /// <summary>Puts an entry in, to be submitted by the next <see cref="Enter"/>.</summary>
    internal void Push(in RingEntry entry)
    {
        if (_tail - Volatile.Read(ref *_submissionHead) > _submissionMask)
        {
            Enter(0, 0, getEvents: false);
        }

        if (_spilled.Count > 0 || _tail - Volatile.Read(ref *_submissionHead) > _submissionMask)
        {
            // The kernel takes no more now: because of completions that are still in the ring, or for want of memory.
            _spilled.Add(entry);
            return;
        }

        _entries[_tail & _submissionMask] = entry;
        _tail++;
    }

    /// <summary>Submits what was put in and waits.</summary>
    /// <param name="minimum">For how many completions.</param>
    /// <param name="timeout">Nanoseconds; negative without limit.</param>
    /// <param name="getEvents">Whether the kernel is to post what it has not posted yet.</param>
    /// <returns>The error number, negated, or not negative.</returns>
    internal int Enter(int minimum, long timeout, bool getEvents = true)
    {
        if (_threadId == 0)
        {
            // Now it is this thread's.
            _threadId = Environment.CurrentManagedThreadId;
            if (_calls.RingRegister(_descriptor, EnableRings, 0, 0) is < 0 and var error)
            {
                return error;
            }
        }

        if (_spilled.Count > 0)
        {
            Unspill();
        }

        Volatile.Write(ref *_submissionTail, _tail);
        return _calls.RingEnter(
            _descriptor, (int)(_tail - Volatile.Read(ref *_submissionHead)), minimum, getEvents ? GetEvents : 0, timeout);
    }

    /// <summary>Takes a completion out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryTake(out RingCompletion completion)
    {
        var head = _head;
        if (Volatile.Read(ref *_completionTail) == head)
        {
            completion = default;
            return false;
        }

        completion = _completions[head & _completionMask];
        _head = head + 1;
        Volatile.Write(ref *_completionHead, head + 1);
        return true;
    }

    /// <summary>Closes it, and with that has the kernel end what is left in it, sooner or later.</summary>
    internal void Close()
    {
        if (_descriptor >= 0)
        {
            _calls.Close(_descriptor);
            _descriptor = -1;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Close();
        if (_entries is not null)
        {
            _calls.RingUnmap((nint)_entries, EntriesLength);
            _entries = null;
        }

        if (_memory is not null)
        {
            _calls.RingUnmap((nint)_memory, MemoryLength);
            _memory = null;
        }
    }

    private nuint EntriesLength => (nuint)sizeof(RingEntry) * _parameters.SubmissionEntries;

    private nuint MemoryLength => Math.Max(
        _parameters.Submissions.Array + ((nuint)sizeof(uint) * _parameters.SubmissionEntries),
        _parameters.Completions.Completions + ((nuint)sizeof(RingCompletion) * _parameters.CompletionEntries));

    private int Map()
    {
        var address = _calls.RingMap(_descriptor, MemoryLength, CompletionsOffset);
        if (IsError(address))
        {
            return (int)address;
        }

        _memory = (byte*)address;
        address = _calls.RingMap(_descriptor, EntriesLength, EntriesOffset);
        if (IsError(address))
        {
            return (int)address;
        }

        _entries = (RingEntry*)address;
        ref readonly var submissions = ref _parameters.Submissions;
        _submissionHead = (uint*)(_memory + submissions.Head);
        _submissionTail = (uint*)(_memory + submissions.Tail);
        _submissionMask = *(uint*)(_memory + submissions.Mask);
        _flags = (uint*)(_memory + submissions.Flags);
        ref readonly var completions = ref _parameters.Completions;
        _completionHead = (uint*)(_memory + completions.Head);
        _completionTail = (uint*)(_memory + completions.Tail);
        _completionMask = *(uint*)(_memory + completions.Mask);
        _completions = (RingCompletion*)(_memory + completions.Completions);
        if ((Setup & RingSetup.NoSubmissionArray) == 0)
        {
            // Entries stand where they are submitted from: the array in between says so once and for all.
            var array = (uint*)(_memory + submissions.Array);
            for (var i = 0u; i < _parameters.SubmissionEntries; i++)
            {
                array[i] = i;
            }
        }

        return 0;
    }

    private void Unspill()
    {
        var count = 0;
        while (count < _spilled.Count && _tail - Volatile.Read(ref *_submissionHead) <= _submissionMask)
        {
            _entries[_tail & _submissionMask] = _spilled[count++];
            _tail++;
        }

        _spilled.RemoveRange(0, count);
    }

    private static bool IsError(nint address) => address is < 0 and > -4096;
}
