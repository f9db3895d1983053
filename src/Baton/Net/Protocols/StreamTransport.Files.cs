using Microsoft.Win32.SafeHandles;

namespace Baton;

// Files that are sent, past the protocol.
internal sealed partial class StreamTransport
{
    public Coroutine<long> SendFileAsync(
        LoopFile file, long offset = 0, long? count = null, SendFileFallback fallback = SendFileFallback.Allowed) =>
        SendFileAsync(Connection.SendFileAsync(file, offset, count, fallback));

    public Coroutine<long> SendFileAsync(
        SafeFileHandle file, long offset = 0, long? count = null, SendFileFallback fallback = SendFileFallback.Allowed) =>
        SendFileAsync(Connection.SendFileAsync(file, offset, count, fallback));

    protected override bool HasOutput => base.HasOutput || _output.IsSendingFile;

    private async Coroutine<long> SendFileAsync(Coroutine<long> sending)
    {
        var isStarted = false;
        var wasPaused = true;
        try
        {
            CheckCanWrite();
            wasPaused = await QuietenAsync();
            isStarted = true;
            return await sending;
        }
        catch
        {
            if (!isStarted)
            {
                sending.Close();
            }
            else if (!IsLost)
            {
                FailIfOutputFailed();
            }

            throw;
        }
        finally
        {
            if (!wasPaused)
            {
                ResumeReading();
            }

            // A close may have waited for the file.
            OnOutputProgress();
        }
    }
}
