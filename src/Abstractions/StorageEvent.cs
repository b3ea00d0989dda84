namespace EveStorage;

/// <summary>How much an event matters.</summary>
public enum EventSeverity
{
    /// <summary>For the record.</summary>
    Information,

    /// <summary>Something will need a person if it goes on.</summary>
    Warning,

    /// <summary>A person has to look.</summary>
    Critical,
}

/// <summary>Something that happened outside of an operation: a host connected, a drive failed, a pool is nearly full.</summary>
/// <param name="Id">A stable name, for machines: <c>host.connected</c>, <c>volume.sync-failed</c>.</param>
/// <param name="Severity">How much it matters.</param>
/// <param name="Subject">What it is about: <c>data/vm42</c>.</param>
/// <param name="Message">What happened, for a person; without a secret.</param>
public sealed record StorageEvent(string Id, EventSeverity Severity, string Subject, string Message);

/// <summary>Takes events. Reporting never blocks and never fails.</summary>
public interface IEventSink
{
    /// <summary>Reports <paramref name="storageEvent"/>; the host adds the time.</summary>
    void Report(StorageEvent storageEvent);
}
