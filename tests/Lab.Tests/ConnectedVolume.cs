namespace EveStorage.Tests;

/// <summary>A volume that the guest has as a disk, until the test ends.</summary>
internal sealed class ConnectedVolume(ServedGuest served, string name, string subsystem, string host) : IAsyncDisposable
{
    public string Name => name;

    public string Subsystem => subsystem;

    public string Host => host;

    /// <summary>In a script: its disk in the guest.</summary>
    public string Disk => Guest.Disk(subsystem);

    public async ValueTask DisposeAsync() => await served.Guest.TryAsync($"nvme disconnect -n {subsystem}");
}
