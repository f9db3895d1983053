using System.Security.Cryptography;
using Npgsql;

namespace Baton.Tests.Net.Counterparts;

/// <summary>PostgreSQL through Npgsql, which knows nothing of Baton, from coroutines.</summary>
public class PostgresTests(PostgresServer postgres) : IClassFixture<PostgresServer>
{
    [Fact]
    public void Rows_are_read_on_the_loop() => Run(async database =>
    {
        await using var connection = await database.OpenConnectionAsync();
        AssertOnLoop();
        await using var command = new NpgsqlCommand("SELECT n, 'row ' || n FROM generate_series(1, 5000) AS n", connection);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = 0;
        while (await reader.ReadAsync())
        {
            AssertOnLoop();
            Assert.Equal(++rows, reader.GetInt32(0));
            Assert.Equal($"row {rows}", reader.GetString(1));
        }

        Assert.Equal(5000, rows);
    });

    [Fact]
    public void A_transaction_is_whole_or_nothing() => Run(async database =>
    {
        await Execute(database, "CREATE TABLE accounts (name text PRIMARY KEY, amount int CHECK (amount >= 0))");
        await Execute(database, "INSERT INTO accounts VALUES ('a', 100), ('b', 0)");
        await Transfer(60);
        Assert.Equal((40, 60), (await Amount("a"), await Amount("b")));

        var failure = await Assert.ThrowsAsync<PostgresException>(async () => await Transfer(60));
        Assert.Equal(PostgresErrorCodes.CheckViolation, failure.SqlState);
        Assert.Equal((40, 60), (await Amount("a"), await Amount("b")));

        async Coroutine Transfer(int amount)
        {
            await using var connection = await database.OpenConnectionAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            await Execute(connection, $"UPDATE accounts SET amount = amount + {amount} WHERE name = 'b'");
            await Execute(connection, $"UPDATE accounts SET amount = amount - {amount} WHERE name = 'a'");
            await transaction.CommitAsync();
            AssertOnLoop();
        }

        async Coroutine<int> Amount(string name) => (int)(await Scalar(database, $"SELECT amount FROM accounts WHERE name = '{name}'"))!;
    });

    [Fact]
    public void Many_commands_at_once_share_the_pool() => Run(async database =>
    {
        await Execute(database, "CREATE TABLE numbers (n int)");
        await TaskGroup.Run(async group =>
        {
            for (var i = 0; i < 100; i++)
            {
                _ = group.CreateTask(Insert(i));
            }
        });
        Assert.Equal(100L, await Scalar(database, "SELECT count(DISTINCT n) FROM numbers"));

        async Coroutine Insert(int n)
        {
            await Execute(database, $"INSERT INTO numbers VALUES ({n})");
            AssertOnLoop();
        }
    });

    [Fact]
    public void Cancelling_the_task_cancels_the_running_query() => Run(async database =>
    {
        var task = Coroutine.Start(Sleep());
        await UntilSleeping(1);
        Assert.True(task.Cancel());
        await NetTest.AssertCancelled(task);
        await UntilSleeping(0);

        async Coroutine Sleep()
        {
            await using var connection = await database.OpenConnectionAsync();
            await using var command = new NpgsqlCommand("SELECT pg_sleep(600) /* cancelled */", connection);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(
                () => command.ExecuteNonQueryAsync(LoopTask.Current!.CancellationToken));

            // The server let go of the query alone: the connection goes on. The task was told to end, and does so at its next wait.
            Assert.Equal(System.Data.ConnectionState.Open, connection.State);
            Coroutine.ThrowIfCancelled();
        }

        async Coroutine UntilSleeping(long count)
        {
            const string Sleeping = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%/* cancelled */%' AND pid <> pg_backend_pid()";
            while ((long)(await Scalar(database, Sleeping))! != count)
            {
            }
        }
    });

