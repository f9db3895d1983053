namespace Baton.Drivers;

// io_uring.
public unsafe partial class LinuxSocketCalls
{
    private const nint RingSetupNumber = 425;
    private const nint RingEnterNumber = 426;
    private const nint RingRegisterNumber = 427;
    private const uint ExtendedArgument = 8; // IORING_ENTER_EXT_ARG

    /// <summary>Creates a ring.</summary>
    /// <param name="entries">How many submissions fit.</param>
    /// <param name="parameters">The kernel's <c>struct io_uring_params</c>, which it fills in.</param>
    /// <returns>The descriptor.</returns>
    public virtual int RingSetup(int entries, nint parameters) => Result(LibC.RingSetup(RingSetupNumber, entries, (void*)parameters));

    /// <summary>Submits what is in a ring, and waits for completions.</summary>
    /// <param name="ring">The ring.</param>
    /// <param name="toSubmit">How many entries to submit.</param>
    /// <param name="minimum">For how many completions to wait, those that are there included.</param>
    /// <param name="flags">The flags of <c>io_uring_enter</c>.</param>
    /// <param name="timeout">Nanoseconds; negative waits without limit.</param>
    /// <returns>How many entries were submitted. Where that is none and the wait ended without a completion, an error.</returns>
    public virtual int RingEnter(int ring, int toSubmit, int minimum, uint flags, long timeout)
    {
        if (minimum == 0 || timeout < 0)
        {
            return Result(LibC.RingEnter(RingEnterNumber, ring, toSubmit, minimum, (nint)flags, null, 0));
        }

        var time = new LibC.KernelTime { Seconds = timeout / 1_000_000_000, Nanoseconds = timeout % 1_000_000_000 };
        var wait = new LibC.RingWait { Time = (ulong)&time };
        flags |= ExtendedArgument;
        return Result(LibC.RingEnter(RingEnterNumber, ring, toSubmit, minimum, (nint)flags, &wait, sizeof(LibC.RingWait)));
    }

    /// <summary>Tells a ring of buffers and the like, or asks it.</summary>
    /// <param name="ring">The ring.</param>
    /// <param name="operation">The kernel's number of what is asked.</param>
    /// <param name="argument">What the kernel reads, or fills in.</param>
    /// <param name="count">How many of them.</param>
    public virtual int RingRegister(int ring, int operation, nint argument, int count) =>
        Result(LibC.RingRegister(RingRegisterNumber, ring, operation, (void*)argument, count));

    /// <summary>Maps a part of a ring into memory.</summary>
    /// <returns>Where it is, or the error number negated.</returns>
    public virtual nint RingMap(int ring, nuint length, long offset)
    {
        const int ReadWrite = 1 | 2; // PROT_READ | PROT_WRITE
        const int SharedPopulated = 1 | 0x8000; // MAP_SHARED | MAP_POPULATE
        var address = LibC.Map(0, length, ReadWrite, SharedPopulated, ring, (nint)offset);
        return address == -1 ? Result(-1) : address;
    }

    /// <summary>Takes a part of a ring out of memory.</summary>
    public virtual int RingUnmap(nint address, nuint length) => Result(LibC.Unmap(address, length));
}
