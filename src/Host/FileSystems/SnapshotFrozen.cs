using EveStorage.Host.Composition;
using EveStorage.Host.Profiles;
using EveStorage.Linux;

namespace EveStorage.Host.FileSystems;

/// <summary>
/// Takes snapshots while the file systems on the volumes stand still, so that each is as after an orderly end. A start lets go of
/// what a crash left frozen; while this runs nothing stays so for longer than <see cref="Longest"/>, however slow the pool is.
/// </summary>
internal sealed class SnapshotFrozen(IReadOnlyList<StackedLayer> fileSystems, Plan snapshot, Profile profile) : StorageStep
{
    /// <summary>How long writers wait at most. A snapshot of a pool that is slower is as after a power cut, which a file system survives too.</summary>
    internal static TimeSpan Longest { get; } = TimeSpan.FromSeconds(10);

    private readonly List<StorageStep> _done = [];

    /// <inheritdoc/>
    public override string Title => string.Join(", then ", snapshot.Steps.Select(step => step.Title));

    /// <inheritdoc/>
    public override StepEffect Expected => StepEffect.Change;

    /// <inheritdoc/>
    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        List<string> frozen = [];
        using ITimer limit = context.Time.CreateTimer(_ => Thaw(frozen), state: null, Longest, Timeout.InfiniteTimeSpan);
        try
        {
            foreach (StackedLayer fileSystem in fileSystems)
            {
                if (await fileSystem.Layer.IsOpenAsync(fileSystem.Site, cancellationToken) && !IsOurs(fileSystem.Path))
                {
                    lock (frozen)
                    {
                        MountedFileSystem.Freeze(fileSystem.Path);
                        frozen.Add(fileSystem.Path);
                    }
                }
            }

            StepOutcome outcome = StepOutcome.AlreadySo;
            foreach (StorageStep step in snapshot.Steps)
            {
                _done.Add(step);
                outcome = await step.ApplyAsync(context, cancellationToken) == StepOutcome.Changed ? StepOutcome.Changed : outcome;
            }

            return outcome;
        }
        finally
        {
            Thaw(frozen);
        }
    }

    /// <inheritdoc/>
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        foreach (StorageStep step in _done.AsEnumerable().Reverse())
        {
            await step.RevertAsync(context, cancellationToken);
        }
    }

    /// <summary>Lets go of those that are mounted and were left frozen.</summary>
    internal static void Thaw(List<string> points)
    {
        lock (points)
        {
            foreach (string point in points)
            {
                MountedFileSystem.TryThaw(point);
            }

            points.Clear();
        }
    }

    // What we write while it is frozen, we would wait for ourselves.
    private bool IsOurs(string point)
        => ((string[])[profile.State, profile.Run]).Any(ours => $"{Path.GetFullPath(ours)}/".StartsWith($"{point}/", StringComparison.Ordinal));
}
