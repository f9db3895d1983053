using System.Runtime.InteropServices;
using System.Text;

namespace Baton.Drivers;

/// <summary>
/// The system calls below <see cref="ChildProcess"/>, each as one method that returns what the kernel returned, or the error number
/// negated. Derive from it to inject faults, and set <see cref="ChildProcessOptions.SystemCalls"/>.
/// </summary>
/// <remarks>Nothing here retries or interprets. <see cref="Wait"/> is called from other threads, too.</remarks>
public unsafe partial class LinuxProcessCalls
{
    private const int CloseOnExec = 0x80000; // O_CLOEXEC
    private const int NonBlocking = 0x800; // O_NONBLOCK
    private const int SetStatusFlags = 4; // F_SETFL
    private const int DuplicateCloseOnExec = 1030; // F_DUPFD_CLOEXEC
    private const int SetSize = 1031; // F_SETPIPE_SZ
    private const int SignalProcess = 424; // pidfd_send_signal
    private const int OpenProcessNumber = 434; // pidfd_open
    private const uint GetInformation = 0xC040FF0B; // PIDFD_GET_INFO of a structure of 64 bytes
    private const ulong InformationExit = 8; // PIDFD_INFO_EXIT

    /// <summary>Creates a pipe that child processes do not inherit.</summary>
    /// <param name="reader">The descriptor to read from.</param>
    /// <param name="writer">The descriptor to write to.</param>
    public virtual int CreatePipe(out int reader, out int writer)
    {
        var ends = stackalloc int[2];
        var result = Result(LibC.Pipe(ends, CloseOnExec));
        (reader, writer) = result < 0 ? (-1, -1) : (ends[0], ends[1]);
        return result;
    }

    /// <summary>Makes an end of a pipe non-blocking.</summary>
    public virtual int SetNonBlocking(int descriptor) => Result(LibC.Control(descriptor, SetStatusFlags, NonBlocking));

    /// <summary>Sets how much a pipe holds, in bytes.</summary>
    /// <returns>How much it holds now.</returns>
    public virtual int SetPipeSize(int descriptor, int size) => Result(LibC.Control(descriptor, SetSize, size));

    /// <summary>Closes a descriptor.</summary>
    public virtual int Close(int descriptor) => Result(LibC.Close(descriptor));

    /// <summary>
    /// Makes another descriptor of the same open file, with a number of at least <paramref name="least"/>, that child processes do not
    /// inherit.
    /// </summary>
    /// <returns>The descriptor.</returns>
    public virtual int Duplicate(int descriptor, int least) => Result(LibC.Control(descriptor, DuplicateCloseOnExec, least));

    /// <summary>Asks whether there is a file.</summary>
    /// <returns>0 where there is.</returns>
    public virtual int FindFile(string path)
    {
        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(path.Length) + 1];
        Encoding.UTF8.GetBytes(path, bytes);
        fixed (byte* start = bytes)
        {
            return Result(LibC.Access(start, 0));
        }
    }

    /// <summary>Starts a process by posix_spawn: returns when the new program runs, or could not be run.</summary>
    /// <returns>The number of the process.</returns>
    public virtual int Spawn(string path, ChildPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return plan.Spawn(path);
    }

    /// <summary>Opens a descriptor that stands for a process, and becomes readable when it ends (pidfd_open).</summary>
    /// <returns>The descriptor, which child processes do not inherit.</returns>
    public virtual int OpenProcess(int id) => Result((int)LibC.OpenProcess(OpenProcessNumber, id, 0));

    /// <summary>Sends a signal by a descriptor of <see cref="OpenProcess"/>.</summary>
    /// <param name="process">The descriptor.</param>
    /// <param name="signal">The number of the signal.</param>
    /// <param name="flags">4 for the whole group that the process leads, since Linux 6.9.</param>
    public virtual int Signal(int process, int signal, int flags) =>
        Result((int)LibC.SignalProcess(SignalProcess, process, signal, null, flags));

    /// <summary>Sends a signal to the process with a number, or, where that is negative, to a group.</summary>
    public virtual int Kill(int id, int signal) => Result(LibC.Kill(id, signal));

    /// <summary>Asks how a child ended, or waits until it has (waitid).</summary>
    /// <param name="isDescriptor">
    /// Whether <paramref name="id"/> is a descriptor of <see cref="OpenProcess"/> instead of the number of the process.
    /// </param>
    /// <param name="id">The child.</param>
    /// <param name="options">As WEXITED and so on.</param>
    /// <param name="code">How it ended: 1 for an exit, 2 for a signal, 3 for one with a core dump; 0 where it has not.</param>
    /// <param name="status">Its exit code, or the number of the signal.</param>
    public virtual int Wait(bool isDescriptor, int id, int options, out int code, out int status)
    {
        const int Size = 128;
        var information = stackalloc byte[Size];
        new Span<byte>(information, Size).Clear();
        var result = Result(LibC.WaitFor(isDescriptor ? 3 : 1, (uint)id, information, options));

        // The union after the three integers begins where a pointer may stand.
        var union = information + (sizeof(nint) == 8 ? 16 : 12);
        var hasEnded = result >= 0 && *(int*)union != 0;
        code = hasEnded ? *(int*)(information + 8) : 0;
        status = hasEnded ? *(int*)(union + 8) : 0;
        return result;
    }

    /// <summary>
    /// Asks how a process ended that somebody else has waited for. Newer kernels know, for as long as there is a descriptor of
    /// <see cref="OpenProcess"/>.
    /// </summary>
    /// <returns>The status as of waitpid.</returns>
    public virtual int GetExitStatus(int process)
    {
        var information = stackalloc ulong[8];
        new Span<ulong>(information, 8).Clear();
        information[0] = InformationExit;
        var result = Result(LibC.DeviceControl(process, GetInformation, information));
        return result < 0 ? result : (information[0] & InformationExit) == 0 ? -Errno.ENOSYS : ((int*)information)[15];
    }

    /// <summary>Waits until a descriptor is readable.</summary>
    /// <returns>0 when the time is over.</returns>
    public virtual int WaitReadable(int descriptor, int milliseconds)
    {
        var poll = new LibC.PollDescriptor { Descriptor = descriptor, Events = 1 };
        return Result(LibC.Poll(&poll, 1, milliseconds));
    }

    private static int Result(int result) => result < 0 ? -Marshal.GetLastSystemError() : result;
}
