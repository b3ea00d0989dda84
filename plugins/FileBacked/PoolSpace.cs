using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>
/// What a pool takes, and its hard limit. A write that may take blocks spends from a budget, which is measured anew only
/// when it is spent: adding up every file for each write would cost more than the write. A write over blocks that are
/// there needs none. Another process that writes to the same pool has a budget of its own, at most <see cref="Slice"/>.
/// </summary>
internal sealed class PoolSpace(PoolDirectory pool, ByteSize? limit, TimeProvider time)
{
    private const long Slice = 64 << 20;
    private const long Block = 4096;

    private static readonly TimeSpan s_fresh = TimeSpan.FromMilliseconds(100);

    private readonly Lock _measuring = new();
    private long _budget;
    private long _inFlight;
    private long _measured;
    private bool _known;

    /// <summary>What the pool's files take now.</summary>
    internal ByteSize Measure() => new(Directory.Exists(pool.Volumes) ? Sum(pool.Volumes) : 0);

    /// <summary>Something gave space back: measure before the next refusal.</summary>
    internal void Forget() => Volatile.Write(ref _known, false);

    /// <summary>Refuses to take <paramref name="length"/> more bytes than there is room for.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.OutOfSpace"/>.</exception>
    internal void Require(long length, string subject)
    {
        if (limit is ByteSize most && Measure().Bytes + Volatile.Read(ref _inFlight) > most.Bytes - length)
        {
            throw Full(subject, most);
        }
    }

    /// <summary>Takes the budget of a write; <see cref="End"/> follows it, whatever comes of it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.OutOfSpace"/>; no <see cref="End"/> follows.</exception>
    internal void Begin(BlockFile image, long offset, long length, string subject)
    {
        if (limit is not ByteSize most)
        {
            return;
        }

        long blocks = Blocks(offset, length);
        Interlocked.Add(ref _inFlight, blocks);
        if (Interlocked.Add(ref _budget, -blocks) < 0 && !IsAllowed(image, offset, length, blocks, most))
        {
            Interlocked.Add(ref _inFlight, -blocks);
            throw Full(subject, most);
        }
    }

    /// <summary>The write is done: what it took shows in the files now.</summary>
    internal void End(long offset, long length)
    {
        if (limit is not null)
        {
            Interlocked.Add(ref _inFlight, -Blocks(offset, length));
        }
    }

    private static long Blocks(long offset, long length)
        => ((offset + length + Block - 1) & -Block) - (offset & -Block);

    private static StorageException Full(string subject, ByteSize most)
        => new(StorageErrorKind.OutOfSpace, subject, $"the pool has reached its limit of {most}: delete or discard something, or raise Limit");

    private bool IsAllowed(BlockFile image, long offset, long length, long blocks, ByteSize most)
    {
        lock (_measuring)
        {
            Interlocked.Add(ref _budget, blocks);
            bool overwrites = image.NextHole(offset) >= offset + length;
            if (overwrites || Interlocked.Add(ref _budget, -blocks) >= 0)
            {
                return true;
            }

            if (!Volatile.Read(ref _known) || time.GetElapsedTime(_measured) > s_fresh)
            {
                // What is in flight counts whole, whether or not it shows in the files by now. Ours is part of it.
                Volatile.Write(ref _known, true);
                _measured = time.GetTimestamp();
                long room = most.Bytes - Measure().Bytes - Volatile.Read(ref _inFlight);
                Interlocked.Exchange(ref _budget, Math.Min(room, Slice));
                return room >= 0;
            }

            Interlocked.Add(ref _budget, blocks);
            return false;
        }
    }

    private static long Sum(string directory)
    {
        long sum = 0;
        foreach (string file in FileCalls.Run(directory, () => Directory.EnumerateFiles(directory, "*", s_all).ToList()))
        {
            try
            {
                sum += BlockFile.Look(file).Allocated;
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.NotFound)
            {
                // It was removed in between.
            }
        }

        return sum;
    }

    private static readonly EnumerationOptions s_all = new()
    {
        RecurseSubdirectories = true,
        AttributesToSkip = FileAttributes.ReparsePoint,
        IgnoreInaccessible = true,
    };
}
