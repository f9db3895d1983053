using Baton.Drivers;

namespace Baton.Tests.Processes;

/// <summary>The system calls of child processes, to count, to fail and to interfere with.</summary>
public sealed class ScriptedProcessCalls : LinuxProcessCalls
{
    private int _opened;
    private int _closed;

    /// <summary>The names of the calls so far.</summary>
    public List<string> Made { get; } = [];

    /// <summary>
    /// Called before each call, with its name and how many of this name there were before. An error, negated, instead of the call; null for
    /// the call.
    /// </summary>
    public Func<string, int, int?>? OnCall { get; set; }

    /// <summary>Called with each child right after it has been started, before anything else is done about it.</summary>
    public Action<int>? OnSpawned { get; set; }

    /// <summary>Whether kernels know less than this one: no descriptors of processes.</summary>
    public bool IsOld { get; init; }

    /// <summary>Descriptors that were made and have not been closed here; the driver's ends of pipes are the driver's to close.</summary>
    public int OpenDescriptors => _opened - _closed;

    public override int CreatePipe(out int reader, out int writer)
    {
        if (Fail(nameof(CreatePipe)) is { } error)
        {
            (reader, writer) = (-1, -1);
            return error;
        }

        var result = base.CreatePipe(out reader, out writer);

        // One of the two becomes the driver's.
        _opened += result >= 0 ? 1 : 0;
        return result;
    }

    public override int Close(int descriptor)
    {
        _closed++;
        return base.Close(descriptor);
    }

    public override int Duplicate(int descriptor, int least) => Fail(nameof(Duplicate)) ?? Opened(base.Duplicate(descriptor, least));

    public override int SetNonBlocking(int descriptor) => Fail(nameof(SetNonBlocking)) ?? base.SetNonBlocking(descriptor);

    public override int SetPipeSize(int descriptor, int size) => Fail(nameof(SetPipeSize)) ?? base.SetPipeSize(descriptor, size);

    public override int FindFile(string path) => Fail(nameof(FindFile)) ?? base.FindFile(path);

    public override int Spawn(string path, ChildPlan plan)
    {
        if (Fail(nameof(Spawn)) is { } error)
        {
            return error;
        }

        var result = base.Spawn(path, plan);
        if (result > 0)
        {
            OnSpawned?.Invoke(result);
        }

        return result;
    }

    public override int OpenProcess(int id) => Fail(nameof(OpenProcess)) ?? (IsOld ? -Errno.ENOSYS : Opened(base.OpenProcess(id)));

    public override int Signal(int process, int signal, int flags) => Fail(nameof(Signal)) ?? base.Signal(process, signal, flags);

    public override int Kill(int id, int signal) => Fail(nameof(Kill)) ?? base.Kill(id, signal);

    public override int Wait(bool isDescriptor, int id, int options, out int code, out int status)
    {
        if (Fail(nameof(Wait)) is { } error)
        {
            (code, status) = (0, 0);
            return error;
        }

        return base.Wait(isDescriptor, id, options, out code, out status);
    }

    public override int GetExitStatus(int process) => Fail(nameof(GetExitStatus)) ?? base.GetExitStatus(process);

    private int? Fail(string name)
    {
        lock (Made)
        {
            var before = Made.Count(made => made == name);
            Made.Add(name);
            return OnCall?.Invoke(name, before);
        }
    }

    private int Opened(int result)
    {
        _opened += result >= 0 ? 1 : 0;
        return result;
    }
}
