using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using EveStorage.ZfsStream;

namespace EveStorage.Zfs;

/// <summary>What ZFS has made, or is making, of a stream.</summary>
internal static class ReceivedDataset
{
    private static readonly TimeSpan s_keep = TimeSpan.FromDays(8);

    /// <summary>Refuses a stream of which ZFS would make no volume, or only with what is not in it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>.</exception>
    internal static void RequireVolume(StreamHeader header, ZfsPool pool, string subject)
    {
        // zfs-send(8), -e: data in block pointers, which is where a block's key would have to be. "incompatible embedded data stream feature with encrypted receive"
        bool hasEmbedded = header.Features.HasFlag(StreamFeatures.EmbedData) && !header.Features.HasFlag(StreamFeatures.Raw);
        string? reason = header.Of != ObjectSetType.Volume ? "is of a file system, and volumes are kept here: receive it with `zfs receive` into a pool of its own"
            : header.Features.HasFlag(StreamFeatures.Resuming) ? "goes on with a stream that was cut, which is not all of it: send it from the start"
            : hasEmbedded && pool.Open.Facts.Key is not null ? "has embedded blocks, which ZFS does not receive below encryption: import it with --verify, which replays it, or send it without -e"
            : null;
        if (reason is not null)
        {
            throw new StorageException(StorageErrorKind.NotSupported, subject, reason);
        }
    }

    /// <summary>The snapshot of this pool that a stream goes on from; null where it goes on from none.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: it is not here.</exception>
    internal static async Task<string?> FindBaseAsync(ZfsPool pool, ulong guid, string subject, CancellationToken cancellationToken)
        => guid == 0 ? null
            : (await SnapshotsAsync(pool.Zpool, pool.Zpool.Volumes, cancellationToken)).FirstOrDefault(snapshot => snapshot.Guid == guid && !IsPassing(snapshot.Name))?.Name
            ?? throw new StorageException(
                StorageErrorKind.NotFound, subject, $"goes on from the snapshot with guid 0x{guid:x16}, and {pool.Name} has none with that: import the stream that leads to it first, or put both into one file");

    /// <summary>What is there of it: the streams that ZFS has all of, by their guids, and where it stopped in the next one.</summary>
    internal static async Task<(IReadOnlyList<ulong> Whole, ResumePoint? Point)> LookAsync(Zpool zpool, string making, CancellationToken cancellationToken)
        => await zpool.FindAsync(making, cancellationToken, "receive_resume_token") is not [var token] ? ([], null)
            : ([.. (await SnapshotsAsync(zpool, making, cancellationToken)).Select(snapshot => snapshot.Guid)], ResumePoint.Read(token));

    /// <summary>Whether what a crash left is kept for the operation to go on with it: for as long as the host keeps one at most.</summary>
    internal static async Task<bool> IsKeptAsync(Zpool zpool, string making, TimeProvider time, CancellationToken cancellationToken)
        => await zpool.FindAsync(making, cancellationToken, "receive_resume_token", "creation") is [string, string creation]
            && DateTimeOffset.FromUnixTimeSeconds(long.Parse(creation, CultureInfo.InvariantCulture)) + s_keep > time.GetUtcNow();

    /// <summary>Takes away what is there of it.</summary>
    internal static async Task RemoveAsync(ZfsPool pool, string making, OperationContext context, CancellationToken cancellationToken)
    {
        if (await pool.Zpool.FindAsync(making, cancellationToken, "name") is not null)
        {
            await MadeVolume.DestroyAsync(pool.Zpool, making, pool.Options, context.Time, cancellationToken);
        }
    }

