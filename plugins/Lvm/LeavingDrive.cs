namespace EveStorage.Lvm;

/// <summary>A drive that goes, or has gone, from a pool.</summary>
/// <param name="Name">What the pool calls it.</param>
/// <param name="Uuid">LVM's id of it; null when it has left the group, as whoever goes on after a crash finds it.</param>
/// <param name="IsMissing">Whether it was missing when it was asked to go. Such a drive is never taken back.</param>
internal sealed record LeavingDrive(string Name, string? Uuid, bool IsMissing)
{
    private const string Left = "left";
    private const string Lost = "lost";

    internal static LeavingDrive Of(PhysicalVolume volume) => new(PhysicalDrive.CalledOf(volume), volume.Uuid, volume.IsMissing);

    /// <summary>The last drive that left a group, if it is called so; else null.</summary>
    internal static LeavingDrive? LastOf(GroupFacts facts, string called)
        => facts.Tags[Left] == PhysicalDrive.Plain(called) ? new(called, null, false)
            : facts.Tags[Lost] == PhysicalDrive.Plain(called) ? new(called, null, true)
            : null;

    /// <summary>The drive among those of the group; null when it has left. One that came back has another id.</summary>
    internal PhysicalVolume? In(IReadOnlyList<PhysicalVolume> all)
        => all.FirstOrDefault(volume => volume.Uuid == Uuid) ?? all.FirstOrDefault(volume => !volume.IsMissing && PhysicalDrive.CalledOf(volume) == Name);

    /// <summary>Writes on the group that this is the last one that left.</summary>
    internal async Task NoteAsync(VolumeGroup group, CancellationToken cancellationToken)
    {
        GroupFacts facts = await group.RequireAsync(cancellationToken);
        if (LastOf(facts, Name) is null)
        {
            string[] before = [.. ((string[])[Left, Lost]).Where(key => facts.Tags[key] is not null).SelectMany(key => (string[])["--deltag", LvTags.Tag(key, facts.Tags[key]!)])];
            await group.RunAsync("vgchange", [.. before, "--addtag", LvTags.Tag(IsMissing ? Lost : Left, PhysicalDrive.Plain(Name)), group.Name], cancellationToken);
        }
    }
}
