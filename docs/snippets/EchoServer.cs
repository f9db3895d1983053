#region echo
using Baton;

EventLoop.Run(async Coroutine () =>
{
    await using var server = await Server.StartAsync("127.0.0.1", 7000, async Coroutine (connection) =>
    {
        while (true)
        {
            var read = await connection.Input.ReadAsync();
            if (read.Buffer.IsEmpty && read.IsCompleted)
            {
                break;
            }

            foreach (var segment in read.Buffer)
            {
                await connection.Output.WriteAsync(segment);
            }

            connection.Input.AdvanceTo(read.Buffer.End);
        }
    });

    await server.ServeForeverAsync();
});
#endregion
