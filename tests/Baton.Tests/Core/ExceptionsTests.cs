using System.Runtime.InteropServices;

namespace Baton.Tests.Core;

public class ExceptionsTests
{
    [Fact]
    public void CancelledException_has_a_message_of_its_own()
    {
        var standard = new CancelledException().Message;
        Assert.NotEmpty(standard);
        Assert.Equal(standard, new CancelledException(null).Message);
        Assert.Equal(standard, new CancelledException(null, new IOException()).Message);
        Assert.Equal("text", new CancelledException("text").Message);
        var cause = new IOException();
        Assert.Same(cause, new CancelledException("text", cause).InnerException);
    }

    [Theory]
    [InlineData(PosixSignal.SIGINT, 130)]
    [InlineData(PosixSignal.SIGTERM, 143)]
    public void InterruptedException_knows_the_exit_code(PosixSignal signal, int exitCode)
    {
        var exception = new InterruptedException(signal);
        Assert.Equal(signal, exception.Signal);
        Assert.Equal(exitCode, exception.ExitCode);
        Assert.Contains(signal.ToString(), exception.Message, StringComparison.Ordinal);
        Assert.Equal(PosixSignal.SIGINT, new InterruptedException().Signal);
    }

    [Fact]
    public void InvalidStateException_is_an_invalid_operation()
    {
        var cause = new IOException();
        Assert.IsType<InvalidOperationException>(new InvalidStateException(), exactMatch: false);
        Assert.Equal("text", new InvalidStateException("text").Message);
        Assert.Same(cause, new InvalidStateException("text", cause).InnerException);
    }
}
