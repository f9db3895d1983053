namespace Baton.Tests.Net;

/// <summary>In the steady state pipes and watched descriptors allocate nothing.</summary>
public class PipeAllocationTests
{
    [Fact]
    public void A_message_through_a_pipe_allocates_nothing() => NetTest.RunOnEpoll(async _ =>
    {
        var (reader, writer) = Connection.CreatePipe();
        await using var one = reader;
        await using var two = writer;
        var message = new byte[1024];
        await NetAllocationTests.AssertAllocatesNothing(Exchange);

        async Coroutine Exchange()
        {
            var read = reader.Input.ReadAsync();
            await writer.WriteAsync(message);
            var result = await read;
            reader.Input.AdvanceTo(result.Buffer.End);
        }
    });

    [Fact]
    public void A_callback_for_a_descriptor_and_a_wait_for_one_allocate_nothing() => NetTest.RunOnEpoll(async test =>
    {
        var (reader, writer) = LoopPipe.CreateHandles();
        using var input = new FileStream(reader, FileAccess.Read, bufferSize: 0);
        using var output = new FileStream(writer, FileAccess.Write, bufferSize: 0);
        var buffer = new byte[16];
        await NetAllocationTests.AssertAllocatesNothing(Wait);
        var calls = 0;
        test.Loop.AddReader(reader, () => calls += input.Read(buffer));
        await NetAllocationTests.AssertAllocatesNothing(BeCalled);
        test.Loop.RemoveReader(reader);

        async Coroutine Wait()
        {
            output.WriteByte(1);
            await test.Loop.WaitReadableAsync(reader);
            input.ReadExactly(buffer, 0, 1);
        }

        async Coroutine BeCalled()
        {
            var before = calls;
            output.WriteByte(1);
            while (calls == before)
            {
                await Coroutine.Yield();
            }
        }
    });
}
