using System.ComponentModel;
using Baton.Drivers;

namespace Baton;

/// <summary>
/// Several loops, each on a thread of its own: for programs with more work than one processor can do. asyncio has no counterpart; Netty's
/// event loop groups are like it.
/// </summary>
/// <remarks>
/// <para>Each loop is a world of its own: what belongs to one, tasks, futures, connections, locks, cannot be used on another. They share
/// nothing but what a program hands from one to the other: by calls
/// (<see cref="InvokeAsync{TResult}(EventLoop, Func{EventLoop, Coroutine{TResult}})"/>), by a <see cref="CrossLoopChannel{T}"/>, or as
/// sockets
/// (<see cref="StartServerAsync(string, int, Func{Connection, Coroutine}, ServerOptions, ConnectionDistribution, CancellationToken)"/>).</para>
/// <para>All members may be called on any thread, but for those that wait for the end, which throw on the group's own.</para>
/// </remarks>
public sealed partial class EventLoopGroup : IDisposable, IAsyncDisposable
{
    private readonly GroupMember[] _members;
    private readonly string _name;
    private uint _next = uint.MaxValue;

    private EventLoopGroup(string name, GroupMember[] members)
    {
        _name = name;
        _members = members;
        Loops = Array.AsReadOnly([.. members.Select(member => member.Loop)]);
    }

    /// <summary>The loops, in the order of their numbers.</summary>
    public IReadOnlyList<EventLoop> Loops { get; }

    /// <summary>How many loops there are.</summary>
    public int Count => _members.Length;

    /// <summary>
    /// Done when all loops have been closed. It fails if loops themselves failed, their drivers for one, which the exception handler is
    /// told as well; failures of tasks and callbacks do not count.
    /// </summary>
    public Task Completion => Task.WhenAll(_members.Select(member => member.Thread.Completion));

    /// <summary>The loop of a number.</summary>
    /// <param name="index">From 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is none of this number.</exception>
    public EventLoop this[int index] => Loops[index];

    /// <summary>Starts the threads, and returns when all loops run.</summary>
    /// <param name="options">How to make the loops.</param>
    /// <exception cref="InvalidOperationException">No driver was given, and the environment variable BATON_DRIVER names one that there is
    /// not.</exception>
    /// <remarks>Where one of them cannot be made, those that were are stopped again, and what was thrown is thrown on.</remarks>
    public static EventLoopGroup Start(EventLoopGroupOptions? options = null)
    {
        options ??= new EventLoopGroupOptions();
        var members = new List<GroupMember>();
        try
        {
            for (var i = 0; i < options.Count; i++)
            {
                var member = new GroupMember(StartThread(options, i));
                members.Add(member);
                if (options.PinThreads)
                {
                    var number = i;
                    member.Loop.Invoke(() => Pin(member.Loop, number));
                }
            }
        }
        catch
        {
            members.ForEach(member => member.Thread.Dispose());
            throw;
        }

        return new EventLoopGroup(options.Name, [.. members]);
    }

    /// <summary>The loops one after the other, round and round. Those that have closed are left out.</summary>
    /// <exception cref="InvalidOperationException">All are closed.</exception>
    public EventLoop Next()
    {
        for (var i = 0; i < _members.Length; i++)
        {
            var loop = _members[Interlocked.Increment(ref _next) % (uint)_members.Length].Loop;
            if (!loop.IsClosed)
            {
                return loop;
            }
        }

        throw new InvalidOperationException($"{this} has been shut down: all of its loops are closed.");
    }

    /// <inheritdoc/>
    public override string ToString() => $"Event loop group '{_name}'";

    internal GroupMember? Find(EventLoop loop) => Array.Find(_members, member => ReferenceEquals(member.Loop, loop));

    private static EventLoopThread StartThread(EventLoopGroupOptions options, int index)
    {
        var name = $"{options.Name}-{index}";
        var loop = new EventLoopOptions { Name = name };
        options.ConfigureLoop?.Invoke(index, loop);
        loop.ExceptionHandler = options.ExceptionHandler ?? loop.ExceptionHandler;
        return EventLoopThread.Start(new EventLoopThreadOptions { Name = name, IsBackground = options.IsBackground, Loop = loop });
    }

    private static void Pin(EventLoop loop, int number)
    {
        if (!OperatingSystem.IsLinux())
        {
            LoopLog.ThreadNotPinned(loop.Logger, loop.Name, "Baton can do that on Linux only");
            return;
        }

        try
        {
            LoopLog.ThreadPinned(loop.Logger, loop.Name, ThreadAffinity.Pin(number));
        }
        catch (Win32Exception exception)
        {
            LoopLog.ThreadNotPinned(loop.Logger, loop.Name, exception.Message);
        }
    }
}
