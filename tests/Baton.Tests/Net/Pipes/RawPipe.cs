using Microsoft.Win32.SafeHandles;

namespace Baton.Tests.Net.Pipes;

/// <summary>A pipe that no loop knows of, with blocking ends.</summary>
internal sealed class RawPipe : IDisposable
{
    private readonly FileStream _reader;
    private readonly FileStream _writer;
    private readonly byte[] _buffer = new byte[4096];
    private int _lastRead;

    public RawPipe()
    {
        (Reader, Writer) = LoopPipe.CreateHandles();
        (ReaderNumber, WriterNumber) = ((int)Reader.DangerousGetHandle(), (int)Writer.DangerousGetHandle());
        _reader = new FileStream(Descriptors.Borrow(Reader), FileAccess.Read, 0);
        _writer = new FileStream(Descriptors.Borrow(Writer), FileAccess.Write, 0);
    }

    public SafeFileHandle Reader { get; }

    public SafeFileHandle Writer { get; }

    public int ReaderNumber { get; }

    public int WriterNumber { get; }

    public void Write(ReadOnlySpan<byte> bytes) => _writer.Write(bytes);

    /// <summary>Reads up to 4096 bytes; waits where there is none.</summary>
    public int Read() => _lastRead = _reader.Read(_buffer);

    /// <summary>What the last read got.</summary>
    public ReadOnlySpan<byte> LastRead => _buffer.AsSpan(0, _lastRead);

    /// <summary>Writes as much as a pipe holds.</summary>
    public void Fill()
    {
        for (var i = 0; i < 16; i++)
        {
            _writer.Write(_buffer);
        }
    }

    public void Dispose()
    {
        _reader.Dispose();
        _writer.Dispose();
        Reader.Dispose();
        Writer.Dispose();
    }
}
