using EveStorage.Host.Engine;
using EveStorage.Host.Profiles;
using EveStorage.Linux;

namespace EveStorage.Host.FileSystems;

/// <summary>
/// Looks at the mounted file systems at an interval while the daemon runs, and tells those that fill or that an error made read-only;
/// and gives back, once in a while, what is free in them. One timer for all; a look is one file and one call for each that is mounted.
/// </summary>
internal sealed class FileSystemWatch(Profile profile, RecordedMounts recorded, IEventSink events, TimeProvider time) : DaemonPart
{
    /// <summary>How often it looks: a writer that runs away fills a small file system in a minute.</summary>
    internal static TimeSpan Interval { get; } = TimeSpan.FromSeconds(15);

    // By where they are mounted. What is mounted there may come to be another one's.
    private readonly Dictionary<Mount, (WatchedFileSystem Known, bool ReadOnly, bool GivesBack)> _known = [];
    private long _trimmed = time.GetTimestamp();

    /// <inheritdoc/>
    private protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        using PeriodicTimer timer = new(Interval, time);
        do
        {
            try
            {
                await LookAsync(cancellationToken);
            }
            catch (StorageException)
            {
                // A pool or a device that went meanwhile: its own watch tells.
            }
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    /// <summary>Looks once.</summary>
    internal async Task LookAsync(CancellationToken cancellationToken)
    {
        Mount[] mounted = [.. MountTable.Read().Where(mount => mount.Point.StartsWith($"{profile.FileSystems.Directory}/", StringComparison.Ordinal))];
        foreach (Mount gone in _known.Keys.Except(mounted.Select(Plain)).ToArray())
        {
            _known.Remove(gone);
        }

        if (mounted.Any(mount => !_known.ContainsKey(Plain(mount))))
        {
            await LearnAsync(mounted, cancellationToken);
        }

        bool trims = profile.FileSystems.Trim != TimeSpan.Zero && time.GetElapsedTime(_trimmed) >= profile.FileSystems.Trim;
        _trimmed = trims ? time.GetTimestamp() : _trimmed;
        foreach (Mount mount in mounted)
        {
            if (_known.TryGetValue(Plain(mount), out (WatchedFileSystem Known, bool ReadOnly, bool GivesBack) there))
            {
                there.Known.Tell(FileSystem.Of(mount.Point), mount.ReadOnly && !there.ReadOnly, events);
                if (trims && there.GivesBack && !mount.ReadOnly)
                {
                    await Task.Run(() => MountedFileSystem.Trim(mount.Point), CancellationToken.None);
                }
            }
        }
    }

    // One that was found to be of nobody is looked for again each time: it may just be being made.
    private async Task LearnAsync(Mount[] mounted, CancellationToken cancellationToken)
    {
        IReadOnlyList<RecordedMount> all = await recorded.ReadAsync(cancellationToken);
        foreach (Mount mount in mounted.Select(Plain).Where(mount => !_known.ContainsKey(mount)))
        {
            if (all.FirstOrDefault(other => other.Mount.Wanted && Path.Combine(profile.FileSystems.Directory, other.Mount.At) == mount.Point) is RecordedMount of)
            {
                // What is kept free for it would be given away; and a pool's own gives back what is free by itself.
                VolumeInfo? volume = await of.Pool.FindVolumeAsync(of.Volume, cancellationToken);
                _known[mount] = (new(of.Subject), of.Mount.ReadOnly, GivesBack: volume is { Form: VolumeForm.Block } && volume.Traits.HasFlag(VolumeTraits.Thin));
            }
        }
    }

    private static Mount Plain(Mount mount) => mount with { ReadOnly = false };
}
