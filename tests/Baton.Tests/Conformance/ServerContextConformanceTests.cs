namespace Baton.Tests.Conformance;

/// <summary>
/// What asyncio's tests of the context in which a server's handlers run pin down: that of the server's start, a copy for each connection.
/// </summary>
public class ServerContextConformanceTests
{
    [Fact]
    [CPython("test_server_context.ServerContextvarsTestCase.test_start_server1")]
    public void A_handler_sees_what_held_when_the_server_was_started() => NetTest.Run(async () =>
    {
        var local = new AsyncLocal<string?>();
        string? seen = "nothing yet";
        await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            seen = local.Value;
            await connection.WriteAsync(new byte[1]);
        });
        local.Value = "after the start";
        await Ask(server);
        Assert.Null(seen);
        Assert.Equal("after the start", local.Value);
    });

    [Fact]
    [CPython("test_server_context.ServerContextvarsTestCase.test_start_server2")]
    public void What_a_handler_sets_is_seen_by_no_later_one() => NetTest.Run(async () =>
    {
        var local = new AsyncLocal<string?>();
        var seen = new List<string?>();
        await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            seen.Add(local.Value);
            local.Value = "in a handler";
            await connection.WriteAsync(new byte[1]);
        });
        local.Value = "after the start";
        for (var i = 0; i < 3; i++)
        {
            await Ask(server);
        }

        Assert.Equal([null, null, null], seen);
        Assert.Equal("after the start", local.Value);
    });

    [Fact]
    [CPython("test_server_context.ServerContextvarsTestCase.test_start_server3")]
    public void Handlers_at_the_same_time_see_it_too() => NetTest.Run(async () =>
    {
        var local = new AsyncLocal<string?> { Value = "before the start" };
        var seen = new List<string?>();
        await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            await Coroutine.Yield();
            seen.Add(local.Value);
            local.Value = "in a handler";
            await connection.WriteAsync(new byte[1]);
        });
        local.Value = "after the start";
        await TaskGroup.Run(async group =>
        {
            for (var i = 0; i < 100; i++)
            {
                _ = group.CreateTask(Ask(server));
            }

            await Coroutine.Yield();
        });
        Assert.Equal(Enumerable.Repeat("before the start", 100), seen);
        Assert.Equal("after the start", local.Value);
    });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [CPython("test_server_context.ServerContextvarsTestCase.test_create_server1")]
    [CPython("test_server_context.ServerContextvarsTestCase.test_create_server2")]
    public void What_is_set_on_the_way_to_the_first_await_stays_with_the_connection_too(int connections) => NetTest.Run(async () =>
    {
        // Called by the server like a callback: no coroutine is there yet to keep what it sets to itself.
        var local = new AsyncLocal<string?>();
        var seen = new List<string?>();
        await using var server = await Server.StartAsync("127.0.0.1", 0, Made);
        local.Value = "after the start";
        for (var i = 0; i < connections; i++)
        {
            await Ask(server);
        }

        Assert.Equal(Enumerable.Repeat<string?>(null, connections), seen);
        Assert.Equal("after the start", local.Value);

        Coroutine Made(Connection connection)
        {
            seen.Add(local.Value);
            local.Value = "in a handler";
            return Answer(connection);
        }

        async Coroutine Answer(Connection connection)
        {
            Assert.Equal("in a handler", local.Value);
            await connection.WriteAsync(new byte[1]);
        }
    });

    [Fact]
    [CPython("test_server_context.ServerContextvarsTestCase.test_gh140947")]
    public void What_a_task_of_a_connection_sets_while_that_is_paused_stays_in_the_task() => NetTest.Run(async test =>
    {
        var one = new AsyncLocal<bool>();
        var two = new AsyncLocal<bool>();
        var three = new AsyncLocal<bool>();
        var seen = new List<string>();
        await using (var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            Note("made");
            var resumed = test.Loop.CreateFuture();
            await connection.Input.ReadAsync();
            Note("received");
            var task = Coroutine.Start(Work(resumed));
            await resumed; // Reads no more until the task says so.
            await connection.WriteAsync(new byte[1]);
            await task;
            Note("lost");
        }))
        {
            await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
            await client.WriteAsync("anything"u8.ToArray());
            await client.Input.ReadExactlyAsync(1);
            await NetTest.Until(() => server.ConnectionCount == 0);
        }

        Assert.Equal(["made ", "received ", "task starts ", "task ends 123", "lost "], seen);

        async Coroutine Work(Future resumed)
        {
            Note("task starts");
            one.Value = true;
            await Coroutine.Yield();
            two.Value = true;
            resumed.SetResult();
            three.Value = true;
            Note("task ends");
        }

        void Note(string moment) => seen.Add($"{moment} {(one.Value ? "1" : "")}{(two.Value ? "2" : "")}{(three.Value ? "3" : "")}");
    });

    [Fact]
    public void Handlers_that_the_end_of_another_or_of_the_server_has_start_see_it_too() => NetTest.Run(async test =>
    {
        var local = new AsyncLocal<string?> { Value = "before the start" };
        var seen = new List<string?>();
        var server = await Server.StartAsync(
            "127.0.0.1",
            0,
            async connection =>
            {
                seen.Add(local.Value);
                local.Value = "in a handler";
                await connection.Input.ReadAsync();
            },
            new ServerOptions { MaxConnections = 1 });
        local.Value = "at the end";
        var clients = new List<Connection>();
        for (var i = 0; i < 3; i++)
        {
            clients.Add(await Connection.ConnectAsync(server.EndPoints[0]));
        }

        server.StopAccepting();
        foreach (var client in clients)
        {
            await client.DisposeAsync();
        }

        await server.WaitClosedAsync();
        Assert.Equal(Enumerable.Repeat("before the start", 3), seen);
        Assert.Equal("at the end", local.Value);
    });

    private static async Coroutine Ask(Server server)
    {
        await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
        await client.Input.ReadExactlyAsync(1);
        Assert.True((await client.Input.ReadAsync()).IsCompleted);
    }
}
