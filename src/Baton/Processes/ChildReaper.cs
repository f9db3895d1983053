using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using Baton.Drivers;
using Microsoft.Win32.SafeHandles;

namespace Baton;

/// <summary>
/// Waits for a child and takes its exit status, so that no zombie is left, whether anybody asks for it or not. What a signal is sent to is
/// never a process that has merely got the same number: it is named by a descriptor, or by its number before the status has been taken,
/// until when the system gives that to nobody else.
/// </summary>
/// <remarks>
/// The loop watches the descriptor. Where there is none (an old kernel, a filter of system calls) or the driver cannot watch it, a thread
/// waits for the child without taking the status, and tells the loop.
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "ReleaseGroup disposes of the group's handle, when the child is disposed of.")]
internal sealed class ChildReaper
{
    private const int NoHang = 1; // WNOHANG
    private const int Exited = 4; // WEXITED
    private const int NoReap = 0x01000000; // WNOWAIT
    private const int EntireGroup = 4; // PIDFD_SIGNAL_PROCESS_GROUP
    private const int NoSuchProcess = 3; // ESRCH
    private const int NoChild = 10; // ECHILD
    private const int InvalidArgument = 22; // EINVAL
    private const int ThreadStackSize = 128 * 1024;

    // Contended only where a thread waits instead of the loop.
    private readonly Lock _gate = new();
    private readonly EventLoop _loop;
    private readonly LinuxProcessCalls _calls;
    private readonly bool _leadsGroup;
    private int _process = -1;
    private SafeFileHandle? _group;
    private ProcessWatch? _watch;
    private ExitWait? _firstWait;
    private ChildExitStatus _status;
    private bool _hasStatus;
    private bool _hasLeftLoop;
    private bool _waitsByNumber;
    private bool _isReported;

    internal ChildReaper(ChildProcess owner, EventLoop loop, LinuxProcessCalls calls, int id, bool leadsGroup)
    {
        Owner = owner;
        _loop = loop;
        _calls = calls;
        _leadsGroup = leadsGroup;
        Id = id;
    }

    internal ChildProcess Owner { get; }

    internal int Id { get; }

    internal ChildExitStatus? Status => _hasStatus ? _status : null;

    /// <summary>Whether the child is meant to run on when the loop closes.</summary>
    internal bool MayOutliveLoop { get; set; }

    /// <summary>Called when the child has ended, on the loop thread, where no code of users may run.</summary>
    internal Action? Ended { get; set; }

    internal string Description => Owner.ToString();

    /// <summary>Starts to wait. Where that is impossible, the child is killed.</summary>
    internal void Start()
    {
        _process = _calls.OpenProcess(Id);
        if (_process >= 0 && TryWatch())
        {
            _loop.Children.Add(this);
            return;
        }

        try
        {
            StartThread();
        }
        catch
        {
            _calls.Kill(Id, SignalNumbers.Kill);
            TryReap(options: 0);
            CloseProcess();
            throw;
        }

        _loop.Children.Add(this);
    }

    /// <summary>Waits for the end. Whoever cancels a wait that cannot be cancelled is heard when it is over.</summary>
    internal ValueTask WaitAsync(bool isCancellable)
    {
        if (_hasStatus)
        {
            return default;
        }

        var wait = new ExitWait(_loop, this, isCancellable) { Next = _firstWait };
        _firstWait = wait;
        return wait.Start();
    }

    internal void Forget(ExitWait wait)
    {
        if (ReferenceEquals(_firstWait, wait))
        {
            _firstWait = wait.Next;
            return;
        }

        var previous = _firstWait!;
        while (!ReferenceEquals(previous.Next, wait))
        {
            previous = previous.Next!;
        }

        previous.Next = wait.Next;
    }

    /// <summary>Sends a signal. One that has ended is left alone.</summary>
    /// <returns>0, or the error.</returns>
    internal int Signal(int signal, bool entireGroup)
    {
        lock (_gate)
        {
            var result = entireGroup ? SignalGroup(signal) : SignalChild(signal);
            return result == -NoSuchProcess ? 0 : Math.Min(result, 0);
        }
    }

    /// <summary>Kills the child, and its group where its options say so. False where this process may not.</summary>
    internal bool TryKill() => Signal(SignalNumbers.Kill, Owner.Options.KillEntireGroup) >= 0;

    /// <summary>Nobody will signal the group any more.</summary>
    internal void ReleaseGroup()
    {
        _group?.Dispose();
        _group = null;
    }

    internal bool TryTakeReport() => !_isReported && (_isReported = true);

    /// <summary>The loop closes. Takes the status, where the child ends soon; otherwise a thread takes it, some day.</summary>
    internal void LeaveLoop(TimeSpan limit)
    {
        EndWatch();
        if (_process >= 0 && limit > TimeSpan.Zero)
        {
            _calls.WaitReadable(_process, (int)limit.TotalMilliseconds);
        }

        if (TryReap(NoHang))
        {
            CloseProcess();
            return;
        }

        bool isWaitedFor;
        lock (_gate)
        {
            _hasLeftLoop = true;
            isWaitedFor = _watch is null;
        }

        if (!isWaitedFor)
        {
            StartThread();
        }
    }

