using System.Net;
using System.Net.Sockets;
using Baton.Drivers;

namespace Baton.Tests.Drivers;

/// <summary>Kernels, sandboxes and limits that deny io_uring, or a part of it, and calls of it that fail.</summary>
public class IoUringFaultTests
{
    private const int RegisterBuffers = 22;
    private const int RegisterProbe = 8;
    private const int TooOld = -22; // EINVAL
    private const int Busy = -16; // EBUSY

    [Theory]
    [InlineData(-Errno.ENOSYS, "the kernel has no io_uring, or a sandbox such as that of a container hides it")]
    [InlineData(-Errno.EPERM, "a security policy such as a container's seccomp profile forbids it")]
    [InlineData(-Errno.ENOMEM, "there is not enough memory, or not enough that the process may lock (ulimit -l)")]
    [InlineData(TooOld, "the kernel is too old")]
    public void A_system_that_denies_it_is_an_error_that_says_why(int error, string reason)
    {
        TestDriver.CreateForRings().Dispose();
        var calls = new ScriptedCalls { OnRingSetup = () => error };
        var failure = Assert.Throws<PlatformNotSupportedException>(() => new IoUringDriver(calls));
        Assert.Equal($"io_uring cannot be used: {reason}.", failure.Message);
        Assert.Equal(0, calls.OpenDescriptors);
    }

    [Fact]
    public void Too_many_descriptors_are_another_error()
    {
        TestDriver.CreateForRings().Dispose();
        var calls = new ScriptedCalls { OnRingSetup = () => -Errno.EMFILE };
        var failure = Assert.Throws<SocketException>(() => new IoUringDriver(calls));
        Assert.Equal(SocketError.TooManyOpenSockets, failure.SocketErrorCode);
        Assert.StartsWith("Creating a ring failed: ", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_ring_that_cannot_be_mapped_is_closed_again()
    {
        TestDriver.CreateForRings().Dispose();
        for (var fails = 0; fails < 2; fails++)
        {
            var maps = 0;
            var failing = fails;
            var calls = new ScriptedCalls { OnRingMap = () => maps++ == failing ? -Errno.ENOMEM : null };
            Assert.Throws<PlatformNotSupportedException>(() => new IoUringDriver(calls));
            Assert.Equal(0, calls.OpenDescriptors);
        }
    }

    [Fact]
    public void A_kernel_that_does_not_tell_what_it_can_do_is_not_trusted()
    {
        TestDriver.CreateForRings().Dispose();
        var calls = new ScriptedCalls { OnRingRegister = operation => operation == RegisterProbe ? TooOld : null };
        var failure = Assert.Throws<PlatformNotSupportedException>(() => new IoUringDriver(calls));
        Assert.StartsWith(
            "io_uring cannot be used: the kernel does not tell what its rings can do", failure.Message, StringComparison.Ordinal);
        Assert.Equal(0, calls.OpenDescriptors);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void An_older_kernel_gets_what_it_knows(int refused) => Run(
        calls =>
        {
            var setups = 0;
            calls.OnRingSetup = () => setups++ < refused ? TooOld : null;
        },
        Exchange);

    [Fact]
    public void A_kernel_without_rings_of_buffers_tells_of_readiness_instead() => Run(
        calls => calls.OnRingRegister = operation => operation == RegisterBuffers ? TooOld : null,
        test =>
        {
            Exchange(test);
            Assert.Equal(0, test.Driver.Blocks.KeptCount);
        });

    [Fact]
    public void Waits_that_end_early_lose_nothing() => Run(
        calls =>
        {
            var enters = 0;
            int?[] results = [-Errno.EINTR, null, Busy, null, null, -Errno.EAGAIN];
            calls.OnRingEnter = (_, _, _) => results[enters++ % results.Length];
        },
        Exchange);

    [Fact]
    public void Entries_that_the_kernel_does_not_take_now_are_kept_for_later() => Run(
        static _ => { },
        test =>
        {
            const int Count = 1200;
            var calls = s_calls!;
            calls.OnRingEnter = (_, minimum, _) => minimum == 0 ? Busy : null;
            var sockets = new List<IoSocket>();
            var waits = new List<ContractRequest>();
            for (var i = 0; i < Count; i++)
            {
                var socket = test.CreateSocket(type: SocketType.Dgram);
                socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
                sockets.Add(socket);
                socket.TryReceiveFrom(new byte[1], null, out _, out _);
                waits.Add(test.Submit(socket, IoOperationKind.Receive));
            }

            calls.OnRingEnter = null;
            foreach (var socket in sockets)
            {
                sockets[0].TrySendTo(new byte[1], socket.GetEndPoint(peer: false)!.Serialize(), out _);
            }

            test.PollUntil(() => waits.All(wait => wait.IsFinished));
            sockets.ForEach(socket => socket.Dispose());
        });

    [Fact]
    public void A_wait_that_fails_is_an_error_of_the_poll() => Run(
        static _ => { },
        test =>
        {
            s_calls!.OnRingEnter = (_, _, _) => -Errno.EBADF;
            var failure = Assert.Throws<SocketException>(() => test.Driver.Poll(-1));
            Assert.StartsWith("Waiting for completions failed: ", failure.Message, StringComparison.Ordinal);
            s_calls.OnRingEnter = null;
            Exchange(test);
        });

    [ThreadStatic]
    private static ScriptedCalls? s_calls;

    private static void Run(Action<ScriptedCalls> configure, Action<ContractTest> body)
    {
        TestDriver.CreateForRings().Dispose();
        var calls = new ScriptedCalls { IsForRings = true };
        configure(calls);
        ContractTest.Run(
            () =>
            {
                s_calls = calls;
                return TestDriver.CreateForRings(calls);
            },
            body,
            receivesAhead: true);
        Assert.Equal(0, calls.OpenDescriptors);
    }

    /// <summary>Bytes both ways, a wait for room, a close, and another thread's wake-up.</summary>
    private static void Exchange(ContractTest test)
    {
        var (client, server) = test.ConnectWithLittleRoom();
        var bytes = NetTest.Pattern(300_000);
        var (send, filled) = test.SendUntilFull(client, bytes);
        Assert.Equal(filled, test.Receive(server, filled, out _).Length);
        test.PollUntil(send);
        Assert.Equal(bytes[..send.BytesTransferred], test.Receive(server, send.BytesTransferred, out _));
        Assert.Equal(1, server.TrySend([7], out _));
        Assert.Equal([7], test.Receive(client, 1, out _));
        using (LoopTest.StartThread(test.Driver.Wake))
        {
            test.Driver.Poll(1_000_000_000);
        }

        var wait = test.Submit(server, IoOperationKind.Receive);
        client.Dispose();
        test.PollUntil(wait);
        Assert.Empty(test.Receive(server, 1, out var error));
        Assert.Equal(SocketError.Success, error);
        server.Dispose();
    }
}
