namespace Baton.Drivers;

/// <summary>
/// Something that a thread of the BCL has completed and the loop thread has not taken yet. In the driver's queue once at a time.
/// </summary>
internal interface IPortableCompletion
{
    /// <summary>The next in the queue.</summary>
    IPortableCompletion? Next { get; set; }

    /// <summary>On the loop thread: takes the outcome.</summary>
    void Deliver();

    /// <summary>On any thread: the driver is gone; releases what the outcome holds.</summary>
    void Abandon();
}