    private bool TryWatch()
    {
        var watch = new ProcessWatch(this, _process);
        try
        {
            _loop.Driver.Watch(watch, IoReadiness.Readable);
        }
        catch (Exception exception) when (exception is NotSupportedException or SocketException)
        {
            return false;
        }

        _watch = watch;
        return true;
    }

    private void EndWatch()
    {
        if (_watch is not null)
        {
            _loop.Driver.Watch(_watch, IoReadiness.None);
        }
    }

    private void StartThread()
    {
        var thread = new Thread(static child => ((ChildReaper)child!).WaitOnThread(), ThreadStackSize)
        {
            IsBackground = true,
            Name = $"Baton child {Id}",
        };
        thread.UnsafeStart(this);
    }

    private void WaitOnThread()
    {
        // The status stays where it is, and with it the number stays the child's, until the loop knows.
        while (Wait(Exited | NoReap, out _, out _) == -Errno.EINTR)
        {
        }

        if (Volatile.Read(ref _hasLeftLoop) || !_loop.TryCallSoonThreadSafe(static child => ((ChildReaper)child!).TakeStatus(), this))
        {
            TryReap(NoHang);
            CloseProcess();
        }
    }

    private void TakeStatus()
    {
        if (!TryReap(NoHang))
        {
            return;
        }

        EndWatch();
        CloseProcess();
        _loop.Children.Remove(this);
        if (_status.IsUnknown)
        {
            _loop.Warn(new LoopWarning(
                LoopWarningKind.LostExitStatus,
                $"The {Description}: something else in this process has waited for it and taken its exit status. " +
                $"Its exit code is given as {_status.ExitCode}.")
            {
                Source = Owner,
            });
        }

        var wait = _firstWait;
        _firstWait = null;
        while (wait is not null)
        {
            var next = wait.Next;
            wait.Next = null;
            wait.Complete();
            wait = next;
        }

        Ended?.Invoke();
    }

    /// <summary>Takes the status. False where the child has not ended.</summary>
    private bool TryReap(int options)
    {
        lock (_gate)
        {
            while (!_hasStatus)
            {
                var result = Wait(Exited | options, out var code, out var number);
                if (result == -Errno.EINTR)
                {
                    continue;
                }

                if (result >= 0 && code == 0)
                {
                    return false;
                }

                _status = result >= 0 ? ChildExitStatus.FromCode(code, number) : AskKernel();
                _hasStatus = true;
            }

            return true;
        }
    }

    private ChildExitStatus AskKernel()
    {
        var status = _process >= 0 ? _calls.GetExitStatus(_process) : -NoChild;
        return status >= 0 ? ChildExitStatus.FromStatus(status) : ChildExitStatus.Unknown;
    }

    private int Wait(int options, out int code, out int status)
    {
        if (_process >= 0 && !_waitsByNumber)
        {
            var result = _calls.Wait(isDescriptor: true, _process, options, out code, out status);
            if (result != -InvalidArgument)
            {
                return result;
            }

            // Linux 5.3 has the descriptors, and cannot wait by them yet.
            _waitsByNumber = true;
        }

        return _calls.Wait(isDescriptor: false, Id, options, out code, out status);
    }

    private int SignalChild(int signal)
    {
        if (_hasStatus)
        {
            return 0;
        }

        var result = _process >= 0 ? _calls.Signal(_process, signal, 0) : -Errno.ENOSYS;
        return result == -Errno.ENOSYS ? _calls.Kill(Id, signal) : result;
    }

    private int SignalGroup(int signal)
    {
        var process = _group is null ? _process : (int)_group.DangerousGetHandle();
        var result = process >= 0 ? _calls.Signal(process, signal, EntireGroup) : -Errno.ENOSYS;
        if (result is not (-Errno.ENOSYS or -InvalidArgument))
        {
            return result;
        }

        // Before Linux 6.9 a group has nothing but its number, which is somebody else's perhaps once its leader has been waited for.
        return _hasStatus ? 0 : _calls.Kill(-Id, signal);
    }

    private void CloseProcess()
    {
        lock (_gate)
        {
            if (_process < 0)
            {
                return;
            }

            if (_leadsGroup && !Owner.IsDisposed && !_hasLeftLoop)
            {
                // The rest of the group can be signalled for as long as somebody may ask for it.
                _group = new SafeFileHandle(_process, ownsHandle: true);
            }
            else
            {
                _calls.Close(_process);
            }

            _process = -1;
        }
    }

    private sealed class ProcessWatch(ChildReaper child, int process) : IoWatch(process)
    {
        public override void OnReady(IoReadiness readiness) => child.TakeStatus();
    }
}
