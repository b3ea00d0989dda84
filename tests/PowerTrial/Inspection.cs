using EveStorage.Cli.Api;
using EveStorage.Linux;

namespace EveStorage.PowerTrial;

/// <summary>What was acknowledged before a power cut, and what was under way.</summary>
/// <param name="Before">What has to be there, if the act is undone.</param>
/// <param name="UnderWay">The act that was not acknowledged; null when none can have been.</param>
/// <param name="HasForeign">Whether somebody else's logical volume has to be there.</param>
internal sealed record Moment(Ledger Before, Act? UnderWay, bool HasForeign);

/// <summary>Holds a machine that was started after a power cut against what was acknowledged before.</summary>
internal sealed class Inspection(Machine machine, Moment moment, bool withState)
{
    private static readonly CreateVolume s_afterwards = new() { Pool = Course.Pool, Volume = new("afterwards"), Size = ByteSize.MiB(4) };

    private readonly List<string> _wrong = [];

    /// <summary>Everything that is wrong.</summary>
    /// <param name="whole">Whether the host is asked all that it knows, and has to work on: that takes long.</param>
    internal async Task<IReadOnlyList<string>> RunAsync(bool whole)
    {
        bool there = await OpenAsync();
        foreach (OperationReport operation in await machine.Api.ListOperationsAsync(default))
        {
            Require(!operation.State.IsUnderWay() && operation.State != OperationState.NeedsAttention, $"{operation.Request.Subject} is {operation.State}: {operation.Error?.Message}");
        }

        if (!there)
        {
            Require(!moment.Before.HasPool, "the pool is not there");
            Require((await Machine.ShellAsync($"wipefs --noheadings {Machine.PoolDevice}")).Trim().Length == 0, "the pool's drive is not blank");
            return _wrong;
        }

        LogicalVolumes found = LogicalVolumes.Read(await Machine.LvmAsync(LogicalVolumes.Report), moment);
        _wrong.AddRange(found.Wrong);
        if (moment.UnderWay is Act { Volume: null } act && found.Shape == act.After.Shape && found.Shape != moment.Before.Shape)
        {
            await ReadAsync(found, act.After, act.After);
        }
        else if (found.Shape == moment.Before.Shape)
        {
            // A roll back, and a write, show in what is there alone.
            await ReadAsync(found, moment.Before, moment.UnderWay?.After ?? moment.Before);
        }
        else
        {
            Require(false, $"there is '{found.Shape}', and not '{moment.Before.Shape}'{(moment.UnderWay is Act other ? $" or '{other.After.Shape}'" : "")}");
        }

        if (whole && _wrong.Count == 0)
        {
            await AskAsync(found);
        }

        return _wrong;
    }

    // Planning opens the pool, and takes less time than its status does.
    private async Task<bool> OpenAsync()
    {
        try
        {
            await machine.Api.PlanAsync(s_afterwards, null, default);
            return true;
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.NotFound)
        {
            return false;
        }
    }

    // All it shows, and that it goes on.
    private async Task AskAsync(LogicalVolumes found)
    {
        IReadOnlyList<VolumeReport> volumes = await machine.Api.ListVolumesAsync(Course.Pool, default);
        string shown = string.Join(' ', volumes.OrderBy(volume => $"{volume.Name}", StringComparer.Ordinal)
            .Select(volume => Ledger.Describe($"{volume.Name}", volume.Size.Bytes >> 20, volume.Snapshots.Select(snapshot => snapshot.Label))));
        Require(shown == found.Shape, $"the host shows '{shown}'");
        Require(volumes.All(volume => volume.Created is not null), "a volume has no record");
        foreach (Finding finding in (await machine.Api.DiagnoseAsync(default)).Where(finding => !IsForeign(finding.Message)))
        {
            Require(false, $"{finding.Subject}: {finding.Message}");
        }

        await machine.ChangeAsync(s_afterwards);
        await machine.ChangeAsync(new DeleteVolume { Pool = Course.Pool, Volume = s_afterwards.Volume });
    }

    private async Task ReadAsync(LogicalVolumes found, Ledger before, Ledger after)
    {
        foreach ((string name, KeptVolume volume) in before.Volumes)
        {
            Content other = after.Volumes.TryGetValue(name, out KeptVolume? later) ? later.Now : volume.Now;
            await CompareAsync(name, found.NameOf(name), found.IdOf(name), volume, other);
            foreach ((string label, Content content) in volume.Snapshots)
            {
                await FrozenAsync($"{name}@{label}", found.ThinIdOf(name, label), content);
            }
        }

        if (moment.HasForeign)
        {
            Compare(Recording.Foreign, Machine.PathOf(Recording.Foreign), Recording.ForeignContent, Recording.ForeignContent);
        }
    }

    private async Task CompareAsync(string name, string logicalVolume, string id, KeptVolume volume, Content other)
    {
        if (!volume.Encrypted)
        {
            Compare(name, Machine.PathOf(logicalVolume), volume.Now, other);
        }
        else if (withState)
        {
            await Machine.ShellAsync($"cryptsetup open --readonly --key-file {Machine.Keys}/volume-{id}/key {Machine.PathOf(logicalVolume)} looked-at");
            Compare(name, "/dev/mapper/looked-at", volume.Now, other);
            await Machine.ShellAsync("cryptsetup close looked-at");
        }
    }

    // A snapshot has no device of its own. Device-mapper makes one sooner than LVM.
    private async Task FrozenAsync(string name, string thinId, Content content)
    {
        await Machine.ShellAsync($"dmsetup create looked-at --readonly --table '0 {content.MebiBytes << 11} thin {Machine.PathOf("Thinpool")}-tpool {thinId}'");
        Compare(name, "/dev/mapper/looked-at", content, content);
        await Machine.ShellAsync("dmsetup remove looked-at");
    }

    private void Compare(string name, string path, Content before, Content after)
    {
        byte[] bytes = new byte[before.MebiBytes << 20];
        using (BlockFile disk = BlockFile.Open(path, writable: false))
        {
            disk.Read(0, bytes);
        }

        // What is rolled back is all of the one or all of the other; a write under way may have come to a part of its pages.
        int[] wrong = Differences(bytes, before, moment.UnderWay is { Volume: not null } ? after : before);
        wrong = wrong.Length > 0 && moment.UnderWay is { Volume: null } ? Differences(bytes, after, after) : wrong;
        Require(wrong.Length == 0, $"{name} has other bytes than were flushed in {wrong.Length} pages, {wrong.FirstOrDefault()} first");
    }

    private static int[] Differences(byte[] bytes, Content one, Content other)
        => one.MebiBytes != other.MebiBytes ? [0] : [.. Enumerable.Range(0, one.Count).Where(page =>
        {
            ReadOnlySpan<byte> there = bytes.AsSpan(page * Content.PageSize, Content.PageSize);
            return !there.SequenceEqual(one.PageAt(page)) && !there.SequenceEqual(other.PageAt(page));
        })];

    // That there is something of somebody else's is all that may be said of it.
    private static bool IsForeign(string problem) => problem.StartsWith($"{Course.Pool}/{Recording.Foreign}: is not ours", StringComparison.Ordinal);

    private void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            _wrong.Add(otherwise);
        }
    }
}
