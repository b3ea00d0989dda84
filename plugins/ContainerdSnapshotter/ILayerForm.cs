using EveStorage.ContainerdSnapshotter.Protocol;

namespace EveStorage.ContainerdSnapshotter;

/// <summary>
/// What snapshots consist of, and how containerd mounts them. Each has a directory, which is made, published, read and removed by
/// <see cref="LayerDirectory"/>; what is in it beside its record is the form's.
/// </summary>
internal interface ILayerForm
{
    /// <summary>Makes what a snapshot consists of, in a directory that nobody knows yet.</summary>
    /// <param name="directory">The new one's.</param>
    /// <param name="record">What it is to be.</param>
    /// <param name="parent">That of what it lies on; null for nothing.</param>
    /// <returns>What is to be taken off its usage, since it is not its own.</returns>
    /// <exception cref="StorageException">It can't be, and the directory is to be removed.</exception>
    Task<LayerUsage> MakeAsync(string directory, SnapshotRecord record, string? parent);

    /// <summary>How to mount one that is written or looked at.</summary>
    IReadOnlyList<Mount> MountsOf(string directory, SnapshotRecord record, IReadOnlyList<string> below);

    /// <summary>Brings all that was written to the disk, and holds it as it is then.</summary>
    /// <returns>What it takes, and what is to be kept of it.</returns>
    Task<FixedLayer> FixAsync(string directory, SnapshotRecord record);

    /// <summary>What one takes, of which nothing is kept from a commit.</summary>
    LayerUsage Measure(string directory, SnapshotRecord record);

    /// <summary>Undoes what a crash left between two steps.</summary>
    void Resume(string directory, SnapshotRecord record);

    /// <summary>Lets go of what containerd was given to mount: it is committed or removed. Who has it mounted keeps it.</summary>
    void Release(string directory);
}

/// <summary>A snapshot as it is to be committed. Disposed it leaves nothing but what was kept.</summary>
/// <param name="Usage">What it takes.</param>
/// <param name="Held">The file that holds it, under a name for the moment; null where nothing is needed.</param>
/// <param name="Name">The name that the file is kept by.</param>
internal sealed record FixedLayer(LayerUsage Usage, string? Held = null, string? Name = null) : IDisposable
{
    /// <summary>Keeps it. The record has to say so next.</summary>
    internal void Keep()
    {
        if (Held is not null)
        {
            EveStorage.Linux.FileCalls.Run(Name!, () => File.Move(Held, Name!, overwrite: true));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Held is not null)
        {
            EveStorage.Linux.FileCalls.Run(Held, () => File.Delete(Held));
        }
    }
}
