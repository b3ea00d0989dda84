namespace EveStorage.ZfsTrial;

/// <summary>
/// Each operation cut short before each of ZFS's commands that change something. From there on none of them runs, as if the
/// host had been killed; then the pool is opened anew, and the operation is run again or undone, in turns, as a start does.
/// </summary>
internal static class CutTrial
{
    private const int MostCommands = 20;
    private const string Left = "/run/zfs-commands-left";
    private const string Wrapper = """
        #!/bin/bash
        case "$1 $2" in
        list*|get*|status*|"program -n") ;;
        *)
          if [ -e /run/zfs-commands-left ]; then
            left=$(($(cat /run/zfs-commands-left) - 1)); echo $left > /run/zfs-commands-left
            [ $left -ge 0 ] || { echo "cut short" >&2; exit 77; }
          fi ;;
        esac
        exec "$0.real" "$@"
        """;

    private static readonly VolumeName s_one = new("one");
    private static readonly VolumeName s_two = new("two");
    private static readonly VolumeName s_made = new("made");
    private static readonly VolumeName s_files = new("files");
    private static readonly SnapshotName s_before = new(s_one, "before");

    /// <summary>Of a stripe: <c>cuts DRIVE</c>.</summary>
    internal static async Task RunAsync(Sentences said, string[] drives)
    {
        await WrapAsync();
        Machine machine = new("cut", new(), drives[0]);
        CutShort trial = new(machine, said, Left, MostCommands, LookAsync);
        PoolSpec spec = new() { Name = machine.Name, Devices = machine.Devices };
        await trial.CutAsync("making the pool", null, () => machine.Backend.PlanCreatePoolAsync(spec, default), () => machine.DeleteAsync(), $"pool:{machine.Name}");
        await machine.CreateAsync(PoolRedundancy.None);
        await trial.CutAsync("making a volume", pool => pool.PlanCreateAsync(SpecOf(s_made), default), pool => pool.PlanDeleteAsync(s_made, default), $"{s_made}");
        await trial.WithAsync(async pool =>
        {
            foreach (VolumeName name in (VolumeName[])[s_one, s_two])
            {
                await Machine.RunAsync(pool.PlanCreateAsync(SpecOf(name), default), $"{name}");
            }
        });

        await trial.CutAsync("taking snapshots of several volumes", pool => Snapshots(pool).PlanSnapshotAsync([s_before, new(s_two, "before")], default), ForgetAsync, $"{s_before}", "two@before");
        await trial.CutAsync("renaming", pool => pool.PlanRenameAsync(s_two, s_made, default), pool => pool.PlanRenameAsync(s_made, s_two, default));
        await trial.CutAsync("growing", pool => ((IResizablePool)pool).PlanGrowAsync(s_one, ByteSize.MiB(48), default), RemakeAsync, $"{s_one}");
        await trial.WithAsync(async pool => await Machine.RunAsync(Snapshots(pool).PlanSnapshotAsync([s_before], default), $"{s_before}"));
        await trial.CutAsync("cloning", pool => Snapshots(pool).PlanCloneAsync(s_before, s_made, default), pool => pool.PlanDeleteAsync(s_made, default), $"{s_made}");
        await trial.CutAsync("rolling back", pool => Snapshots(pool).PlanRollbackAsync(s_before, default), undo: null);
    }

    /// <summary>Of file systems, which go the same ways, and have two limits that ZFS sets one after the other: <c>cuts-file-systems DRIVE</c>.</summary>
    internal static async Task RunFileSystemsAsync(Sentences said, string[] drives)
    {
        await WrapAsync();
        Machine machine = new("cut", new(), drives[0]);
        CutShort trial = new(machine, said, Left, MostCommands, LookAsync);
        await machine.CreateAsync(PoolRedundancy.None);
        await trial.CutAsync("making a file system", pool => pool.PlanCreateAsync(FileSystemOf(s_made), default), pool => pool.PlanDeleteAsync(s_made, default), $"{s_made}");
        await trial.WithAsync(async pool => await Machine.RunAsync(pool.PlanCreateAsync(FileSystemOf(s_files), default), $"{s_files}"));
        FileSystemLimits before = new() { Size = ByteSize.MiB(32), Reservation = ByteSize.MiB(32) };
        await trial.CutAsync("growing a reserved file system", pool => ((IResizablePool)pool).PlanGrowAsync(s_files, ByteSize.MiB(48), default), pool => ((IFileSystemPool)pool).PlanLimitAsync(s_files, before, default));
        FileSystemLimits less = new() { Size = ByteSize.MiB(16), Reservation = ByteSize.MiB(8) };
        await trial.CutAsync("limiting a file system", pool => ((IFileSystemPool)pool).PlanLimitAsync(s_files, less, default), pool => ((IFileSystemPool)pool).PlanLimitAsync(s_files, before, default));
        SnapshotName frozen = new(s_files, "frozen");
        await trial.WithAsync(async pool => await Machine.RunAsync(Snapshots(pool).PlanSnapshotAsync([frozen], default), $"{frozen}"));
        await trial.CutAsync("cloning a file system", pool => Snapshots(pool).PlanCloneAsync(frozen, s_made, default), pool => pool.PlanDeleteAsync(s_made, default), $"{s_made}");
    }

    // A volume is as it was once it is made again: it has no other way back to its size.
    private static async ValueTask<Plan> RemakeAsync(IStoragePool pool)
    {
        await Machine.RunAsync(pool.PlanDeleteAsync(s_one, default));
        return await pool.PlanCreateAsync(SpecOf(s_one), default);
    }

    private static async Task WrapAsync()
    {
        await File.WriteAllTextAsync("/run/zfs-wrapper", Wrapper);
        await Machine.ShellAsync("for p in zfs zpool; do mv /usr/sbin/$p /usr/sbin/$p.real; cp /run/zfs-wrapper /usr/sbin/$p; chmod 755 /usr/sbin/$p; done");
    }

    private static ISnapshotPool Snapshots(IStoragePool pool) => (ISnapshotPool)pool;

    private static VolumeSpec SpecOf(VolumeName name) => new() { Name = name, Form = VolumeForm.Block, Size = ByteSize.MiB(32) };

    private static VolumeSpec FileSystemOf(VolumeName name) => new() { Name = name, Form = VolumeForm.FileSystem, Size = ByteSize.MiB(32) };

    private static async ValueTask<Plan> ForgetAsync(IStoragePool pool)
        => (await Snapshots(pool).PlanDeleteSnapshotAsync(s_before, default)).Then(await Snapshots(pool).PlanDeleteSnapshotAsync(new(s_two, "before"), default));

    /// <summary>All that is there.</summary>
    private static async Task<string> LookAsync()
        => (await Machine.ShellAsync("zfs list -H -t all -o name,volsize,refquota,refreservation 2>/dev/null | sort | tr '\\t\\n' ': '; zpool list -H -o name; ls /sys/block | grep -c ^zd || true")).Trim();
}
