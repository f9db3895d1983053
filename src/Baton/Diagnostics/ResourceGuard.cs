using System.Runtime.CompilerServices;

namespace Baton;

/// <summary>Notices, in debug mode, that something was not closed: when it is collected, or at the latest when its loop closes.</summary>
internal sealed class ResourceGuard
{
    private static readonly ConditionalWeakTable<object, ResourceGuard> s_guards = [];

    private readonly object _resource;
    private readonly Record _record;

    private ResourceGuard(object resource, Record record)
    {
        _resource = resource;
        _record = record;
    }

    ~ResourceGuard()
    {
        _record.Collected = _resource;
        _record.Loop.TryPost(_record);
    }

    internal static Record Watch(EventLoop loop, object resource, Func<object, bool> isOpen, CreationSite site)
    {
        var record = new Record(loop, resource, isOpen, site);
        s_guards.AddOrUpdate(resource, new ResourceGuard(resource, record));
        return record;
    }

    internal static Record? Release(object resource)
    {
        if (!s_guards.TryGetValue(resource, out var guard))
        {
            return null;
        }

#pragma warning disable CA1816 // The finalizer is the purpose of this class, not a safety net for a Dispose.
        GC.SuppressFinalize(guard);
#pragma warning restore CA1816
        s_guards.Remove(resource);
        return guard._record;
    }

    internal sealed class Record(EventLoop loop, object resource, Func<object, bool> isOpen, CreationSite site) : LoopItem
    {
        private readonly WeakReference<object> _resource = new(resource);
        private readonly Type _type = resource.GetType();

        internal EventLoop Loop { get; } = loop;

        /// <summary>The resource, on its way to be reported.</summary>
        internal object? Collected { get; set; }

        internal override void Run(EventLoop loop) => Report();

        internal void Report()
        {
            if (!Loop.OpenResources.Remove(this))
            {
                return;
            }

            var isCollected = Collected is not null;
            var resource = Collected ?? (_resource.TryGetTarget(out var target) ? target : null);
            if (resource is null || isOpen(resource))
            {
                var name = resource?.ToString() ?? MethodNames.TypeName(_type);
                Loop.Warn(new LoopWarning(
                    LoopWarningKind.UnclosedResource,
                    $"Unclosed: {name}. Nobody had closed it when " +
                    (isCollected ? "it was collected" : "the event loop was closed") + ". Dispose of it, with 'await using' or 'using'.")
                {
                    Source = resource,
                    SourceTraceback = site,
                });
            }
        }
    }
}