    /// <summary>Gives what was received its marks, its snapshots theirs, and then its name.</summary>
    internal static async Task PublishAsync(ZfsPool pool, VolumeSpec spec, string making, OperationContext context, CancellationToken cancellationToken)
    {
        Zpool zpool = pool.Zpool;
        string subject = pool.Subject(spec.Name);
        Guid id = context.IdOf(spec.Name);
        ByteSize size = (await zpool.ListAsync(making, cancellationToken)).FirstOrDefault(dataset => dataset.Name == making) is { IsVolume: true } made
            ? made.Size
            : throw new StorageException(StorageErrorKind.Corrupt, subject, "was received as something else than a volume");
        if (!spec.Traits.HasFlag(VolumeTraits.Thin))
        {
            await zpool.Tools.ZfsAsync(subject, ["set", "refreservation=auto", making], cancellationToken);
        }

        await NameSnapshotsAsync(zpool, making, id, context, cancellationToken);
        VolumeRecord record = new() { Id = id, Mark = context.Mark, Created = context.Time.GetUtcNow(), Layers = spec.Layers };
        await zpool.SetAsync(making, MadeVolume.Values(record, subject), cancellationToken);
        await zpool.Tools.ZfsAsync(subject, ["rename", making, zpool.DatasetOf(spec.Name)], cancellationToken);
        ZvolNode.Forget(making);
        await pool.RequireReadyAsync(spec.Name, VolumeForm.Block, size, cancellationToken);
    }

    // The operation draws none for them, and may be cut short and run again: what a snapshot is called by is made of what stays.
    private static Guid IdOf(Guid volume, ulong snapshot)
    {
        Span<byte> named = stackalloc byte[24];
        volume.TryWriteBytes(named);
        BinaryPrimitives.WriteUInt64LittleEndian(named[16..], snapshot);
        return new(SHA256.HashData(named).AsSpan(0, 16));
    }

    // A sender's names may be none of ours. What later streams go on from is known by its guid, and not by its name.
    private static async Task NameSnapshotsAsync(Zpool zpool, string making, Guid volume, OperationContext context, CancellationToken cancellationToken)
    {
        int number = 0;
        IReadOnlyList<ReceivedSnapshot> received = await SnapshotsAsync(zpool, making, cancellationToken);
        foreach (ReceivedSnapshot snapshot in received)
        {
            string label = snapshot.Name[(snapshot.Name.IndexOf('@', StringComparison.Ordinal) + 1)..];
            string name = snapshot.Name;
            if (!SnapshotName.TryParse($"v@{label}", out _))
            {
                do
                {
                    number++;
                    name = $"{making}@received-{number}";
                }
                while (received.Any(other => other.Name == name));   // as one is called that came from us
                await zpool.Tools.ZfsAsync(making, ["rename", snapshot.Name, name], cancellationToken);
            }

            await zpool.SetAsync(
                name,
                [
                    Property.Set(Property.SnapshotIds, $"{volume:N}={IdOf(volume, snapshot.Guid):N}"), Property.Set(Property.SnapshotOperation, context.Request.Id),
                    Property.Set(Property.SnapshotCreated, snapshot.Created.ToUnixTimeMilliseconds()),
                ],
                cancellationToken);
        }
    }

    // Of a volume that is being made, or a snapshot that goes with the last of its clones.
    private static bool IsPassing(string name) => name[(name.LastIndexOf('/') + 1)..].StartsWith('_') || name.Contains("@_", StringComparison.Ordinal);

    private static async Task<IReadOnlyList<ReceivedSnapshot>> SnapshotsAsync(Zpool zpool, string dataset, CancellationToken cancellationToken)
        => [.. (await zpool.Tools.FindRowsAsync(dataset, ["list", "-Hp", "-r", "-t", "snapshot", "-o", "name,guid,creation", dataset], ofPools: false, cancellationToken) ?? [])
            .Select(row => new ReceivedSnapshot(row[0], ulong.Parse(row[1], CultureInfo.InvariantCulture), DateTimeOffset.FromUnixTimeSeconds(long.Parse(row[2], CultureInfo.InvariantCulture))))];

    private sealed record ReceivedSnapshot(string Name, ulong Guid, DateTimeOffset Created);
}
