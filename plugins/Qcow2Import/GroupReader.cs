using System.Runtime.CompilerServices;

namespace EveStorage.Qcow2Import;

/// <summary>Reads a volume in groups of clusters, some of them at once, and gives them back in the order of the disk.</summary>
internal sealed class GroupReader(IBlockSource blocks, long size, Func<IClusterEncoder>? makeEncoder) : IDisposable
{
    // One more than can be worked on, so that none waits for the one that is written.
    private static readonly int s_atOnce = Environment.ProcessorCount + 1;

    // All of them hold an encoder, whose memory is not the runtime's. Where reading ends early, not all of them are idle again.
    private readonly List<ClusterGroup> _all = [];
    private readonly Stack<ClusterGroup> _idle = new();

    // The run of data that was found last. To find its end a file system goes over all of it, so that it is not asked for each group.
    private SourceRun _run;

    /// <summary>Reads groups. Each is the caller's until it asks for the next.</summary>
    /// <param name="next">The first group that is wanted, from a number on; null when there is none.</param>
    /// <param name="cancellationToken">Stops it.</param>
    internal async IAsyncEnumerable<ClusterGroup> ReadAsync(
        Func<long, CancellationToken, ValueTask<long?>> next, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Queue<Task<ClusterGroup>> underWay = new();
        try
        {
            for (long from = 0; await next(from, cancellationToken) is long number; from = number + 1)
            {
                while (underWay.Count >= s_atOnce)
                {
                    ClusterGroup first = await underWay.Dequeue();
                    yield return first;
                    _idle.Push(first);
                }

                underWay.Enqueue(Start(number, cancellationToken));
            }

            while (underWay.TryDequeue(out Task<ClusterGroup>? left))
            {
                ClusterGroup group = await left;
                yield return group;
                _idle.Push(group);
            }
        }
        finally
        {
            // Nobody reads the volume any more when this ends, whatever else went wrong.
            await Task.WhenAll(underWay).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    /// <summary>The first group from this one on that the volume may have something in; null when there is none.</summary>
    internal async ValueTask<long?> NextWithDataAsync(long number, CancellationToken cancellationToken)
    {
        long at = number * SavedLayout.GroupLength;
        if (at >= size || blocks is not ISparseBlockSource sparse)
        {
            return at >= size ? null : number;
        }

        if (at < _run.Offset || at >= _run.Offset + _run.Length)
        {
            if (await sparse.FindDataAsync(at, cancellationToken) is not SourceRun run || run.Offset >= size)
            {
                return null;
            }

            _run = run;
        }

        return Math.Max(at, _run.Offset) / SavedLayout.GroupLength;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _idle.Clear();
        _all.ForEach(static group => group.Dispose());
        _all.Clear();
    }

    private Task<ClusterGroup> Start(long number, CancellationToken cancellationToken)
    {
        if (!_idle.TryPop(out ClusterGroup? group))
        {
            _all.Add(group = new(makeEncoder));
        }

        return Task.Run(
            async () =>
            {
                await group.FillAsync(blocks, size, number, cancellationToken);
                return group;
            },
            cancellationToken);
    }
}
