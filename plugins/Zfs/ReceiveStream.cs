using EveStorage.Linux;
using EveStorage.ZfsStream;

namespace EveStorage.Zfs;

/// <summary>
/// Has ZFS itself make a volume of its own streams, with their snapshots, below a name that is the operation's mark; its rename is the
/// moment in which the volume is there. A stream that goes on from a snapshot of this pool becomes a clone of it. What was received
/// before a crash is kept by ZFS, and gone on with when the same operation is run again on an image that can be read from anywhere.
/// </summary>
internal sealed class ReceiveStream(ZfsPool pool, VolumeSpec spec, IImageSource image) : StorageStep
{
    public override string Title => $"have ZFS receive {image.Name} as {pool.Subject(spec.Name)}";

    public override StepEffect Expected => StepEffect.Change;

    /// <summary>Plans it.</summary>
    /// <exception cref="StorageException">What has that name is not ours, or ZFS could not make a volume of the image.</exception>
    internal static async Task<ReceiveStream> PlanAsync(ZfsPool pool, VolumeSpec spec, IImageSource image, CancellationToken cancellationToken)
    {
        pool.OursIn(await pool.Zpool.ListAsync(spec.Name, cancellationToken), spec.Name);
        if (image.CanSeek && await new StreamFeed(image, static _ => { }).NextAsync(cancellationToken) is StreamHeader first)
        {
            ReceivedDataset.RequireVolume(first, pool, image.Name);
            await ReceivedDataset.FindBaseAsync(pool, first.FromGuid, image.Name, cancellationToken);
        }

        return new(pool, spec, image);
    }

    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        string making = pool.Zpool.MakingOf(context.Request.Id, context.IdOf(spec.Name));
        using FileLock receiving = await OpenZpool.LockMakingAsync(pool.Zpool, making, Title, pool.Options, context.Time, cancellationToken);
        if (pool.OursIn(await pool.Zpool.ListAsync(spec.Name, cancellationToken), spec.Name) is Dataset there)
        {
            return there.Mark == context.Mark
                ? StepOutcome.Changed
                : throw new StorageException(StorageErrorKind.Conflict, pool.Subject(spec.Name), "is there: choose another name");
        }

        await ReceiveAsync(making, context, cancellationToken);
        using (IDisposable held = await pool.LockAsync(Title, cancellationToken))
        {
            await ReceivedDataset.PublishAsync(pool, spec, making, context, cancellationToken);
        }

        return StepOutcome.Changed;
    }

    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        using IDisposable held = await pool.LockAsync($"undo: {Title}", cancellationToken);
        await MadeVolume.RemoveAsync(pool, spec.Name, context, cancellationToken);
    }

    // The pool's lock is not held: its other volumes are made, frozen and deleted meanwhile.
    private async Task ReceiveAsync(string making, OperationContext context, CancellationToken cancellationToken)
    {
        (IReadOnlyList<ulong> whole, ResumePoint? point) = await ReceivedDataset.LookAsync(pool.Zpool, making, cancellationToken);
        if (!image.CanSeek || (whole.Count == 0 && point is null))
        {
            await ReceivedDataset.RemoveAsync(pool, making, context, cancellationToken);
            (whole, point) = ([], null);
        }

        StreamFeed feed = new(image, at => context.Progress.Report(new(Title, new(at), image.Length is long length ? new(length) : null)));
        StreamHeader? before = null;
        while (await feed.NextAsync(cancellationToken) is StreamHeader header)
        {
            ReceivedDataset.RequireVolume(header, pool, image.Name);
            if (before is not null && (header.FromGuid != before.ToGuid || header.IsClone))
            {
                throw new StorageException(
                    StorageErrorKind.NotSupported, image.Name, $"has a second volume or file system in it, {header.ToName}, or streams that do not go on from one another: give them one by one");
            }

            if (whole.Contains(header.ToGuid))
            {
                await feed.PassAsync(Stream.Null, cancellationToken);
            }
            else
            {
                await ReceiveAsync(feed, header, isFirst: before is null, point?.ToGuid == header.ToGuid ? point : null, making, cancellationToken);
            }

            before = header;
        }

        if (before is null)
        {
            throw new StorageException(StorageErrorKind.Corrupt, image.Name, "has no stream in it");
        }
    }

    private async Task ReceiveAsync(StreamFeed feed, StreamHeader header, bool isFirst, ResumePoint? point, string making, CancellationToken cancellationToken)
    {
        ResumePoint? from = point is not null && ResumedStream.CanBeMadeOf(header) ? point : null;
        if (point is not null && from is null)
        {
            await pool.Zpool.Tools.ZfsAsync(pool.Subject(spec.Name), ["receive", "-A", making], cancellationToken);
        }

        string? origin = isFirst && from is null ? await ReceivedDataset.FindBaseAsync(pool, header.FromGuid, image.Name, cancellationToken) : null;
        string[] words = ["receive", .. image.CanSeek ? (string[])["-s"] : [], .. origin is null ? (string[])[] : ["-o", $"origin={origin}"], making];
        await pool.Zpool.Tools.ReceiveAsync(pool.Subject(spec.Name), words, async (input, token) =>
        {
            BufferedStream buffered = new(input, 1 << 20);   // nothing to let go of: the input is the program's
            try
            {
                await (from is null ? feed.PassAsync(buffered, token) : feed.PassFromAsync(from, buffered, token));
            }
            catch (StorageException)
            {
                await buffered.FlushAsync(token);   // what came is for ZFS to keep
                throw;
            }
        }, cancellationToken);
    }
}
