namespace Baton;

// From the protocol to the connection.
internal sealed partial class StreamTransport
{
    public override long WriteBufferSize => _output.Buffered;

    public bool CanWriteEof => true;

    // What is written to a pipe after its end was to be told comes too late, even where it is not closed yet.
    protected override bool DropsWrites => base.DropsWrites || (IsClosing && Connection.Access == FileAccess.Write);

    public void Write(ReadOnlySpan<byte> data)
    {
        CheckCanWrite();
        if (!data.IsEmpty && !IsTooLate())
        {
            _output.Post(data);
            AfterWrite();
        }
    }

    public void WriteLines(params ReadOnlySpan<ReadOnlyMemory<byte>> pieces)
    {
        CheckCanWrite();
        var isEmpty = true;
        foreach (var piece in pieces)
        {
            isEmpty &= piece.IsEmpty;
        }

        if (!isEmpty && !IsTooLate())
        {
            _output.Post(pieces);
            AfterWrite();
        }
    }

    public void WriteEof()
    {
        Loop.CheckThread();
        if (IsClosing || _isEofWritten)
        {
            return;
        }

        CheckSendsNoFile();
        if (Connection.Access == FileAccess.Write)
        {
            // Closing is what tells the reader, once everything is sent.
            Close();
            return;
        }

        _isEofWritten = true;
        _output.Complete();
        FailIfOutputFailed();
    }

    private void CheckCanWrite()
    {
        Loop.CheckThread();
        if (_isEofWritten)
        {
            throw new InvalidOperationException("WriteEof was called: nothing can be written any more.");
        }

        if (_isDetached)
        {
            throw new InvalidOperationException("The connection was taken back by DetachAsync: write to it.");
        }

        if (Connection.Access == FileAccess.Read)
        {
            throw new InvalidOperationException($"The {Connection} is the reading end: nothing can be written to it.");
        }

        CheckSendsNoFile();
        if (Connection.IsUpgrading)
        {
            throw new InvalidOperationException($"The {this} is in the middle of a TLS handshake: write when StartTlsAsync has completed.");
        }
    }

    private void CheckSendsNoFile()
    {
        if (_output.IsSendingFile)
        {
            throw new InvalidOperationException($"A file is being sent by the {this}: write when SendFileAsync has completed.");
        }
    }

    private void AfterWrite()
    {
        if (!FailIfOutputFailed())
        {
            PauseIfFull();
        }
    }

    private bool FailIfOutputFailed()
    {
        if (!_output.HasFailed)
        {
            return false;
        }

        FailConnection(_output.CreateFailure());
        return true;
    }

    /// <summary>Something queued was sent, or could not be. Called by the connection, where no code of the protocol's may run.</summary>
    private void OnOutputProgress()
    {
        if (!_isOutputCallDue && !IsLost && (IsOutputDue || _output.HasFailed))
        {
            _isOutputCallDue = true;
            Loop.CallSoon(static transport => ((StreamTransport)transport!).HandleOutputProgress(), this);
        }
    }

    private void HandleOutputProgress()
    {
        _isOutputCallDue = false;
        if (!IsLost && !FailIfOutputFailed())
        {
            OnOutputMoved();
        }
    }
}