    [Fact]
    public void A_time_limit_for_a_query() => Run(async database =>
    {
        await using var connection = await database.OpenConnectionAsync();
        await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(TimeSpan.FromMilliseconds(50), async () =>
        {
            await using var command = new NpgsqlCommand("SELECT pg_sleep(600)", connection);
            await command.ExecuteNonQueryAsync(LoopTask.Current!.CancellationToken);
        }));
        Assert.Equal(7, await Scalar(connection, "SELECT 7"));
    });

    [Fact]
    public void A_failure_in_a_group_cancels_the_queries_of_the_others() => Run(async database =>
    {
        var failures = await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(async group =>
        {
            for (var i = 0; i < 3; i++)
            {
                _ = group.CreateTask(Sleep());
            }

            _ = group.CreateTask(Execute(database, "SELECT 1 / 0"));
        }));
        Assert.Equal(PostgresErrorCodes.DivisionByZero, Assert.IsType<PostgresException>(Assert.Single(failures.InnerExceptions)).SqlState);

        async Coroutine Sleep()
        {
            await using var command = database.CreateCommand("SELECT pg_sleep(600)");
            await command.ExecuteNonQueryAsync(LoopTask.Current!.CancellationToken);
        }
    });

    [Fact]
    public void Notifications_are_waited_for() => Run(async database =>
    {
        await using var listener = await database.OpenConnectionAsync();
        var notified = new List<string>();
        listener.Notification += (_, notification) => notified.Add(notification.Payload);
        await Execute(listener, "LISTEN news");
        for (var i = 0; i < 20; i++)
        {
            await Execute(database, $"NOTIFY news, '{i}'");
            await listener.WaitAsync();
            AssertOnLoop();
        }

        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"{i}"), notified);
        await Execute(listener, "UNLISTEN news");
    });

    [Fact]
    public void Large_values_come_back_as_they_were() => Run(async database =>
    {
        var bytes = NetTest.Pattern(4 << 20);
        await using var command = database.CreateCommand("SELECT $1, md5($1)");
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = bytes });
        await using var reader = await command.ExecuteReaderAsync();
        Assert.True(await reader.ReadAsync());
        Assert.Equal(bytes, await reader.GetFieldValueAsync<byte[]>(0));
#pragma warning disable CA5351 // Not for security: it is the sum that PostgreSQL computes.
        Assert.Equal(Convert.ToHexStringLower(MD5.HashData(bytes)), reader.GetString(1));
#pragma warning restore CA5351
        AssertOnLoop();
    });

    [Fact]
    public void Rows_are_copied_in_and_out() => Run(async database =>
    {
        await Execute(database, "CREATE TABLE copied (n int, text text)");
        await using var connection = await database.OpenConnectionAsync();
        await using (var import = await connection.BeginBinaryImportAsync("COPY copied FROM STDIN (FORMAT BINARY)"))
        {
            for (var i = 0; i < 10_000; i++)
            {
                await import.StartRowAsync();
                await import.WriteAsync(i);
                await import.WriteAsync($"row {i}");
            }

            Assert.Equal(10_000UL, await import.CompleteAsync());
        }

        AssertOnLoop();
        var count = 0;
        await using (var export = await connection.BeginBinaryExportAsync("COPY (SELECT * FROM copied ORDER BY n) TO STDOUT (FORMAT BINARY)"))
        {
            while (await export.StartRowAsync() >= 0)
            {
                Assert.Equal(count, await export.ReadAsync<int>());
                Assert.Equal($"row {count++}", await export.ReadAsync<string>());
            }
        }

        Assert.Equal(10_000, count);
        AssertOnLoop();
    });

    private void Run(Func<NpgsqlDataSource, Coroutine> main) => NetTest.Run(async () =>
    {
        if (postgres.DataSource is null)
        {
            CounterpartProcess.Miss("postgresql");
        }

        await main(postgres.DataSource!);
        AssertOnLoop();
    });

    private static void AssertOnLoop() => Assert.True(EventLoop.CurrentOrNull?.IsOnLoopThread, "The code has left its loop.");

    private static async Coroutine Execute(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private static async Coroutine Execute(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static async Coroutine<object?> Scalar(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }

    private static async Coroutine<object?> Scalar(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
