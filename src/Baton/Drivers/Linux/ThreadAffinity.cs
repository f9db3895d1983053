using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Baton.Drivers;

/// <summary>Which processors a thread may run on.</summary>
internal static unsafe class ThreadAffinity
{
    /// <summary>Room for 8192 processors, the most that Linux can be built for.</summary>
    private const int MaskSize = 1024;

    private const int BitsPerByte = 8;

    /// <summary>
    /// Has the calling thread run on one of the processors on which it may run now, and on no other: on that of this number, counted
    /// round and round.
    /// </summary>
    /// <returns>The processor, as the system counts them.</returns>
    /// <exception cref="Win32Exception">The system refused.</exception>
    [SupportedOSPlatform("linux")]
    internal static int Pin(int number)
    {
        Span<byte> mask = stackalloc byte[MaskSize];
        mask.Clear();
        fixed (byte* start = mask)
        {
            Check(LibC.GetAffinity(0, MaskSize, start));
        }

        var processor = Choose(mask, number);
        mask.Clear();
        mask[processor / BitsPerByte] = (byte)(1 << (processor % BitsPerByte));
        fixed (byte* start = mask)
        {
            Check(LibC.SetAffinity(0, MaskSize, start));
        }

        return processor;
    }

    private static int Choose(ReadOnlySpan<byte> mask, int number)
    {
        var allowed = new List<int>();
        for (var processor = 0; processor < mask.Length * BitsPerByte; processor++)
        {
            if ((mask[processor / BitsPerByte] & (1 << (processor % BitsPerByte))) != 0)
            {
                allowed.Add(processor);
            }
        }

        return allowed[number % allowed.Count];
    }

    private static void Check(int result)
    {
        if (result < 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
    }
}
