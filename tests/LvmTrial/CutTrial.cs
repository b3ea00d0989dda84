using EveStorage.Lvm;

namespace EveStorage.LvmTrial;

/// <summary>
/// Each operation cut short before each of LVM's commands that it runs. From there on none of them runs, as
/// if the host had been killed; then the pool is opened anew, and the operation is run again or undone, in turns, as a start does.
/// </summary>
internal static class CutTrial
{
    private const int MostCommands = 40;
    private const string Left = "/run/lvm-commands-left";
    private const string Wrapper = """
        #!/bin/bash
        if [ -e /run/lvm-commands-left ]; then
          left=$(($(cat /run/lvm-commands-left) - 1)); echo $left > /run/lvm-commands-left
          [ $left -ge 0 ] || { echo "cut short" >&2; exit 77; }
        fi
        exec -a "$0" /usr/sbin/lvm.real "$@"
        """;

    private static readonly VolumeName s_one = new("one");
    private static readonly VolumeName s_two = new("two");
    private static readonly VolumeName s_made = new("made");
    private static readonly SnapshotName s_before = new(s_one, "before");

    /// <summary>Of a thin pool: <c>thin-cuts DRIVE</c>.</summary>
    internal static async Task ThinAsync(Sentences said, string[] drives)
    {
        await WrapAsync();
        Machine machine = new("cut", new() { MaxVolumes = 16 }, drives[0]);
        CutShort trial = new(machine, said, Left, MostCommands, LookAsync);
        PoolSpec spec = new() { Name = machine.Name, Devices = machine.Devices };
        await trial.CutAsync("making the pool", null, () => machine.Backend.PlanCreatePoolAsync(spec, default), () => machine.DeleteAsync(), $"pool:{machine.Name}");
        await machine.CreateAsync(PoolRedundancy.None);
        await trial.WithAsync(async pool =>
        {
            foreach (VolumeName name in (VolumeName[])[s_one, s_two])
            {
                await Machine.RunAsync(pool.PlanCreateAsync(SpecOf(name), default), $"{name}");
            }
        });

        await trial.CutAsync("making a volume", pool => pool.PlanCreateAsync(SpecOf(s_made), default), pool => pool.PlanDeleteAsync(s_made, default), $"{s_made}");
        await trial.CutAsync("taking snapshots of several volumes", pool => Snapshots(pool).PlanSnapshotAsync([s_before, new(s_two, "before")], default), ForgetAsync, $"{s_before}", "two@before");
        await trial.WithAsync(async pool => await Machine.RunAsync(Snapshots(pool).PlanSnapshotAsync([s_before], default), $"{s_before}"));
        await trial.CutAsync("cloning", pool => Snapshots(pool).PlanCloneAsync(s_before, s_made, default), pool => pool.PlanDeleteAsync(s_made, default), $"{s_made}");
        await trial.CutAsync("rolling back", pool => Snapshots(pool).PlanRollbackAsync(s_before, default), undo: null);
    }

    /// <summary>Of a thick pool and its drives: <c>thick-cuts DRIVE DRIVE</c>.</summary>
    internal static async Task ThickAsync(Sentences said, string[] drives)
    {
        await WrapAsync();
        Machine machine = new("thick", new() { MaxVolumes = 16, Provisioning = LvmProvisioning.Thick }, drives[0]);
        await machine.CreateAsync(PoolRedundancy.None);
        (string own, string other) = (drives[0], drives[1]);
        CutShort trial = new(machine, said, Left, MostCommands, LookAsync);
        await trial.CutAsync("making a thick volume", pool => pool.PlanCreateAsync(SpecOf(s_made), default), pool => pool.PlanDeleteAsync(s_made, default), $"{s_made}");
        await trial.WithAsync(async pool => await Machine.RunAsync(pool.PlanCreateAsync(SpecOf(s_one), default), $"{s_one}"));
        await trial.CutAsync("growing a thick volume", pool => ((IResizablePool)pool).PlanGrowAsync(s_one, ByteSize.MiB(48), default), RemakeAsync, $"{s_one}");
        await trial.CutAsync("adding a drive", pool => ((IDrivePool)pool).PlanAddDriveAsync(other, default), pool => ((IDrivePool)pool).PlanRemoveDriveAsync(other, default));
        trial.UndoneRunsAgain = true;   // what was moved stays where it is
        await trial.CutAsync("replacing a drive", pool => ((IDrivePool)pool).PlanReplaceDriveAsync(own, other, default), pool => ((IDrivePool)pool).PlanReplaceDriveAsync(other, own, default));
        trial.UndoneRunsAgain = false;
        await trial.WithAsync(async pool => await Machine.RunAsync(((IDrivePool)pool).PlanAddDriveAsync(other, default)));
        await trial.CutAsync("removing a drive", pool => ((IDrivePool)pool).PlanRemoveDriveAsync(other, default), pool => ((IDrivePool)pool).PlanAddDriveAsync(other, default));
        await trial.WithAsync(async pool => await Machine.RunAsync(((IDrivePool)pool).PlanRemoveDriveAsync(other, default)));
        await trial.WithAsync(async pool => await Machine.RunAsync(pool.PlanDeleteAsync(s_one, default)));
        await trial.CutAsync("deleting the pool", null, () => machine.Backend.PlanDeletePoolAsync(machine.Name, default), () => machine.CreateAsync(PoolRedundancy.None));
    }

    // A volume is as it was once it is made again: it has no other way back to its size.
    private static async ValueTask<Plan> RemakeAsync(IStoragePool pool)
    {
        await Machine.RunAsync(pool.PlanDeleteAsync(s_one, default));
        return await pool.PlanCreateAsync(SpecOf(s_one), default);
    }

    private static async Task WrapAsync()
    {
        await File.WriteAllTextAsync("/run/lvm-wrapper", Wrapper);
        await Machine.ShellAsync("mv /usr/sbin/lvm /usr/sbin/lvm.real; cp /run/lvm-wrapper /usr/sbin/lvm; chmod 755 /usr/sbin/lvm");
    }

    private static ISnapshotPool Snapshots(IStoragePool pool) => (ISnapshotPool)pool;

    private static VolumeSpec SpecOf(VolumeName name) => new() { Name = name, Form = VolumeForm.Block, Size = ByteSize.MiB(32) };

    private static async ValueTask<Plan> ForgetAsync(IStoragePool pool)
        => (await Snapshots(pool).PlanDeleteSnapshotAsync(s_before, default)).Then(await Snapshots(pool).PlanDeleteSnapshotAsync(new(s_two, "before"), default));

    /// <summary>All that is there, but for tags and sizes of what is LVM's own.</summary>
    private static async Task<string> LookAsync()
        => (await Machine.ShellAsync("lvs --all --noheadings --options lv_name,lv_size,lv_active --separator : 2>/dev/null | grep -v pmspare | sort | tr -d ' ' | tr '\\n' ' '; pvs --noheadings --options pv_name,vg_name --separator : 2>/dev/null | sort | tr -d ' ' | tr '\\n' ' '")).Trim();
}
