using System.Net;
using System.Net.Sockets;

namespace Baton;

/// <summary>One question to the system, and everybody who waits for its answer. Guarded by the resolver's lock.</summary>
internal sealed class NameLookUp(NameLookUp.Question question)
{
    internal Question Asked { get; } = question;

    internal List<Wait> Waits { get; } = [];

    /// <summary>Its place in the line; null once it has begun.</summary>
    internal LinkedListNode<NameLookUp>? Place { get; set; }

    /// <summary>Whether there is a loop left to which the answer could go.</summary>
    internal bool IsWanted
    {
        get
        {
            foreach (var wait in Waits)
            {
                if (!wait.Loop.IsClosed)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>What is asked for.</summary>
    /// <param name="Subject">A name in lower case, or an <see cref="IPAddress"/> whose name is asked for.</param>
    /// <param name="Family">Which addresses of a name.</param>
    internal readonly record struct Question(object Subject, AddressFamily Family);

    /// <summary>One coroutine that waits. Loops do not share it: the future belongs to the loop of the one that waits.</summary>
    internal sealed class Wait(EventLoop loop, NameLookUp lookUp)
    {
        private object? _answer;

        internal EventLoop Loop { get; } = loop;

        internal NameLookUp LookUp { get; } = lookUp;

        internal Future<object> Future { get; } = loop.CreateFuture<object>();

        /// <summary>Ends the wait, from the resolver's thread.</summary>
        /// <param name="answer">The outcome, or the exception.</param>
        internal void End(object answer)
        {
            _answer = answer;
            Loop.TryCallSoonThreadSafe(static wait => ((Wait)wait!).Deliver(), this);
        }

        private void Deliver()
        {
            if (_answer is Exception failure)
            {
                Future.TrySetException(failure);
            }
            else
            {
                Future.TrySetResult(_answer!);
            }
        }
    }
}
