using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using System.Runtime.CompilerServices;

namespace Baton;

/// <summary>
/// Lines of source code, from the portable debugging symbols of an assembly: embedded or in a file beside it. Where there are none, as in
/// programs compiled ahead of time, nothing is known and nothing fails.
/// </summary>
internal static class DebugSymbols
{
    /// <summary>"Method stepping information" of async methods, as the specification of portable symbols numbers it.</summary>
    private static readonly Guid AsyncSteppingInformation = new("54FD2AC5-E925-401A-9C2A-F94F171072F8");

    private static readonly ConditionalWeakTable<Assembly, Symbols> s_symbols = [];
    private static readonly ConditionalWeakTable<MethodBase, MethodLines> s_methods = [];

    /// <summary>The line of the <c>await</c> at which a state machine stands in one of its states; 0, 1 and so on are its awaits.</summary>
    internal static (string File, int Line)? FindAwait(MethodBase moveNext, int state)
    {
        var lines = LinesOf(moveNext);
        return state >= 0 && state < lines.Yields.Length ? lines.Find(lines.Yields[state]) : null;
    }

    /// <summary>The line of an instruction.</summary>
    internal static (string File, int Line)? FindInstruction(MethodBase method, int offset) =>
        offset < 0 ? null : LinesOf(method).Find(offset);

    /// <summary>The first line of a method.</summary>
    internal static (string File, int Line)? FindStart(MethodBase method) => LinesOf(method).First;

    private static MethodLines LinesOf(MethodBase method) => s_methods.GetValue(method, static method =>
    {
        try
        {
            return s_symbols.GetValue(method.Module.Assembly, Symbols.Open).Read(method.MetadataToken);
        }
        catch (Exception exception)
            when (exception is BadImageFormatException or InvalidOperationException or IOException or UnauthorizedAccessException
            or NotSupportedException or ArgumentException)
        {
            // Damaged symbols, or a method made at run time. A report without lines is better than none.
            return MethodLines.None;
        }
    });

    /// <summary>
    /// What is known of one method: where its lines begin, and where it is left at an <c>await</c>, in the order of the states.
    /// </summary>
    private sealed class MethodLines((int Offset, string File, int Line)[] points, int[] yields)
    {
        internal static readonly MethodLines None = new([], []);

        internal int[] Yields { get; } = yields;

        internal (string File, int Line)? First => points.Length == 0 ? null : (points[0].File, points[0].Line);

        internal (string File, int Line)? Find(int offset)
        {
            (string File, int Line)? found = null;
            foreach (var point in points)
            {
                if (point.Offset > offset)
                {
                    break;
                }

                found = (point.File, point.Line);
            }

            return found;
        }
    }

    /// <summary>The symbols of one assembly. The reader is not for several threads at once.</summary>
    private sealed class Symbols
    {
        // Held for the reader, whose memory they own.
        private readonly MetadataReaderProvider? _provider;
        private readonly MetadataReader? _reader;
        private readonly Lock _lock = new();

        private Symbols(MetadataReaderProvider? provider)
        {
            _provider = provider;
            _reader = provider?.GetMetadataReader();
        }

        [UnconditionalSuppressMessage("SingleFile", "IL3000", Justification = "In a single file there is no path, and then there are no lines.")]
        internal static Symbols Open(Assembly assembly)
        {
            try
            {
                var path = assembly.IsDynamic ? "" : assembly.Location;
                if (path.Length > 0 && File.Exists(path))
                {
                    using var image = new PEReader(File.OpenRead(path));
                    if (image.TryOpenAssociatedPortablePdb(
                        path, static file => File.Exists(file) ? File.OpenRead(file) : null, out var provider, out _))
                    {
                        return new Symbols(provider);
                    }
                }
            }
            catch (Exception exception)
                when (exception is BadImageFormatException or IOException or UnauthorizedAccessException or NotSupportedException)
            {
                // As without symbols.
            }

            return new Symbols(null);
        }

        internal MethodLines Read(int token)
        {
            if (_reader is not { } reader || _provider is null)
            {
                return MethodLines.None;
            }

            lock (_lock)
            {
                var handle = (MethodDefinitionHandle)MetadataTokens.EntityHandle(token);
                var information = reader.GetMethodDebugInformation(handle.ToDebugInformationHandle());
                var points = new List<(int, string, int)>();
                foreach (var point in information.GetSequencePoints())
                {
                    if (!point.IsHidden)
                    {
                        points.Add((point.Offset, reader.GetString(reader.GetDocument(point.Document).Name), point.StartLine));
                    }
                }

                return new MethodLines([.. points], ReadYields(reader, handle));
            }
        }

        private static int[] ReadYields(MetadataReader reader, MethodDefinitionHandle method)
        {
            foreach (var handle in reader.GetCustomDebugInformation(method))
            {
                var information = reader.GetCustomDebugInformation(handle);
                if (reader.GetGuid(information.Kind) != AsyncSteppingInformation)
                {
                    continue;
                }

                var blob = reader.GetBlobReader(information.Value);
                blob.ReadUInt32(); // Where an async void method catches.
                var yields = new List<int>();
                while (blob.RemainingBytes > 0)
                {
                    yields.Add(blob.ReadInt32());
                    blob.ReadInt32(); // Where it resumes.
                    blob.ReadCompressedInteger(); // In which method, which is always the same one.
                }

                return [.. yields];
            }

            return [];
        }
    }
}
