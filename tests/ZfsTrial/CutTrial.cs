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
    private static readonly SnapshotName s_before = new(s_one, "before");

    /// <summary>Of a stripe: <c>cuts DRIVE</c>.</summary>
    internal static async Task RunAsync(Sentences said, string[] drives)
    {
        await WrapAsync();
        Machine machine = new("cut", new(), drives[0]);
        Trial trial = new(machine, said);
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

    private static async ValueTask<Plan> ForgetAsync(IStoragePool pool)
        => (await Snapshots(pool).PlanDeleteSnapshotAsync(s_before, default)).Then(await Snapshots(pool).PlanDeleteSnapshotAsync(new(s_two, "before"), default));

    private sealed class Trial(Machine machine, Sentences said)
    {
        internal async Task WithAsync(Func<IStoragePool, Task> doAsync)
        {
            await using IStoragePool pool = await machine.OpenAsync();
            await doAsync(pool);
        }

        internal Task CutAsync(string what, Func<IStoragePool, ValueTask<Plan>> plan, Func<IStoragePool, ValueTask<Plan>>? undo, params string[] made)
            => CutAsync(what, plan, null, undo is null ? () => Task.CompletedTask : () => WithAsync(pool => Machine.RunAsync(undo(pool), made)), made);

        internal async Task CutAsync(string what, Func<IStoragePool, ValueTask<Plan>>? ofPool, Func<ValueTask<Plan>>? ofBackend, Func<Task> cleanAsync, params string[] made)
        {
            bool isWhole = false;
            for (int commands = 0; !isWhole && commands < MostCommands; commands++)
            {
                bool redo = commands % 2 == 0;
                await said.SayAsync($"Cut short after {commands} commands, {what} is {(redo ? "finished" : "undone, or finished")}", async () =>
                {
                    OperationRequest request = new() { Id = Guid.NewGuid(), Ids = made.ToDictionary(name => name, _ => Guid.NewGuid()) };
                    string before = await LookAsync();
                    isWhole = await PlannedAsync(ofPool, ofBackend, plan => ToTheCutAsync(plan, request, commands));
                    bool isDone = isWhole || await PlannedAsync(ofPool, ofBackend, plan => redo ? AgainAsync(plan, request) : UndoAsync(plan, request));
                    if (isDone)
                    {
                        await cleanAsync();
                    }

                    string after = await LookAsync();
                    Sentences.Require(before == after, $"before: {before}; after: {after}");
                });
            }

            await said.SayAsync($"In the end {what} is not cut short", () =>
            {
                Sentences.Require(isWhole, $"it fails by itself, or has more than {MostCommands} commands");
                return Task.CompletedTask;
            });
        }

        private async Task<bool> PlannedAsync(Func<IStoragePool, ValueTask<Plan>>? ofPool, Func<ValueTask<Plan>>? ofBackend, Func<Plan, Task<bool>> runAsync)
        {
            if (ofBackend is not null)
            {
                return await runAsync(await ofBackend());
            }

            await using IStoragePool pool = await machine.OpenAsync();
            return await runAsync(await ofPool!(pool));
        }

        /// <summary>Runs a plan until its commands are used up, and says whether it came to its end.</summary>
        private static async Task<bool> ToTheCutAsync(Plan plan, OperationRequest request, int commands)
        {
            await File.WriteAllTextAsync(Left, $"{commands}");
            try
            {
                foreach (StorageStep step in plan.Steps)
                {
                    await step.ApplyAsync(Machine.ContextOf(request), default);
                }

                return true;
            }
            catch (StorageException)
            {
                return false;
            }
            finally
            {
                File.Delete(Left);
            }
        }

        private static async Task<bool> AgainAsync(Plan plan, OperationRequest request)
        {
            await Machine.RunAsync(plan, request, default);
            return true;
        }

        /// <summary>Undoes a plan, or finishes it where it says that what it destroyed is gone, and says which.</summary>
        private static async Task<bool> UndoAsync(Plan plan, OperationRequest request)
        {
            try
            {
                return await RevertAsync(plan, request);
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.NeedsAttention)
            {
                return await AgainAsync(plan, request);
            }
        }

        private static async Task<bool> RevertAsync(Plan plan, OperationRequest request)
        {
            foreach (StorageStep step in plan.Steps.Reverse())
            {
                await step.RevertAsync(Machine.ContextOf(request), default);
            }

            return false;
        }

        /// <summary>All that is there.</summary>
        private static async Task<string> LookAsync()
            => (await Machine.ShellAsync("zfs list -H -t all -o name,volsize 2>/dev/null | sort | tr '\\t\\n' ': '; zpool list -H -o name; ls /sys/block | grep -c ^zd || true")).Trim();
    }
}
