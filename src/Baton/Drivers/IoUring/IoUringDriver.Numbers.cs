namespace Baton.Drivers;

// The kernel's numbers.
public sealed unsafe partial class IoUringDriver
{
    private const byte SelectBuffer = 1 << 5; // IOSQE_BUFFER_SELECT
    private const byte SkipSuccess = 1 << 6; // IOSQE_CQE_SKIP_SUCCESS
    private const uint PollMany = 1; // IORING_POLL_ADD_MULTI
    private const int PollFirst = 1; // IORING_RECVSEND_POLL_FIRST
    private const int ReceiveMany = 2; // IORING_RECV_MULTISHOT
    private const uint CancelAll = 1; // IORING_ASYNC_CANCEL_ALL
    private const uint CancelAny = 4; // IORING_ASYNC_CANCEL_ANY
}
