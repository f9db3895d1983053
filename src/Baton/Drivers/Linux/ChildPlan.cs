using System.Runtime.InteropServices;
using System.Text;

namespace Baton.Drivers;

/// <summary>
/// What <see cref="LinuxProcessCalls.Spawn"/> has to do: everything but the file to run, of which there may be several to try.
/// </summary>
public sealed unsafe class ChildPlan
{
    // As long as those of any C library there is.
    private const int OpaqueSize = 512;

    private const short SetGroup = 0x02; // POSIX_SPAWN_SETPGROUP
    private const short SetDefaults = 0x04; // POSIX_SPAWN_SETSIGDEF
    private const short SetMask = 0x08; // POSIX_SPAWN_SETSIGMASK
    private const short SetSession = 0x80; // POSIX_SPAWN_SETSID
    private const int ReadWrite = 2; // O_RDWR
    private const int MaximumGap = 1024;
    private const int BrokenPipe = 13; // SIGPIPE

    private static bool s_hasNoCloseFrom;

    private readonly List<byte[]> _arguments = [];
    private readonly List<byte[]> _environment = [];
    private readonly List<(string Path, int Target)> _files = [];
    private readonly List<(int Source, int Target)> _descriptors = [];

    internal ChildPlan()
    {
    }

    /// <summary>Null for that of this process.</summary>
    internal string? WorkingDirectory { get; set; }

    /// <summary>The group to join; 0 for one of its own, null for that of this process.</summary>
    internal int? Group { get; set; }

    internal bool NewSession { get; set; }

    internal bool ErrorIsOutput { get; set; }

    /// <summary>What becomes of which descriptor of this process in the child.</summary>
    internal IReadOnlyList<(int Source, int Target)> Descriptors => _descriptors;

    /// <summary>The highest descriptor of the child.</summary>
    internal int LastTarget { get; private set; } = 2;

    internal void AddArgument(string text) => _arguments.Add(Encode(text));

    internal void AddVariable(string name, string value) => _environment.Add(Encode($"{name}={value}"));

    /// <summary>Has the child open a file. The first terminal that the leader of a new session opens becomes the controlling one.</summary>
    internal void AddFile(string path, int target) => _files.Add((path, target));

    internal void AddDescriptor(int source, int target)
    {
        _descriptors.Add((source, target));
        LastTarget = Math.Max(LastTarget, target);
    }

    /// <summary>
    /// Whether the source of a descriptor has a number that something else gets in the child, and so might be overwritten before it is
    /// used: then it has to be duplicated.
    /// </summary>
    internal bool MustMove(int index)
    {
        var (source, own) = _descriptors[index];
        return source != own
            && (_descriptors.Exists(other => other.Target == source)
                || _files.Exists(file => file.Target == source)
                || (source == 2 && ErrorIsOutput));
    }

    internal void ReplaceSource(int index, int source) => _descriptors[index] = (source, _descriptors[index].Target);

    internal int Spawn(string path)
    {
        var actions = stackalloc byte[OpaqueSize];
        var attributes = stackalloc byte[OpaqueSize];
        if (LibC.SpawnActionsCreate(actions) is not 0 and var noActions)
        {
            return -noActions;
        }

        if (LibC.SpawnAttributesCreate(attributes) is not 0 and var noAttributes)
        {
            _ = LibC.SpawnActionsDestroy(actions);
            return -noAttributes;
        }

        try
        {
            var error = Fill(attributes);
            error = error != 0 ? error : FillActions(actions);
            if (error != 0)
            {
                return -error;
            }

            int id;
            fixed (byte* file = Encode(path))
            {
                using var arguments = new NativeStrings(_arguments);
                using var environment = new NativeStrings(_environment);
                error = LibC.Spawn(&id, file, actions, attributes, arguments.Start, environment.Start);
            }

            return error != 0 ? -error : id;
        }
        finally
        {
            _ = LibC.SpawnAttributesDestroy(attributes);
            _ = LibC.SpawnActionsDestroy(actions);
        }
    }

    private static byte[] Encode(string text)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(text) + 1];
        Encoding.UTF8.GetBytes(text, bytes);
        return bytes;
    }

    private int Fill(void* attributes)
    {
        // A set of signals is 128 bytes, the first signal in the lowest bit of the first word.
        var signals = stackalloc nuint[1024 / 8 / sizeof(nuint)];
        new Span<nuint>(signals, 1024 / 8 / sizeof(nuint)).Clear();
        var error = LibC.SpawnAttributesSetMask(attributes, signals);

        // What the runtime handles goes back to the default by itself; what it ignores does not.
        signals[0] = (nuint)1 << (BrokenPipe - 1);
        error = error != 0 ? error : LibC.SpawnAttributesSetDefault(attributes, signals);
        if (error == 0 && Group is { } group)
        {
            error = LibC.SpawnAttributesSetGroup(attributes, group);
        }

        return error != 0 ? error : LibC.SpawnAttributesSetFlags(
            attributes, (short)(SetDefaults | SetMask | (Group is null ? 0 : SetGroup) | (NewSession ? SetSession : 0)));
    }

    private int FillActions(void* actions)
    {
        var error = 0;
        if (WorkingDirectory is not null)
        {
            fixed (byte* path = Encode(WorkingDirectory))
            {
                error = LibC.SpawnActionsChangeDirectory(actions, path);
            }
        }

        foreach (var (file, target) in _files)
        {
            fixed (byte* path = Encode(file))
            {
                error = error != 0 ? error : LibC.SpawnActionsOpen(actions, target, path, ReadWrite, 0);
            }
        }

        foreach (var (source, target) in _descriptors)
        {
            error = error != 0 ? error : LibC.SpawnActionsDuplicate(actions, source, target);
        }

        if (error == 0 && ErrorIsOutput)
        {
            error = LibC.SpawnActionsDuplicate(actions, 1, 2);
        }

        // Whoever opened a descriptor without saying that children do not inherit it: these have to be closed here.
        for (var gap = 3; error == 0 && gap < LastTarget && LastTarget < MaximumGap; gap++)
        {
            if (!_descriptors.Exists(descriptor => descriptor.Target == gap))
            {
                error = LibC.SpawnActionsClose(actions, gap);
            }
        }

        return error != 0 ? error : CloseFrom(actions, LastTarget + 1);
    }

    private static int CloseFrom(void* actions, int first)
    {
        if (!s_hasNoCloseFrom)
        {
            try
            {
                return LibC.SpawnActionsCloseFrom(actions, first);
            }
            catch (EntryPointNotFoundException)
            {
                s_hasNoCloseFrom = true;
            }
        }

        return 0;
    }

    /// <summary>Strings as execve takes them: an array of pointers to them, with a null at its end, all in one piece of memory.</summary>
    private readonly ref struct NativeStrings
    {
        internal NativeStrings(List<byte[]> strings)
        {
            var table = (strings.Count + 1) * sizeof(byte*);
            var size = table;
            foreach (var text in strings)
            {
                size += text.Length;
            }

            Start = (byte**)NativeMemory.Alloc((nuint)size);
            var position = (byte*)Start + table;
            for (var i = 0; i < strings.Count; i++)
            {
                Start[i] = position;
                strings[i].CopyTo(new Span<byte>(position, strings[i].Length));
                position += strings[i].Length;
            }

            Start[strings.Count] = null;
        }

        internal byte** Start { get; }

        public void Dispose() => NativeMemory.Free(Start);
    }
}
