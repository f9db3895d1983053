using System.Runtime.InteropServices;

namespace Baton;

/// <summary>
/// The way from a protocol to its child process. Corresponds to <c>asyncio.SubprocessTransport</c>. For the loop's thread.
/// </summary>
public interface ISubprocessTransport
{
    /// <summary>The loop to which the child belongs.</summary>
    EventLoop Loop { get; }

    /// <summary>Whom the transport calls. May be changed at any time. Corresponds to <c>get_protocol</c> and <c>set_protocol</c>.</summary>
    ISubprocessProtocol Protocol { get; set; }

    /// <summary>The system's number of the process. Corresponds to <c>get_pid</c>.</summary>
    int Id { get; }

    /// <summary>As <see cref="ChildProcess.ExitCode"/>. Corresponds to <c>get_returncode</c>.</summary>
    int? ExitCode { get; }

    /// <summary>
    /// The child, to wait for, say. Its pipes belong to the transport. Corresponds to <c>get_extra_info('subprocess')</c>.
    /// </summary>
    ChildProcess Child { get; }

    /// <summary>Whether the transport is closing or closed. Corresponds to <c>is_closing</c>.</summary>
    bool IsClosing { get; }

    /// <summary>The transport of a pipe: to write to descriptor 0, to pause and resume reading from 1 and 2.</summary>
    /// <param name="descriptor">The number of the standard stream.</param>
    /// <returns>Null where that is no pipe.</returns>
    IStreamTransport? GetPipeTransport(int descriptor);

    /// <summary>As <see cref="ChildProcess.SendSignal"/>.</summary>
    /// <param name="signal">The signal.</param>
    void SendSignal(PosixSignal signal);

    /// <summary>As <see cref="ChildProcess.Terminate"/>.</summary>
    void Terminate();

    /// <summary>As <see cref="ChildProcess.Kill"/>.</summary>
    void Kill();

    /// <summary>Closes the pipes, and kills the child where it still runs. Can be called again.</summary>
    void Close();
}
