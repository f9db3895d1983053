using Microsoft.Win32.SafeHandles;

namespace Baton.Drivers;

// Descriptors that are no sockets, and those that are none of the driver's: by calls of the C library that do not block, and a thread that
// waits.
public partial class PortableDriver
{
    private readonly List<PortableFile> _files = [];
    private readonly Dictionary<int, PortableWatch> _watches = [];
    private readonly List<PortableWatch> _toRearm = [];
    private PortablePoller? _poller;

    /// <summary>Calls that every Unix has, though their error numbers are those of the system: see <see cref="UnixErrors"/>.</summary>
    internal LinuxSocketCalls UnixCalls => LinuxCalls;

    /// <summary>The thread that waits, from the first wait on.</summary>
    internal PortablePoller Poller => _poller ??= new PortablePoller(this);

    /// <inheritdoc/>
    public override IoSocket AdoptDescriptor(EventLoop loop, SafeFileHandle handle, FileAccess access = FileAccess.ReadWrite)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ArgumentNullException.ThrowIfNull(handle);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        CheckUnix();
        Counters.Others += 6;
        var adopted = OperatingSystem.IsLinux() ? LinuxDescriptor.Adopt(LinuxCalls, handle, access) : AppleDescriptor.Adopt(handle, access);
        if (adopted.IsSocket)
        {
            var socket = AdoptSocket(loop, LinuxCalls.HandOver(adopted.Descriptor));
            handle.Dispose();
            return socket;
        }

        handle.Dispose();
        var file = new PortableFile(this, adopted);
        _files.Add(file);
        _openSockets++;
        return file;
    }

    /// <inheritdoc/>
    public override void Watch(IoWatch watch, IoReadiness interest)
    {
        ArgumentNullException.ThrowIfNull(watch);
        if (interest == IoReadiness.None)
        {
            EndWatch(watch);
            return;
        }

        ObjectDisposedException.ThrowIf(_isDisposed, this);
        CheckUnix();
        CheckNotOurs(watch.Descriptor);
        if (!_watches.TryGetValue(watch.Descriptor, out var entry))
        {
            entry = new PortableWatch(this, watch);
        }
        else if (!ReferenceEquals(entry.Watch, watch))
        {
            throw new InvalidOperationException($"Descriptor {watch.Descriptor} is watched already.");
        }

        CheckCanWait(watch.Descriptor);
        _watches[watch.Descriptor] = entry;
        watch.Interest = interest;
        watch.DriverData = 0;
        Counters.Registrations++;
        entry.Arm();
    }

    internal void Remove(PortableFile file)
    {
        _files.Remove(file);
        _openSockets--;
        Counters.Others++;
    }

    /// <summary>
    /// Has a watch that was told looked after again in the next poll, after whoever was told has done something about it.
    /// </summary>
    internal void RearmLater(PortableWatch watch) => _toRearm.Add(watch);

    /// <summary>A wait was taken back before anything was told.</summary>
    internal void OnWithdrawn() => _waitsInFlight--;

    private static void CheckUnix()
    {
        if (OperatingSystem.IsWindows())
        {
            throw new PlatformNotSupportedException(
                "Descriptors other than sockets are for Unix: Windows has no readiness for its pipes and consoles.");
        }
    }

    private void EndWatch(IoWatch watch)
    {
        watch.Interest = IoReadiness.None;
        watch.DriverData = -1;
        if (_watches.TryGetValue(watch.Descriptor, out var entry) && ReferenceEquals(entry.Watch, watch))
        {
            _watches.Remove(watch.Descriptor);
            _poller?.Disarm(entry);
        }
    }

    private void Rearm()
    {
        foreach (var entry in _toRearm)
        {
            if (_watches.TryGetValue(entry.Watch.Descriptor, out var current) && ReferenceEquals(current, entry))
            {
                entry.Arm();
            }
        }

        _toRearm.Clear();
    }

    private void CheckCanWait(int descriptor)
    {
        bool isOpen, isReady;
        if (OperatingSystem.IsLinux())
        {
            var kind = LinuxCalls.GetFileKind(descriptor);
            (isOpen, isReady) = (kind >= 0, kind == (int)LinuxFileKind.AlwaysReady);
        }
        else
        {
            isReady = AppleDescriptor.IsSeekable(descriptor, out isOpen);
        }

        if (!isOpen || isReady)
        {
            throw new ArgumentException(
                isOpen
                    ? $"Descriptor {descriptor} cannot be watched: it stands for a regular file or a directory, which are always ready."
                    : $"Descriptor {descriptor} is not open.");
        }
    }

    private void CheckNotOurs(int descriptor)
    {
        var isOurs = false;
        for (var socket = _sockets; socket is not null && !isOurs; socket = socket.NextOpen)
        {
            isOurs = socket.Handle == descriptor;
        }

        if (isOurs || _files.Exists(file => file.Handle == descriptor))
        {
            throw new InvalidOperationException(
                $"Descriptor {descriptor} belongs to a connection or socket of this loop, which watches it already. Use that, or detach " +
                "it first.");
        }
    }

    private void CloseDescriptors()
    {
        while (_files.Count > 0)
        {
            _files[^1].Dispose();
        }

        foreach (var entry in _watches.Values)
        {
            _poller?.Disarm(entry);
        }

        _watches.Clear();
        _poller?.Dispose();
    }
}
