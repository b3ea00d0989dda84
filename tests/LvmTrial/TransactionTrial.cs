using System.Globalization;
using EveStorage.Lvm;

namespace EveStorage.LvmTrial;

/// <summary>
/// Thin volumes as a power cut leaves them between LVM's commit and the kernel's: the kernel is a transaction behind, and has the new
/// thin device or has it not. LvmPowerLossTests of tests/Lab.Tests meets the same by cutting everywhere.
/// </summary>
internal static class TransactionTrial
{
    private const string ThinPool = "evestorage--half-Thinpool-tpool";

    private static readonly VolumeName s_one = new("one");
    private static readonly VolumeName s_two = new("two");
    private static readonly SnapshotName s_frozen = new(s_one, "frozen");

    /// <summary><c>half-made DRIVE</c>.</summary>
    internal static async Task RunAsync(Sentences said, string drive)
    {
        Machine machine = new("half", new() { MaxVolumes = 16 }, drive);
        await machine.CreateAsync(PoolRedundancy.None);
        await WithAsync(machine, async pool =>
        {
            await Machine.RunAsync(pool.PlanCreateAsync(SpecOf(s_one), default), $"{s_one}");
            await Machine.ShellAsync($"yes frozen | head -c 1048576 > {pool.PathOf(s_one)}; sync");
        });
        foreach (bool isThere in (bool[])[false, true])
        {
            string state = isThere ? "which the kernel has made and not numbered" : "which the kernel has not made";
            await said.SayAsync($"A volume {state} is there and empty when its pool is opened", () => HalfMadeAsync(
                machine, isThere, "two", pool => pool.PlanCreateAsync(SpecOf(s_two), default), s_two, ReadAsync, "0", pool => pool.PlanDeleteAsync(s_two, default)));
            await said.SayAsync($"A snapshot {state} is there and holds what was written", () => HalfMadeAsync(
                machine, isThere, null, pool => ((ISnapshotPool)pool).PlanSnapshotAsync([s_frozen], default), s_frozen, CloneAndReadAsync, "1",
                pool => ((ISnapshotPool)pool).PlanDeleteSnapshotAsync(s_frozen, default)));
            await said.SayAsync($"A clone {state} is there and holds what was written", () => CloneHalfMadeAsync(machine, isThere));
        }
    }

    private static async Task CloneHalfMadeAsync(Machine machine, bool isThere)
    {
        await WithAsync(machine, async pool => await Machine.RunAsync(((ISnapshotPool)pool).PlanSnapshotAsync([s_frozen], default), $"{s_frozen}"));
        await HalfMadeAsync(
            machine, isThere, "two", pool => ((ISnapshotPool)pool).PlanCloneAsync(s_frozen, s_two, default), s_two, ReadAsync, "1", pool => pool.PlanDeleteAsync(s_two, default));
        await WithAsync(machine, async pool => await Machine.RunAsync(((ISnapshotPool)pool).PlanDeleteSnapshotAsync(s_frozen, default)));
    }

    private static async Task HalfMadeAsync(
        Machine machine, bool isThere, string? active, Func<IStoragePool, ValueTask<Plan>> make, object made, Func<IStoragePool, Task<string>> readAsync, string expected, Func<IStoragePool, ValueTask<Plan>> delete)
    {
        await WithAsync(machine, async pool => await Machine.RunAsync(make(pool), $"{made}"));
        long now = long.Parse((await Machine.ShellAsync($"dmsetup status {ThinPool}")).Split(' ')[3], CultureInfo.InvariantCulture);
        string number = (await Machine.ShellAsync("lvs --noheadings --options thin_id,transaction_id --separator : evestorage-half | tr -d ' '")).Split('\n')
            .First(line => line.EndsWith($":{now - 1}", StringComparison.Ordinal)).Split(':')[0];
        await Machine.ShellAsync($"""
            {(active is null ? "" : $"dmsetup remove --retry evestorage--half-{active}")}
            {(isThere ? "" : $"dmsetup message {ThinPool} 0 'delete {number}'")}
            dmsetup message {ThinPool} 0 'set_transaction_id {now} {now - 1}'
            """);

        await WithAsync(machine, async pool =>
        {
            string read = await readAsync(pool);
            Sentences.Require(read == expected, $"it reads {read}, and not {expected}");
            await Machine.RunAsync(delete(pool));
        });
    }

    // Whether it begins with what was written to the one.
    private static async Task<string> ReadAsync(IStoragePool pool)
        => (await Machine.ShellAsync($"head -c 7 {pool.PathOf(s_two)} | grep -c '^frozen$' || true")).Trim();

    private static async Task<string> CloneAndReadAsync(IStoragePool pool)
    {
        await Machine.RunAsync(((ISnapshotPool)pool).PlanCloneAsync(s_frozen, s_two, default), $"{s_two}");
        string read = await ReadAsync(pool);
        await Machine.RunAsync(pool.PlanDeleteAsync(s_two, default));
        return read;
    }

    private static async Task WithAsync(Machine machine, Func<IStoragePool, Task> doAsync)
    {
        await using IStoragePool pool = await machine.OpenAsync();
        await doAsync(pool);
    }

    private static VolumeSpec SpecOf(VolumeName name) => new() { Name = name, Form = VolumeForm.Block, Size = ByteSize.MiB(16) };
}
